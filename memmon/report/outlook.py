"""Where memory is heading and what its growth consists of: the forecast and cause sections."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.cause import split_cause
from memmon.analysis.cause_values import CauseSeries
from memmon.analysis.compare import compare_releases
from memmon.analysis.forecast import forecast_limit
from memmon.facts.verdicts import Verdict
from memmon.report.chart_values import Ribbon
from memmon.report.culprits import culprits
from memmon.report.data import CauseSection, CauseShare, ForecastSection
from memmon.report.limits import HOST, recorded_limit
from memmon.report.words import size
from memmon.units import MIB, SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from memmon.analysis.compare import Comparison
    from memmon.analysis.forecast import Forecast
    from memmon.analysis.leak_values import LeakFinding
    from memmon.history import History
    from memmon.report.limits import Limit
    from memmon.store.read import Buckets, RunInfo, Store, WindowStatistics

EARLY_GROWTH_BYTES = 5 * MIB

CAUSE_POINTS = 600
RELEASES_COMPARED = 2
COMPARED_DAYS = 14
"""A release is news for so long, and compared with so much of the one before it."""

SHOWN_PART_SHARE = 0.05


def forecast_section(
    history: History, stats: WindowStatistics, runs: Sequence[RunInfo]
) -> ForecastSection | None:
    """Return when memory reaches the recorded limit; None when no limit was recorded or nothing can be said."""
    limit = recorded_limit(stats, runs)
    if limit is None or history.is_empty:
        return None
    forecast = forecast_limit(history, limit.rss_at_limit_bytes)
    if forecast.state == "cannot_say":
        return None
    return ForecastSection(
        summary=_sentence(forecast, limit),
        limit_mb=mb_from_bytes(limit.limit_bytes),
        limit_origin=limit.origin,
        used_mb=mb_from_bytes(limit.used_bytes),
        rss_at_limit_mb=mb_from_bytes(limit.rss_at_limit_bytes),
        hours_to_limit=forecast.hours_to_limit,
        hours_to_limit_low=forecast.hours_to_limit_low,
        hours_to_limit_high=forecast.hours_to_limit_high,
        level=forecast.level,
        details=forecast.details,
        curve=_ribbon(forecast),
    )


def _sentence(forecast: Forecast, limit: Limit) -> str:
    """Return the forecast's sentence, and which limit that is: it counts more, or less, than this RSS."""
    if limit.rss_at_limit_bytes == limit.limit_bytes or forecast.hours_to_limit is None:
        return forecast.summary
    whole = size(mb_from_bytes(limit.limit_bytes))
    owner = "the host" if limit.origin == HOST else limit.origin
    return f"{forecast.summary} (Then all {whole} of {owner} are used up.)"


def _ribbon(forecast: Forecast) -> Ribbon | None:
    """Return the forecast's course from the last reading on."""
    curve, as_of, current = forecast.curve, forecast.as_of, forecast.current_bytes
    if curve is None or as_of is None or current is None:
        return None
    now_mb = mb_from_bytes(current)
    hours = [0.0, *curve.hours]
    return Ribbon(
        at_seconds=tuple((as_of + timedelta(hours=ahead)).timestamp() for ahead in hours),
        middle_mb=(now_mb, *curve.median_mb),
        low_mb=(now_mb, *curve.low_mb),
        high_mb=(now_mb, *curve.high_mb),
    )


def cause_section(store: Store, source: str, finding: LeakFinding | None) -> CauseSection | None:
    """Return what the growth within the finding's window consists of; None where nothing grew or it can't be told.

    Where no verdict can be given yet, growth of 5 MB or more is explained all the same.
    """
    if finding is None or not (finding.verdict.row.is_explained or finding.verdict is Verdict.CANNOT_SAY):
        return None
    start, end = finding.window.start, finding.window.end
    if start is None or end is None:
        return None
    length_seconds = max((end - start).total_seconds(), 1.0)
    buckets = store.buckets(source, start, end, bucket_seconds=length_seconds / CAUSE_POINTS)
    found = split_cause(list(_series(buckets)))
    if finding.verdict is Verdict.CANNOT_SAY and found.growth_bytes < EARLY_GROWTH_BYTES:
        return None
    attributions, sentences = culprits(store, source, start, end)
    is_split = found.cause not in {"none", "unknown"}
    if not is_split and not sentences:
        return None
    summary, *more = (found.summary, *sentences) if is_split else sentences
    return CauseSection(
        summary=summary,
        shares=tuple(
            CauseShare(name=part.label, growth_mb=mb_from_bytes(part.growth_bytes), share=part.share)
            for part in found.parts
            if is_split and part.share >= SHOWN_PART_SHARE
        ),
        attributions=attributions,
        details=tuple(filter(None, [*more, found.advice, *found.details])),
    )


def comparison_section(
    store: Store, source: str, runs: Sequence[RunInfo], until: datetime | None
) -> Comparison | None:
    """Return the newest release against the one before it.

    None with fewer than two releases, when the newest is no news any more, or with too little of either.
    """
    started = [
        run for run in runs if run.release and run.last_at and (until is None or run.started_at <= until)
    ]
    releases = list(dict.fromkeys(run.release for run in started if run.release))[-2:]
    if len(releases) < RELEASES_COMPARED:
        return None
    began_at = min(run.started_at for run in started if run.release == releases[1])
    newest_at = max(run.last_at for run in started if run.last_at)
    if newest_at - began_at > timedelta(days=COMPARED_DAYS):
        return None
    since = began_at - timedelta(days=COMPARED_DAYS)
    history = store.history(source, since, until)
    if {run.release for run in history.runs if run.release in releases} != set(releases):
        return None
    found = compare_releases(history, *releases)
    return None if found.verdict == "cannot_say" else found


def _series(buckets: Buckets) -> Iterator[CauseSeries]:
    for number in dict.fromkeys(buckets.run_id.tolist()):
        rows = np.flatnonzero(buckets.run_id == number)
        hours = (buckets.at_seconds[rows] - buckets.at_seconds[rows[0]]) / SECONDS_PER_HOUR
        yield CauseSeries.from_columns(
            hours, {name: column[rows] for name, column in buckets.columns.items()}
        )
