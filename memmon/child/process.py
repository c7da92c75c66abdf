"""One running child: everything heavy happens there, never in the program.

It gets one JSON object on its standard input and answers one on its standard output
(`memmon.child.requests`); a password in a URL therefore shows in no process list. It leads a session
of its own, which ends with it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from memmon.child import bootstrap, hidden, spawn
from memmon.child.channel import Lifeline, answer_output, errors_output
from memmon.child.interpreter import FROZEN_FLAG
from memmon.child.mark import MARK_VARIABLE
from memmon.child.requests import AnswerT_co
from memmon.child.wire import decode_answer, encode
from memmon.errors import ChildError
from memmon.guest import hooks
from memmon.guest.locks import LOST_AFTER_SECONDS, Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.child.interpreter import Interpreter
    from memmon.child.requests import Request
    from memmon.child.spawn import Started

NOT_WANTED = "the analysis process was ended: nobody waits for its answer any more"
_END_WAIT_SECONDS = 1.0

spawn_turn = hooks.fork_turn()
"""Had while a process is being started; a fork waits for it.

A process forked at that moment would inherit the pipe on which the start waits, and hold it open
for its whole life: the thread that starts the child would wait as long. No lock: a child is started
in the program's threads too, whose signal handlers may raise at any step and leave a lock taken.
"""


class Child(Generic[AnswerT_co]):
    """One running child; poll it, it never blocks."""

    def __init__(
        self,
        request: Request[AnswerT_co],
        *,
        interpreter: Interpreter,
        timeout_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the child; raises ChildError when it can't be started."""
        self._request = request
        self._monotonic = monotonic
        self._deadline = monotonic() + timeout_seconds
        self._timeout_seconds = timeout_seconds
        self._turn = threading.RLock()
        self._is_ended = False
        try:
            line = _request_line(request, timeout_seconds)
            self._lifeline = Lifeline()
            self._process = _start_in_turn(interpreter, self._lifeline)
            self._session = self._process.session
            self._out = answer_output(self._process.output)
            self._errors = errors_output(self._process.errors)
        except Exception as error:  # whatever the program has put in a function's place
            msg = f"the analysis process could not be started: {error}"
            raise ChildError(msg) from error
        with suppress(OSError):  # it has ended already: its answer says why
            self._lifeline.say(line)

    def poll(self) -> AnswerT_co | None:
        """Return the child's answer, or None while it is still at work.

        Raises ChildError when it failed, said too much, took longer than its time-out or was ended
        meanwhile; it is then ended with all that it started.
        """
        with self._turn:  # a number of a file that another thread closes meanwhile may be another's file
            return self._poll()

    def _poll(self) -> AnswerT_co | None:
        if self._is_ended:
            raise ChildError(NOT_WANTED)
        try:
            has_ended = self._process.poll()
            self._exchange()
            if has_ended:
                hidden.note_end(self._process, has_answered=bool(self._out.content))
                # An answer may be there although somebody that it started holds the pipe open.
                raw = _answer(bytes(self._out.content), bytes(self._errors.content), self._process.code)
                return decode_answer(self._request, raw)
            self._require_time()
        except (OSError, ValueError) as error:
            self.kill()
            msg = f"the analysis process broke off: {error}"
            raise ChildError(msg) from error
        except ChildError:
            self.kill()
            raise
        finally:
            if self._process.has_ended:
                self.kill()
        return None

    def _require_time(self) -> None:
        if self._monotonic() >= self._deadline:
            msg = f"the analysis process took longer than {self._timeout_seconds:g} s and was ended"
            raise ChildError(msg)

    def _exchange(self) -> None:
        with suppress(BrokenPipeError, ConnectionError):
            self._lifeline.advance()
        self._out.advance()
        self._errors.advance()

    def kill(self) -> None:
        """End the child at once, with every process of its session; may be called from any thread."""
        with self._turn:
            if self._is_ended:
                return
            self._is_ended = True
            if not self._process.has_ended or self._session.has_members():
                self._session.kill()
            self._process.wait(_END_WAIT_SECONDS)
            self._close()

    def abandon(self) -> None:
        """Forget a child that is another process's: this one was forked from its parent."""
        # What stays open here would keep the child alive after its program.
        self._process.abandon()
        self._is_ended = True
        self._close()

    def _close(self) -> None:
        self._lifeline.close()
        self._process.close()


def _start_in_turn(interpreter: Interpreter, lifeline: Lifeline) -> Started:
    claim = Claim()
    try:
        # Without it after so long: a fork's hook was kept from giving it back.
        spawn_turn.enter(claim, LOST_AFTER_SECONDS)
        return _start(interpreter, lifeline)
    finally:
        claim.is_free = True


def _start(interpreter: Interpreter, lifeline: Lifeline) -> Started:
    own, stdin = dict(os.environ), lifeline.childs.fileno()
    try:
        if interpreter.is_program:
            command, environ = [interpreter.path, FROZEN_FLAG], own
        else:
            command, environ = bootstrap.arguments(interpreter.path), bootstrap.environment(own)
            if (
                found := hidden.start(command, left_out=own.keys() - environ.keys(), stdin=stdin)
            ) is not None:
                return found
        return spawn.start(command, environ={**environ, MARK_VARIABLE: "1"}, stdin=stdin)
    except BaseException:
        lifeline.close()
        raise
    finally:
        lifeline.childs.close()


def _request_line(request: Request[object], timeout_seconds: float) -> bytes:
    # One line: a process forked from the program may hold the channel open, so that its end never comes.
    envelope = bootstrap.envelope(timeout_seconds=timeout_seconds)
    return json.dumps({**encode(request), **encode(envelope)}, default=str).encode() + b"\n"


def _answer(out: bytes, err: bytes, code: int | None) -> dict[str, object]:
    try:
        answer = json.loads(out.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1])
    except (ValueError, RecursionError):
        lines = err.decode("utf-8", "replace").strip().splitlines()
        how = "without an answer" if code is None else f"with code {code}"
        msg = f"the analysis process ended {how}: {lines[-1][:300] if lines else 'no word'}"
        raise ChildError(msg) from None
    if not isinstance(answer, dict):
        msg = "the analysis process gave an answer that is none"
        raise ChildError(msg)
    return answer
