"""The children of one recorder: started where there is room, counted, braked, and ended with it."""

from __future__ import annotations

import _thread
import os
import threading
import time
from _queue import Empty
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from memmon.child.interpreter import NoInterpreterError, find_interpreter
from memmon.child.mark import MARK_SENTENCE, is_marked
from memmon.child.process import NOT_WANTED, Child
from memmon.child.requests import AnswerT_co
from memmon.child.wire import AnsweredError
from memmon.errors import ChildError
from memmon.guest.green import new_queue
from memmon.guest.locks import Claim
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    from memmon.child.interpreter import Interpreter
    from memmon.child.requests import Request
    from memmon.model import Snapshot

AnswerT = TypeVar("AnswerT")

PAUSE_SECONDS = 300.0
"""After a failure, no child is started for so long."""
FAILURE_LIMIT = 3
"""So many failures one after another, and none is started any more in this run."""
JUDGE_HEADROOM_BYTES = 300 * MIB
"""Memory that must be free under the limit before an analysis is started."""
_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.5
_SHORT_SECONDS = 90.0

_serves_itself = False


def serve_itself() -> None:
    """Note that this program serves as its own child when it is started as one."""
    global _serves_itself  # noqa: PLW0603 -- a fact about the process
    _serves_itself = True


class RunsChildren(Protocol):
    """What `Children.run` is: has a child answer a request; raises ChildError."""

    def __call__(self, request: Request[AnswerT], *, timeout_seconds: float) -> AnswerT:
        """Return the answer."""


class Children:
    """Starts the children of one recorder.

    What fails is not tried again within five minutes, and three failures one after another (or
    that there is nothing to start one with) end it for the run: `note` says why. A child that
    answers that its task failed has not failed itself.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.start_count = 0
        """How many were started in this process."""
        self._running: dict[int, Child[object]] = {}
        self._end_count = 0
        self.reset()

    def reset(self) -> None:
        """Begin anew with a new run."""
        self.failure_count = 0
        self.note: str | None = None
        """Why none is started any more in this run; None: they are."""
        self._not_before: float | None = None
        self._last_failure = ""

    def why_none(self) -> str | None:
        """Return why no child can be started here, without starting one; None: it can be tried."""
        if self.note is None:
            try:
                self._interpreter()
            except ChildError as error:
                self.note = str(error)
        return self.note

    def start(self, request: Request[AnswerT], *, timeout_seconds: float) -> RunningChild[AnswerT]:
        """Start a child and return it; raises ChildError when none can be had, or not yet again."""
        if self.note is not None:
            raise ChildError(self.note)
        now = self._monotonic()
        if self._not_before is not None and now < self._not_before:
            msg = f"{self._last_failure} (not tried again for {_waiting(self._not_before - now)})"
            raise ChildError(msg)
        ends = self._end_count
        try:
            interpreter = self._interpreter()
            self.start_count += 1
            child = Child(request, interpreter=interpreter, timeout_seconds=timeout_seconds)
        except NoInterpreterError as error:
            self.note = str(error)
            raise
        except ChildError as error:
            self._failed(error)
            raise
        self._running[id(child)] = child
        if ends != self._end_count:  # the recorder was stopped meanwhile, and may not have seen this one
            self.forget(child)
            child.kill()
            raise ChildError(NOT_WANTED)
        return RunningChild(child, self)

    def run(self, request: Request[AnswerT], *, timeout_seconds: float) -> AnswerT:
        """Run a child to its end and return its answer; raises ChildError.

        In the program's main thread a signal handler may raise between any two steps, also between
        a process's start and the note of its number: there a thread of memmon's own does it.
        """
        if threading.get_ident() == threading.main_thread().ident:
            return self._run_beside(request, timeout_seconds)
        return self._run_here(request, timeout_seconds, Claim())

    def _run_here(self, request: Request[AnswerT], timeout_seconds: float, wish: Claim) -> AnswerT:
        child = self.start(request, timeout_seconds=timeout_seconds)
        pause = threading.Event()
        try:
            while (answer := child.poll()) is None:
                if wish.is_free:
                    raise ChildError(NOT_WANTED)
                pause.wait(_POLL_SECONDS)
        finally:
            child.kill()
        return answer

    def _run_beside(self, request: Request[AnswerT], timeout_seconds: float) -> AnswerT:
        """Have it run in a thread of memmon's own, as long as this one waits."""
        wish, pid = Claim(), os.getpid()
        replies: SimpleQueue[AnswerT | BaseException] = new_queue()

        def run() -> None:
            try:
                replies.put(self._run_here(request, timeout_seconds, wish))
            except BaseException as error:  # noqa: BLE001 -- whoever waits is told
                replies.put(error)

        try:
            try:
                _thread.start_new_thread(run, ())
            except RuntimeError:  # no thread can be had, or the interpreter ends
                return self._run_here(request, timeout_seconds, wish)
            while os.getpid() == pid:  # else a signal handler forked, and the thread is the parent's
                with suppress(Empty):
                    found = replies.get(timeout=_LOOK_SECONDS)
                    if isinstance(found, BaseException):
                        raise found
                    return found
        finally:
            wish.is_free = True
        raise ChildError(NOT_WANTED)

    def end(self) -> None:
        """End every child that runs, or is being started: the recorder stops."""
        self._end_count += 1
        while self._running:
            with suppress(KeyError, RuntimeError):
                self._running.popitem()[1].kill()

    def after_fork_in_child(self) -> None:
        """Forget the parent's children."""
        running, self._running = list(self._running.values()), {}
        self.start_count = 0
        self.reset()
        for child in running:
            child.abandon()

    def forget(self, child: Child[object]) -> None:
        """Take a child that is being ended on purpose out of the count."""
        self._running.pop(id(child), None)

    @staticmethod
    def _interpreter() -> Interpreter:
        if is_marked():
            raise NoInterpreterError(MARK_SENTENCE)
        return find_interpreter(serves_itself=_serves_itself)

    def ended(self, child: Child[object], error: ChildError | None) -> None:
        """Note how a child ended: None for an answer."""
        was_wanted = self._running.pop(id(child), None) is not None
        if error is None or isinstance(error, AnsweredError):
            self.failure_count = 0
            self._not_before = None
        elif was_wanted:  # else it was ended on purpose
            self._failed(error)

    def _failed(self, error: ChildError) -> None:
        self.failure_count += 1
        self._last_failure = str(error)
        self._not_before = self._monotonic() + PAUSE_SECONDS
        if self.failure_count >= FAILURE_LIMIT:
            self.note = f"{error} ({FAILURE_LIMIT} failures one after another)"


class RunningChild(Generic[AnswerT_co]):
    """A child that was started; its end is counted."""

    def __init__(self, child: Child[AnswerT_co], children: Children) -> None:
        self._child = child
        self._children = children

    def poll(self) -> AnswerT_co | None:
        """Return the child's answer, or None while it is at work; raises ChildError as `Child.poll`."""
        try:
            answer = self._child.poll()
        except ChildError as error:
            self._children.ended(self._child, error)
            raise
        if answer is not None:
            self._children.ended(self._child, None)
        return answer

    def kill(self) -> None:
        """End it, if it runs; this is no failure."""
        self._children.forget(self._child)
        self._child.kill()


def _waiting(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < _SHORT_SECONDS else f"{seconds / 60:.0f} minutes"


def require_headroom(snapshot: Snapshot | None, *, needed_bytes: int = JUDGE_HEADROOM_BYTES) -> None:
    """Raise ChildError when a child could push the program over its limit."""
    if snapshot is None:
        return
    room = (snapshot.system_available_bytes, snapshot.limit_room_bytes)
    known = [value for value in room if value is not None]
    if known and min(known) < needed_bytes:
        msg = (
            f"only {mb_from_bytes(min(known)):,.0f} MB are free under the memory limit, "
            f"an analysis beside the program needs {mb_from_bytes(needed_bytes):,.0f} MB"
        )
        raise ChildError(msg)
