"""The recorder behind a MemoryMonitor: hands each snapshot back, and opens what the monitor sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.recorder import validation
from memmon.recorder.alerts.cooldown import Candidate
from memmon.recorder.recorder import Recorder
from memmon.store.write.writer import read_notified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from memmon.alerts.state_machine import Observation
    from memmon.clock import Clock
    from memmon.model import DequeReading, Snapshot
    from memmon.recorder.alerts.cooldown import Telling


class MonitorRecorder(Recorder):
    """A Recorder whose program judges high memory in its own thread, at once."""

    def __init__(self, *args: Any, on_taken: Callable[[Snapshot], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._on_taken = on_taken
        self._dispatcher.judges_high_memory = False
        self.knows_alerts = False
        """True when it was learnt at once what earlier runs have told."""
        self._told_before: dict[str, datetime] = {}
        if not self._is_inert:
            self._learn_alerts()

    def _learn_alerts(self) -> None:
        source = self._labels.source or self.expected_source()
        told = read_notified(self._database, source)
        if told is not None:
            self.knows_alerts = True
            self._told_before = told

    def notified_before(self, fingerprint: str) -> datetime | None:
        """Return when an earlier run last told an alert."""
        return self._told_before.get(fingerprint)

    def _after_take(self, snapshot: Snapshot) -> None:
        self._on_taken(snapshot)

    def submit(self, seen: Observation, *, at: datetime, telling: Telling = "by rule") -> None:
        """Hand what the program's thread has seen to the cooldown."""
        self._submit(Candidate(seen, at, telling))

    @property
    def clock(self) -> Clock:
        """The clock that was injected."""
        return self._clock

    @property
    def database_url(self) -> str:
        """The database's full URL: it may hold a password."""
        return self._database.url

    @property
    def latest(self) -> Snapshot | None:
        """The newest snapshot."""
        return self._latest

    @property
    def tracked_deques(self) -> Mapping[str, Any]:
        """The live mapping of the registered deques."""
        return self._deques.tracked

    def read_deques(self) -> tuple[DequeReading, ...]:
        """Read the deques now."""
        return self._deques.read()

    def read_rss_bytes(self) -> int | None:
        """Read this process's resident memory now."""
        return self._sampler.process.read().rss_bytes

    @property
    def interval_seconds(self) -> float:
        """Seconds between snapshots."""
        return self._schedule.interval_seconds

    @interval_seconds.setter
    def interval_seconds(self, seconds: float) -> None:
        validation.number(seconds, "snapshot_interval", low=0.0, high=validation.LONGEST_INTERVAL_SECONDS)
        # Given back as it was set: programs compare it with the number they passed.
        self._schedule.interval_seconds = seconds

    @property
    def alert_cooldown_minutes(self) -> float:
        """Minutes before the high-memory alert is repeated."""
        return self._dispatcher.cooldown.cooldown_minutes

    @alert_cooldown_minutes.setter
    def alert_cooldown_minutes(self, minutes: float) -> None:
        validation.number(minutes, "alert_cooldown_minutes", low=0.0, low_allowed=True)
        self._dispatcher.cooldown.cooldown_minutes = minutes

    @property
    def last_taken_at(self) -> datetime | None:
        """When the last snapshot was taken (aware)."""
        return self._schedule.last_taken_at

    @last_taken_at.setter
    def last_taken_at(self, moment: datetime | None) -> None:
        self._schedule.last_taken_at = moment
