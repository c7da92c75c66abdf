"""What happens to recorders when the host forks or ends.

Before a fork the flush locks are taken (a second at most, over all recorders), so that no child
inherits a connection in the middle of a transaction. A child's recorders are empty and inert.
At the interpreter's end what is held is stored, within two seconds.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from memmon.child import process
from memmon.guest import shielding
from memmon.guest.guarded import report_fault
from memmon.guest.locks import Claim, ReentrantTurn
from memmon.recorder import prepare

if TYPE_CHECKING:
    from memmon.recorder.recorder import Recorder

FORK_WAIT_SECONDS = 0.8
EXIT_WAIT_SECONDS = 1.5
_ATTEMPTS = 100

_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()
# A started recorder lives until it is stopped, also when the host keeps no reference to it.
_started: set[Recorder] = set()
_held: dict[int, tuple[list[threading.Lock], int]] = {}
_claims: dict[int, Claim] = {}
_is_registered = False


def watch(recorder: Recorder) -> None:
    """Let `recorder` follow the host's forks and its end."""
    global _is_registered  # noqa: PLW0603 -- the hooks of a process are registered once
    _recorders.add(recorder)
    if _is_registered:
        return
    _is_registered = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def keep(recorder: Recorder) -> None:
    """Keep a started recorder alive."""
    _started.add(recorder)


def release(recorder: Recorder) -> None:
    """Let go of a stopped recorder."""
    _started.discard(recorder)


def _snapshot_of_recorders() -> list[Recorder]:
    for _ in range(_ATTEMPTS):
        with suppress(RuntimeError):  # another thread made one just now
            return list(_recorders)
    return []


def _before_fork() -> None:
    deadline = time.monotonic() + FORK_WAIT_SECONDS
    claim = _claims[threading.get_ident()] = Claim()
    process.spawn_turn.enter(claim, FORK_WAIT_SECONDS)
    locks = [recorder.flush_lock for recorder in _snapshot_of_recorders()]
    held: list[threading.Lock] = []
    # By thread: two threads may fork at once. Noted first: a signal handler may raise at any step.
    _held[threading.get_ident()] = (held, len(locks))
    for lock in locks:
        taken = lock.acquire(max(deadline - time.monotonic(), 0.0))
        if taken is not None:
            held.append(taken)


def _after_in_parent() -> None:
    if (claim := _claims.pop(threading.get_ident(), None)) is not None:
        claim.is_free = True
    held, _ = _held.pop(threading.get_ident(), ([], 0))
    while held:
        held.pop().release()


def _after_in_child() -> None:
    held, wanted_count = _held.get(threading.get_ident(), ([], 0))
    was_cut = len(held) < wanted_count
    _held.clear()
    _claims.clear()
    _started.clear()
    process.spawn_turn = ReentrantTurn()
    prepare.after_fork_in_child()
    shielding.after_fork_in_child()
    for recorder in _snapshot_of_recorders():
        try:
            recorder.after_fork_in_child(was_cut=was_cut)
        except Exception as error:  # the child must live
            report_fault("fork", error)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_WAIT_SECONDS
    for recorder in _snapshot_of_recorders():
        try:
            recorder.end_with_host(max(deadline - time.monotonic(), 0.0))
        except Exception as error:  # the host's exit code is its own
            report_fault("exit", error)
