"""What a program tells of a snapshot or of a check's answer, through the parts that its recorder has."""

from __future__ import annotations

from dataclasses import dataclass, field

from alert_kit import START

from memmon.child import Children
from memmon.clock import ManualClock
from memmon.config import Settings, parse_database
from memmon.model import EventRecord
from memmon.recorder.alerts.cooldown import Cooldown
from memmon.recorder.alerts.dispatcher import Dispatcher
from memmon.recorder.run_identity import new_run
from memmon.store.write.open_run import OpenRun


@dataclass
class Program:
    """A recorder's dispatcher without its threads: what it tells, and what it hands over to be stored."""

    url: str
    told: list = field(default_factory=list)
    stored: list = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = ManualClock(START)
        self.dispatcher = Dispatcher(
            Settings(),
            cooldown=Cooldown(on_alert=self.told.append, cooldown_minutes=30.0),
            database=parse_database(self.url),
            clock=clock,
            children=Children(monotonic=clock.monotonic),
            put=lambda _state, item: self.stored.append(item),
        )
        self.state = OpenRun(
            new_run(source="bot", release=None, interval_seconds=300.0, started_at=START),
            started_monotonic=0.0,
        )
        self.dispatcher.begin(self.state)

    def see(self, snapshot) -> None:
        self.dispatcher.on_item(self.state, snapshot)
        self.dispatcher.tell_pending()

    @property
    def watches(self) -> list:
        return [item for item in self.stored if not isinstance(item, EventRecord)]
