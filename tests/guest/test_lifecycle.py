"""Forks and the end of the program, as the guest follows them: it is handed what has to run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

FOLLOWER = """
import os, sys, threading
from memmon.guest import hooks, lifecycle
from memmon.guest.locks import Claim, ForkLock

class Follower:
    def __init__(self):
        self.flush_lock = ForkLock()
    def after_fork_in_child(self, *, was_cut):
        print("child", was_cut, flush=True)
    def end_with_program(self, timeout_seconds):
        print("end", timeout_seconds > 1.0, flush=True)

follower = Follower()
lifecycle.watch(follower)

def fork():
    pid = os.fork()
    if pid == 0:
        in_child()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWER + code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_follower_is_told_of_the_fork_and_of_the_end():
    """A child's follower begins anew, knows whether its lock was to be had, and the parent's is ended at exit."""
    code = """
def in_child(): pass
fork()
with follower.flush_lock:
    fork()
fork()
"""
    assert run(code) == ["child False", "child True", "child False", "end True"]


def test_a_fork_waits_for_a_turn_and_its_child_has_it_free():
    """While another thread has a turn that forks wait for, a fork waits; its child finds it free, the parent its own."""
    code = """
turn, has_begun, mine = hooks.fork_turn(), threading.Event(), Claim()
def hold():
    claim = Claim()
    assert turn.enter(claim)
    has_begun.set()
    threading.Event().wait(0.2)
    print("given back", flush=True)
    claim.is_free = True
thread = threading.Thread(target=hold)
thread.start()
has_begun.wait()
def in_child(): print("free in the child", turn.enter(Claim()), flush=True)
fork()
print("free in the parent", turn.enter(mine), flush=True)
fork()
"""
    assert run(code) == [
        "given back",
        "child False",
        "free in the child True",
        "free in the parent True",
        "child False",
        "free in the child True",
        "end True",
    ]


def test_what_fails_in_a_child_stops_nothing_else_there():
    """What is to run in each forked child runs in order; what one raises is logged, and the others run."""
    code = """
os.environ.pop("MEMMON_RAISE_INTERNAL_ERRORS", None)
@hooks.in_forked_child
def first(): raise LookupError("first")
@hooks.in_forked_child
def second(): print("second", flush=True)
def in_child(): pass
fork()
"""
    assert run(code) == ["second", "child False", "end True"]


CELERY = """
import types
class Signal:
    receivers = []
    def connect(self, receiver, *, weak, dispatch_uid):
        assert not weak
        self.receivers.append(receiver)
signals = sys.modules["celery.signals"] = types.ModuleType("celery.signals")
signals.worker_process_shutdown = Signal()
lifecycle.follow_workers_end()
lifecycle.follow_workers_end()
for receiver in Signal.receivers:
    receiver(signal=None, sender=None, pid=1, exitcode=155)
os._exit(0)
"""


def test_a_worker_of_celerys_ends_when_celery_says_so():
    """A worker of celery's pool leaves by `os._exit`; its followers are ended once, by the signal that it sends before."""
    assert run(CELERY) == ["end True"]


def test_a_fork_waits_for_what_is_read():
    """A child keeps no descriptor of a file that another thread was reading when it was forked, and reads by itself."""
    code = """
is_open, may_fork = threading.Event(), threading.Event()

def opened():
    with open("/proc/self/stat"):
        is_open.set()
        may_fork.wait(0.2)  # less than a fork waits at most

def read():
    hooks.fork_free(opened)

def in_child():
    links = [os.readlink(f"/proc/self/fd/{name}") for name in ("0", *os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{name}")]
    print("kept", sum(link.endswith("/stat") for link in links), flush=True)
    hooks.fork_free(lambda: print("reads", flush=True))

thread = threading.Thread(target=read)
thread.start()
is_open.wait()
fork()
thread.join()
"""
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112 -- no other place tells it
        pytest.skip("/proc is not here")
    assert [line for line in run(code) if not line.startswith("end")] == ["child False", "kept 0", "reads"]


def test_a_thread_that_reads_already_is_not_kept_from_reading():
    """Reading within reading neither waits nor ends the outer one; what was interrupted by an exception lets forks go on."""
    code = """
import time
def in_child(): pass
waiting = threading.Thread(target=fork)
def outer():
    hooks.fork_free(lambda: None)
    waiting.start()
    time.sleep(0.1)
    print("still", flush=True)
hooks.fork_free(outer)
waiting.join()
try:
    hooks.fork_free({}.popitem)
except KeyError:
    fork()
"""
    assert [line for line in run(code) if line != "end True"] == ["still", "child False", "child False"]
