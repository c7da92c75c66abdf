"""Names of files that are made beside a database, and the removal of those that a kill left there."""

from __future__ import annotations

import binascii
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from memmon.guest.hooks import fork_free

OLD_SECONDS = 600.0
"""A file that nobody has finished for so long is left over, whoever made it."""
SIDE_FILES = ("-wal", "-shm", "-journal")
"""What SQLite appends to a database's name for the files that it makes beside it."""
_REST = re.compile(rf"([0-9a-f]*)-(\d+)-[0-9a-f]{{16}}(?:{'|'.join(SIDE_FILES)})?")


def name_beside(path: Path) -> Path:
    """Return a name beside `path` that no other process has; it tells who made it."""
    return path.with_name(f"{path.name}.new-{_here()}-{os.getpid()}-{os.urandom(8).hex()}")


def remove_beside(made: Path) -> None:
    """Remove a file made under `name_beside`, with SQLite's side files."""
    for side in ("", *SIDE_FILES):
        with suppress(OSError):
            Path(f"{made}{side}").unlink()


def remove_leftovers(path: Path, *, now: float) -> None:
    """Remove what ended processes left beside `path`: nothing of another user's or of one still at work.

    `now`: this moment by the file system's own clock, in seconds since 1970. Whether a process
    lives can be told of those that this one would see; a folder may be shared with other hosts
    and containers, so theirs go by age alone.
    """
    begin = f"{path.name}.new-"
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            maker = _REST.fullmatch(entry.name, len(begin)) if entry.name.startswith(begin) else None
            if maker is None:
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == getattr(os, "geteuid", int)()
                # Of two names the other is the database itself: this one was only not removed in time.
                is_over = found.st_nlink > 1 or now - found.st_mtime > OLD_SECONDS
                if is_ours and (is_over or _has_ended(maker[1], int(maker[2]))):
                    Path(entry.path).unlink()


def _has_ended(where: str, pid: int) -> bool:
    if not where or where != _here():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _here() -> str:
    """Return what is the same for processes that see each other's numbers; empty where that can't be told."""
    try:
        boot = fork_free(Path("/proc/sys/kernel/random/boot_id").read_text)
        return f"{binascii.crc32((boot + str(Path('/proc/self/ns/pid').readlink())).encode()):08x}"
    except OSError:
        return ""
