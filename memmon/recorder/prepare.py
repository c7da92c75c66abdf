"""Making a database ready to be written: created, migrated, or moved aside when it is damaged."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.child import AnsweredError
from memmon.child.requests import Inspect, Migrate
from memmon.errors import (
    ChildError,
    ForeignStoreError,
    StoreDamagedError,
    StoreTooNewError,
    StoreTooOldError,
)
from memmon.guest import hooks
from memmon.guest.green import call_aside, is_green
from memmon.store.connect import create as creation
from memmon.store.connect.beside import SIDE_FILES
from memmon.store.connect.engine import file_identity, make_folder
from memmon.store.connect.links import write_links
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.schema.revision import read_revision, require_head

try:
    import fcntl
except ImportError:  # pragma: no cover -- not a POSIX system
    fcntl = None  # type: ignore[assignment]  # absent there: processes then meet in the transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from memmon.child.starts import RunsChildren
    from memmon.config import Database

MIGRATE_TIMEOUT_SECONDS = 60.0
INSPECT_TIMEOUT_SECONDS = 30.0
_LOCK_POLLS = 200
_LOCK_POLL_SECONDS = 0.05

_NO_LOCK: AbstractContextManager[object] = nullcontext()
_locked_descriptors: set[int] = set()


def prepare(
    database: Database,
    *,
    file_mode: int,
    run_child: RunsChildren,
    flush_lock: AbstractContextManager[object] = _NO_LOCK,
) -> None:
    """Bring the database to this version's schema; one process does, others wait.

    A new one is made here, an older file is brought forward in a child process. `flush_lock` is held
    while a connection is open, and not while the child is at work: a fork waits for it. Raises
    ChildError and the store's errors.
    """
    path = database.path
    if path is None:
        if not _create(database, flush_lock=flush_lock):
            with flush_lock:
                _refuse_to_upgrade(database)
        return
    make_folder(path.parent)
    with folder_lock(path.parent):
        if _create(database, file_mode=file_mode, flush_lock=flush_lock):
            return
        with flush_lock:
            if _is_ready(database):
                return
        try:
            run_child(
                Migrate(database=database.url, file_mode=file_mode),
                timeout_seconds=MIGRATE_TIMEOUT_SECONDS,
            )
        except ChildError as error:
            found = _as_in_the_child(error) if isinstance(error, AnsweredError) else error
            if found is not error:
                raise found from error
            if getattr(error, "sqlite_errorcode", None) is None:
                with flush_lock:
                    _tell_too_old(database, error)
            raise


def _create(
    database: Database, *, file_mode: int = 0o600, flush_lock: AbstractContextManager[object]
) -> bool:
    if not is_green():
        return creation.create(database, file_mode=file_mode, flush_lock=flush_lock)
    with flush_lock:  # a green lock is not for other threads
        return call_aside(partial(creation.create, database, file_mode=file_mode))


def _as_in_the_child(error: AnsweredError) -> Exception:
    """Return the error that the child met, so that it is dealt with as if it were met here."""
    for kind in (StoreTooNewError, ForeignStoreError, StoreDamagedError):
        if error.kind == kind.__name__:
            return kind(str(error))
    if error.error_number is not None:
        return OSError(error.error_number, str(error))
    return error


def _tell_too_old(database: Database, error: ChildError) -> None:
    """Raise StoreTooOldError where an older schema waits for a child that can't be had, or can't do it."""
    try:
        with write_links(database).connect() as link:
            found = read_revision(link)
    except Exception:  # whatever it is: the next write meets it, and says so
        return
    if found is not None and found < HEAD_REVISION:
        msg = (
            f"the database has schema {found}, this memmon needs {HEAD_REVISION}, and it can't be brought "
            f"forward here ({error}): run `memmon db upgrade` once"
        )
        raise StoreTooOldError(msg) from error


def is_damaged(database: Database, *, run_child: RunsChildren) -> str | None:
    """Return what is damaged in a file that refuses to be written, None: nothing is, or it can't be told.

    A child looks: opening and closing the file here would drop this process's locks on it.
    """
    try:
        request = Inspect(database=database.url, in_all_pages=False)
        return run_child(request, timeout_seconds=INSPECT_TIMEOUT_SECONDS).damage
    except ChildError:
        return None


def _is_ready(database: Database) -> bool:
    try:
        with write_links(database).connect() as link:
            require_head(link)
    except Exception:
        return False
    return True


def _refuse_to_upgrade(database: Database) -> None:
    """Raise StoreTooOldError unless the server's database has this version's schema.

    A server is shared: upgrading it would shut out every program that runs an older memmon, so
    that this is an operator's decision and not a restarting bot's.
    """
    with write_links(database).connect() as link:
        found = read_revision(link)
    if found != HEAD_REVISION:
        msg = (
            f"the database has schema {found or 'none'}, this memmon needs {HEAD_REVISION}: "
            "run `memmon db upgrade` once (a server is not upgraded by the bots)"
        )
        raise StoreTooOldError(msg)


def set_aside(path: Path, *, seen: tuple[int, int] | None, now: datetime) -> Path | None:
    """Move a damaged file and its side files to `*.corrupt-<UTC>`; returns the new name.

    Only the very file that was seen damaged is moved (`seen`: its identity): another process
    may have moved it already and begun a new one. Returns None when there was nothing to move.
    """
    with folder_lock(path.parent):
        if seen is None or file_identity(path) != seen:
            return None
        target = _free_name(path, now)
        path.rename(target)
        for side in SIDE_FILES:
            with suppress(OSError):
                Path(f"{path}{side}").rename(f"{target}{side}")
    return target


def _free_name(path: Path, now: datetime) -> Path:
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    return target


@contextmanager
def folder_lock(folder: Path | None) -> Iterator[None]:
    """Hold the folder's lock among memmon's processes; goes on without it after ten seconds.

    The folder itself is locked and not the database: closing a second descriptor of the
    database would drop SQLite's own locks on it.
    """
    if folder is None or fcntl is None:
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        yield
        return
    _locked_descriptors.add(descriptor)
    try:
        pause = threading.Event()
        for _ in range(_LOCK_POLLS):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pause.wait(_LOCK_POLL_SECONDS)
            else:
                break
        yield
    finally:
        _locked_descriptors.discard(descriptor)
        os.close(descriptor)


@hooks.in_forked_child
def after_fork_in_child() -> None:
    """Close the inherited descriptors of a lock and of a file in the making: they would stay open for life."""
    creation.after_fork_in_child()
    while _locked_descriptors:
        with suppress(OSError):
            os.close(_locked_descriptors.pop())
