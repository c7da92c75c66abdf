"""SQLite's write-ahead log: is it whole after a commit, and does it give its room back."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.errors import StoreDamagedError
from memmon.store.connect.access import where_it_lies
from memmon.store.connect.engine import sqlite_uri
from memmon.store.connect.plain_sqlite import connect_sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from memmon.config import Database
    from memmon.store.connect.link import Link

WAL_TRUNCATE_BYTES = 4 * 2**20
_HEAD_BYTES = 32
_FRAME_HEAD_BYTES = 24
_LOOK_COUNT = 8
_LOOK_PAUSE_SECONDS = 0.01
_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


@dataclass(frozen=True, slots=True)
class WalMark:
    """How far a write-ahead log was found whole: its salt, and where the newest frame begins."""

    salt: bytes
    frame_offset_bytes: int


class WalFaultError(Exception):
    """The write-ahead log would not survive a crash."""


def require_whole_wal(link: Link, known: WalMark | None) -> WalMark | None:
    """Raise StoreDamagedError unless what `link` has just committed would survive a crash.

    While another process keeps the WAL's shared memory alive, SQLite goes on "succeeding" when
    the -wal file is removed or cut under it: its frames then lie in a file without a beginning,
    or behind a hole, and no recovery finds them. So the file at the path must have its head, and
    every frame up to the newest must carry the head's salt. Returns how far it is whole, to be
    handed in as `known` the next time: what was whole then is not read again.
    """
    path = link.info.get("path")
    if link.info.get("journal") != "wal" or path is None:
        return None
    for look in range(1, _LOOK_COUNT + 1):
        try:
            return check_wal(f"{path}-wal", known)
        except WalFaultError as error:
            # Another connection that begins the log anew (all of it was folded into the file) writes
            # the head a moment before the first frame: that passes, a cut stays.
            if look == _LOOK_COUNT:
                msg = f"{path}: its write-ahead log {error}; what it held is lost, `memmon db salvage` brings the rest back"
                raise StoreDamagedError(msg) from None
        threading.Event().wait(_LOOK_PAUSE_SECONDS)
    return None


def wal_bytes(link: Link) -> int:
    """Return the size of the log of an open connection; 0: there is none, or it is folded in."""
    try:
        return os.stat(f"{link.info.get('path')}-wal").st_size  # noqa: PTH116 -- as in `check_wal`
    except OSError:
        return 0


def check_wal(wal: str | Path, known: WalMark | None) -> WalMark:
    """Return how far a log that was just written to is whole; raises WalFaultError with what is wrong.

    An OSError says that it could not be looked at: then nothing is known. No Path is made for it: each
    made anew leaves its parts in the interpreter's table of names, which in the end is doubled.
    """
    try:
        # No locks lie on this file: closing it here drops none.
        descriptor = os.open(wal, os.O_RDONLY)
        try:
            head = os.pread(descriptor, _HEAD_BYTES, 0)
            if len(head) < _HEAD_BYTES or head[:4] not in _MAGIC:
                msg = "was removed or cut"
                raise WalFaultError(msg)
            salt = head[16:24]
            begin = known.frame_offset_bytes if known is not None and known.salt == salt else _HEAD_BYTES
            data = _read_from(descriptor, begin)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        msg = "was removed"
        raise WalFaultError(msg) from error
    frame_bytes = _FRAME_HEAD_BYTES + int.from_bytes(head[8:12], "big")
    present = [data[at + 8 : at + 16] == salt for at in range(0, len(data) - frame_bytes + 1, frame_bytes)]
    # Behind the newest frame may lie those of an earlier round, with another salt; before it, no hole.
    newest = len(present) - 1
    while newest >= 0 and not present[newest]:
        newest -= 1
    if newest < 0 or not all(present[: newest + 1]):
        msg = "was cut"
        raise WalFaultError(msg)
    return WalMark(salt, begin + newest * frame_bytes)


def _read_from(descriptor: int, begin: int) -> bytes:
    """Return all that a file holds from an offset on."""
    size = os.fstat(descriptor).st_size
    data = piece = os.pread(descriptor, max(size - begin, 0), begin)
    while piece and begin + len(data) < size:  # a kernel hands over 2 GB at most in one piece
        piece = os.pread(descriptor, size - begin - len(data), begin + len(data))
        data += piece
    return data


def truncate_wal(database: Database) -> None:
    """Fold a WAL that has grown past 4 MB back into the file; gives way at once to any reader.

    It comes after a commit: when it fails, the next one does it.
    """
    path = database.path
    if path is None:
        return
    with suppress(OSError, sqlite3.Error):
        # After every write, most of which leave none: the text of its name is enough.
        if os.stat(f"{where_it_lies(path)}-wal").st_size < WAL_TRUNCATE_BYTES:  # noqa: PTH116
            return
        with closing(connect_sqlite(sqlite_uri(path, mode="rw"), timeout_seconds=0)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
