"""The life of a Recorder: its start and its end, and that it gives way to one that is started later."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from memmon.guest import lifecycle
from memmon.guest.guarded import guarded
from memmon.guest.shielding import drain_log, log_safely
from memmon.recorder import sole, validation
from memmon.recorder.ending import end_by, fatal_error
from memmon.recorder.recording import LOG_WAIT_SECONDS, Recording
from memmon.store.write.writer import RunEnd

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from memmon.recorder.sampler_thread import SamplerThread
    from memmon.store.write.open_run import OpenRun

log = logging.getLogger("memmon")

REPLACED_WAIT_SECONDS = 60.0
"""So long a recorder that was replaced goes on storing what it holds."""


class RecorderLife(Recording):
    """How a Recorder begins, ends and is replaced; it is its base, and takes no snapshot by itself."""

    _sampler_thread: SamplerThread
    _is_replaced: bool
    _seat: sole.Seat | None

    if TYPE_CHECKING:

        def after_fork_in_child(self, *, was_cut: bool) -> None:
            """Begin anew in a forked child; `was_cut`: the fork came in the middle of a write."""

    def start(self) -> None:
        """Take a snapshot now and then every interval, in a thread of memmon's own.

        There is one recorder of a process, database and source: an earlier one that was started is ended
        (its run as `replaced`), and behaves as stopped; what was registered with it does not pass over.
        """
        self._start()

    @guarded(default=None)
    def _start(self) -> None:
        if not self._is_inert:
            self._sampler_thread.start(self._begin_sampling)

    def _begin_sampling(self) -> None:
        if self._is_replaced:  # it takes over again
            self._is_replaced = False
            self._run.close()
            self._writer_thread.open()
        self._begin_as_sole()
        self._run.ensure()

    def _begin_as_sole(self) -> None:
        """Be the one recorder of this process, database and source: what was started before is ended."""
        lifecycle.keep(self)
        key = (self._database.url, self.expected_source(), self._recorded_pid())
        self._seat = sole.Seat(key, replace=self._replace, await_threads=self._await_threads)
        sole.take_over(self._seat)

    def _recorded_pid(self) -> int:
        return os.getpid()

    def _await_threads(self, timeout_seconds: float) -> None:
        """Wait at most so long for the threads of a recorder that was replaced."""
        deadline = self._machine_clock() + timeout_seconds
        self._sampler_thread.stop(timeout_seconds)
        self._writer_thread.join(max(deadline - self._machine_clock(), 0.0))

    @guarded(default=None)
    def _replace(self) -> None:
        """End the run, as another recorder of this process, database and source was started; waits for nothing."""
        log_safely(
            log,
            logging.INFO,
            "memmon: the recorder of %s was replaced by one that was started later in this process: what this one is "
            "asked to record from now on is stored nowhere",
            self.source,
        )
        self._step_back()

    def _step_back(self, detail: str | None = None) -> None:
        """End the run in favour of another; what is held is stored meanwhile, and nobody waits for it."""
        self._is_replaced = True
        self._sampler_thread.stop(0.0)
        self._close_run("replaced", detail)
        self._writer_thread.close(REPLACED_WAIT_SECONDS)
        self._dispatcher.end()
        self.children.end()
        lifecycle.release(self)
        if self._seat is not None:  # else it would replace itself when it is started again
            sole.let_go(self._seat)

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """End the run: store what is held and end the threads, within `timeout_seconds`."""
        self._end(validation.number(timeout_seconds, "timeout_seconds", low=0.0, low_allowed=True), "stopped")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(5.0, *(("stopped", None) if kind is None else end_by(kind)))

    @guarded(default=None)
    def end_with_program(self, timeout_seconds: float) -> None:
        """Store what is held before the interpreter ends (called at exit)."""
        error = fatal_error()
        self._end(timeout_seconds, *(("exit", None) if error is None else end_by(type(error))))

    def _tell_lost(self) -> None:
        """Say what is lost with the end of the program, and why it could not be stored."""
        count, why = self.pending_count, self._keeper.last_error
        if count and why:
            sentence = "memmon: the recorder ends with %d snapshots that could not be stored: %s"
            log_safely(log, logging.WARNING, sentence, count, why)

    @guarded(default=None)
    def _end(self, timeout_seconds: float, reason: str, detail: str | None = None) -> None:
        deadline = self._machine_clock() + timeout_seconds
        self._sampler_thread.stop(min(timeout_seconds, 1.0))
        state = self._close_run(reason, detail)
        self._writer_thread.stop(max(deadline - self._machine_clock(), 0.0))
        if state is not None:
            self._tell_lost()
        drain_log(max(min(deadline - self._machine_clock(), LOG_WAIT_SECONDS), 0.0))
        self._dispatcher.end()
        self.children.end()
        lifecycle.release(self)
        if self._seat is not None:
            sole.let_go(self._seat)

    def _close_run(self, reason: str, detail: str | None = None) -> OpenRun | None:
        state = self._run.close()
        if state is not None:
            self._note(state, "run_end", reason)
            self._writer_thread.put(state, RunEnd(at=self._clock.now(), reason=reason, detail=detail))
        return state
