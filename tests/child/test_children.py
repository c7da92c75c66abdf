"""The children of one recorder: counted, braked, ended with it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from child_kit import ANSWER, INSPECT, NOTHING_FOUND, answer_of, marked_processes, stand_in, until

from memmon import Recorder
from memmon.child import Children, process, starts
from memmon.child.interpreter import NoInterpreterError
from memmon.child.mark import MARK_VARIABLE
from memmon.child.starts import FAILURE_LIMIT, PAUSE_SECONDS
from memmon.clock import ManualClock
from memmon.errors import ChildError
from memmon.guest.locks import Claim


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A maker of Children whose interpreter is a stand-in with the given body."""
    clock = ManualClock()

    def make(body):
        program = stand_in(tmp_path, body)
        monkeypatch.setattr(starts, "find_interpreter", lambda *, serves_itself: program)
        return Children(monotonic=clock.monotonic), clock

    return make


def test_what_fails_is_not_tried_again_at_once(made):
    """After a failure none is started for minutes, and three failures end it for the run."""
    children, clock = made("exit 7")
    for number in range(1, FAILURE_LIMIT + 1):
        with pytest.raises(ChildError, match="ended with code 7"):
            children.run(INSPECT, timeout_seconds=60.0)
        assert (children.start_count, children.failure_count) == (number, number)
        with pytest.raises(ChildError, match="ended with code 7"):
            children.run(INSPECT, timeout_seconds=60.0)
        assert children.start_count == number
        clock.advance(PAUSE_SECONDS + 1.0)
    with pytest.raises(ChildError, match="3 failures"):
        children.run(INSPECT, timeout_seconds=60.0)
    assert children.start_count == FAILURE_LIMIT
    assert "3 failures" in children.why_none()


def test_a_new_run_begins_anew(made):
    """What ended it for one run does not end it for the next."""
    children, clock = made("exit 7")
    for _ in range(FAILURE_LIMIT):
        with pytest.raises(ChildError):
            children.run(INSPECT, timeout_seconds=60.0)
        clock.advance(PAUSE_SECONDS + 1.0)
    children.reset()
    assert children.why_none() is None
    with pytest.raises(ChildError, match="code 7"):
        children.run(INSPECT, timeout_seconds=60.0)
    assert children.start_count == FAILURE_LIMIT + 1


def test_an_answer_ends_a_row_of_failures(made, tmp_path):
    """Failures count one after another; a child that answers that its task failed has not failed."""
    children, clock = made(
        'if [ -e answers ]; then echo \'{"error": "no"}\'; else exit 7; fi'.replace(
            "answers", str(tmp_path / "answers")
        )
    )
    for _ in range(FAILURE_LIMIT - 1):
        with pytest.raises(ChildError):
            children.run(INSPECT, timeout_seconds=60.0)
        clock.advance(PAUSE_SECONDS + 1.0)
    (tmp_path / "answers").touch()
    for _ in range(5):
        with pytest.raises(ChildError, match=r"^no$"):
            children.run(INSPECT, timeout_seconds=60.0)
    assert (children.failure_count, children.why_none()) == (0, None)


def test_the_end_of_the_recorder_ends_its_children(made):
    """A child that another thread waits for is ended at once with all it started, and is no failure."""
    children, _ = made("sleep 97 &\nexec sleep 97")
    said = []

    def wait():
        try:
            children.run(INSPECT, timeout_seconds=60.0)
        except ChildError as error:
            said.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    assert until(lambda: len(marked_processes()) >= 2)
    children.end()
    thread.join(10.0)
    assert until(lambda: marked_processes() == [])
    assert said == ["the analysis process was ended: nobody waits for its answer any more"]
    assert children.failure_count == 0


def test_a_child_that_is_being_started_ends_with_the_recorder_too(made, monkeypatch):
    """A child that another thread is just starting when the recorder stops does not outlive that start."""
    children, _ = made("exec sleep 97")
    real = starts.Child

    def start_while_stopped(*args, **more):
        child = real(*args, **more)
        children.end()
        return child

    monkeypatch.setattr(starts, "Child", start_while_stopped)
    with pytest.raises(ChildError, match="nobody waits"):
        children.start(INSPECT, timeout_seconds=60.0)
    assert marked_processes() == []
    assert children.failure_count == 0


@pytest.mark.parametrize(("later_seconds", "words"), [(0.0, "5 minutes"), (280.0, "20 seconds")])
def test_how_long_it_is_not_tried_again_is_told(made, later_seconds, words):
    """Whoever asks again too early is told when it is tried again, never that it is in 0 minutes."""
    children, clock = made("exit 7")
    with pytest.raises(ChildError):
        children.run(INSPECT, timeout_seconds=60.0)
    clock.advance(later_seconds)
    with pytest.raises(ChildError, match=f"not tried again for {words}"):
        children.run(INSPECT, timeout_seconds=60.0)


def test_nothing_to_start_one_with(monkeypatch):
    """Without an interpreter nothing is started, and the reason is known beforehand."""

    def find(*, serves_itself):
        raise NoInterpreterError("there is none")

    monkeypatch.setattr(starts, "find_interpreter", find)
    children = Children()
    assert children.why_none() == "there is none"
    with pytest.raises(ChildError, match="there is none"):
        children.run(INSPECT, timeout_seconds=60.0)
    assert children.start_count == 0


def test_a_marked_process_starts_none(monkeypatch):
    """A process that memmon started for itself starts no further one."""
    monkeypatch.setenv(MARK_VARIABLE, "1")
    with pytest.raises(ChildError, match=MARK_VARIABLE):
        Children().run(INSPECT, timeout_seconds=60.0)


def test_the_real_one():
    """With the real interpreter an answer comes, and is counted as a start without a failure."""
    children = Children()
    running = children.start(INSPECT, timeout_seconds=60.0)
    assert answer_of(running) == NOTHING_FOUND
    assert (children.start_count, children.failure_count) == (1, 0)


class _RaisedInHandler(BaseException):
    pass


# What a handler raises inside a finaliser of anybody's, the interpreter prints and goes on.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_handler_that_raises_leaves_nothing_behind(made, monkeypatch):
    """Wherever an exception of the program's falls, no process, descriptor or turn is left, and the next child starts."""
    children, _ = made(f"read line\nsleep 0.004\necho '{ANSWER}'")

    def handle(_number, frame):
        # Not in the test's own lines, which would have nobody to catch it.
        while frame is not None and frame.f_code is not Children.run.__code__:
            frame = frame.f_back
        if frame is not None:
            raise _RaisedInHandler

    before = signal.signal(signal.SIGALRM, handle)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    raised_count = 0
    try:
        for number in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + number * 0.0001)
                children.run(INSPECT, timeout_seconds=60.0)
            except _RaisedInHandler:
                raised_count += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert raised_count > 50

    def is_nothing_left():  # a zombie has a name, too
        try:
            own = [one for one in psutil.Process().children() if one.name() == "stand-in"]
        except psutil.NoSuchProcess:  # it has ended in this very moment
            return False
        return not own and len(list(Path("/proc/self/fd").iterdir())) <= descriptors

    assert until(is_nothing_left)  # those that nobody waits for any more are ended within a moment
    assert until(lambda: marked_processes() == [])
    monkeypatch.setattr(process, "LOST_AFTER_SECONDS", 50.0)  # waited for a turn that nobody gives back
    began = time.monotonic()
    assert children.run(INSPECT, timeout_seconds=60.0) == NOTHING_FOUND
    assert time.monotonic() - began < 40.0
    assert children.failure_count == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_a_child_is_being_started_is_no_cut_write(tmp_path):
    """A process forked while a child takes long to start records like any other: no write was cut in it."""
    recorder = Recorder(tmp_path / "m.db", source="bot", gc_threshold_mb=0)
    starting = Claim()
    starting.thread = 0  # another thread's
    assert process.spawn_turn.enter(starting)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        recorder.take_snapshot()
        os._exit(0 if recorder.flush(30.0) else 1)
    assert time.monotonic() - began < 30.0
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    starting.is_free = True
    recorder.stop()
