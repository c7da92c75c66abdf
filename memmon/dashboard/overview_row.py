"""One source as the overview shows it: words for what its assessment says, and two small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from memmon.facts.urgency import Urgency
from memmon.formatting import age, local_time, rate, size
from memmon.report.sections import leak_section
from memmon.report.words import leak_headline, mood_of
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.assessment.assessment import Assessment
    from memmon.many.said import Said

_SPARK_WIDTH = 90.0
_SPARK_HEIGHT = 22.0
_FEWEST_POINTS = 2
_FULL_PERCENT = 100.0
_PLACE_LETTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One source as the overview shows it; `spark`: a path within 90 x 22, empty where too little is known."""

    name: str
    href: str
    host: str
    release: str
    urgency: Urgency
    place: tuple[object, ...]
    mood: str
    words: str
    verdict: str
    since: str
    slope: float | None
    slope_words: str
    memory_mb: float | None
    memory_words: str
    spark: str
    limit_percent: float | None
    limit_words: str
    hours_left: float | None
    time_words: str
    run_count: int
    last_at: datetime | None
    last_words: str
    is_stale: bool
    is_pending: bool
    is_clock_ahead: bool

    @property
    def bar_percent(self) -> float:
        """How long the bar of the limit's use is."""
        return min(round(self.limit_percent or 0.0, 1), _FULL_PERCENT)

    @property
    def sought(self) -> str:
        """What a search looks through, in small letters."""
        return f"{self.name} {self.host} {self.release}".lower()


def row_of(said: Said, *, memory: Sequence[tuple[int, int]] = (), threshold_mb_per_hour: float) -> Row:
    """Return the row of a source; `memory`: (moment, RSS in bytes) as the hourly checks kept it."""
    standing, found, urgent = said.standing, said.assessment, said.ranked
    finding = None if found is None else found.finding
    fresh, present = standing.freshness, standing.present
    rss_bytes = present.rss_bytes if found is None else found.rss_bytes
    memory_mb = None if rss_bytes is None else mb_from_bytes(rss_bytes)
    percent = None if found is None else found.used_percent
    slope = None if finding is None else finding.slope_mb_per_hour
    newest = max(present.runs, key=lambda run: (run.started_at, run.run_id), default=None)
    is_ahead = fresh.ahead_until is not None
    name = standing.source
    return Row(
        name=name,
        href="/source?" + urlencode({"name": name}),
        host=(newest and newest.host) or "",
        release=(newest and newest.release) or "",
        urgency=urgent.urgency,
        place=urgent.place,
        mood=_mood(urgent.urgency, found),
        words=urgent.words,
        verdict=_verdict(said, threshold_mb_per_hour),
        since=_since(found),
        slope=slope,
        slope_words="-" if slope is None else rate(slope),
        memory_mb=memory_mb,
        memory_words="-" if memory_mb is None else size(memory_mb),
        spark=spark_path(memory, rss_bytes),
        limit_percent=percent,
        limit_words="-" if percent is None else f"{percent:.0f} %",
        hours_left=urgent.hours_left,
        time_words=urgent.time_words,
        run_count=standing.read.source.run_count,
        last_at=standing.last_at,
        last_words=_last_words(fresh.age_seconds, is_ahead=is_ahead),
        is_stale=fresh.is_stale,
        is_pending=said.is_pending,
        is_clock_ahead=standing.last_at is None and is_ahead,
    )


def _mood(urgency: Urgency, found: Assessment | None) -> str:
    """Return how a row looks: as its page does; silence is as loud as what is critical."""
    if found is None or urgency in {Urgency.SILENT, Urgency.ENDED}:
        return urgency.row.tone
    return mood_of(found)


def _verdict(said: Said, threshold_mb_per_hour: float) -> str:
    if said.standing.last_at is None:
        is_ahead = said.standing.freshness.ahead_until is not None
        return "Clock ahead: all samples lie in the future" if is_ahead else "No sample yet"
    if said.trouble or said.is_pending:
        return said.trouble or "Not judged yet"
    assert said.assessment is not None, "what was judged without trouble is there"
    section = leak_section(said.assessment.finding, threshold_mb_per_hour=threshold_mb_per_hour)
    return leak_headline(section)[1]


def _since(found: Assessment | None) -> str:
    if found is None or found.finding.since is None or not found.finding.verdict.row.grows:
        return ""
    before = "" if found.before_restart is None else f"; {found.before_restart.clause(local_time)}"
    return f"since {local_time(found.finding.since)}{before}"


def _last_words(age_seconds: float | None, *, is_ahead: bool) -> str:
    if age_seconds is not None:
        return f"{age(age_seconds)} ago"
    return "clock ahead" if is_ahead else "never"


def spark_path(memory: Sequence[tuple[int, int]], newest_bytes: float | None) -> str:
    """Return memory over time as an SVG path within 90 x 22; the newest reading stands at its end.

    >>> spark_path([(0, 100), (10, 200)], None)
    'M0 22L90 0'
    """
    points = [(at, float(value)) for at, value in memory[-_PLACE_LETTERS:]]
    if len(points) < _FEWEST_POINTS:
        return ""
    if newest_bytes is not None:
        points[-1] = (points[-1][0], float(newest_bytes))
    first, last = points[0][0], points[-1][0]
    low, high = min(value for _, value in points), max(value for _, value in points)
    wide, tall = max(last - first, 1), high - low
    drawn = [
        (
            _SPARK_WIDTH * (at - first) / wide,
            _SPARK_HEIGHT * (high - value) / tall if tall else _SPARK_HEIGHT / 2,
        )
        for at, value in points
    ]
    return "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in drawn)
