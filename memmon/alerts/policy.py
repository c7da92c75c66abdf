"""From which values on, and how patiently, each kind of alert speaks up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memmon.alerts.kinds import AlertKind
from memmon.alerts.state_machine import Rule
from memmon.facts import defaults
from memmon.facts.staleness import STALE_INTERVAL_COUNT
from memmon.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from memmon.config import Settings

_CLEAR_BELOW_PERCENT = 5.0
"""Memory is clear this many points below the level at which it is high. Chosen: so that it does not flap."""
_VERY_HIGH_PERCENT = 95.0
"""Per cent of its limit from which memory is an error. Chosen: little is left to act in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """The levels of the alerts; MB are 2**20 bytes."""

    leak_threshold_mb_per_hour: float = defaults.LEAK_THRESHOLD_MB_PER_HOUR
    false_alarms_per_month: float = 0.0
    """False leak alarms in 30 days that all sources may give together; 0: no budget, each leak is told."""
    high_memory_percent: float = defaults.HIGH_MEMORY_PERCENT
    high_memory_clear_percent: float = 75.0
    very_high_memory_percent: float = 95.0
    """From here on high memory is an error, not a warning."""
    high_memory_for_minutes: float = 0.0
    """How long memory must be high before it is told."""
    forecast_hours: float = 72.0
    forecast_clear_hours: float = 96.0
    silent_interval_count: float = STALE_INTERVAL_COUNT
    forget_silent_hours: float = 168.0
    """A source that was silent for longer before it was first looked at is history, not an alert."""
    restart_count: int = 5
    restart_window_hours: float = 1.0
    trouble_window_hours: float = 1.0
    cooldown_minutes: float = defaults.ALERT_COOLDOWN_MINUTES
    repeat_hours: float = 24.0
    high_memory_repeat_hours: float = 4.0
    leak_clear_hours: float = 2.0
    """How long a verdict must be other than a leak before the alert is called resolved."""

    @classmethod
    def from_settings(cls, settings: Settings) -> AlertPolicy:
        """Return the policy that the settings mean; memory is clear 5 points below its level."""
        return cls(
            leak_threshold_mb_per_hour=settings.leak_threshold_mb_per_hour,
            false_alarms_per_month=settings.false_alarms_per_month,
            cooldown_minutes=settings.alert_cooldown_minutes,
        ).with_high_memory(settings.high_memory_percent)

    def with_high_memory(self, percent: float) -> AlertPolicy:
        """Return the policy by which memory is high from `percent` on."""
        return replace(
            self,
            high_memory_percent=percent,
            high_memory_clear_percent=max(percent - _CLEAR_BELOW_PERCENT, 0.0),
            very_high_memory_percent=max(_VERY_HIGH_PERCENT, percent),
        )

    def rule(self, kind: str) -> Rule:
        """Return how patient a kind of alert is."""
        row = AlertKind(kind).row
        repeat_hours = self.high_memory_repeat_hours if row.is_momentary else self.repeat_hours
        clear_hours = self.leak_clear_hours if row.is_verdict else 0.0
        for_minutes = self.high_memory_for_minutes if row.is_momentary else 0.0
        return Rule(
            for_seconds=for_minutes * SECONDS_PER_MINUTE,
            cooldown_seconds=self.cooldown_minutes * SECONDS_PER_MINUTE,
            repeat_seconds=repeat_hours * SECONDS_PER_HOUR,
            clear_for_seconds=clear_hours * SECONDS_PER_HOUR,
        )

    def rule_in_process(self, kind: str) -> Rule:
        """Return how patient it is in the program itself, where nobody can acknowledge.

        There a reading of the moment is told again after each cooldown while it lasts, and a lasting
        state once a day, also over restarts.
        """
        rule = self.rule(kind)
        if not AlertKind(kind).row.is_momentary:
            quiet_seconds = max(rule.cooldown_seconds, rule.repeat_seconds)
        else:
            quiet_seconds = rule.cooldown_seconds
        return replace(rule, cooldown_seconds=quiet_seconds, repeat_seconds=quiet_seconds)
