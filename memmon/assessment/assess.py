"""How an assessment comes about: a pure function of a history, the present readings, a policy and the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memmon.analysis.forecast.wording import told_as_level
from memmon.analysis.leak.detect import DEFAULT_POLICY
from memmon.assessment.advice import advice_of
from memmon.assessment.assessment import Assessment
from memmon.assessment.before_restart import runs_before
from memmon.assessment.by_process import ByProcess, judge_processes, judged_alone
from memmon.assessment.culprits import explain
from memmon.assessment.elsewhere import growth_elsewhere_mb_per_hour
from memmon.assessment.freshness import freshness, freshness_of
from memmon.assessment.headline import headline_of
from memmon.assessment.held import held_by
from memmon.assessment.limited import forecast_of, limited_by
from memmon.assessment.pace import beside_pace, present_pace
from memmon.assessment.present import Present
from memmon.assessment.releases import release_before, release_of
from memmon.assessment.resources import beside_resources, resources_of
from memmon.assessment.waiting import waiting_for
from memmon.facts.recording_order import latest_at
from memmon.history import as_history

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from memmon.analysis.leak.detect import LeakFinding, LeakPolicy
    from memmon.assessment.freshness import Freshness
    from memmon.history import History

FORECAST_LEVEL = 0.8
"""How sure the interval of the limit's date is, unless another is asked for. Chosen: eight of ten."""


def assess(
    history: History | pd.DataFrame | pd.Series[Any],
    *,
    present: Present | None = None,
    policy: LeakPolicy = DEFAULT_POLICY,
    now: datetime | None = None,
    known: History | None = None,
) -> Assessment:
    """Return all that is to be said of `history` and of the present readings, under `policy`.

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    The verdict and the forecast are as of the last sample; `now` (aware) is what ages count to: without it the
    freshness is not known. `known`: a longer history of which `history` is the end: where the verdict on that would be
    `cannot_say` or `growing`, each hour is put beside the one a week before. Never raises for lack of data: then the verdict is `cannot_say`.
    """
    history = as_history(history)
    # What a clock ahead has labelled is set aside.
    if now is not None:
        history = history.slice_time(None, latest_at(now))
    if not history.is_empty:
        history = history.slice_time(None, history.last_seconds)
        known = None if known is None else known.slice_time(None, history.last_seconds)
    longer = known or history
    judged = judge_processes(history, policy, known=None if known is None else lambda: longer)
    return assess_finding(history, judged, present=present, now=now)


def assess_finding(
    history: History,
    judged: ByProcess | LeakFinding,
    *,
    present: Present | None = None,
    now: datetime | None = None,
    is_brief: bool = False,
    forecast_level: float = FORECAST_LEVEL,
    is_cross_checked: bool = False,
) -> Assessment:
    """Return the assessment that rests on `judged`: the verdict on `history`, or on each of its processes.

    `is_brief` leaves out the forecast, and the severity that would rest on it. `forecast_level`: of the forecast's
    interval; `is_cross_checked`: compare it with a second model's (statsmodels).
    """
    judged = judged if isinstance(judged, ByProcess) else judged_alone(history, judged)
    finding, known = judged.finding, present or Present()
    held = held_by(history, judged, known, now=now)
    limited = limited_by(history, judged, known.limit, held)
    limit = limited.limit
    fresh = _freshness(history, present, now)
    forecast, pace = None, None
    if not is_brief and limit is not None and not history.is_empty:
        forecast = forecast_of(limited, level=forecast_level, is_cross_checked=is_cross_checked)
        near = replace(known, limit=limit)
        pace = present_pace(limited.history, near, freshness=fresh, forecast=forecast)
        forecast = beside_pace(forecast, pace)
    resources = resources_of(judged, finding.policy, known.file_limits)
    cause, culprits = explain(finding, known.growth)
    if known.growth is not None:
        culprits = beside_resources(culprits, finding, judged.run_id, resources)
    waiting = waiting_for(finding, forecast, history=history, freshness=fresh)
    share = None if limit is None else limit.used_bytes / limit.limit_bytes
    found = Assessment(
        source=history.source,
        at=now or history.last_at,
        freshness=fresh,
        rss_bytes=held.rss_bytes,
        footprint_bytes=held.footprint_bytes,
        charged_bytes=None if limit is None else limit.used_bytes,
        limit_bytes=None if limit is None else limit.limit_bytes,
        limit_origin=None if limit is None else limit.origin,
        limit_share=share,
        held_elsewhere_bytes=None if limit is None else limit.held_elsewhere_bytes,
        elsewhere_slope_mb_per_hour=None if is_brief else _elsewhere_slope(history, finding, present),
        finding=finding,
        forecast=forecast,
        pace=pace,
        culprits=culprits,
        cause=cause,
        deques=known.deques,
        processes=held.processes,
        resources=resources,
        alerts=known.alerts,
        waits_for=waiting.words,
        ready_at=waiting.ready_at,
        is_sum_exact=held.is_exact,
        finding_run_id=judged.run_id,
        limited_run_id=limited.run_id,
        grown=known.grown,
    )
    found = _level(_begun(found, judged, known))
    if not is_brief:
        found = found.rated()
    return replace(found, headline=headline_of(found), advice=advice_of(found, database=known.database))


def _level(found: Assessment) -> Assessment:
    """Return the same; of what does not grow the forecast says that it does not."""
    if found.forecast is None or not found.is_level:
        return found
    return replace(found, forecast=told_as_level(found.forecast))


def _begun(found: Assessment, judged: ByProcess, known: Present) -> Assessment:
    """Return the same with what the growth began with, also over restarts."""
    before = runs_before(judged, known.runs)
    release = release_of(found.finding, known.runs) if before.grew is None else before.grew.release
    back = release_before(release, known.runs, leaking=before.leaking_releases) if release else None
    return replace(found, before_restart=before.grew, since_release=release, release_before=back)


def _elsewhere_slope(history: History, finding: LeakFinding, present: Present | None) -> float | None:
    if present is None:
        return None
    return growth_elsewhere_mb_per_hour(history, present.limit, present.runs, policy=finding.policy)


def _freshness(history: History, present: Present | None, now: datetime | None) -> Freshness | None:
    if now is None:
        return None
    if present is None or not present.runs:
        return freshness(history.last_at, now=now, interval_seconds=None)
    return freshness_of(present.runs, now=now)
