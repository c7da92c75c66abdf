"""What happens to memmon when the program forks or ends.

Before a fork the flush locks are taken (a second at most, over all followers), so that no child
inherits a connection in the middle of a transaction. A child's recorders are empty and inert.
At the interpreter's end what is held is stored, within two seconds; so it is at the end of a
multiprocessing worker, which ends by `os._exit` after multiprocessing's own finalizers, and of one of celery's.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from memmon.guest import hooks, shielding
from memmon.guest.guarded import report_fault
from memmon.guest.locks import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.guest.hooks import Follower

FORK_WAIT_SECONDS = 0.8
EXIT_WAIT_SECONDS = 1.5
# After the program's own finalizers, which may still count, annotate and use what is measured.
_LAST_PRIORITY = -1_000_000
_ATTEMPTS = 100

_followers: weakref.WeakSet[Follower] = weakref.WeakSet()
# A started recorder lives until it is stopped, also when the program keeps no reference to it.
_started: set[Follower] = set()
_held: dict[int, tuple[list[threading.Lock], int]] = {}
_claims: dict[int, Claim] = {}
_is_registered = False
_worker_finalizer: Any = None
_is_celery_followed = False


def watch(follower: Follower) -> None:
    """Let `follower` follow the program's forks and its end."""
    global _is_registered  # noqa: PLW0603 -- the hooks of a process are registered once
    _followers.add(follower)
    if _is_registered:
        return
    _is_registered = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def keep(follower: Follower) -> None:
    """Keep what was started alive."""
    _started.add(follower)


def release(follower: Follower) -> None:
    """Let go of what was stopped."""
    _started.discard(follower)


def follow_workers_end() -> None:
    """In a worker of multiprocessing: end with its finalizers, for `atexit` is not run there.

    Asked with every snapshot: a forked worker begins by forgetting all finalizers.
    """
    global _worker_finalizer  # noqa: PLW0603 -- one of each process
    _follow_celerys_end()
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is None or process is None or process.parent_process() is None:
        return
    if _worker_finalizer is None or not _worker_finalizer.still_active():
        _worker_finalizer = util.Finalize(None, _at_exit, exitpriority=_LAST_PRIORITY)


def _follow_celerys_end() -> None:
    """In a worker of celery's: end when it says that it ends; it leaves by `os._exit` a moment later."""
    global _is_celery_followed  # noqa: PLW0603 -- one of each program: a forked worker has its parent's
    signals = sys.modules.get("celery.signals")
    if signals is not None and not _is_celery_followed:
        _is_celery_followed = True
        signals.worker_process_shutdown.connect(_at_celerys_end, weak=False, dispatch_uid="memmon")


def _at_celerys_end(**_: object) -> None:
    _at_exit()


def _present_followers() -> list[Follower]:
    for _ in range(_ATTEMPTS):
        with suppress(RuntimeError):  # another thread made one just now
            return list(_followers)
    return []


def _before_fork() -> None:
    deadline = time.monotonic() + FORK_WAIT_SECONDS
    claim = _claims[threading.get_ident()] = Claim()
    for turn in hooks.fork_turns:
        turn.enter(claim, max(deadline - time.monotonic(), 0.0))
    locks = [follower.flush_lock for follower in _present_followers()]
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
    global _worker_finalizer  # noqa: PLW0603 -- one of each process
    _worker_finalizer = None
    for turn in hooks.fork_turns:
        turn.after_fork_in_child()
    for begin_anew in (*hooks.in_child, shielding.after_fork_in_child):
        _attempt_in_child(begin_anew)
    for follower in _present_followers():
        _attempt_in_child(partial(follower.after_fork_in_child, was_cut=was_cut))


def _attempt_in_child(function: Callable[[], None]) -> None:
    try:
        function()
    except Exception as error:  # the child must live
        report_fault("fork", error)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_WAIT_SECONDS
    for follower in _present_followers():
        try:
            follower.end_with_program(max(deadline - time.monotonic(), 0.0))
        except Exception as error:  # the program's exit code is its own
            report_fault("exit", error)
