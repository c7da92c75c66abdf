"""From which values on, and how patiently, each kind of alert speaks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts import defaults
from memmon.facts.staleness import STALE_INTERVAL_COUNT
from memmon.notify.machine import Rule
from memmon.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from memmon.config import Settings

KINDS = ("leak", "forecast", "deque", "high_memory", "silent", "restart_loop", "recorder")
"""Every kind of alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPolicy:
    """The levels of the alerts; MB are 2**20 bytes."""

    leak_threshold_mb_per_hour: float = defaults.LEAK_THRESHOLD_MB_PER_HOUR
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
        high = settings.high_memory_percent
        return cls(
            leak_threshold_mb_per_hour=settings.leak_threshold_mb_per_hour,
            high_memory_percent=high,
            high_memory_clear_percent=max(high - 5.0, 0.0),
            very_high_memory_percent=max(95.0, high),
            cooldown_minutes=settings.alert_cooldown_minutes,
        )

    def rule(self, kind: str) -> Rule:
        """Return how patient a kind of alert is."""
        repeat_hours = self.high_memory_repeat_hours if kind == "high_memory" else self.repeat_hours
        clear_hours = self.leak_clear_hours if kind in {"leak", "forecast"} else 0.0
        for_minutes = self.high_memory_for_minutes if kind == "high_memory" else 0.0
        return Rule(
            for_seconds=for_minutes * SECONDS_PER_MINUTE,
            cooldown_seconds=self.cooldown_minutes * SECONDS_PER_MINUTE,
            repeat_seconds=repeat_hours * SECONDS_PER_HOUR,
            clear_for_seconds=clear_hours * SECONDS_PER_HOUR,
        )
