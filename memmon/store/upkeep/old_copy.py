"""The copy of an old file that an upgrade lays beside it: whole and of use, or none.

It may be as large as the disk has room for. An upgrade that fails (a full disk, a time limit) is
tried again and again, so that a copy bears its lasting name only when the upgrade is done, and
what a kill left of one goes with the next attempt.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import UTC
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.store.connect.beside import name_beside, remove_beside, remove_leftovers
from memmon.store.connect.engine import create_private_file, sqlite_uri

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class OldCopy:
    """Used with `with` around the upgrade's transaction: when that fails, no copy is left."""

    def __init__(self) -> None:
        self._made: Path | None = None
        self._target: Path | None = None
        self._is_kept = False

    def make(self, path: Path, *, revision: str) -> None:
        """Copy the file as it is before the upgrade; raises OSError and sqlite3.Error."""
        stamp = SystemClock().now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._target = path.with_name(f"{path.name}.before-upgrade-from-{revision}-{stamp}")
        self._made = made = name_beside(path)
        create_private_file(made)
        remove_leftovers(path, now=made.stat().st_mtime)
        with (
            closing(sqlite3.connect(sqlite_uri(path, mode="ro"), uri=True)) as old,
            closing(sqlite3.connect(made)) as new,
        ):
            old.backup(new)

    def keep(self) -> Path | None:
        """Give the copy its lasting name, just before the upgrade is committed; None: there is none."""
        if self._made is not None and self._target is not None:
            self._made.rename(self._target)
            self._is_kept = True
        return self._target

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            return
        if self._made is not None:
            remove_beside(self._made)
        if self._target is not None and self._is_kept:
            with suppress(OSError):
                self._target.unlink()
