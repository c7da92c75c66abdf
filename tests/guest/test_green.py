"""Calls that go aside where the threads of the standard library are green."""

from __future__ import annotations

import _thread
import sys
import threading
from queue import Empty, SimpleQueue

import pytest

from memmon.guest import green


@pytest.fixture
def green_threads(monkeypatch):
    """What gevent and eventlet do to the module that starts threads."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda *_: pytest.fail("a green thread"))


def test_a_call_stays_where_threads_are_the_machines():
    """Where nothing was replaced, the caller's thread makes the call."""
    assert not green.is_green()
    assert green.call_aside(threading.get_ident) == threading.get_ident()


def test_a_call_goes_aside_where_threads_are_green(green_threads):
    """A thread of the machine's makes the call, and its answer comes back."""
    assert green.is_green()
    assert green.call_aside(_thread.get_ident) != _thread.get_ident()


def test_what_a_call_raises_is_raised_where_it_was_asked_for(green_threads):
    """An error that is made aside reaches the caller as it is."""
    error = OSError(28, "full")

    def fail():
        raise error

    with pytest.raises(OSError, match="full") as caught:
        green.call_aside(fail)
    assert caught.value is error


def test_where_no_thread_can_be_had_the_caller_makes_the_call(green_threads, monkeypatch):
    """At the end of the interpreter no thread can be started; what is held is stored all the same."""

    def refuse(_function):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(green, "_start_real_thread", refuse)
    assert green.call_aside(_thread.get_ident) == _thread.get_ident()


def test_a_queue_that_is_older_than_the_green_threads_lets_the_others_go_on(green_threads, monkeypatch):
    """Such a queue is never waited for inside: the program's other threads go on between two looks."""
    inbox = SimpleQueue()
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            inbox.put("an item")

    monkeypatch.setattr(green.time, "sleep", sleep)
    assert green.get_from(inbox, 60.0) == "an item"
    assert len(slept) == 3
    with pytest.raises(Empty):
        green.get_from(inbox, 0.0)


def test_a_queue_is_waited_for_where_threads_are_the_machines(monkeypatch):
    """Elsewhere the queue itself waits, and nobody polls."""
    monkeypatch.setattr(green.time, "sleep", lambda _: pytest.fail("polled"))
    with pytest.raises(Empty):
        green.get_from(SimpleQueue(), 0.01)


def test_a_queue_is_of_the_kind_that_the_program_has(monkeypatch):
    """What made the threads green has put its own queue into the module `queue`: that one is made, else the machine's."""

    class Green:
        pass

    assert type(green.new_queue()) is SimpleQueue
    monkeypatch.setattr("queue.SimpleQueue", Green)
    assert type(green.new_queue()) is Green
    monkeypatch.delitem(sys.modules, "queue")
    assert type(green.new_queue()) is SimpleQueue
