"""The child's own side: last in line, first to go, and gone with its program or at its time limit."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.child.session import end_own_session, started_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EXIT_CODE = 3
_GRACE_SECONDS = 5.0
_DEFAULT_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_STDIN = 0


def lower_own_priority(*, is_urgent: bool = False) -> None:
    """Make this process last in line for the processor and first for the kernel's OOM killer.

    `is_urgent`: the program's first write waits for it, so that it keeps its turn on the processor.
    """
    if not is_urgent:
        with suppress(OSError, AttributeError):
            os.nice(19)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def end_with_request(request: Mapping[str, object]) -> None:
    """Do as a request's envelope says, as far as it says something; before any code that might hang."""
    seconds = request.get("timeout_seconds")
    pid, started = request.get("program_pid"), request.get("program_started_ticks")
    end_with_program(
        float(seconds) if isinstance(seconds, (int, float)) else _DEFAULT_SECONDS,
        has_lifeline=bool(request.get("has_lifeline")),
        program=(pid, started) if isinstance(pid, int) and isinstance(started, int) else None,
    )


def end_with_program(
    timeout_seconds: float, *, has_lifeline: bool, program: tuple[int, int] | None = None
) -> None:
    """End this process and its session at the time limit, and (`has_lifeline`) with its program.

    The program's writer may hang, so that nobody there minds the limit. `program`: its number and when
    it was started (clock ticks since boot); None: it is the parent, whatever that is.
    """
    limit = threading.Timer(timeout_seconds + _GRACE_SECONDS, end_own_session, args=(_EXIT_CODE,))
    limit.daemon = True
    limit.start()
    if has_lifeline:
        threading.Thread(target=_watch, args=(_is_there(program),), daemon=True).start()


def _is_there(program: tuple[int, int] | None) -> Callable[[], bool]:
    if program is None or started_ticks(program[0]) != program[1]:  # not to be seen from here
        parent = os.getppid()
        return lambda: os.getppid() == parent
    pid, started = program
    return lambda: started_ticks(pid) == started


def _watch(is_program_there: Callable[[], bool]) -> None:
    """Wait for the end of the channel on which the request came, or of the program."""
    waiting = select.poll()
    waiting.register(_STDIN, select.POLLIN | select.POLLHUP)
    # A process that the program forked in C may hold its end of the channel open.
    while is_program_there():
        if waiting.poll(_LOOK_SECONDS * 1000) and not os.read(_STDIN, 4096):
            break
    end_own_session(_EXIT_CODE)
