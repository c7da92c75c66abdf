"""The values that go into and come out of the leak verdict: plain, frozen, JSON-able."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations
from typing import Any

from memmon.facts import defaults
from memmon.facts.plain import as_plain
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Confidence, Verdict

__all__ = ["Confidence", "LeakFinding", "LeakPolicy", "LeakWindow", "Verdict", "confidence_of"]

HIGH_CONFIDENCE_HOURS = 19.0
"""Confidence is high only from this much history on. Chosen: just below where the margins of the alarm are lowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPolicy:
    """What counts as a leak, and how much must be seen before anything is said.

    `threshold_mb_per_hour`: growth at or above it is a leak, below it is "growing".
    `min_duration_hours`, `min_sample_count`: raw history; with less the verdict is "cannot_say".
    `look_back_hours`: how much of the past is judged, counted back from `now`. Where that does not tell, each of its
    hours is put beside the one a week before, if that is known.
    `warm_up_hours`: the start of a run that is left out when enough history remains.

    Raises ValueError when a number is NaN, infinite or out of range.
    """

    threshold_mb_per_hour: float = defaults.LEAK_THRESHOLD_MB_PER_HOUR
    min_duration_hours: float = defaults.LEAK_HOURS
    min_sample_count: int = defaults.LEAK_SAMPLE_COUNT
    look_back_hours: float = defaults.LOOK_BACK_HOURS
    warm_up_hours: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that no verdict can be built on."""
        for name in ("threshold_mb_per_hour", "min_duration_hours", "min_sample_count", "warm_up_hours"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a finite number, zero or more, not {value!r}")
        if not (math.isfinite(self.look_back_hours) and self.look_back_hours > 0):
            raise ValueError(
                f"look_back_hours must be a finite number above zero, not {self.look_back_hours!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakWindow:
    """The stretch of history that the verdict rests on; times aware, in UTC, None without samples.

    `kind`: `whole` (all that was looked at), `week apart` (each hour beside the same hour a week before), `last 24 h` / `last 12 h` / `last 6 h` (growth that
    began lately), `since onset` (from the change of slope on), `pooled` (several short runs together),
    `empty`.
    """

    start: datetime | None
    end: datetime | None
    duration_hours: float
    run_count: int
    kind: str = "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakFinding:
    """The verdict on a history; no number in it is NaN or infinite, what is unknown is None.

    `slope_*`: the robust trend of the footprint's lower envelope with its 95 % interval; `ols_slope_*`: least
    squares on the footprint's samples with HAC errors; `rss_slope_mb_per_hour`: the robust trend of resident memory
    over the same stretch (the same where only that is known). All in MB (2**20 bytes) per hour.
    `resident_clause`: what resident memory does beside the footprint, where that is swapped out or mapped files grow.
    `signal`: the signal that carries the verdict; `slope_signal`: the one whose rate `slope_*`, `ols_slope_*` and
    `growth_mb` are: the footprint, or where that does not show the growth yet, what of it does. `holes_mb`: how many
    MB of held but unused memory it may fill before the footprint grows (None: it shows already, or nobody can tell).
    `growth_mb`: last minus first footprint of the window. `since`: when the growth began (with the 95 %
    interval `since_earliest` to `since_latest`), None when nothing grows.
    `smallest_visible_slope_mb_per_hour`: a slope below it could have been missed.
    `confidence`: high: lower 95 % end at or above the threshold and at least 19 h of data;
    medium: lower end above zero; low: otherwise.
    `risen_after_hours`: how old the process was, as recorded, when it had risen by nine tenths of its growth; of pooled
    runs how long a typical one was.
    `paused_hours`: for how long a leak that was seen in the act has paused and given nothing back, or did before it went on.
    `reason`: why nothing can be said (`insufficient_data`, `insufficient_duration`, `too_noisy`, `garbage`), or which
    rule decided; `details`: sentences for the report.
    """

    verdict: Verdict
    is_leak: bool
    confidence: Confidence
    slope_mb_per_hour: float | None
    slope_low_mb_per_hour: float | None
    slope_high_mb_per_hour: float | None
    ols_slope_mb_per_hour: float | None
    ols_slope_low_mb_per_hour: float | None
    ols_slope_high_mb_per_hour: float | None
    growth_mb: float | None
    since: datetime | None
    since_earliest: datetime | None
    since_latest: datetime | None
    duration_hours: float
    sample_count: int
    smallest_visible_slope_mb_per_hour: float | None
    summary: str
    details: tuple[str, ...]
    reason: str
    policy: LeakPolicy
    window: LeakWindow
    source: str = ""
    rss_slope_mb_per_hour: float | None = None
    resident_clause: str = ""
    paused_hours: float | None = None
    signal: Signal = Signal.FOOTPRINT
    slope_signal: Signal = Signal.FOOTPRINT
    holes_mb: float | None = None
    risen_after_hours: float | None = None

    def __post_init__(self) -> None:
        """Take a verdict that was given as plain text, as from JSON."""
        object.__setattr__(self, "verdict", Verdict(self.verdict))
        object.__setattr__(self, "confidence", Confidence(self.confidence))
        object.__setattr__(self, "signal", Signal(self.signal))
        object.__setattr__(self, "slope_signal", Signal(self.slope_signal))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text in UTC."""
        plain: dict[str, Any] = as_plain(self)
        return plain


def confidence_of(
    slope_low_mb_per_hour: float | None, duration_hours: float, threshold_mb_per_hour: float
) -> Confidence:
    """Return the confidence that the contract defines, from the lower end of the 95 % interval."""
    if slope_low_mb_per_hour is None or slope_low_mb_per_hour <= 0:
        return Confidence.LOW
    if slope_low_mb_per_hour >= threshold_mb_per_hour and duration_hours >= HIGH_CONFIDENCE_HOURS:
        return Confidence.HIGH
    return Confidence.MEDIUM
