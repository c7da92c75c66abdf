"""What is known of one source now: the one value that every condition looks at.

Whoever tells fills in what it knows; what is None was not looked at, and no alert that needs it is
judged. A finding, a forecast and a run are handed over as they are: only what memmon/alerts/findings.py names is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from memmon.facts.limit_names import HOST
from memmon.formatting import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.alerts.findings import BeforeRestartLike, ForecastLike, LeakLike, RunLike
    from memmon.alerts.pace import Pace
    from memmon.facts.grown import GrownThing
    from memmon.facts.severity import Severity
    from memmon.model import DequeReading, Snapshot

_HUNDRED_PERCENT = 100.0
"""By definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How full one memory is."""

    of: Literal["container", "host"]
    percent: float
    total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one snapshot says of memory; None: it could not be read."""

    rss_bytes: int | None = None
    limit_bytes: int | None = None
    limit_origin: str | None = None
    """`host`, or the control group whose limit it is."""
    limit_used_bytes: int | None = None
    """The older measure: anonymous memory of that group."""
    charged_bytes: int | None = None
    """What counts against the limit."""
    system_percent: float | None = None
    available_bytes: int | None = None

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Memory:
        """Return what a snapshot says."""
        return cls(
            rss_bytes=snapshot.rss_bytes,
            limit_bytes=snapshot.limit_bytes,
            limit_origin=snapshot.limit_origin,
            limit_used_bytes=snapshot.limit_used_bytes,
            charged_bytes=snapshot.charged_bytes,
            system_percent=snapshot.system_percent,
            available_bytes=snapshot.system_available_bytes,
        )

    @property
    def container(self) -> Used | None:
        """How full the control group is whose limit is in force; None: there is none, or it was not read."""
        known = (self.charged_bytes, self.limit_used_bytes, self.rss_bytes)
        used = next((one for one in known if one is not None), None)
        if self.limit_origin in {None, HOST} or not self.limit_bytes or used is None:
            return None
        percent = _HUNDRED_PERCENT * used / self.limit_bytes
        return Used(of="container", percent=percent, total_bytes=self.limit_bytes)

    @property
    def machine(self) -> Used | None:
        """How full the machine is; None: it was not read."""
        if self.limit_origin == HOST and self.limit_bytes and self.charged_bytes is not None:
            charged_percent = _HUNDRED_PERCENT * self.charged_bytes / self.limit_bytes
            return Used(of="host", percent=charged_percent, total_bytes=self.limit_bytes)
        percent, total_bytes = self.system_percent, None
        if percent is None:
            return None
        if self.available_bytes is not None and 0 <= percent < _HUNDRED_PERCENT:
            total_bytes = round(self.available_bytes / (1 - percent / _HUNDRED_PERCENT)) or None
        return Used(of="host", percent=percent, total_bytes=total_bytes)

    def judged(self, *, from_percent: float) -> Used | None:
        """Return what is judged: the limit in force, or the machine where it is fuller, and as full as given.

        A machine without memory ends the processes of containers that have room, too.
        """
        container, machine = self.container, self.machine
        if container is None or machine is None:
            return container or machine
        return machine if machine.percent >= max(from_percent, container.percent) else container


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentState:
    """What is known of a source at one moment; None: it was not looked at."""

    at: datetime
    source: str
    source_id: int = 0
    """Its number in the store; 0: not known here."""
    run: RunLike | None = None
    """Its newest run."""
    ahead_at: datetime | None = None
    """The time of that run's newest snapshot, where its clock is ahead of now: then nothing of it can be dated."""
    runs: Sequence[RunLike] | None = None
    memory: Memory | None = None
    deques: Sequence[DequeReading] | None = None
    leak: LeakLike | None = None
    is_leak_confirmed: bool = False
    """The check an hour before agrees."""
    leak_log_e_value: float | None = None
    """Natural logarithm of the e-value against "memory does not grow"."""
    is_leak_within_budget: bool = True
    """It is surely enough a leak for the budget of false alarms, where there is one."""
    leaking_process: str = ""
    """Which of several processes leaks; empty where there is only one, or all do together."""
    forecast: ForecastLike | None = None
    before_restart: BeforeRestartLike | None = None
    """That the runs before the leaking one leaked too, and since when."""
    way_back: str = ""
    """To which release to go back, in a sentence, where a leak began with one."""
    grown: GrownThing | None = None
    """What grows beside a leak, where looks at the objects have shown it."""
    pace: Pace | None = None
    """At which the limit is reached soon, where the forecast has no date."""
    is_pace_known: bool = False
    """The pace was looked at: None is none then."""
    severity: Severity | None = None
    """How urgent the source is by its assessment."""
    dropped_counts: Sequence[int] | None = None
    """How many snapshots were given up, each time that some were of late."""

    @property
    def before_words(self) -> str:
        """Since when the runs before leaked too, as the end of a clause; empty where they did not."""
        return "" if self.before_restart is None else f"; {self.before_restart.clause(local_time)}"

    @property
    def back_words(self) -> str:
        """To which release to go back, as a sentence more; empty where a leak began with none."""
        return f" {self.way_back}" if self.way_back else ""

    @property
    def beside_leak(self) -> dict[str, Any]:
        """What is known beside a leak, as plain data."""
        known = {"before_restart": self.before_restart, "grown": self.grown}
        return {name: one.to_dict() for name, one in known.items() if one is not None}
