"""Log lines of memmon's own threads: said in order, by a thread that may hang alone."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from memmon import Recorder
from memmon.guest import shielding
from memmon.guest.log_thread import LINES_LIMIT, LogThread


class Hanging(logging.Handler):
    """A host's log handler that comes back when it is let go, save in the host's main thread."""

    def __init__(self):
        super().__init__()
        self.go_on, self.said = threading.Event(), []

    def emit(self, record):
        if threading.current_thread() is not threading.main_thread():
            self.go_on.wait(60.0)
        self.said.append(record.getMessage())


def test_a_log_handler_that_hangs_stops_no_recording(tmp_path):
    """While the host's log handler hangs, snapshots are taken by the thread and stored, and a stop is quick."""
    handler, unbounded = Hanging(), deque()
    logging.getLogger("memmon").addHandler(handler)
    try:
        recorder = Recorder(tmp_path / "h.db", source="bot", interval_seconds=0.01, gc_threshold_mb=0)
        recorder.register_deque("orders", unbounded)
        recorder.start()
        deadline = time.monotonic() + 60.0
        while recorder.status.stored_count < 30 and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        assert recorder.flush(30.0)
        assert recorder.status.stored_count >= 30
        recorder.stop(30.0)
        assert recorder.pending_count == 0
        assert not any("orders" in line for line in handler.said)
        handler.go_on.set()
        while not any("orders" in line for line in handler.said) and time.monotonic() < deadline + 60.0:
            threading.Event().wait(0.02)  # a thread that has hung for long is not waited for by drain_log
        assert shielding.drain_log(30.0)
        assert any("orders" in line for line in handler.said)
    finally:
        handler.go_on.set()
        logging.getLogger("memmon").removeHandler(handler)


def test_what_is_handed_over_is_said_in_order():
    """All calls are made, one after the other, in one thread; what one raises is lost and stops nothing."""
    log_thread, said, threads = LogThread(), [], set()

    def say(number):
        threads.add(threading.get_ident())
        said.append(number)
        if number % 3 == 0:
            raise SystemExit(number)

    for number in range(200):
        log_thread.call(lambda number=number: say(number))
    assert log_thread.drain(30.0)
    assert said == list(range(200))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_nothing_to_say_needs_no_thread():
    """A recorder that has nothing to say begins no further thread, and does not wait for one."""
    log_thread = LogThread()
    assert log_thread.drain(30.0)
    assert log_thread._thread is None


def test_lines_for_a_handler_that_hangs_are_bounded():
    """What can't be said is not kept for ever; waiting for it is given up in time."""
    log_thread, go_on = LogThread(), threading.Event()
    log_thread.call(lambda: go_on.wait(60.0))
    for _ in range(3 * LINES_LIMIT):
        log_thread.call(lambda: None)
    assert not log_thread.drain(0.05)
    assert log_thread._calls.qsize() <= LINES_LIMIT + 1
    go_on.set()
    assert log_thread.drain(30.0)


def test_the_thread_is_begun_again_after_it_has_ended(monkeypatch):
    """A log thread that had nothing to say for a while ends its thread, and speaks again when asked."""
    monkeypatch.setattr("memmon.guest.log_thread.IDLE_SECONDS", 0.01)
    log_thread, said = LogThread(), []
    for number in range(3):
        log_thread.call(lambda number=number: said.append(number))
        assert log_thread.drain(30.0)
        thread = log_thread._thread
        thread.join(30.0)
        assert not thread.is_alive()
    assert said == [0, 1, 2]
