"""What people type: lengths of time, moments, sizes; each as a click type with a helpful refusal."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from memmon.units import GIB, KIB, MIB, SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click import ParamType

    from memmon.assessment.limits import LimitKind
else:

    class ParamType(click.ParamType):
        """click's, which takes a type in brackets from 8.4 on."""

        def __class_getitem__(cls, _value_type: object) -> type:
            """Return the class: only the type checker reads what it converts to."""
            return cls


LIMIT_KINDS = ("container", "host")
_SECONDS: Mapping[str, float] = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "m": SECONDS_PER_MINUTE,
    "min": SECONDS_PER_MINUTE,
    "h": SECONDS_PER_HOUR,
    "d": SECONDS_PER_DAY,
    "w": 7 * SECONDS_PER_DAY,
}
_BYTES: Mapping[str, float] = {
    "": 1,
    "B": 1,
    "K": KIB,
    "KB": KIB,
    "KIB": KIB,
    "M": MIB,
    "MB": MIB,
    "MIB": MIB,
    "G": GIB,
    "GB": GIB,
    "GIB": GIB,
    "T": 1024 * GIB,
    "TB": 1024 * GIB,
    "TIB": 1024 * GIB,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|sec|min|s|m|h|d|w)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
LEAST_INTERVAL_SECONDS = 0.01
"""Snapshots more often than this would measure themselves."""
_LONGEST_SECONDS = 100 * 366 * SECONDS_PER_DAY
EXPECTED_DURATION = "a length of time such as 30s, 15m, 24h, 7d or 1h30m"
EXPECTED_MOMENT = "a length of time such as 24h or 7d, or a time such as 2026-01-31 or 2026-01-31T14:00+01:00"


def parse_duration(text: str) -> float:
    """Return the seconds meant by `24h`, `90s`, `1h30m`; a bare number is seconds.

    Raises ValueError for anything else, and for zero.

    >>> parse_duration("1h30m")
    5400.0
    """
    found = text.strip()
    try:
        seconds = float(found)
    except ValueError:
        parts = _PART.findall(found)
        if not parts or _PART.sub("", found).strip():
            raise ValueError(f"{text!r} is not {EXPECTED_DURATION}") from None
        seconds = sum(float(amount) * _SECONDS[unit.lower()] for amount, unit in parts)
    if not (math.isfinite(seconds) and 0 < seconds <= _LONGEST_SECONDS):
        raise ValueError(f"{text!r} must be above zero and at most 100 years")
    return seconds


def parse_size(text: str) -> int:
    """Return the bytes meant by `2GiB`, `512MB` (both binary: 1 MB is 2**20 bytes); bare numbers are bytes.

    >>> parse_size("2GiB")
    2147483648
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match.group(2).upper() not in _BYTES:
        raise ValueError(f"{text!r} is not a size such as 2GiB or 512MB")
    size_bytes = float(match.group(1)) * _BYTES[match.group(2).upper()]
    if not 0 < size_bytes <= 2**62:
        raise ValueError(f"{text!r} must be above zero and at most 4 EiB")
    return round(size_bytes)


def parse_time(text: str, *, naive_is_utc: bool = False) -> datetime:
    """Return the moment (aware, UTC) that an ISO 8601 text means; without offset it is local time.

    `naive_is_utc` reads one without offset as UTC instead. Raises ValueError for anything else.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC) if naive_is_utc else moment.astimezone()
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T14:00:00+01:00") from None


class Moment:
    """A point in time as typed: absolute, or so long before the newest sample."""

    def __init__(self, *, at: datetime | None = None, back_seconds: float | None = None) -> None:
        self.at = at
        self.back_seconds = back_seconds

    def resolve(self, last_at: datetime | None) -> datetime | None:
        """Return the moment meant (aware, UTC), counted back from the newest sample where relative."""
        if self.at is not None:
            return self.at
        if last_at is None or self.back_seconds is None:
            return None
        return last_at - timedelta(seconds=self.back_seconds)


class DurationType(ParamType[float]):
    """A length of time, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class IntervalType(DurationType):
    """The time between two snapshots: 10 ms to a day."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        seconds = super().convert(value, param, ctx)
        if not LEAST_INTERVAL_SECONDS <= seconds <= SECONDS_PER_DAY:
            self.fail(f"{value!r} is no interval between 10ms and 24h", param, ctx)
        return seconds


class MomentType(ParamType[Moment]):
    """A time, absolute or counted back from the newest sample."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """Return the moment."""
        if isinstance(value, Moment):
            return value
        bare = value.strip()
        if _NUMBER.fullmatch(bare):
            # Of the hours that nearly everybody means, seconds would be made without a word.
            self.fail(f"{value!r} has no unit: {bare}h? {bare}d? Give {EXPECTED_MOMENT}", param, ctx)
        try:
            return Moment(back_seconds=parse_duration(value))
        except ValueError:
            pass
        try:
            return Moment(at=parse_time(value))
        except ValueError:
            self.fail(f"{value!r} is not {EXPECTED_MOMENT}", param, ctx)


class TimeType(ParamType[datetime]):
    """An absolute time (aware, UTC)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware datetime."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class RateType(ParamType[float]):
    """Growth in MB (2**20 bytes) per hour: a finite number above zero."""

    name = "MB/h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the rate."""
        try:
            rate = float(value)
        except (TypeError, ValueError):
            rate = math.nan
        if not (math.isfinite(rate) and rate > 0):
            self.fail(f"{value!r} is not a growth in MB per hour above zero, such as 10", param, ctx)
        return rate


class NumberRange(click.FloatRange):
    """A number within bounds: click's lets `nan` through, which is in no order with them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class LimitType(ParamType["LimitKind | int"]):
    """`2GiB`, `container` or `host`."""

    name = "limit"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> LimitKind | int:
        """Return the bytes, or the kind of limit."""
        if isinstance(value, int) or value in LIMIT_KINDS:
            return value  # type: ignore[no-any-return]  # click hands over what was typed
        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"{value!r} is not a limit such as 2GiB, container or host", param, ctx)


DURATION = DurationType()
INTERVAL = IntervalType()
MOMENT = MomentType()
TIME = TimeType()
RATE = RateType()
LIMIT = LimitType()
