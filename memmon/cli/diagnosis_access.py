"""What `memmon doctor` says of who may write the database, and of whether it can be written."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from memmon.cli.diagnosis_value import Diagnosis
from memmon.cli.locate import is_absent
from memmon.errors import (
    ForeignStoreError,
    MemmonError,
    StoreBusyError,
    StoreDamagedError,
    StorePermissionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memmon.config import Database

_SUBJECT = "permissions"


def permissions(path: Path) -> Iterator[Diagnosis]:
    """Look at who may read and write the file, its folder and what lies beside it."""
    from memmon.store.connect import access

    folder = existing(path.parent)
    if not access.may_write_beside(folder / path.name):
        yield _problem(access.why_no_room_beside(folder / path.name), "")
    try:
        found = path.stat()
    except OSError as error:
        if not is_absent(path):
            yield _problem(
                f"{path} can't be looked at by this user: {error.strerror}",
                "let this user enter the folders on the way, or name another database with MEMMON_DATABASE_URL",
            )
        return
    if not stat.S_ISREG(found.st_mode):
        return  # a folder such as /tmp, named in its place: what it is, is said of the database
    mode = stat.S_IMODE(found.st_mode)
    if not access.may_write(path):
        yield _problem(access.why_unwritable(path, found), "")
    elif not mode & stat.S_IWUSR:
        # Root may write it all the same; the one who records may not.
        yield _problem(f"its owner may not write {path} (mode {mode:04o})", f"chmod u+rw '{path}'")
    else:
        yield from _beside(path, found)
    if mode & stat.S_IROTH:
        yield Diagnosis(
            state="note",
            subject=_SUBJECT,
            finding=f"everybody may read {path} (mode {mode:04o})",
            advice=f"chmod o-rwx '{path}'",
        )


def _beside(path: Path, found: os.stat_result) -> Iterator[Diagnosis]:
    """Look for files left beside a database that keep it, or its owner, from being written."""
    from memmon.store.connect import access
    from memmon.store.connect.beside import SIDE_FILES

    for suffix in SIDE_FILES:
        side = access.beside(path, suffix)
        try:
            left = side.stat()
        except OSError:
            continue
        is_same_owner = left.st_uid == found.st_uid
        owner_may = left.st_mode & (stat.S_IWUSR if is_same_owner else stat.S_IWGRP | stat.S_IWOTH)
        if owner_may and access.may_write(side):
            continue
        owner, mode = access.name_of(left.st_uid), stat.S_IMODE(left.st_mode)
        is_mended = is_same_owner and left.st_uid == os.geteuid()
        yield Diagnosis(
            state="note" if is_mended else "problem",
            subject=_SUBJECT,
            finding=f"{side} belongs to {owner} (mode {mode:04o}): with it SQLite can't write {path} of {access.name_of(found.st_uid)}"
            + ("; it is mended before the next write" if is_mended else ""),
            advice=access.repair_command(path, side),
        )


def writing(database: Database) -> Iterator[Diagnosis]:
    """Try to begin a writing transaction: what no look at modes and mounts tells."""
    from memmon.store.connect.trial import require_trial

    if database.path is not None and is_absent(database.path):
        return
    try:
        require_trial(database)
    except StoreBusyError as error:
        yield Diagnosis(state="ok", subject="writing", finding=str(error))
    except StorePermissionError as error:
        # Of a file it was told above.
        if database.path is None:
            yield Diagnosis(state="note", subject="writing", finding=str(error))
    except (ForeignStoreError, StoreDamagedError):
        return  # told where the history is read
    except MemmonError as error:
        yield Diagnosis(state="problem", subject="writing", finding=str(error))
    else:
        yield Diagnosis(
            state="ok", subject="writing", finding=f"{database.shown} can be written by this user"
        )


def existing(folder: Path) -> Path:
    """Return the nearest folder above that is there and can be seen."""
    while not is_there(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def is_there(path: Path) -> bool:
    """Tell whether something can be seen at `path`; unlike Path.exists(), also where it may not be looked."""
    return os.path.exists(path)  # noqa: PTH110


def _problem(finding: str, advice: str) -> Diagnosis:
    return Diagnosis(state="problem", subject=_SUBJECT, finding=finding, advice=advice)
