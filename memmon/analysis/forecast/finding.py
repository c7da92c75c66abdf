"""What a forecast says: plain, frozen, JSON-able."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 -- the JSON Schema is made from these annotations
from typing import Any, Literal

from memmon.analysis.forecast.quantity import Counts  # noqa: TC001 -- the JSON Schema is made from it
from memmon.facts.plain import as_plain

ForecastState = Literal["dated", "never", "cannot_say", "reached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How earlier forecasts of this very history would have done: fitted up to an origin, compared with what came.

    `origin_count`: how many past moments were forecast from; `comparison_count`: forecast blocks compared;
    `longest_hours`: how far ahead; `median_error_mb`: typical distance of a reading from the forecast's middle;
    `coverage`: share of the readings inside the interval at `level`, as it stood *before* rescaling;
    `spread_factor`: what the interval was then multiplied by.
    """

    origin_count: int
    comparison_count: int
    longest_hours: float
    median_error_mb: float
    coverage: float
    level: float
    spread_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """The same question put to another model.

    `agrees`: the two intervals overlap.
    """

    model: str
    hours_to_limit: float | None
    hours_to_limit_low: float | None
    hours_to_limit_high: float | None
    agrees: bool
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastCurve:
    """Memory to expect, in MB: one value per entry of `hours` (counted from the last sample)."""

    hours: tuple[float, ...]
    median_mb: tuple[float, ...]
    low_mb: tuple[float, ...]
    high_mb: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When what counts against a limit reaches it; no number in it is NaN or infinite, what is unknown is None.

    `state`: `reached` (now: all hours are 0), `dated` (within the horizon), `never` (not within `horizon_hours`),
    `cannot_say`. `hours_to_limit`: the median; with probability `level` the time lies between `_low` and `_high`
    (None: later than the horizon). Hours are None unless the state is `dated` or `reached`. All count from `as_of`;
    `at`, `at_low` and `at_high` are the same moments, aware, in UTC.
    `current_bytes`: what counts now: the `footprint` of the process, with what else counts, or what is `charged`
    (`counts`). `slope_*`: its rate since the growth that was found began.
    `plateau_bytes` (with the 95 % interval `plateau_low_bytes` to `plateau_high_bytes`, None: no end in sight): where
    growth that levels off, or that fills bounded deques, ends.
    `deques_full_hours`: until the registered bounded deques are full at their present rate (0: full; None: none
    registered, or not growing); what they still take in is part of the forecast.
    `ready_at`: when more can be said, in the state `cannot_say`, where that is known.
    """

    source: str
    limit_bytes: int
    level: float
    state: ForecastState
    hours_to_limit: float | None
    hours_to_limit_low: float | None
    hours_to_limit_high: float | None
    at: datetime | None
    at_low: datetime | None
    at_high: datetime | None
    as_of: datetime | None
    horizon_hours: float
    current_bytes: int | None
    headroom_bytes: int | None
    slope_mb_per_hour: float | None
    slope_low_mb_per_hour: float | None
    slope_high_mb_per_hour: float | None
    window_hours: float
    sample_count: int
    deques_full_hours: float | None
    summary: str
    details: tuple[str, ...]
    curve: ForecastCurve | None = None
    backtest: Backtest | None = None
    cross_check: CrossCheck | None = None
    counts: Counts = "footprint"
    plateau_bytes: int | None = None
    plateau_low_bytes: int | None = None
    plateau_high_bytes: int | None = None
    ready_at: datetime | None = None

    @property
    def ends_above_limit(self) -> bool:
        """Tell whether growth that levels off does so above the limit for sure: then it is reached all the same."""
        return self.plateau_low_bytes is not None and self.plateau_low_bytes > self.limit_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text in UTC."""
        plain: dict[str, Any] = as_plain(self)
        return plain
