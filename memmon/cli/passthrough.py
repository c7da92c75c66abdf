"""Run a program as if memmon were not there: its signals go to it, its end becomes ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from memmon.child import orphans
from memmon.clock import SystemClock
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FORWARDED = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
_SI_KERNEL = 0x80
_POLL_SECONDS = 1.0


class ProgramError(MemmonError):
    """The program to record can't be started."""


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back the signals that are meant for the program, in this thread and those it starts."""
    wanted = {*_FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the program with our streams and without the held signals; raises ProgramError."""

    def let_signals_through() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_FORWARDED, signal.SIGCHLD})

    try:
        # No thread of ours runs yet, so that preexec_fn is safe.
        return subprocess.Popen(list(arguments), preexec_fn=let_signals_through)  # noqa: PLW1509 -- as above
    except FileNotFoundError:
        raise ProgramError(
            f"{arguments[0]}: no such program; 'memmon run -- PROGRAM ...' takes it as typed"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProgramError(f"{arguments[0]}: can't be started ({reason})") from None


def wait(program: subprocess.Popen[bytes], *, at_most_seconds: float | None = None) -> int | None:
    """Wait for the program's end, passing signals on; return its return code (negative: a signal).

    None: it still runs after `at_most_seconds`. Where orphans come to this process, they are waited for too.
    """
    clock = SystemClock()
    takes_in = orphans.are_taken_in()
    until = None if at_most_seconds is None else clock.monotonic() + at_most_seconds
    while (code := program.poll()) is None:
        left = _POLL_SECONDS if until is None else min(_POLL_SECONDS, until - clock.monotonic())
        if left <= 0:
            return None
        _pass_one_on(program, left)
        if takes_in:
            orphans.reap(but=program.pid)
    return code


def wait_to_end(program: subprocess.Popen[bytes]) -> int:
    """Wait for the program's end, however long, passing signals on; return its return code."""
    while (code := wait(program)) is None:
        pass
    return code


def _pass_one_on(program: subprocess.Popen[bytes], patience_seconds: float) -> None:
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait({*_FORWARDED, signal.SIGCHLD}, patience_seconds)
        # What the terminal sends (Ctrl-C) reaches the program by itself.
        if info is None or info.si_signo == signal.SIGCHLD or info.si_code == _SI_KERNEL:
            return
        number = info.si_signo
    else:  # macOS: pending signals are looked up, whoever sent them
        with suppress(subprocess.TimeoutExpired):
            program.wait(min(patience_seconds, _POLL_SECONDS / 10))
        pending = signal.sigpending() & set(_FORWARDED)
        if not pending:
            return
        number = signal.sigwait(pending)
    with suppress(ProcessLookupError):
        program.send_signal(number)


def end_like(return_code: int) -> int:
    """Return the exit code to end with; a program that died of a signal takes us with it."""
    if return_code >= 0:
        return return_code
    sys.stdout.flush()
    sys.stderr.flush()
    number = -return_code
    with suppress(OSError, ValueError, ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number
