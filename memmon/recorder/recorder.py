"""Recorder: what a program embeds."""

from __future__ import annotations

import dataclasses
import logging
import sys
import threading
from typing import TYPE_CHECKING

from memmon.child import Children
from memmon.child.mark import MARK_SENTENCE, is_marked
from memmon.clock import SystemClock
from memmon.config import load_settings, resolve_database
from memmon.facts import defaults, names
from memmon.guest.locks import ForkLock, Hold, Locks
from memmon.model import RecorderStatus, Snapshot
from memmon.probe import host
from memmon.probe.quiet import all_is_said, be_memmons_own, later, say
from memmon.probe.sampler import Sampler
from memmon.recorder import arguments, lifecycle
from memmon.recorder.desk import AlertDesk, Candidate
from memmon.recorder.guard import guarded
from memmon.recorder.identity import default_source, new_run
from memmon.recorder.registrations import Registrations
from memmon.recorder.relief import Pass, Relief
from memmon.recorder.run_state import RunState
from memmon.recorder.sigterm import note_sigterm as _note_sigterm
from memmon.recorder.teller import Teller
from memmon.recorder.worker import Worker
from memmon.store.write import RunEnd
from memmon.units import MIB

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from memmon.clock import Clock
    from memmon.model import Alert, EventRecord, RunRecord

log = logging.getLogger("memmon")

CLOCK_STEP_SECONDS = 5.0
SIGTERM_WAIT_SECONDS = 1.5
LOG_WAIT_SECONDS = 0.5
# Another thread may be at it while it logs, and a log handler that takes a snapshot holds its own lock.
_TAKE_WAIT_SECONDS = 0.25
_TEXT_LIMIT = 2_000


class Recorder(Registrations):
    """Records this process's memory into a database, from a thread of its own or a heartbeat.

    >>> recorder = Recorder("sqlite:///memmon.db", source="orderbot")  # doctest: +SKIP
    >>> recorder.start()  # doctest: +SKIP

    `database_url`: an SQLAlchemy URL or a path; without it the environment's
    `MEMMON_DATABASE_URL`, then the configuration file, then the default file in the user's
    state folder. `source`: what is monitored (default: the script's name). `on_alert(alert)` is
    called in the recorder's thread. `note_sigterm`: sets a handler, where the host has none, so that
    an end by SIGTERM is recorded as that; without it SIGTERM and SIGKILL look alike. Wrong arguments raise TypeError or ValueError here; nothing
    else ever raises into the host.
    """

    def __init__(  # noqa: PLR0913 -- settings by keyword are what embedding in three lines needs
        self,
        database_url: str | os.PathLike[str] | None = None,
        *,
        source: str | None = None,
        release: str | None = None,
        interval_seconds: float = defaults.INTERVAL_SECONDS,
        on_alert: Callable[[Alert], None] | None = None,
        clock: Clock | None = None,
        high_memory_percent: float | None = None,
        leak_threshold_mb_per_hour: float | None = None,
        alert_cooldown_minutes: float | None = None,
        gc_threshold_mb: float | None = None,
        heap_trim: bool = False,
        daily_report: bool | None = None,
        leak_check: bool | None = None,
        role: str | None = None,
        note_sigterm: bool = False,
    ) -> None:
        settings = arguments.with_given(
            load_settings(),
            high_memory_percent=arguments.optional_number(
                high_memory_percent, "high_memory_percent", high=100.0
            ),
            leak_threshold_mb_per_hour=arguments.optional_number(
                leak_threshold_mb_per_hour, "leak_threshold_mb_per_hour"
            ),
            alert_cooldown_minutes=arguments.optional_number(
                alert_cooldown_minutes, "alert_cooldown_minutes", low_allowed=True
            ),
            gc_threshold_mb=arguments.optional_number(gc_threshold_mb, "gc_threshold_mb", low_allowed=True),
            daily_report=daily_report,
            leak_check=leak_check,
        )
        self._interval_seconds = arguments.number(
            interval_seconds, "interval_seconds", low=0.0, high=arguments.LONGEST_INTERVAL_SECONDS
        )
        arguments.callback(on_alert, "on_alert")
        if clock is not None:
            arguments.clock_like(clock)
        self._settings = settings
        self._database = resolve_database(database_url, settings=settings)
        given = arguments.optional_name(source, "source") or settings.source
        self._given_source = None if given is None else names.clean_name(given)
        self._release = arguments.optional_name(release, "release") or settings.release
        self._role = arguments.optional_name(role, "role")
        self._notes_sigterm = bool(note_sigterm) and _note_sigterm(
            lambda: self._end(SIGTERM_WAIT_SECONDS, "sigterm")
        )
        # In a process that memmon started for itself: nothing is begun, kept, written or started.
        self._is_inert = is_marked()
        self._clock: Clock = clock or SystemClock()
        super().__init__(self._clock)
        self._sampler = Sampler(deques=self._deques, components=self._components, clock=self._clock)
        self._relief = self._new_relief(heap_trim=heap_trim)
        self.children = Children(monotonic=self._clock.monotonic)
        self._teller = Teller(
            settings,
            desk=AlertDesk(on_alert=on_alert, cooldown_minutes=settings.alert_cooldown_minutes),
            database=self._database,
            clock=self._clock,
            children=self.children,
            put=self._put,
        )
        self._worker = Worker(
            self._database,
            clock=self._clock,
            file_mode=int(settings.file_mode, 8),
            teller=self._teller,
            children=self.children,
            is_inert=self._is_inert,
        )
        self._locks = Locks()
        self._stop_sampling = threading.Event()
        self._sampler_thread: threading.Thread | None = None
        self._is_sampling = False
        self._state: RunState | None = None
        self._parent_uuid: str | None = None
        self._latest: Snapshot | None = None
        self._taken_count = 0
        self._told_notes: tuple[str, ...] = ()
        self._told_untracked_count = 0
        self._last_taken_at: datetime | None = None
        self._due_from_monotonic: float | None = None
        self._last_monotonic: float | None = None
        self._last_wall: float | None = None
        if self._is_inert:
            say(logging.WARNING, "memmon: %s", MARK_SENTENCE)
        else:
            lifecycle.watch(self)

    # -- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Take a snapshot now and then every interval, in a thread of memmon's own."""
        self._start()

    @guarded(default=None)
    def _start(self) -> None:
        hold = Hold()
        try:
            # Of two that start it at once, the second leaves it to the first.
            if self._is_inert or not self._locks.start.enter(hold) or self._is_sampling:
                return
            self._ensure_run()
            self._stop_sampling.clear()
            self._sampler_thread = threading.Thread(
                target=self._sample_for_ever, name="memmon-sampler", daemon=True
            )
            lifecycle.keep(self)
            self._is_sampling = True
            try:
                self._sampler_thread.start()
            except BaseException:  # no thread can be had, or a signal handler raised
                self._is_sampling = self._sampler_thread.ident is not None
                raise
        finally:
            hold.is_free = True

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """End the run: store what is held and end the threads, within `timeout_seconds`."""
        self._end(arguments.number(timeout_seconds, "timeout_seconds", low=0.0, low_allowed=True), "stopped")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(5.0, "stopped" if kind is None else "exception", None if kind is None else kind.__name__)

    @guarded(default=None)
    def end_with_host(self, timeout_seconds: float) -> None:
        """Store what is held before the interpreter ends (called at exit)."""
        # An exception that nobody caught has been printed by now; the interpreter keeps it.
        error = getattr(sys, "last_value", None)
        if error is None:
            self._end(timeout_seconds, "exit")
        else:
            self._end(timeout_seconds, "exception", type(error).__name__)

    @guarded(default=None)
    def _end(self, timeout_seconds: float, reason: str, detail: str | None = None) -> None:
        deadline = self._clock_of_host() + timeout_seconds
        self._stop_sampling.set()
        thread = self._sampler_thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(min(timeout_seconds, 1.0))
        state, self._state = self._state, None
        if state is not None:
            now = self._clock.now()
            self._worker.put(state, self._event(state, "run_end", reason))
            self._worker.put(state, RunEnd(at=now, reason=reason, detail=detail))
        self._worker.stop(max(deadline - self._clock_of_host(), 0.0))
        all_is_said(max(min(deadline - self._clock_of_host(), LOG_WAIT_SECONDS), 0.0))
        self._teller.end()
        self.children.end()
        lifecycle.release(self)

    @staticmethod
    def _clock_of_host() -> float:
        return SystemClock().monotonic()

    # -- snapshots -------------------------------------------------------------------------

    def should_take_snapshot(self) -> bool:
        """Tell whether an interval has passed since the last snapshot (True before the first)."""
        last = self._due_from_monotonic
        return last is None or self._clock.monotonic() - last >= self._interval_seconds

    def take_snapshot(self) -> Snapshot:
        """Read everything now and hand it to the writer thread; returns what was read."""
        taken = self._take(allow_costly=False)
        return taken if taken is not None else self._latest or Snapshot(at=self._clock.now())

    @guarded(default=None)
    def _take(self, *, allow_costly: bool) -> Snapshot | None:
        if self._is_inert:
            now = self._clock.monotonic()
            return self._sampler.sample(sequence=0, started_monotonic=now, work_count=None)
        with later():
            hold = Hold()
            try:
                if not self._locks.take.enter(hold, _TAKE_WAIT_SECONDS):
                    return self._latest
                return self._take_locked(allow_costly=allow_costly)
            finally:
                hold.is_free = True

    def _take_locked(self, *, allow_costly: bool) -> Snapshot:
        state = self._ensure_run()
        snapshot = self._sampler.sample(
            sequence=state.next_sequence(),
            started_monotonic=state.started_monotonic,
            work_count=self._work.total(),
            allow_costly=allow_costly,
        )
        if names := self._work.by_name():
            snapshot = dataclasses.replace(snapshot, work=names)
        self._notice_clock_step(state, snapshot)
        self._notice_components(state)
        self._notice_untracked(state)
        for sentence in self._sizes.after_snapshot(snapshot):
            self._worker.put(state, self._event(state, "autosize", sentence))
        self._latest = self._teller.latest = snapshot
        self._worker.put(state, snapshot)
        # Counted when it is handed over: an exception of the host's (a signal handler's) may fall between.
        self._taken_count += 1
        self._after_take(snapshot)
        if self._relief.is_due(snapshot.rss_bytes):
            self._note_pass(state, self._relief.make_pass())
        return snapshot

    def _notice_clock_step(self, state: RunState, snapshot: Snapshot) -> None:
        monotonic, wall = self._clock.monotonic(), snapshot.at.timestamp()
        if self._last_monotonic is not None and self._last_wall is not None:
            step_seconds = (wall - self._last_wall) - (monotonic - self._last_monotonic)
            if abs(step_seconds) > CLOCK_STEP_SECONDS:
                text = f"the wall clock stepped by {step_seconds:+.0f} s"
                data = {"step_seconds": round(step_seconds, 3)}
                self._worker.put(state, self._event(state, "clock_step", text, data))
        self._last_monotonic, self._last_wall = monotonic, wall
        self._due_from_monotonic, self._last_taken_at = monotonic, snapshot.at

    def _notice_untracked(self, state: RunState) -> None:
        """Record how many deques are beyond the cap, at first and whenever their number has doubled."""
        count = self._deques.untracked_count
        if count >= max(2 * self._told_untracked_count, 1):
            self._told_untracked_count = count
            text = f"{count} registered deques are beyond the cap: counted, not read"
            self._worker.put(state, self._event(state, "deques", text, {"untracked_count": count}))

    def _notice_components(self, state: RunState) -> None:
        """Record why a component is not measured any more, once."""
        notes = self._components.notes
        for note in notes[len(self._told_notes) :]:
            self._worker.put(state, self._event(state, "component", note))
        self._told_notes = notes

    def _sample_for_ever(self) -> None:
        be_memmons_own()
        try:
            self._sample_until_stopped()
        finally:
            self._is_sampling = False

    def _sample_until_stopped(self) -> None:
        due = self._clock.monotonic()
        while not self._stop_sampling.is_set():
            self._take(allow_costly=True)
            due += self._interval_seconds
            now = self._clock.monotonic()
            if due < now:  # the machine slept or a snapshot took long: no burst to catch up
                due = now + self._interval_seconds
            if self._stop_sampling.wait(due - now):
                return

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Store all that was taken; True when it is durably stored within `timeout_seconds`."""
        timeout = arguments.number(timeout_seconds, "timeout_seconds", low=0.0, low_allowed=True)
        return self._flush(timeout)

    @guarded(default=False)
    def _flush(self, timeout_seconds: float) -> bool:
        deadline = self._clock_of_host() + timeout_seconds
        is_stored = self._worker.flush(timeout_seconds)
        all_is_said(max(min(deadline - self._clock_of_host(), LOG_WAIT_SECONDS), 0.0))
        return is_stored

    @property
    def pending_count(self) -> int:
        """Snapshots taken and still held in memory."""
        return max(self._taken_count - self._worker.stored_count - self._worker.dropped_count, 0)

    @property
    def status(self) -> RecorderStatus:
        """What was taken, stored, held and dropped, and the last error."""
        return RecorderStatus(
            # A signal handler may raise between handing over and counting.
            taken_count=max(self._taken_count, self._worker.stored_count + self._worker.dropped_count),
            stored_count=self._worker.stored_count,
            held_count=self.pending_count,
            dropped_count=self._worker.dropped_count,
            last_error=MARK_SENTENCE if self._is_inert else self._worker.last_error,
            last_stored_at=self._worker.last_stored_at,
            source=self.source,
            database=self._database.shown,
            child_start_count=self.children.start_count,
            child_failure_count=self.children.failure_count,
            checks_off=self.children.note,
        )

    @property
    def source(self) -> str:
        """The source's name; where another script holds the default name, with its suffix once stored."""
        if self._teller.source is not None:
            return self._teller.source
        state = self._state
        return self.expected_source() if state is None else state.record.source

    # -- the run ---------------------------------------------------------------------------

    def annotate(self, text: str) -> None:
        """Put an event on the time axis: a deploy, a changed setting."""
        if not isinstance(text, str):
            msg = f"text must be a str, not {type(text).__name__}"
            raise TypeError(msg)
        self._annotate(text)

    @guarded(default=None)
    def _annotate(self, text: str) -> None:
        state = self._ensure_run()
        self._worker.put(state, self._event(state, "annotation", arguments.one_line(text, _TEXT_LIMIT)))

    def _ensure_run(self) -> RunState:
        state = self._state
        if state is not None:
            return state
        with self._locks.run:
            return self._state or self._open_run()

    def _open_run(self) -> RunState:
        record = self._new_record()
        if self._state is not None:  # a finaliser ran meanwhile, in this thread
            return self._state
        state = RunState(record, started_monotonic=self._clock.monotonic())
        self._state = state
        self._last_monotonic = self._last_wall = None
        self.children.reset()
        self._teller.begin(state)
        self._worker.put(
            state, self._event(state, "run_start", record.release or "", self._start_data(record))
        )
        return state

    def _new_record(self) -> RunRecord:
        record = new_run(
            source=self._given_source,
            release=self._release,
            interval_seconds=self._interval_seconds,
            started_at=self._clock.now(),
            parent_uuid=self._parent_uuid,
            role=self._role,
        )
        name = record.source if record.source_was_given else self.expected_source()
        return dataclasses.replace(record, source=name, oom_kill_count=self._oom_kill_count())

    def _oom_kill_count(self) -> int | None:
        counts = [item.oom_kill_count for item in self._sampler.limit.memory_events()]
        known = [count for count in counts if count is not None]
        return max(known) if known else None

    def _start_data(self, record: RunRecord) -> dict[str, object]:
        """Return what the certificate of this run's end needs, if it can't be written by the run itself."""
        data: dict[str, object] = {"notes_sigterm": True} if self._notes_sigterm else {}
        if record.oom_kill_count is not None:
            data["oom_kill_count"] = record.oom_kill_count
        return data

    def _event(
        self, state: RunState, kind: str, text: str = "", data: Mapping[str, object] | None = None
    ) -> EventRecord:
        return state.event(self._clock, kind, text, data)

    def expected_source(self) -> str:
        """Return the name that a run is going to have, unless the store adds a suffix."""
        return self._given_source or names.clean_name(default_source())

    @guarded(default=None)
    def _submit(self, candidate: Candidate) -> None:
        self._worker.put(self._ensure_run(), candidate)

    def _put(self, state: RunState, item: object) -> None:
        self._worker.put(state, item)

    # -- relief ----------------------------------------------------------------------------

    def _new_relief(self, *, heap_trim: bool) -> Relief:
        return Relief(
            threshold_bytes=int(self._settings.gc_threshold_mb * MIB),
            monotonic=self._clock.monotonic,
            stopwatch=SystemClock().monotonic,
            read_rss=lambda: self._sampler.process.read().rss_bytes,
            trim=host.heap_trim if heap_trim else None,
        )

    def collect_garbage(self) -> Pass | None:
        """Force a collection now and record what it cost and freed."""
        return self._collect_garbage()

    @guarded(default=None)
    def _collect_garbage(self) -> Pass | None:
        state = self._ensure_run()
        done = self._relief.make_pass()
        self._note_pass(state, done)
        return done

    def _note_pass(self, state: RunState, done: Pass) -> None:
        data = {**done.figures, "is_stopped": self._relief.is_stopped}
        self._worker.put(state, self._event(state, "gc", done.sentence, data))
        say(logging.INFO, "memmon: garbage collection: %s", done.sentence)

    def _after_take(self, snapshot: Snapshot) -> None:
        """Do what a subclass wants with each snapshot, in the thread that took it."""

    # -- fork --------------------------------------------------------------------------------

    @property
    def flush_lock(self) -> ForkLock:
        """Held while a connection is open; a fork waits for it."""
        return self._worker.flush_lock

    def after_fork_in_child(self, *, was_cut: bool) -> None:
        """Become inert: no thread, nothing held, a run of its own when the child asks for one.

        `was_cut`: the fork came in the middle of a write that it could not wait for.
        """
        state = self._state
        self._parent_uuid = None if state is None else state.record.uuid
        self._state = None
        self._locks = Locks()
        self._stop_sampling = threading.Event()
        self._sampler_thread = None
        self._is_sampling = False
        self._worker.after_fork_in_child(was_cut=was_cut)
        self._sampler.after_fork_in_child()
        self._work.after_fork_in_child()
        self._teller.after_fork_in_child()
        self.children.after_fork_in_child()
        self._latest = None
        self._taken_count = 0
        self._last_monotonic = self._last_wall = self._due_from_monotonic = None
