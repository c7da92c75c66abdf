"""Whether a database's file may be written, and whether the files beside it let it.

SQLite gives `-wal` and `-shm` the mode that the database has at the moment. Those made while it was
read-only stay so when it no longer is, and then it can never be written again. So a writer looks
before it opens anything, and gives files left behind the database's mode, where they are its own.
Nothing here opens the database: closing a second descriptor would drop the locks on it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.errors import StorePermissionError
from memmon.store.connect.beside import SIDE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWNER_MAY_WRITE = stat.S_IRUSR | stat.S_IWUSR


def may_write(path: str | Path, *, access: int = os.R_OK | os.W_OK) -> bool:
    """Tell whether this process may read and write a file, by its effective ids; False where there is none."""
    # Asked for only where it matters: older containers refuse the call behind it, whatever the mode.
    differs = hasattr(os, "geteuid") and (os.geteuid() != os.getuid() or os.getegid() != os.getgid())
    return os.access(path, access, effective_ids=differs and os.access in os.supports_effective_ids)


def may_write_beside(path: Path) -> bool:
    """Tell whether this process may make files beside `path`."""
    return may_write(beside(path, "").parent, access=os.W_OK | os.X_OK)


def must_be_immutable(path: Path) -> bool:
    """Tell whether a reader must open the file as if it never changed: without making side files.

    So where it could not make them, and where they would be left as read-only as the file is.
    """
    found = _stat(path)
    # Root may write it whatever the mode, and would still leave them with it.
    is_left_read_only = found is not None and not found.st_mode & stat.S_IWUSR
    is_writable = may_write(path) and may_write_beside(path) and not is_left_read_only
    return not is_writable and not _size_bytes(beside(path, "-wal"))


def require_writable(path: Path) -> None:
    """Raise StorePermissionError, with whose and what to do, for a file that may not be written.

    Files beside it that are in the way are mended first. A file that isn't there is no matter of this.
    """
    if (found := _stat(path)) is None:
        return
    if not may_write(path):
        raise StorePermissionError(why_unwritable(path, found))
    real = where_it_lies(path)
    if next(_blocked(real), None) is not None:
        repair_side_files(path)
        for side in _blocked(real):
            raise StorePermissionError(why_blocked(path, side))
    if not may_write(os.path.dirname(real), access=os.W_OK | os.X_OK) and _stat(f"{real}-wal") is None:  # noqa: PTH120
        raise StorePermissionError(why_no_room_beside(path))


def where_it_lies(path: Path) -> str:
    """Return by which name the files beside a database are reached: for a link by that of the file that it leads to."""
    name = os.fspath(path)
    # Before and after each write: folders that are links lead to the same files, and need not be followed.
    return os.path.realpath(name) if os.path.islink(name) else name  # noqa: PTH114


def beside(path: Path, suffix: str) -> Path:
    """Return the name of a file that SQLite makes beside a database: beside the file that a link leads to."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + suffix)


def blocked_side_files(path: Path) -> Iterator[Path]:
    """Yield the files beside a writable database that may not be written."""
    if may_write(path):
        yield from _blocked(os.path.realpath(path))


def _blocked(real: str) -> Iterator[Path]:
    """Yield the files beside a database, by the path where it lies, that are there and may not be written."""
    for suffix in SIDE_FILES:  # before each write: no path is built that nobody sees
        side = real + suffix
        if _stat(side) is not None and not may_write(side):
            yield Path(side)


def repair_side_files(path: Path) -> None:
    """Give files beside a writable database its mode, where they are this user's and may not be written."""
    for side in blocked_side_files(path):
        with suppress(OSError):
            _chmod_own(side, _wanted_mode(path.stat()))


def _wanted_mode(database: os.stat_result) -> int:
    return stat.S_IMODE(database.st_mode) & 0o777 | _OWNER_MAY_WRITE


def _chmod_own(side: Path, mode: int) -> None:
    """Change the mode of a plain file of ours, and of no other that a link leads to."""
    o_path = getattr(os, "O_PATH", None)
    if o_path is None:
        if stat.S_ISREG(side.lstat().st_mode):
            side.chmod(mode, follow_symlinks=os.chmod not in os.supports_follow_symlinks)
        return
    # Such a descriptor holds no locks: closing it drops none of SQLite's.
    descriptor = os.open(side, o_path | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            Path(f"/proc/self/fd/{descriptor}").chmod(mode)
    finally:
        os.close(descriptor)


def why_unwritable(path: Path, found: os.stat_result) -> str:
    """Return the sentence for a database that may not be written: whose it is, and what to do."""
    mode = stat.S_IMODE(found.st_mode)
    if _is_mounted_read_only(path):
        return f"{path} lies on a file system that is mounted read-only: mount it for writing, or name another database"
    if not _is_mine(found):
        owner = name_of(found.st_uid)
        return (
            f"{path} belongs to {owner} and may not be written by {_me()} (mode {mode:04o}): record as {owner}, "
            "or let a shared group write it (`chmod g+rw`, and file_mode 0660 for new files)"
        )
    if mode & _OWNER_MAY_WRITE == _OWNER_MAY_WRITE:
        return f"{path} may not be written though its mode {mode:04o} allows it: is it marked immutable (`lsattr`), or kept from this program by the system?"
    return f"{path} is read-only (mode {mode:04o}): `chmod u+rw {_quoted(path)}`"


def why_blocked(path: Path, side: Path) -> str:
    """Return the sentence for a file beside a writable database that may not be written."""
    found = _stat(side)
    mode = 0 if found is None else stat.S_IMODE(found.st_mode)
    owner = "another user" if found is None else name_of(found.st_uid)
    return (
        f"{side} belongs to {owner} and may not be written by {_me()} (mode {mode:04o}), so that {path.name} can't be written: "
        f"as {owner} or root, {repair_command(path, side)}"
    )


def repair_command(path: Path, side: Path) -> str:
    """Return the command that lets a file beside a database be written by whoever may write that."""
    found = _stat(path)
    if found is None:
        return ""
    left = _stat(side)
    is_same = left is not None and left.st_uid == found.st_uid
    owner = "" if is_same else f"chown {found.st_uid}:{found.st_gid} {_quoted(side)} && "
    return f"`{owner}chmod {_wanted_mode(found):04o} {_quoted(side)}`"


def why_no_room_beside(path: Path) -> str:
    """Return the sentence for a folder in which SQLite can't make the files that it needs."""
    folder = beside(path, "").parent
    if _is_mounted_read_only(folder):
        return (
            f"{folder} lies on a file system that is mounted read-only: SQLite makes files beside {path.name}"
        )
    found = _stat(folder)
    mode = 0 if found is None else stat.S_IMODE(found.st_mode)
    return (
        f"{folder} may not be written by {_me()} (mode {mode:04o}), and SQLite makes files beside {path.name}: "
        f"let it be written (`chmod u+wx {_quoted(folder)}`) or name another database"
    )


def _stat(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 -- of a text too
    except OSError:
        return None


def _size_bytes(path: Path) -> int:
    found = _stat(path)
    return 0 if found is None else found.st_size


def _is_mounted_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except (OSError, AttributeError):
        return False


def _is_mine(found: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()


def _me() -> str:
    return name_of(os.geteuid()) if hasattr(os, "geteuid") else "this user"


def name_of(uid: int) -> str:
    """Return the name of a user, for people."""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"user {uid}"


def _quoted(path: Path) -> str:
    from shlex import quote

    return quote(str(path))
