"""Recorder: what a program embeds."""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING

from memmon.child.mark import MARK_SENTENCE
from memmon.clock import SystemClock
from memmon.config import load_settings, resolve_database
from memmon.facts import defaults
from memmon.facts.names import clean_name
from memmon.guest import lifecycle
from memmon.guest.guarded import guarded
from memmon.guest.locks import Claim, ReentrantTurn
from memmon.guest.shielding import defer_logging, log_safely
from memmon.guest.sigterm import note_sigterm as _note_sigterm
from memmon.model import Snapshot
from memmon.probe.process import machine
from memmon.recorder import validation
from memmon.recorder.forked import FOLLOW_AFTER_SECONDS
from memmon.recorder.life import RecorderLife
from memmon.recorder.relief import Pass, Relief
from memmon.recorder.run_identity import RunLabels
from memmon.recorder.sampler_thread import SamplerThread
from memmon.recorder.schedule import Schedule
from memmon.units import MIB

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from memmon.clock import Clock
    from memmon.model import Alert
    from memmon.store.write.open_run import OpenRun

log = logging.getLogger("memmon")

SIGTERM_WAIT_SECONDS = 1.5
# Another thread may be at it while it logs, and a log handler that takes a snapshot holds its own lock.
_TAKE_WAIT_SECONDS = 0.25


class Recorder(RecorderLife):
    """Records this process's memory into a database, from a thread of its own or a heartbeat.

    >>> recorder = Recorder("sqlite:///memmon.db", source="orderbot")  # doctest: +SKIP
    >>> recorder.start()  # doctest: +SKIP

    `database_url`: an SQLAlchemy URL or a path; without it the environment's
    `MEMMON_DATABASE_URL`, then the configuration file, then the default file in the user's
    state folder. `source`: what is monitored (default: the script's name). `on_alert(alert)` is
    called in the recorder's thread. `note_sigterm`: sets a handler, where the program has none, so that
    an end by SIGTERM is recorded as that; without it SIGTERM and SIGKILL look alike. `follow_forks`: processes that
    are forked from this one while it records do so by themselves, each with a run and a thread of its own; without it they record
    once they call `start()` or `take_snapshot()`. `writer`: what writes a file, `sqlite3` (the default) or `sqlalchemy`,
    which a server always goes by. Wrong arguments raise TypeError or ValueError here; nothing
    else ever raises into the program.
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
        follow_forks: bool | None = None,
        writer: str | None = None,
    ) -> None:
        settings = validation.checked_settings(
            load_settings(),
            high_memory_percent=high_memory_percent,
            leak_threshold_mb_per_hour=leak_threshold_mb_per_hour,
            alert_cooldown_minutes=alert_cooldown_minutes,
            gc_threshold_mb=gc_threshold_mb,
            daily_report=daily_report,
            leak_check=leak_check,
            follow_forks=follow_forks,
            writer=validation.writer(writer),
        )
        interval = validation.number(
            interval_seconds, "interval_seconds", low=0.0, high=validation.LONGEST_INTERVAL_SECONDS
        )
        validation.callback(on_alert, "on_alert")
        if clock is not None:
            validation.clock_like(clock)
        database = resolve_database(database_url, settings=settings)
        given = validation.optional_name(source, "source") or settings.source
        labels = RunLabels(
            source=None if given is None else clean_name(given),
            release=validation.optional_name(release, "release") or settings.release,
            role=validation.optional_name(role, "role"),
        )
        clock = clock or SystemClock()
        schedule = Schedule(interval, clock=clock)
        super().__init__(
            settings, database=database, labels=labels, schedule=schedule, clock=clock, on_alert=on_alert
        )
        self._make_sampling(heap_trim=heap_trim)
        self._notes_sigterm = bool(note_sigterm) and _note_sigterm(
            lambda: self._end(SIGTERM_WAIT_SECONDS, "sigterm")
        )
        if self._is_inert:
            log_safely(log, logging.WARNING, "memmon: %s", MARK_SENTENCE)
        else:
            lifecycle.watch(self)

    def _make_sampling(self, *, heap_trim: bool) -> None:
        """Make what relieves memory, and the thread that takes snapshots."""
        self._relief = Relief(
            threshold_bytes=int(self._settings.gc_threshold_mb * MIB),
            monotonic=self._clock.monotonic,
            stopwatch=SystemClock().monotonic,
            read_rss=lambda: self._sampler.process.read().rss_bytes,
            trim=machine.heap_trim if heap_trim else None,
        )
        self._take_turn = ReentrantTurn()
        self._is_replaced = False
        self._seat = None
        self._sampler_thread = SamplerThread(
            lambda: self._take(allow_costly=True), schedule=self._schedule, clock=self._clock
        )

    # -- snapshots -------------------------------------------------------------------------

    def should_take_snapshot(self) -> bool:
        """Tell whether an interval has passed since the last snapshot (True before the first)."""
        return self._schedule.is_due()

    def take_snapshot(self) -> Snapshot:
        """Read everything now and hand it to the writer thread; returns what was read."""
        taken = self._take(allow_costly=False)
        return taken if taken is not None else self._latest or Snapshot(at=self._clock.now())

    @guarded(default=None)
    def _take(self, *, allow_costly: bool) -> Snapshot | None:
        if self._is_inert or self._is_replaced:
            now = self._clock.monotonic()
            return self._sampler.sample(sequence=0, started_monotonic=now, work_count=None)
        with defer_logging():
            claim = Claim()
            try:
                if not self._take_turn.enter(claim, _TAKE_WAIT_SECONDS):
                    return self._latest
                return self._take_locked(allow_costly=allow_costly)
            finally:
                claim.is_free = True

    def _take_locked(self, *, allow_costly: bool) -> Snapshot:
        begun, cpu_begun = SystemClock().monotonic(), time.thread_time()
        lifecycle.follow_workers_end()
        state = self._run.ensure()
        snapshot = self._sampler.sample(
            sequence=state.next_sequence(),
            started_monotonic=state.started_monotonic,
            work_count=self._work.total(),
            allow_costly=allow_costly,
        )
        if names := self._work.by_name():
            snapshot = dataclasses.replace(snapshot, work=names)
        self._schedule.taken(snapshot.at)
        for notice in self._notices.of(snapshot):
            self._note(state, *notice)
        self._latest = self._dispatcher.latest = snapshot
        self._writer_thread.put(state, snapshot)
        # Counted when it is handed over: an exception of the program's (a signal handler's) may fall between.
        self._taken_count += 1
        self._own_cost.taken(SystemClock().monotonic() - begun, time.thread_time() - cpu_begun)
        self._after_take(snapshot)
        if self._relief.is_due(snapshot.rss_bytes):
            self._note_pass(state, self._relief.make_pass())
        return snapshot

    # -- relief ----------------------------------------------------------------------------

    def collect_garbage(self) -> Pass | None:
        """Force a collection now and record what it cost and freed."""
        return self._collect_garbage()

    @guarded(default=None)
    def _collect_garbage(self) -> Pass | None:
        state = self._run.ensure()
        done = self._relief.make_pass()
        self._note_pass(state, done)
        return done

    def _note_pass(self, state: OpenRun, done: Pass) -> None:
        data = {**done.figures, "is_stopped": self._relief.is_stopped}
        self._note(state, "gc", done.sentence, data)
        log_safely(log, logging.INFO, "memmon: garbage collection: %s", done.sentence)

    def _after_take(self, snapshot: Snapshot) -> None:
        """Do what a subclass wants with each snapshot, in the thread that took it."""

    # -- fork --------------------------------------------------------------------------------

    def after_fork_in_child(self, *, was_cut: bool) -> None:
        """Become inert: no thread, nothing held, a run of its own when the child asks for one.

        `was_cut`: the fork came in the middle of a write that it could not wait for.
        """
        self._seat = None
        self._fork.begin(was_recording=self._run.state is not None, follows=bool(self._settings.follow_forks))
        self._run.after_fork_in_child()
        self._take_turn = ReentrantTurn()
        self._sampler_thread.after_fork_in_child()
        self._keeper.after_fork_in_child(was_cut=was_cut)
        self._writer_thread.after_fork_in_child()
        self._sampler.after_fork_in_child()
        self._work.after_fork_in_child()
        self._dispatcher.after_fork_in_child()
        self.children.after_fork_in_child()
        self._latest = None
        self._taken_count = 0
        self._notices.begin_run()
        self._schedule.after_fork_in_child()
        if self._fork.is_following:
            self._sampler_thread.start(self._begin_as_sole, delay_seconds=FOLLOW_AFTER_SECONDS)
