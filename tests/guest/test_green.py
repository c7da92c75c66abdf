"""Calls that go aside where the threads of the standard library are green."""

from __future__ import annotations

import _thread
import threading

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
