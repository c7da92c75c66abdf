"""The live view of a source as plain lines: a sparkline, the verdict, the forecast, the fullest deques."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from textwrap import wrap
from typing import TYPE_CHECKING

from memmon.cli.assessed import assessed, staleness_of
from memmon.cli.text import duration, local_time, printable, size
from memmon.facts.limit_names import limit_name
from memmon.formatting import rate
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from memmon.assessment.assessment import Assessment
    from memmon.assessment.explainable import KnownGrowth
    from memmon.assessment.gather import Judged
    from memmon.cli.options import WindowOptions
    from memmon.cli.selection import Opened
    from memmon.report.data import DequeRow
    from memmon.report.words import Mood
    from memmon.store.read import SourceInfo

    FloatArray = NDArray[np.float64]

SPARK_HOURS = 24.0
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-=+*%#"
_GAP = " "
_DO = "Do: "


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one look at a source shows."""

    title: str
    mood: Mood
    headline: str
    sentences: tuple[str, ...]
    """What is going on in plain words, and what to do first."""
    lines: tuple[str, ...]
    """The sentences and the figures; the last one says how fresh they are."""
    judged: Judged

    def fitted(self, *, width: int, height: int) -> tuple[str, ...]:
        """Return the lines, wrapped to `width`, that a screen with `height` lines has room for.

        Where not all fit, the line on freshness and what to do follow the first sentence, and the figures stand last.
        """
        last, figures = self.lines[-1], self.lines[len(self.sentences) : -1]
        whole = [row for line in self.lines for row in _wrapped(line, width)]
        if len(whole) <= height:
            return tuple(whole)
        first, *others = self.sentences
        others.sort(key=lambda sentence: not sentence.startswith(_DO))
        ordered = (first, last, *others, *figures)
        return tuple(row for line in ordered for row in _wrapped(line, width))[: max(height, 0)]


def look(
    found: Opened,
    source: SourceInfo,
    window: WindowOptions,
    *,
    now: datetime,
    width: int,
    plain: bool,
    known_growth: KnownGrowth | None = None,
) -> View:
    """Return the view of a source as of now; `width` is that of the sparkline, `plain` means ASCII bars.

    `known_growth`: what an earlier look read of the growth's cause.
    """
    from memmon.assessment.plainly import told_growth
    from memmon.assessment.urgency import ranked
    from memmon.report.data import LeakSection
    from memmon.report.words import leak_headline, mood_of

    judged = assessed(found, source, window, now=now, has_cause=True, known_growth=known_growth)
    seen, age = judged.assessment, staleness_of(judged)
    finding, threshold = seen.finding, seen.finding.policy.threshold_mb_per_hour
    _, headline = leak_headline(LeakSection(finding=finding, threshold_mb_per_hour=threshold))
    several = len(seen.recorded) > 1
    peaks = _sums(judged, width) if several else _peaks(found, source, judged, width)
    sentences = _sentences(seen)
    lines = [
        *sentences,
        f"RSS {size(seen.rss_bytes)}  last {SPARK_HOURS:g} h: {_range(peaks)}",
        sparkline(peaks, bars=_PLAIN_BARS if plain else _BARS),
        f"state: {ranked(seen).words}",
        f"growth {rate(told_growth(finding)[0])} (threshold {threshold:g})",
        *_process_lines(seen),
        *_limit_lines(seen),
        *_deque_lines(seen, width),
        f"last sample {local_time(age.last_at)}, {duration(age.age_seconds)} ago"
        + ("  STALE" if age.is_stale else ""),
    ]
    return View(
        title=printable(source.name),
        mood=mood_of(seen),
        headline=headline,
        sentences=sentences,
        lines=tuple(lines),
        judged=judged,
    )


def _sentences(seen: Assessment) -> tuple[str, ...]:
    """Return what the page says first: since when and how fast, whose it is, when it ends, and what helps."""
    from memmon.assessment.plainly import plainly

    said = [printable(sentence) for sentence in plainly(seen)]
    return (*said, *(f"{_DO}{printable(one)}" for one in seen.advice[:1]))


def _wrapped(line: str, width: int) -> list[str]:
    """Return a line in pieces that fit; a sparkline, which has no words, stays as it is."""
    if set(line) <= {*_BARS, *_PLAIN_BARS, _GAP}:
        return [line]
    return wrap(line, width, break_on_hyphens=False, subsequent_indent="  ")


def sparkline(values: Sequence[float | None], *, bars: str = _BARS) -> str:
    """Return one bar per value between the least and the largest; None is a gap.

    >>> sparkline([1.0, None, 3.0])
    '▁ █'
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = (high - low) / (len(bars) - 1) or 1.0
    return "".join(_GAP if value is None else bars[round((value - low) / step)] for value in values)


def _peaks(found: Opened, source: SourceInfo, judged: Judged, width: int) -> list[float | None]:
    """Return the highest RSS (MB) of each of `width` spans of the last 24 hours, None without a sample."""
    end = judged.history.last_at
    assert end is not None
    since = end - timedelta(hours=SPARK_HOURS)
    bucket_seconds = SPARK_HOURS * SECONDS_PER_HOUR / width
    buckets = found.store.buckets(
        source.name, since, end, bucket_seconds=bucket_seconds, run_id=judged.bounds.run_id
    )
    return peaks_of(buckets.at_seconds, buckets.columns["max_rss_bytes"], since, bucket_seconds, width)


def _sums(judged: Judged, width: int) -> list[float | None]:
    """Return the highest sum over processes side by side of each of `width` spans of the last 24 hours."""
    from memmon.assessment.lives import history_lanes
    from memmon.assessment.together import together

    history = judged.history
    assert history.last_at is not None
    since = history.last_at - timedelta(hours=SPARK_HOURS)
    seen = history.slice_time(since, None)
    total = together(seen, history_lanes(seen), quantity="rss")
    return peaks_of(total.at_seconds, total.rss_bytes, since, SPARK_HOURS * SECONDS_PER_HOUR / width, width)


def peaks_of(
    at_seconds: FloatArray, rss_bytes: FloatArray, since: datetime, bucket_seconds: float, width: int
) -> list[float | None]:
    """Return the highest of each span in MB, None without a sample."""
    peaks: list[float | None] = [None] * width
    for at, value in zip(at_seconds.tolist(), rss_bytes.tolist(), strict=True):
        place = min(max(int((at - since.timestamp()) / bucket_seconds), 0), width - 1)
        if value == value:  # noqa: PLR0124 -- not NaN
            peaks[place] = max(peaks[place] or 0.0, value / MIB)
    return peaks


def _range(peaks: Sequence[float | None]) -> str:
    known = [value for value in peaks if value is not None]
    return f"{min(known):,.0f} to {max(known):,.0f} MB" if known else "no samples"


def _process_lines(seen: Assessment, *, shown_count: int = 5) -> list[str]:
    """Return what several processes hold together, and each of the worst of them."""
    if not seen.process_lines:
        return []
    lines = [f"  {printable(one)}" for one in seen.process_lines[:shown_count]]
    left = len(seen.process_lines) - shown_count
    return [
        *filter(None, [seen.together, seen.not_recorded]),
        *lines,
        *([f"  and {left} more"] if left > 0 else []),
    ]


def _limit_lines(seen: Assessment) -> list[str]:
    outlook = [printable(sentence) for sentence in seen.outlook]
    if seen.forecast is None:
        return ["limit: none was recorded", *outlook]
    percent = seen.used_percent or 0.0
    used = f"limit {size(seen.limit_bytes)} ({limit_name(seen.limit_origin)}), {percent:.0f} % used"
    return [used, printable(seen.forecast.summary), *outlook]


def _deque_lines(seen: Assessment, width: int, *, shown_count: int = 5) -> list[str]:
    from memmon.report.sections import deque_section

    section = deque_section(seen.deques)
    if not section.rows:
        return []
    head = f"deques: {len(section.rows)}, {section.failing_count} failing"
    return [head, *(_deque_line(row, width) for row in section.rows[:shown_count])]


def _deque_line(row: DequeRow, width: int) -> str:
    from memmon.report.words import fill

    name = printable(row.name)[: max(width - 30, 10)]
    return f"  {'!' if row.is_failing else ' '} {name}: {fill(row)}"
