"""Starting a process that is no child of the program: whoever waits there for any child is not told its end.

The one way to a process that is nobody's child here leads over another that starts it and ends at
once: the system then hands it on to process 1. Made by `fork`, the one between would be what
`os.wait()` is told of. It is therefore made by `clone` without a signal for its end, which no wait
for any child takes in and no SIGCHLD tells, and it runs nothing but libc's own `system`, on a stack of its own
in the program's memory, as `vfork` would: the calling thread stands still for the few milliseconds, and nothing
is copied, however much the program holds.

It is not done where it would leave something behind with whoever gets the process: where this program
is process 1 or takes in orphans itself, where the process 1 that started it may be a server that counts
its workers' ends, and where process 1 does not wait for what it is given. There, and wherever a start in
this way has failed once, a child is started in the usual way (`memmon.child.spawn`).
"""

from __future__ import annotations

import os
import posix
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.child.mark import MARK_VARIABLE
from memmon.child.session import left_unwaited
from memmon.child.spawn import Started, borrowed, close_all, pipes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_CLONE_FLAGS = 0x00000100 | 0x00004000  # CLONE_VM | CLONE_VFORK, and no signal at the end
_WAIT_ALL = 0x40000000  # __WALL: also for what ends without a signal
_GET_CHILD_SUBREAPER = 37
_STACK_BYTES = 256 * 2**10
_SHELL = Path("/bin/sh")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INITS = frozenset(
    {"systemd", "init", "tini", "docker-init", "dumb-init", "catatonit", "s6-svscan", "runit", "podman-init"}
)
"""Names of a process 1 that is there to wait for orphans."""
_UNWAITED_SECONDS = 600.0

_has_failed = False


def start(command: Sequence[str], *, left_out: Collection[str], stdin: int) -> Started | None:
    """Start a process with the program's environment, less the names in `left_out`; None where it can't be done so.

    The process gets one more argument: the number of the descriptor that is its standard input.
    """
    global _has_failed  # noqa: PLW0603 -- a fact about the process
    if _has_failed or not is_possible() or runs_libcs_system():
        return None
    try:
        found = _start(command, left_out=left_out, stdin=stdin)
    except (OSError, ValueError, AttributeError):
        found = None
    _has_failed = found is None
    return found


def note_end(process: Started, *, has_answered: bool) -> None:
    """Note how one ended: where one says nothing, the next is started in the usual way."""
    global _has_failed  # noqa: PLW0603 -- same
    if not process.is_own and not has_answered:
        _has_failed = True


def is_possible() -> bool:
    """Tell whether a process can be handed on, and whoever gets it waits for it and takes it for nothing else."""
    if sys.platform != "linux" or not hasattr(posix, "pidfd_open") or not _SHELL.exists():
        return False
    if os.getpid() == 1 or takes_in_orphans():
        return False
    if os.getppid() == 1 and _name_of_process_1() not in _INITS:
        return False
    return not left_unwaited(by=1, seconds=_UNWAITED_SECONDS)


def runs_libcs_system() -> bool:
    """Tell whether a thread of the program is in libc's `system`, as in `os.system`, or seems to be.

    While it is, SIGINT and SIGQUIT are ignored behind Python's back. Two of these calls in one memory count one
    another, and the last to end takes the ignoring back: were that the other process, it would do so for itself only.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        ignored = int(status.partition("SigIgn:")[2].split(maxsplit=1)[0], 16)
    except (OSError, ValueError, IndexError):
        return True
    return any(
        ignored & 1 << number - 1 and signal.getsignal(number) is not signal.SIG_IGN
        for number in (signal.SIGINT, signal.SIGQUIT)
    )


def takes_in_orphans() -> bool:
    """Tell whether this process is a subreaper, whose children orphans among its descendants become, or may be one."""
    try:
        import ctypes  # not part of every interpreter

        answer = ctypes.c_int(0)
        asked = ctypes.CDLL(None).prctl(_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return True
    return asked != 0 or answer.value != 0


def _name_of_process_1() -> str:
    with suppress(OSError):
        return Path("/proc/1/comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _start(command: Sequence[str], *, left_out: Collection[str], stdin: int) -> Started | None:
    sys.audit("os.posix_spawn", command[0], list(command), None)
    told, number = (end for end in posix.pipe())
    try:
        with pipes() as (output, errors), borrowed(stdin) as source, borrowed(number) as place:
            inherited = (source, output[1], errors[1], place)
            for descriptor in inherited:
                os.set_inheritable(descriptor, True)
            line = _line(
                [*command, str(source)], left_out=left_out, output=output[1], errors=errors[1], told=place
            )
            _run(line)
            posix.set_blocking(told, False)
            return _followed(int(posix.read(told, 32)), output=output[0], errors=errors[0])
    finally:
        close_all((told, number))


def _line(command: Sequence[str], *, left_out: Collection[str], output: int, errors: int, told: int) -> bytes:
    """Return the shell's line: the process in the background, and its number to `told`."""
    names = " ".join(sorted(name for name in left_out if _NAME.fullmatch(name)))
    called = f"{MARK_VARIABLE}=1 {' '.join(map(_quoted, command))}"
    # Descriptors by their paths, because not every shell takes a number of two digits.
    says = f"</dev/null >/proc/self/fd/{output} 2>/proc/self/fd/{errors}"
    parts = (
        "exec 2>/dev/null",
        f"unset {names}" if names else ":",
        f"{called} {says} & echo $! >/proc/self/fd/{told}",
    )
    return os.fsencode("\n".join(parts))


def _quoted(word: str) -> str:
    """Return a word as the shell takes it literally; the module that does so would be loaded for this alone."""
    return "'" + word.replace("'", "'\"'\"'") + "'"


def _run(line: bytes) -> None:
    """Have a process that no wait for any child is told of run a line of the shell; raises OSError."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.clone.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
    stack = ctypes.create_string_buffer(_STACK_BYTES)
    top = (ctypes.addressof(stack) + _STACK_BYTES) & ~0xF
    # The program's handlers are none of that process's, in which they would run in the program's memory.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = libc.clone(ctypes.cast(libc.system, ctypes.c_void_p), top, _CLONE_FLAGS, line)
        if pid < 0:
            raise OSError(ctypes.get_errno(), "clone")
        with suppress(ChildProcessError):
            posix.waitpid(pid, _WAIT_ALL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _followed(pid: int, *, output: int, errors: int) -> Started | None:
    found = Started(pid, output=output, errors=errors, is_own=False)
    if found.session.pidfd is None and found.session.is_leader_running():  # nothing to end it by for sure
        found.session.kill()
        found.close()
        return None
    return found  # it may have ended already: what it said is in the pipes
