"""A new database file that gets its name when it is complete: a kill leaves nothing in its place."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from memmon.store.connect.beside import SIDE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_PART = 100
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` that nobody has; what is made there becomes `target` at the end.

    No file is removed or replaced but the one made here: raises FileExistsError when there is
    something at `target` by then.
    """
    part = target.with_name(f".{target.name[:_LONGEST_PART]}.{secrets.token_hex(6)}.part")
    try:
        yield part
        _give_name(part, target)
    finally:
        for suffix in ("", *SIDE_FILES):
            with suppress(OSError):
                part.with_name(part.name + suffix).unlink()


def _give_name(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike a renaming, it replaces nothing
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        part.rename(target)
