"""What the writer thread tells the program: alerts from single snapshots and from the hourly check."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from memmon.alerts import conditions
from memmon.alerts.kinds import AlertKind
from memmon.alerts.pace import PaceReading, PresentReadings, speaks_beside
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import Memory, PresentState
from memmon.child.requests import Check
from memmon.facts.run_endings import END_WORDS, PROVED_ENDS
from memmon.guest.shielding import log_safely
from memmon.model import Snapshot
from memmon.recorder.alerts.cooldown import Candidate
from memmon.recorder.alerts.evidence import EvidenceGatherer
from memmon.recorder.alerts.hourly_check import CHECK_EVERY_SECONDS, CheckCalls, CheckPlan, HourlyCheck
from memmon.recorder.child_watch import ChildWatch
from memmon.recorder.refused_names import RefusedNames
from memmon.store.connect.engine import file_identity
from memmon.store.write.writer import StoredReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.alerts.pace import Pace
    from memmon.alerts.state_machine import Observation
    from memmon.child import Children
    from memmon.child.requests import Checked
    from memmon.clock import Clock
    from memmon.config import Database, Settings
    from memmon.recorder.alerts.cooldown import Cooldown
    from memmon.store.write.open_run import OpenRun
    from memmon.store.write.run_endings import FoundEnding
    from memmon.store.write.writer import Written

log = logging.getLogger("memmon")

_CHECK_HOLDS_SECONDS = 1.25 * CHECK_EVERY_SECONDS
"""So long what a check has found stands: until the next one, and what delays it."""


class Dispatcher:
    """Only the writer thread comes here, except where a method says otherwise."""

    def __init__(
        self,
        settings: Settings,
        *,
        cooldown: Cooldown,
        database: Database,
        clock: Clock,
        children: Children,
        put: Callable[[OpenRun, object], None],
    ) -> None:
        """`put` hands what is to be stored back to the writer."""
        self.settings = settings
        self.cooldown = cooldown
        self.source: str | None = None
        """The source's name in the store; None until the first write."""
        self.latest: Snapshot | None = None
        self.judges_high_memory = True
        """False where the program's own thread finds high memory (MemoryMonitor)."""
        self.on_damage: Callable[[str, object], None] = lambda _text, _seen: None
        """Called when two looks have found the file damaged, with its identity at the time."""
        self.is_scheduled = True
        """False where another recorder checks, and looks after the children, for this one too."""
        self._database = database
        self._clock = clock
        self._put = put
        self._state: OpenRun | None = None
        self._policy = AlertPolicy.from_settings(settings)
        self._pending: list[Candidate] = []
        self._readings = PresentReadings(interval_seconds=None)
        self._dated_at: float | None = None
        """When the last check has found a date within a day: the pace is not told beside it."""
        self._had_pace = False
        self.evidence = EvidenceGatherer(clock=clock, put=put)
        self.child_watch = ChildWatch(clock=clock, put=put)
        self._refused_names = RefusedNames(settings.new_names_per_day)
        self._hourly_check = HourlyCheck(
            CheckPlan(leak_check=settings.leak_check, daily_report=settings.daily_report),
            CheckCalls(
                request=self._check_request,
                latest=lambda: self.latest,
                identity=lambda: None if database.path is None else file_identity(database.path),
                on_answer=self._on_check,
                on_damage=self._tell_damage,
                on_off=self._tell_off,
            ),
            clock=clock,
            children=children,
        )

    # -- called by the recorder, in the program's threads ----------------------------------------

    def begin(self, state: OpenRun) -> None:
        """Follow a new run."""
        self._state = state
        self._forget_pace(state.record.interval_seconds)
        self.evidence.reset()
        self.child_watch.begin(state)
        self._refused_names.begin_run()
        self._hourly_check.reset()

    def end(self) -> None:
        """End what still runs: the recorder stops."""
        self.child_watch.begin(None)
        self._hourly_check.end()

    def after_fork_in_child(self) -> None:
        """Forget what the parent was about to tell; its child process is not ours."""
        self._state = None
        self._pending = []
        self._forget_pace(None)
        self.evidence.reset()
        self.child_watch.after_fork_in_child()
        self._hourly_check.after_fork_in_child()

    # -- the writer thread --------------------------------------------------------------------

    def on_item(self, state: OpenRun, item: object) -> None:
        """Look at what was handed over; what it calls for is told after the next write."""
        if isinstance(item, Candidate):
            self._pending.append(item)
        elif isinstance(item, Snapshot):
            self._pending.extend(Candidate(seen, item.at) for seen in self._seen_in(state, item))

    def _forget_pace(self, interval_seconds: float | None) -> None:
        self._readings = PresentReadings(interval_seconds=interval_seconds)
        self._dated_at = None
        self._had_pace = False

    def _pace(self, item: Snapshot) -> Pace | None:
        """Return the pace with a new snapshot; None where there is none, or the last check has a date."""
        reading = PaceReading.of_snapshot(item)
        if reading is not None:
            self._readings.add(reading)
        dated_at = self._dated_at
        is_dated = dated_at is not None and self._clock.monotonic() - dated_at < _CHECK_HOLDS_SECONDS
        pace = None if reading is None or is_dated else self._readings.pace()
        self._had_pace = self._had_pace or pace is not None
        return pace

    def _seen_in(self, state: OpenRun, item: Snapshot) -> list[Observation]:
        present = PresentState(
            at=item.at,
            source=self.source or state.record.source,
            memory=Memory.of_snapshot(item),
            deques=item.deques,
            pace=self._pace(item),
            # That there is none is worth a word only once there was one.
            is_pace_known=self._had_pace,
        )
        seen = conditions.observe(present, self._policy, in_process=True)
        return [one for one in seen if self.judges_high_memory or one.kind != AlertKind.HIGH_MEMORY]

    def on_stored(self, state: OpenRun, written: Written) -> None:
        """Learn the source's name in the store, and when its alerts were last told."""
        if written.opened_run:
            self.cooldown.begin(state.record.started_at)
            self.cooldown.remember(written.watches)
            for item in written.found_endings:
                self._tell_end(state, written.source, item)
        if self.source is None and written.source != state.record.source:
            log_safely(
                log,
                logging.WARNING,
                "memmon: the name %r is held by another script; this one is recorded as %r "
                "(give source=... to choose)",
                state.record.source,
                written.source,
            )
        self.source = written.source
        if (said := self._refused_names.add(written.refused_names)) is not None:
            text, refused = said
            self._put(state, state.event(self._clock, "names", text, refused))
            log_safely(log, logging.WARNING, "memmon: %s: %s", written.source, text)

    def _tell_end(self, state: OpenRun, source: str, end: FoundEnding) -> None:
        """Tell how an earlier run ended: a death, and a warning, only where there is evidence."""
        is_proved = end.reason in PROVED_ENDS
        text = f"an earlier run {END_WORDS[end.reason]}: {end.detail}"
        data = {"run_id": end.run_id, "reason": end.reason}
        self._put(state, state.event(self._clock, "death" if is_proved else "ended", text, data))
        log_safely(log, logging.WARNING if is_proved else logging.INFO, "memmon: %s: %s", source, text)

    def tell_pending(self) -> None:
        """Tell what waits: after a write, so that the alerts of earlier runs are known."""
        waiting, self._pending = self._pending, []
        for one in waiting:
            self._tell(one)

    def tick(self) -> float:
        """Run the scheduled checks and looks; returns how long (seconds) they can wait."""
        if not self.is_scheduled:
            return CHECK_EVERY_SECONDS
        return min(self._hourly_check.tick(), self.child_watch.tick())

    def _tell(self, candidate: Candidate) -> None:
        looked = self.cooldown.look(candidate.seen, at=candidate.at, telling=candidate.telling)
        state, alert = self._state, looked.alert
        if state is not None and looked.watch is not None:
            self._put(state, looked.watch)
        if alert is None:
            return
        if state is not None:
            data = {"kind": alert.kind, "severity": alert.severity, "message": alert.message, **alert.values}
            self._put(state, state.event(self._clock, "alert", alert.title, data))
        self.cooldown.deliver(alert)

    def _check_request(self) -> Check | None:
        if self._state is None or self.source is None:
            return None
        return Check(
            database=self._database.url,
            source=self.source,
            leak_check=bool(self.settings.leak_check),  # a program may say 1
            daily_report=bool(self.settings.daily_report),
            threshold_mb_per_hour=self.settings.leak_threshold_mb_per_hour,
            now=self._clock.now(),
            look_at_all_pages=False,
        )

    def _tell_off(self, why: str) -> None:
        """Say once a run that nothing is checked in it, and who else can."""
        text = f"no hourly check, daily report or retention in this program: {why}; `memmon alerts run` beside it checks"
        if self._state is not None:
            self._put(self._state, self._state.event(self._clock, "checks_off", text))
        is_missed = self.settings.leak_check or self.settings.daily_report
        log_safely(log, logging.WARNING if is_missed else logging.INFO, "memmon: %s", text)

    def _tell_damage(self, text: str, seen: object) -> None:
        self.on_damage(text, seen)

    def _on_check(self, answer: Checked) -> None:
        now = self._clock.now()
        is_dated = any(
            found.level == "active"
            and "at_pace" not in found.values
            and not speaks_beside(_hours(found.values.get("hours_to_limit")))
            for found in answer.seen
        )
        if answer.seen:  # else nothing was judged: it only kept the house
            self._dated_at = self._clock.monotonic() if is_dated else None
        for found in answer.seen:
            self._tell(Candidate(found.seen(source=self.source or ""), now))
        if answer.is_suspicious and self._state is not None:
            self.evidence.look(self._state)
        report = answer.report
        if report is not None and self._state is not None:
            stored = StoredReport(
                at=now, window_hours=report.window_hours, text=report.text, data=report.data
            )
            self._put(self._state, stored)
            log_safely(log, logging.INFO, "memmon: daily report of %s: %s", self.source, report.headline)


def _hours(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
