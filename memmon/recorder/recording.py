"""The writing part of a Recorder: its run, what is handed to the writer thread, and what became of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from memmon.child import Children
from memmon.child.mark import MARK_SENTENCE, is_marked
from memmon.clock import SystemClock
from memmon.facts.names import clean_name
from memmon.guest.guarded import guarded
from memmon.guest.hooks import fork_free
from memmon.guest.shielding import drain_log
from memmon.model import RUN_START_EVENT, RecorderStatus
from memmon.probe.sampler import Sampler
from memmon.recorder import validation
from memmon.recorder.alerts.cooldown import Cooldown
from memmon.recorder.alerts.dispatcher import Dispatcher
from memmon.recorder.current_run import CurrentRun, oom_kill_count, start_data
from memmon.recorder.forked import Fork
from memmon.recorder.notices import Notices, OwnCost
from memmon.recorder.registrations import Registrations
from memmon.recorder.run_identity import default_source, new_run
from memmon.recorder.store_keeper import StoreKeeper
from memmon.recorder.work_counter import DEFAULT_NAME
from memmon.recorder.writer_thread import WriterThread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.clock import Clock
    from memmon.config import Database, Settings
    from memmon.guest.locks import ForkLock
    from memmon.model import Alert, RunRecord, Snapshot
    from memmon.recorder.alerts.cooldown import Candidate
    from memmon.recorder.run_identity import RunLabels
    from memmon.recorder.schedule import Schedule
    from memmon.store.write.open_run import OpenRun

LOG_WAIT_SECONDS = 0.5
_TEXT_LIMIT = 2_000


class Recording(Registrations):
    """What a Recorder writes; it is its base, and takes no snapshot by itself."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        labels: RunLabels,
        schedule: Schedule,
        clock: Clock,
        on_alert: Callable[[Alert], None] | None,
    ) -> None:
        super().__init__(clock)
        # In a process that memmon started for itself: nothing is begun, kept, written or started.
        self._is_inert = is_marked()
        self._settings = settings
        self._database = database
        self._labels = labels
        self._schedule = schedule
        self._clock = clock
        self._notes_sigterm = False
        self._fork = Fork()
        self._latest: Snapshot | None = None
        self._taken_count = 0
        self._sampler = Sampler(deques=self._deques, components=self._components, clock=clock)
        self._run = CurrentRun(new_record=self._new_record, on_open=self._begin_run, clock=clock)
        self.children = Children(monotonic=clock.monotonic)
        self._dispatcher = Dispatcher(
            settings,
            cooldown=Cooldown(on_alert=on_alert, cooldown_minutes=settings.alert_cooldown_minutes),
            database=database,
            clock=clock,
            children=self.children,
            put=self._put,
        )
        self._dispatcher.evidence.on_filling = self._components.follow
        self._keeper = StoreKeeper(
            database,
            clock=clock,
            file_mode=int(settings.file_mode, 8),
            children=self.children,
            new_names_per_day=settings.new_names_per_day,
        )
        self._writer_thread = WriterThread(
            self._keeper, clock=clock, dispatcher=self._dispatcher, is_inert=self._is_inert
        )
        thread = self._writer_thread
        self._own_cost = OwnCost(file=database.path, writer_cpu_seconds=lambda: thread.cpu_seconds)
        self._notices = Notices(
            clock=clock,
            deques=self._deques,
            components=self._components,
            sizes=self._sizes,
            own_cost=self._own_cost,
        )

    # -- what is handed over -----------------------------------------------------------------

    def annotate(self, text: str) -> None:
        """Put an event on the time axis: a deploy, a changed setting."""
        if not isinstance(text, str):
            msg = f"text must be a str, not {type(text).__name__}"
            raise TypeError(msg)
        self._annotate(text)

    @guarded(default=None)
    def _annotate(self, text: str) -> None:
        self._note(self._run.ensure(), "annotation", validation.one_line(text, _TEXT_LIMIT))

    def count_work(self, amount: int = 1, *, name: str = DEFAULT_NAME) -> None:
        """Count `amount` units of work done (messages, orders): growth is judged per unit too.

        What was counted under a `name` is read back by `Store.work_readings`.
        """
        super().count_work(amount, name=name)
        if self._fork.is_silent:
            self._fork.say(self.source, is_recording=self._run.state is not None)

    def _begin_run(self, state: OpenRun) -> None:
        record = state.record
        self._notices.begin_run()
        self.children.reset()
        self._dispatcher.begin(state)
        data = start_data(record, notes_sigterm=self._notes_sigterm)
        self._note(state, RUN_START_EVENT, record.release or "", data)

    def _new_record(self) -> RunRecord:
        record, kill_count = fork_free(self._identity)
        name = record.source if record.source_was_given else self.expected_source()
        return dataclasses.replace(record, source=name, oom_kill_count=kill_count)

    def _identity(self) -> tuple[RunRecord, int | None]:
        record = new_run(
            source=self._labels.source,
            release=self._labels.release,
            interval_seconds=self._schedule.interval_seconds,
            started_at=self._clock.now(),
            parent_uuid=self._run.parent_uuid,
            role=self._labels.role,
        )
        return record, oom_kill_count(self._sampler.limit)

    def _note(
        self, state: OpenRun, kind: str, text: str = "", data: Mapping[str, object] | None = None
    ) -> None:
        """Record an event of the run."""
        self._writer_thread.put(state, state.event(self._clock, kind, text, data))

    def expected_source(self) -> str:
        """Return the name that a run is going to have, unless the store adds a suffix."""
        return self._labels.source or clean_name(default_source())

    @guarded(default=None)
    def _submit(self, candidate: Candidate) -> None:
        self._writer_thread.put(self._run.ensure(), candidate)

    def _put(self, state: OpenRun, item: object) -> None:
        self._writer_thread.put(state, item)

    # -- what became of it -------------------------------------------------------------------

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Store all that was taken; True when it is durably stored within `timeout_seconds`."""
        timeout = validation.number(timeout_seconds, "timeout_seconds", low=0.0, low_allowed=True)
        return self._flush(timeout)

    @guarded(default=False)
    def _flush(self, timeout_seconds: float) -> bool:
        deadline = self._machine_clock() + timeout_seconds
        is_stored = self._writer_thread.flush(timeout_seconds)
        drain_log(max(min(deadline - self._machine_clock(), LOG_WAIT_SECONDS), 0.0))
        return is_stored

    @property
    def pending_count(self) -> int:
        """Snapshots taken and still held in memory."""
        return max(self._taken_count - self._keeper.stored_count - self._writer_thread.dropped_count, 0)

    @property
    def status(self) -> RecorderStatus:
        """What was taken, stored, held and dropped, and the last error."""
        return RecorderStatus(
            # A signal handler may raise between handing over and counting.
            taken_count=max(self._taken_count, self._keeper.stored_count + self._writer_thread.dropped_count),
            stored_count=self._keeper.stored_count,
            held_count=self.pending_count,
            dropped_count=self._writer_thread.dropped_count,
            last_error=MARK_SENTENCE if self._is_inert else self._keeper.last_error,
            last_stored_at=self._keeper.last_stored_at,
            source=self.source,
            database=self._database.shown,
            child_start_count=self.children.start_count,
            child_failure_count=self.children.failure_count,
            checks_off=self.children.note,
        )

    @property
    def source(self) -> str:
        """The source's name; where another script holds the default name, with its suffix once stored."""
        if self._dispatcher.source is not None:
            return self._dispatcher.source
        state = self._run.state
        return self.expected_source() if state is None else state.record.source

    @property
    def flush_lock(self) -> ForkLock:
        """Held while a connection is open; a fork waits for it."""
        return self._keeper.flush_lock

    @staticmethod
    def _machine_clock() -> float:
        return SystemClock().monotonic()
