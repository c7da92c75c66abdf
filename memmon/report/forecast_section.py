"""Where memory is heading and what its growth consists of: an assessment laid out as the forecast and cause sections."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.analysis.compare.releases import compare_releases
from memmon.assessment.overtaken import is_overtaken
from memmon.report.chart_values import Ribbon
from memmon.report.data import CauseSection, CauseShare, ForecastSection
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.analysis.cause.split_finding import CauseFinding
    from memmon.analysis.compare.releases import Comparison
    from memmon.analysis.forecast.finding import Forecast
    from memmon.assessment.assessment import Assessment
    from memmon.store.read import RunInfo, Store

RELEASES_COMPARED = 2
COMPARED_DAYS = 14
"""A release is news for so long, and compared with so much of the one before it."""

SHOWN_PART_SHARE = 0.05

_OVERTAKEN = "As of the last sample: it would have come, had the growth gone on."


def forecast_section(assessed: Assessment) -> ForecastSection | None:
    """Return when memory reaches the recorded limit; None when no limit was recorded."""
    forecast = assessed.forecast
    if forecast is None:
        return None
    return ForecastSection(
        summary=forecast.summary,
        state=forecast.state,
        limit_mb=_mb(assessed.limit_bytes),
        limit_origin=assessed.limit_origin,
        used_mb=_mb(assessed.charged_bytes),
        rss_at_limit_mb=_mb(assessed.rss_at_limit_bytes),
        hours_to_limit=forecast.hours_to_limit,
        hours_to_limit_low=forecast.hours_to_limit_low,
        hours_to_limit_high=forecast.hours_to_limit_high,
        level=forecast.level,
        details=(*forecast.details, *((_OVERTAKEN,) if is_overtaken(assessed) else ())),
        curve=_ribbon(forecast, assessed.rss_bytes),
    )


def _ribbon(forecast: Forecast, rss_bytes: int | None) -> Ribbon | None:
    """Return the forecast's course from the last reading on, as resident memory would show it."""
    curve, as_of, current = forecast.curve, forecast.as_of, forecast.current_bytes
    if curve is None or as_of is None or current is None or rss_bytes is None:
        return None
    now_mb = mb_from_bytes(rss_bytes)
    shift = now_mb - mb_from_bytes(current)
    hours = [0.0, *curve.hours]
    return Ribbon(
        at_seconds=tuple((as_of + timedelta(hours=ahead)).timestamp() for ahead in hours),
        middle_mb=(now_mb, *(value + shift for value in curve.median_mb)),
        low_mb=(now_mb, *(value + shift for value in curve.low_mb)),
        high_mb=(now_mb, *(value + shift for value in curve.high_mb)),
    )


def cause_section(assessed: Assessment) -> CauseSection | None:
    """Return what the growth consists of and whose it is; None where nothing grew or it can't be told."""
    cause, culprits = assessed.cause, assessed.culprits
    if cause is None:
        return None
    sentences = () if culprits is None else culprits.sentences
    is_split = cause.cause not in {"none", "unknown"}
    if not is_split and not sentences:
        return None
    summary, *more = (cause.summary, *sentences) if is_split else sentences
    return CauseSection(
        summary=summary,
        shares=_shares(cause) if is_split else (),
        attributions=tuple(
            CauseShare(name=one.name, growth_mb=mb_from_bytes(one.growth_bytes), share=one.share)
            for one in (() if culprits is None else culprits.parts)
        ),
        details=tuple(
            filter(None, [*more, *(one for one in (cause.advice,) if one in assessed.advice), *cause.details])
        ),
    )


def _shares(cause: CauseFinding) -> tuple[CauseShare, ...]:
    return tuple(
        CauseShare(name=part.label, growth_mb=mb_from_bytes(part.growth_bytes), share=part.share)
        for part in cause.parts
        if part.share >= SHOWN_PART_SHARE
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


def _mb(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else mb_from_bytes(size_bytes)
