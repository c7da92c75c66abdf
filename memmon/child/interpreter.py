"""Which program a child may be started with: one that is proved to be Python, without running it.

`sys.executable` is no proof. In a program packed by a freezing tool it is the program itself, in
an application server that embeds Python it is the server, and it can be empty or be set to
anything: whoever runs it may start the program again. Proved is the interpreter that lies in the
installation which the running one names as its own (`sys.base_prefix`) under a name with this
version, and whatever is the very same file; where an installation has none, the running file
itself if it bears Python's name.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.errors import ChildError

if TYPE_CHECKING:
    from collections.abc import Iterator

FROZEN_FLAG = "--memmon-child"
"""The first argument of a packed program that is started to serve as its own child."""

_PYTHON_NAME = re.compile(r"(python|pypy)(\d+(\.\d+)?)?[a-z]?")
_SCRIPT_MARK = b"#!"
_RUNNING_FILE = Path("/proc/self/exe")


class NoInterpreterError(ChildError):
    """There is nothing that a child may be started with: it is not tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What a child is started with."""

    path: str
    is_program: bool = False
    """True: a packed program that serves as its own child (`memmon.freeze_support`)."""


def is_frozen() -> bool:
    """Tell whether a freezing tool packed this program: then its binary is no interpreter."""
    names = ("frozen", "oxidized", "_MEIPASS")
    return any(getattr(sys, name, None) for name in names) or "__compiled__" in globals()


def find_interpreter(*, serves_itself: bool) -> Interpreter:
    """Return what a child may be started with; raises NoInterpreterError with the reason and the remedy.

    `serves_itself`: the program has called `memmon.freeze_support()`, so that a packed one may be
    started as its own child.
    """
    executable = sys.executable if isinstance(sys.executable, str) else ""
    if is_frozen():
        if serves_itself and _is_own_binary(executable):
            return Interpreter(path=executable, is_program=True)
        remedy = (
            f"sys.executable ({executable or 'empty'}) is not that binary"
            if serves_itself
            else "call memmon.freeze_support() first in its main"
        )
        msg = f"this program is packed into a binary of its own, which is no Python interpreter: {remedy}"
        raise NoInterpreterError(msg)
    found = _proved(executable)
    if found is None:
        msg = (
            f"no Python {sys.version_info[0]}.{sys.version_info[1]} interpreter was found in {sys.base_prefix}, "
            f"and sys.executable ({executable or 'empty'}) is not proved to be one"
        )
        raise NoInterpreterError(msg)
    return Interpreter(path=found)


def _proved(executable: str) -> str | None:
    own = next(_of_installation(), None)
    if own is not None:
        # The same file under another name, as in a virtual environment.
        return executable if _is_same(executable, own) else str(own)
    if (
        _is_same(executable, _RUNNING_FILE)
        and _PYTHON_NAME.fullmatch(Path(os.path.realpath(executable)).name)
        and _is_binary(Path(executable))
    ):
        return executable
    return None


def _is_own_binary(executable: str) -> bool:
    """Tell whether a packed program's `sys.executable` is the running file, and no launcher or later version."""
    if _RUNNING_FILE.exists():
        return _is_same(executable, _RUNNING_FILE)
    return os.access(executable, os.X_OK) and _is_binary(Path(executable))  # the system doesn't tell


def _of_installation() -> Iterator[Path]:
    """Yield the interpreters of this version in the installation that the running one belongs to."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    name = "pypy" if sys.implementation.name == "pypy" else "python"
    flags = getattr(sys, "abiflags", "")
    # Without the global lock it is another interpreter, whose packages the plain one can't load.
    suffixes = (flags,) if "t" in flags else (flags, "")
    # An application that embeds Python may leave them empty, or unset; a relative one means any folder.
    prefixes = [
        one
        for one in (sys.base_prefix, sys.base_exec_prefix)
        if isinstance(one, str) and Path(one).is_absolute()
    ]
    for prefix in dict.fromkeys(prefixes):
        for suffix in dict.fromkeys(suffixes):
            path = Path(prefix, "bin", f"{name}{version}{suffix}")
            if os.access(path, os.X_OK) and _is_binary(path):
                yield path


def _is_binary(path: Path) -> bool:
    """Tell whether it is a file and no script, which might start anything."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SCRIPT_MARK)) not in {b"", _SCRIPT_MARK}
    except OSError:
        return False


def _is_same(executable: str, path: Path) -> bool:
    try:
        return bool(executable) and Path(executable).samefile(path)
    except (OSError, ValueError):
        return False
