"""Starting a process for memmon, and its end.

It is a child of the program (`start`), or nobody's here (`memmon.child.hidden`). Both are made
below the standard library's own functions: green threads replace those of `os` and `subprocess`
by some that work in their own loop alone.
"""

from __future__ import annotations

import fcntl
import os
import posix
import signal
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.child.session import ChildSession
from memmon.guest import hooks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_FIRST = 3
"""Descriptors below are standard input, output and errors."""
_OWN_DESCRIPTORS = Path("/proc/self/fd")
_LEAST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.0005, 0.05
_GIVEN_BACK = tuple(
    number for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if (number := getattr(signal, name, None)) is not None
)
"""Signals that Python ignores, and whose default a new process gets back."""


class Started:
    """A process that was started just now: whether it has ended, and its pipes."""

    def __init__(self, pid: int, *, output: int, errors: int, is_own: bool) -> None:
        """`output` and `errors`: where to read what it says. `is_own`: it is a child of this process."""
        self.pid = pid
        self.output, self.errors = output, errors
        self.is_own = is_own
        self.session = ChildSession(pid, is_own=is_own)
        self.has_ended = False
        self.code: int | None = None
        """How it ended, as `subprocess` tells it; None: not known, as of one that is not ours to wait for."""

    def poll(self) -> bool:
        """Tell whether it has ended; a child of ours is waited for, and nobody else."""
        if not self.has_ended:
            self.has_ended = self._reap() if self.is_own else not self.session.is_leader_running()
        return self.has_ended

    def wait(self, timeout_seconds: float) -> None:
        """Wait for its end, for so long at most."""
        deadline, pause, step = time.monotonic() + timeout_seconds, threading.Event(), _LEAST_PAUSE_SECONDS
        while not self.poll() and time.monotonic() < deadline:
            pause.wait(step)
            step = min(2 * step, _LONGEST_PAUSE_SECONDS)

    def abandon(self) -> None:
        """Forget it: it is another process's."""
        self.has_ended = True

    def close(self) -> None:
        """Close the pipes, and let go of it when it has ended; one that has not is waited for at the next start."""
        close_all((self.output, self.errors))
        if self.has_ended or not self.is_own:
            self.session.close()
        else:
            _lingering.append(self)

    def _reap(self) -> bool:
        try:
            if self.session.pidfd is None:
                pid, status = posix.waitpid(self.pid, posix.WNOHANG)
                if pid:
                    self.code = os.waitstatus_to_exitcode(status)
                return pid != 0
            found = posix.waitid(posix.P_PIDFD, self.session.pidfd, posix.WEXITED | posix.WNOHANG)
        except ChildProcessError:  # the program waits for any child, and was told of this one
            return True
        if found is None:
            return False
        self.code = found.si_status if found.si_code == posix.CLD_EXITED else -found.si_status
        return True


_lingering: list[Started] = []


def reap_lingering() -> None:
    """Wait for those that had not ended when they were let go."""
    for one in list(_lingering):
        if one.poll():
            with suppress(ValueError):  # another thread did it
                _lingering.remove(one)
                one.session.close()


@hooks.in_forked_child
def _forget_lingering() -> None:
    """They are the parent's."""
    while _lingering:
        _lingering.pop().session.close()


def start(command: Sequence[str], *, environ: dict[str, str], stdin: int) -> Started:
    """Start a child that leads a session of its own; raises OSError. `stdin`: what it reads."""
    reap_lingering()
    with pipes() as (output, errors), borrowed(stdin) as source:
        ends = ((source, 0), (output[1], 1), (errors[1], 2))
        taken = [(posix.POSIX_SPAWN_DUP2, descriptor, place) for descriptor, place in ends]
        closed = [(posix.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inheritable()]
        pid = posix.posix_spawn(
            command[0],
            list(command),
            environ,
            file_actions=[*taken, *closed],
            setsid=True,
            setsigdef=_GIVEN_BACK,
        )
        return Started(pid, output=output[0], errors=errors[0], is_own=True)


@contextmanager
def pipes() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Make two pipes; their writing ends are closed in the end, after an error the reading ones too."""
    made: list[int] = []
    try:
        for _ in range(2):
            made += posix.pipe()
            made[-2:] = [_raised(end) for end in made[-2:]]
        yield (made[0], made[1]), (made[2], made[3])
    except BaseException:
        close_all(made[0::2])
        raise
    finally:
        close_all(made[1::2])


@contextmanager
def borrowed(descriptor: int) -> Iterator[int]:
    """Lend the same file by another number, above the standard ones, for as long as something is being started."""
    other = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    try:
        yield other
    finally:
        close_all([other])


def _raised(descriptor: int) -> int:
    """Return the same file by a number above the standard ones, which a daemon may have closed."""
    if descriptor >= _FIRST:
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    finally:
        posix.close(descriptor)


def close_all(descriptors: Iterable[int]) -> None:
    """Close what is open of these."""
    for descriptor in descriptors:
        with suppress(OSError):
            posix.close(descriptor)


def _inheritable() -> list[int]:
    """Return what a new process would inherit of the program's: sockets that it listens on, above all."""
    found = []
    with suppress(OSError):
        for entry in _OWN_DESCRIPTORS.iterdir():
            with suppress(OSError):
                descriptor = int(entry.name)
                if descriptor >= _FIRST and os.get_inheritable(descriptor):
                    found.append(descriptor)
    return found
