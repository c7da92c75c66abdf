"""How an assessment comes about: a pure function of a history, the present readings, a policy and the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.leak.detect import DEFAULT_POLICY, detect_leak
from memmon.assessment.advice import advice_of
from memmon.assessment.assessment import Assessment
from memmon.assessment.culprits import explain
from memmon.assessment.elsewhere import growth_elsewhere_mb_per_hour
from memmon.assessment.freshness import freshness, freshness_of
from memmon.assessment.headline import headline_of
from memmon.assessment.pace import beside_pace, present_pace
from memmon.assessment.severity import severity_of
from memmon.assessment.waiting import waiting_for
from memmon.facts.recording_order import latest_at
from memmon.history import as_history

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.detect import LeakFinding, LeakPolicy
    from memmon.assessment.freshness import Freshness
    from memmon.assessment.limits import Limit
    from memmon.assessment.present import Present
    from memmon.assessment.severity import Severity
    from memmon.history import History

FORECAST_LEVEL = 0.8
"""How sure the interval of the limit's date is, unless another is asked for."""


def assess(
    history: History | pd.DataFrame | pd.Series[Any],
    *,
    present: Present | None = None,
    policy: LeakPolicy = DEFAULT_POLICY,
    now: datetime | None = None,
) -> Assessment:
    """Return all that is to be said of `history` and of the present readings, under `policy`.

    `history`: a History, or a DataFrame or Series (of bytes, its index times) as `History.from_frame` takes it.
    The verdict and the forecast are as of the last sample; `now` (aware) is what ages count to: without it the
    freshness is not known. Never raises for lack of data: then the verdict is `cannot_say`.
    """
    history = as_history(history)
    # What a clock ahead has labelled is set aside.
    if now is not None:
        history = history.slice_time(None, latest_at(now))
    if not history.is_empty:
        history = history.slice_time(None, history.last_seconds)
    return assess_finding(history, detect_leak(history, policy), present=present, now=now)


def assess_finding(
    history: History,
    finding: LeakFinding,
    *,
    present: Present | None = None,
    now: datetime | None = None,
    is_brief: bool = False,
    forecast_level: float = FORECAST_LEVEL,
    is_cross_checked: bool = False,
) -> Assessment:
    """Return the assessment that rests on `finding`, the verdict on `history`.

    `is_brief` leaves out the forecast, and the severity that would rest on it. `forecast_level`: of the forecast's
    interval; `is_cross_checked`: compare it with a second model's (statsmodels).
    """
    limit = None if present is None else present.limit
    deques = () if present is None else present.deques
    fresh = _freshness(history, present, now)
    forecast, pace = None, None
    if not is_brief:
        forecast = _forecast(history, finding, limit, level=forecast_level, is_cross_checked=is_cross_checked)
        pace = present_pace(history, present, freshness=fresh, forecast=forecast)
        forecast = beside_pace(forecast, pace)
    cause, culprits = explain(finding, None if present is None else present.growth)
    waiting = waiting_for(finding, forecast, history=history, freshness=fresh)
    share = None if limit is None else limit.used_bytes / limit.limit_bytes
    severity: Severity | None = None
    if not is_brief:
        severity = severity_of(finding, forecast=forecast, limit_share=share, deques=deques, pace=pace)
    found = Assessment(
        source=history.source,
        at=now or history.last_at,
        freshness=fresh,
        rss_bytes=_rss_bytes(history, present),
        footprint_bytes=None if history.is_empty else int(history.footprint_bytes[-1]),
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
        deques=deques,
        alerts=() if present is None else present.alerts,
        severity=severity,
        waits_for=waiting.words,
        ready_at=waiting.ready_at,
    )
    database = None if present is None else present.database
    return replace(found, headline=headline_of(found), advice=advice_of(found, database=database))


def _forecast(
    history: History, finding: LeakFinding, limit: Limit | None, *, level: float, is_cross_checked: bool
) -> Forecast | None:
    """Return when memory reaches the limit; None where no limit is known, or there is no sample."""
    if limit is None or history.is_empty:
        return None
    return forecast_limit(
        history,
        limit.limit_bytes,
        used_bytes=limit.used_bytes,
        counts=limit.counts,
        finding=finding,
        level=level,
        cross_check=is_cross_checked,
    )


def _elsewhere_slope(history: History, finding: LeakFinding, present: Present | None) -> float | None:
    if present is None:
        return None
    return growth_elsewhere_mb_per_hour(history, present.limit, present.runs, policy=finding.policy)


def _rss_bytes(history: History, present: Present | None) -> int | None:
    if present is not None and present.rss_bytes is not None:
        return present.rss_bytes
    return None if history.is_empty else int(history.rss_bytes[-1])


def _freshness(history: History, present: Present | None, now: datetime | None) -> Freshness | None:
    if now is None:
        return None
    if present is None or not present.runs:
        return freshness(history.last_at, now=now, interval_seconds=None)
    return freshness_of(present.runs, now=now)
