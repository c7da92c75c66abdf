"""Noting SIGTERM, for programs that ask for it: from outside it can't be told from SIGKILL.

Only with `note_sigterm=True`, from the main thread, and only where the program has no handler of its
own. The run's end is stored, then the signal does what it would have done: the process ends by
SIGTERM, with that exit status. A handler that the program sets later replaces this one.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def note_sigterm(before_end: Callable[[], None]) -> bool:
    """Call `before_end` when SIGTERM comes, then end by it; returns False where that can't be done."""
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    pid = os.getpid()

    def handle(number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            if os.getpid() == pid:  # a forked child has runs of its own, or none
                before_end()
        finally:
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, handle)
    return True
