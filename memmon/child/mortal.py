"""The child's own side: last in line, first to go, and gone with its program or at its time limit."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.child.session import end_own_session

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    end_with_program(
        float(seconds) if isinstance(seconds, (int, float)) else _DEFAULT_SECONDS,
        has_lifeline=bool(request.get("has_lifeline")),
    )


def end_with_program(timeout_seconds: float, *, has_lifeline: bool) -> None:
    """End this process and its session at the time limit, and (`has_lifeline`) with its program.

    The program's writer may hang, so that nobody there minds the limit.
    """
    limit = threading.Timer(timeout_seconds + _GRACE_SECONDS, end_own_session, args=(_EXIT_CODE,))
    limit.daemon = True
    limit.start()
    if has_lifeline:
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent_pid: int) -> None:
    """Wait for the end of the channel on which the request came, or of the parent."""
    waiting = select.poll()
    waiting.register(_STDIN, select.POLLIN | select.POLLHUP)
    # A process that the program forked in C may hold its end of the channel open: the parent's number tells too.
    while os.getppid() == parent_pid:
        if waiting.poll(_LOOK_SECONDS * 1000) and not os.read(_STDIN, 4096):
            break
    end_own_session(_EXIT_CODE)
