"""The present pace: a light condition over the readings of the last hour, for what no verdict can be given on yet.

A verdict takes hours. What grows by 8 MB a minute has none: it is told that, at the present pace, the limit is
reached soon. A start-up must not be told, and it rises as well; what tells the two apart is that growth is even, that
it does not slow down, and that it has been seen for long against what is left. Nothing here knows of a leak.

Standard library only: the program itself looks at each of its snapshots by this.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from memmon.facts.limit_names import limit_name
from memmon.facts.medians import SIGMA_PER_MAD, median
from memmon.facts.severity import NEAR_HOURS
from memmon.facts.staleness import stale_after_seconds
from memmon.formatting import local_time, size
from memmon.units import MIB, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.model import Snapshot

WINDOW_MINUTES = (61.0, 41.0, 26.0, 21.0)
"""How far back is looked: the longest stretch that is even decides. Chosen."""
START_UP_MINUTES = 34.5
"""So long a program may take to start, whatever its start looks like: seven snapshots of five minutes. Chosen."""
SHORTEST_MINUTES = 19.5
"""Growth that began later is told once it was seen for about 20 minutes: five such snapshots. Chosen."""
LEAST_READING_COUNT = 5
"""Readings that a stretch needs. Chosen: fewer show no evenness."""
HORIZON_MINUTES = 45.0
"""Told when the limit is nearer: half an hour is left to act when a snapshot or two come late. Chosen."""
LATEST_MINUTES = 90.0
"""Nor is it told when the limit may well be farther than this. Chosen: twice the horizon."""
AHEAD_SHARE = 1.5
"""What is told may lie ahead by so much of what has been seen. Chosen: see benchmarks/exhaustion."""
NEW_SHARE = 1.02
"""What is told stands so much higher than any level that was held before. Chosen."""
LEAST_RISE_MB = 32.0
"""Less is the start of any program, however slowly it starts. Chosen: what libraries weigh."""
BLOCK_COUNT = 10
"""A stretch is looked at as so many medians: noise that is finer is no growth. Tuned."""
EVEN_RATIO = 8.0
"""The rise is so many times what lies beside its line: one that comes in two or three jumps is not. Tuned."""
LARGEST_STEP = 2.5
"""No block rises by more than so many times its share. Tuned."""
HALF_RATIO = 0.75
"""The second half rises so fast, against the first and the whole: less is levelling off. Tuned."""
TAIL_RATIO = 0.5
"""So does the last third: else the rise is over. Tuned."""
PACE_ERROR = 0.08
"""Standard error of any pace, as a share of it: it is carried forward. Chosen."""
ENDS_QUANTILE = 1.4
"""Standard errors to the ends of the interval told. Chosen: about eight of ten times between them."""

_SPARE_SECONDS = 20.0
"""Readings that are closer are one. Chosen: an hour of them is 180, whatever the interval."""
_LONGEST_GAP_SECONDS = 300.0
"""Seconds without a reading after which it begins anew, at least. Chosen: the usual interval."""
_KEPT_SECONDS = (WINDOW_MINUTES[0] + 1.0) * SECONDS_PER_MINUTE
"""Seconds of readings that are kept. By definition: the longest stretch, and a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Growth that reaches the limit soon if it goes on as it is: no verdict, and no forecast.

    `minutes_to_limit` lies between `_low` and `_high` about eight times of ten where it does go on. `since`: from
    when on the pace was taken, `at`: the reading that it ends with; `summary`: the sentence that is told.
    """

    minutes_to_limit: float
    minutes_to_limit_low: float
    minutes_to_limit_high: float
    slope_mb_per_hour: float
    charged_bytes: int
    limit_bytes: int
    limit_origin: str
    since: datetime
    at: datetime
    summary: str

    @property
    def span_words(self) -> str:
        """How soon it is reached: `in about 40 minutes (20 to 70)`."""
        return _span_words(self.minutes_to_limit, self.minutes_to_limit_low, self.minutes_to_limit_high)


def speaks_beside(hours_to_limit: float | None) -> bool:
    """Tell whether a pace is worth a word beside a forecast: it has no date (None), or none within a day.

    A date that is near is urgent already; one that is far was found before growth sped up.
    """
    return hours_to_limit is None or hours_to_limit > NEAR_HOURS


@dataclass(frozen=True, slots=True)
class PaceReading:
    """What counts against a limit at one moment of a run; `filled_bytes`: what bounded deques hold of it."""

    at: datetime
    uptime_seconds: float
    charged_bytes: float
    limit_bytes: int
    limit_origin: str
    filled_bytes: float = 0.0

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> PaceReading | None:
        """Return what a snapshot says; None where no limit is in force, or what counts could not be read."""
        charged_bytes, limit_bytes = snapshot.counted_bytes, snapshot.limit_bytes
        charged_bytes = snapshot.rss_bytes if charged_bytes is None else charged_bytes
        if not limit_bytes or charged_bytes is None:
            return None
        return cls(
            at=snapshot.at,
            uptime_seconds=snapshot.uptime_seconds,
            charged_bytes=charged_bytes,
            limit_bytes=limit_bytes,
            limit_origin=snapshot.limit_origin or "",
            filled_bytes=sum(
                one.size_bytes or 0
                for one in snapshot.deques
                if one.maxlen_count is not None and not one.is_found  # what was found came in before
            ),
        )


class PresentReadings:
    """The readings of the last hour of one run, in the order in which they were taken."""

    def __init__(self, *, interval_seconds: float | None, peak_bytes: float = 0.0) -> None:
        """Begin with a run that is read every `interval_seconds` (None: not known).

        `peak_bytes`: the highest level that was held before.
        """
        self._gap_seconds = max(stale_after_seconds(interval_seconds), _LONGEST_GAP_SECONDS)
        self._held: deque[PaceReading] = deque()
        self._newest: PaceReading | None = None
        self._began_seconds = 0.0
        self._peak_bytes = peak_bytes

    def add(self, reading: PaceReading) -> None:
        """Take a reading; one after a gap, or against another kind of limit, begins anew."""
        before = self._newest
        if before is not None and self._is_apart(before, reading):
            self._held.clear()
            before = None
        if before is None:
            self._began_seconds = reading.uptime_seconds
        if before is not None and (
            len(self._held) < 2  # noqa: PLR2004 -- a first pair
            or before.uptime_seconds - self._held[-1].uptime_seconds >= _SPARE_SECONDS
        ):
            self._held.append(before)
        self._newest = reading
        while self._held and reading.uptime_seconds - self._held[0].uptime_seconds > _KEPT_SECONDS:
            gone = self._held.popleft()
            # What stood for one reading alone was no level.
            after = self._held[0] if self._held else reading
            self._peak_bytes = max(self._peak_bytes, min(gone.charged_bytes, after.charged_bytes))

    def pace(self) -> Pace | None:
        """Return the pace that is to be told; None: none."""
        newest = self._newest
        if (
            newest is None
            or newest.uptime_seconds - self._began_seconds < START_UP_MINUTES * SECONDS_PER_MINUTE
        ):
            return None
        readings = [*self._held, newest]
        minutes = [one.uptime_seconds / SECONDS_PER_MINUTE for one in readings]
        for length in WINDOW_MINUTES:
            first = next(n for n, at in enumerate(minutes) if at >= minutes[-1] - length - 1e-6)
            if first == 0 and length < WINDOW_MINUTES[0] and minutes[-1] - minutes[0] < length:
                continue
            told = _pace_of(readings[first:], minutes[first:], peak_mb=self._peak_bytes / MIB)
            if told is not None:
                return told
        return None

    def _is_apart(self, before: PaceReading, reading: PaceReading) -> bool:
        passed = reading.uptime_seconds - before.uptime_seconds
        return not 0 < passed <= self._gap_seconds or before.limit_origin != reading.limit_origin


@dataclass(frozen=True, slots=True)
class _Line:
    """An even rise: MB per minute with its standard error, its level at the last reading, and what lies beside it."""

    slope: float
    error: float
    now_mb: float
    noise_mb: float


def _pace_of(readings: Sequence[PaceReading], minutes: Sequence[float], *, peak_mb: float) -> Pace | None:
    if len(readings) < LEAST_READING_COUNT or minutes[-1] - minutes[0] < SHORTEST_MINUTES:
        return None
    newest = readings[-1]
    line = _line(minutes, [(one.charged_bytes - one.filled_bytes) / MIB for one in readings])
    if line is None:
        return None
    now_mb = line.now_mb + newest.filled_bytes / MIB
    room_mb = newest.limit_bytes / MIB - now_mb
    slowest = line.slope - ENDS_QUANTILE * line.error
    # A level that was held before is not new: what comes and goes comes so far again.
    if room_mb <= 0 or slowest <= 0 or now_mb < NEW_SHARE * peak_mb:
        return None
    middle = room_mb / line.slope
    latest = (room_mb + ENDS_QUANTILE * line.noise_mb) / slowest
    if middle > min(HORIZON_MINUTES, AHEAD_SHARE * (minutes[-1] - minutes[0])) or latest > LATEST_MINUTES:
        return None
    soonest = max(room_mb - ENDS_QUANTILE * line.noise_mb, 0.0) / (line.slope + ENDS_QUANTILE * line.error)
    return Pace(
        minutes_to_limit=middle,
        minutes_to_limit_low=soonest,
        minutes_to_limit_high=latest,
        slope_mb_per_hour=line.slope * SECONDS_PER_HOUR / SECONDS_PER_MINUTE,
        charged_bytes=round(newest.charged_bytes),
        limit_bytes=newest.limit_bytes,
        limit_origin=newest.limit_origin,
        since=newest.at - timedelta(minutes=minutes[-1] - minutes[0]),
        at=newest.at,
        summary=(
            f"At the present pace {limit_name(newest.limit_origin)} ({size(newest.limit_bytes / MIB)}) is reached "
            f"{_span_words(middle, soonest, latest)}."
        ),
    )


AT_PACE = "The memory limit is reached soon at the present pace"
"""The title of the alert."""


def pace_message(pace: Pace) -> str:
    """Return what an alert says of it."""
    return (
        f"{pace.summary} It grows {pace.slope_mb_per_hour:.0f} MB/hour since {local_time(pace.since)} and is now at "
        f"{size(pace.charged_bytes / MIB)}; whether it is a leak cannot be said yet."
    )


def pace_values(pace: Pace) -> dict[str, object]:
    """Return the figures of the alert."""
    minutes_per_hour = SECONDS_PER_HOUR / SECONDS_PER_MINUTE
    return {
        "hours_to_limit": pace.minutes_to_limit / minutes_per_hour,
        "hours_to_limit_low": pace.minutes_to_limit_low / minutes_per_hour,
        "hours_to_limit_high": pace.minutes_to_limit_high / minutes_per_hour,
        "limit_bytes": pace.limit_bytes,
        "slope_mb_per_hour": pace.slope_mb_per_hour,
        "at_pace": True,
    }


def _span_words(middle: float, soonest: float, latest: float) -> str:
    return f"in about {_minutes(middle)} minutes ({_minutes(soonest)} to {_minutes(latest)})"


def _minutes(minutes: float) -> str:
    """Return minutes as they are told: to five where there are many."""
    return f"{5 * round(minutes / 5) if minutes > 12.5 else round(minutes)}"  # noqa: PLR2004 -- at 12 still 12


def _line(minutes: Sequence[float], mb: Sequence[float]) -> _Line | None:
    """Return the line of a rise that is even and does not slow down; None where it is not that."""
    at, level = _blocks(minutes, mb)
    slope = _slope(at, level)
    if slope <= 0:
        return None
    base = median(value - slope * when for when, value in zip(at, level, strict=True))
    beside = [value - base - slope * when for when, value in zip(at, level, strict=True)]
    noise_mb = math.sqrt(sum(one * one for one in beside) / max(len(beside) - 2, 1))
    half = (len(at) + 1) // 2
    first, second = _slope(at[:half], level[:half]), _slope(at[-half:], level[-half:])
    third = max(2, round(len(at) * 0.3))
    tail = (level[-1] - level[-third]) / (at[-1] - at[-third])
    if (
        slope * (at[-1] - at[0]) < max(EVEN_RATIO * noise_mb, LEAST_RISE_MB)
        or second < HALF_RATIO * max(first, slope)
        or tail < TAIL_RATIO * slope
        or not _has_no_jump(at, level, slope=slope, noise_mb=SIGMA_PER_MAD * median(map(abs, beside)))
    ):
        return None
    middle = sum(at) / len(at)
    fitted = 1.5 * noise_mb / math.sqrt(sum((when - middle) ** 2 for when in at))
    error = math.sqrt(fitted**2 + (PACE_ERROR * slope) ** 2 + ((second - first) / 6) ** 2)
    return _Line(slope, error, base + slope * minutes[-1], noise_mb)


def _has_no_jump(at: Sequence[float], level: Sequence[float], *, slope: float, noise_mb: float) -> bool:
    pairs = zip(at, level, at[1:], level[1:], strict=False)
    return all(
        after - before <= LARGEST_STEP * slope * (then - when) + 2 * noise_mb
        for when, before, then, after in pairs
    )


def _slope(at: Sequence[float], level: Sequence[float]) -> float:
    """Return the median of the slopes between all pairs (Theil-Sen)."""
    return median(
        (level[later] - level[one]) / (at[later] - at[one])
        for one in range(len(at))
        for later in range(one + 1, len(at))
    )


def _blocks(minutes: Sequence[float], mb: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the middles and the medians of equal stretches; few readings are left as they are."""
    if len(minutes) <= BLOCK_COUNT:
        return list(minutes), list(mb)
    parts: list[list[int]] = [[] for _ in range(BLOCK_COUNT)]
    length = (minutes[-1] - minutes[0]) / BLOCK_COUNT
    for place, at in enumerate(minutes):
        parts[min(int((at - minutes[0]) / length), BLOCK_COUNT - 1)].append(place)
    filled = [part for part in parts if part]
    return (
        [sum(minutes[place] for place in part) / len(part) for part in filled],
        [median(mb[place] for place in part) for part in filled],
    )
