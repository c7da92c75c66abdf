"""Orphans: processes whose parent has ended, and which the system hands on to process 1 or to a subreaper.

A command of memmon's that starts a program and is one of these (`memmon run` as the entry point of a container) waits for
them as an init does: else each would stay as a zombie. A program that embeds memmon is left to do so itself.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from memmon.child.hidden import takes_in_orphans


def are_taken_in() -> bool:
    """Tell whether orphans become children of this process, or may: it is process 1, or a subreaper."""
    return sys.platform == "linux" and (os.getpid() == 1 or takes_in_orphans())


def reap(*, but: int) -> None:
    """Wait for every child that has ended; not for `but`, which whoever started it waits for. Never blocks.

    A child that memmon started for itself may be among them: its answer is taken all the same.
    """
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == but:
            return
        with suppress(ChildProcessError):
            os.waitpid(found.si_pid, os.WNOHANG)
