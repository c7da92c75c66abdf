"""What the conditions read of a finding, a forecast and a run: whoever has one hands it over as it is.

The program itself, which has none of them, does not load this.
"""

# ruff: noqa: D102 -- the names of what is read say what it is

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class RunLike(Protocol):
    """One run as the store knows it."""

    @property
    def run_id(self) -> int: ...
    @property
    def host(self) -> str | None: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def release(self) -> str | None: ...
    @property
    def interval_seconds(self) -> float | None: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def last_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def end_reason(self) -> str | None: ...


class LeakLike(Protocol):
    """What a judgement of the history found."""

    @property
    def verdict(self) -> str: ...
    @property
    def is_leak(self) -> bool: ...
    @property
    def confidence(self) -> str: ...
    @property
    def slope_mb_per_hour(self) -> float | None: ...
    @property
    def slope_low_mb_per_hour(self) -> float | None: ...
    @property
    def slope_high_mb_per_hour(self) -> float | None: ...
    @property
    def growth_mb(self) -> float | None: ...
    @property
    def duration_hours(self) -> float: ...
    @property
    def since(self) -> datetime | None: ...


class BeforeRestartLike(Protocol):
    """That the runs before the judged one grew alike."""

    def clause(self, moment: Callable[[datetime], str]) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


class ForecastLike(Protocol):
    """When the limit is reached."""

    @property
    def state(self) -> str: ...
    @property
    def level(self) -> float: ...
    @property
    def hours_to_limit(self) -> float | None: ...
    @property
    def hours_to_limit_low(self) -> float | None: ...
    @property
    def hours_to_limit_high(self) -> float | None: ...
    @property
    def ends_above_limit(self) -> bool: ...
    @property
    def slope_mb_per_hour(self) -> float | None: ...
    @property
    def limit_bytes(self) -> float | None: ...
    @property
    def current_bytes(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A finding made by hand, where no other is at hand."""

    verdict: str
    is_leak: bool
    confidence: str
    duration_hours: float
    slope_mb_per_hour: float | None = None
    slope_low_mb_per_hour: float | None = None
    slope_high_mb_per_hour: float | None = None
    growth_mb: float | None = None
    since: datetime | None = None
