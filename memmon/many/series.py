"""One series of a fleet: a pure, picklable function from a history to one row.

It is what any `concurrent.futures.Executor` maps: in this process, in a pool, or on a cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from memmon.analysis.leak.budget import log_e_value
from memmon.analysis.leak.finding import LeakPolicy  # noqa: TC001 -- the JSON Schema is made from it
from memmon.assessment.assess import assess
from memmon.assessment.before_restart import BeforeRestart  # noqa: TC001 -- the JSON Schema is made from it
from memmon.assessment.freshness import FreshnessState, ahead_sentence
from memmon.assessment.urgency import ranked
from memmon.facts.plain import as_plain
from memmon.facts.urgency import Urgency, place_of
from memmon.facts.verdicts import Confidence, Verdict
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.assessment.assessment import Assessment
    from memmon.assessment.present import Present
    from memmon.history import History

NEW_WITHIN = timedelta(hours=24)
"""A leak is new when a day before it was none."""

_UNJUDGED = (
    "vms_bytes",
    "available_bytes",
    "system_percent",
    "limit_bytes",
    "max_rss_bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTask:
    """What is judged: a history, without what the verdict does not look at, the policy, and what is known beside it."""

    history: History
    policy: LeakPolicy
    present: Present | None = None
    now: datetime | None = None
    judged_seconds: float | None = None
    """Seconds before the newest sample at which what is judged begins; what came before is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesResult:
    """One row of the fleet: the verdict on one source; sizes in MB (2**20 bytes)."""

    source: str
    verdict: Verdict
    is_leak: bool
    is_new: bool
    """True: a leak now, and none a day earlier."""
    confidence: Confidence
    slope_mb_per_hour: float | None
    slope_low_mb_per_hour: float | None
    slope_high_mb_per_hour: float | None
    growth_mb: float | None
    current_mb: float | None
    since: datetime | None
    last_at: datetime | None
    sample_count: int
    run_count: int
    release: str | None
    host: str | None
    summary: str
    process_count: int = 1
    """Processes side by side now; `current_mb` is what they hold together."""
    ahead_until: datetime | None = None
    """All of its samples lie in the future, up to this time: a clock is wrong, and nothing can be judged."""
    freshness: FreshnessState | None = None
    """What the age of its newest sample means; None: not of a store, where nothing tells."""
    is_stale: bool | None = None
    """No sample for three intervals, and not ended as somebody meant."""
    urgency: Urgency | None = None
    """What it asks of its operator: the table is in this order."""
    urgency_words: str = ""
    used_percent: float | None = None
    """Of its limit in force."""
    hours_left: float | None = None
    """Until its first limit is reached; None: no date."""
    log_e_value: float | None = None
    """Natural logarithm of the e-value against "memory does not grow"; None: it does not."""
    is_alarm: bool = False
    """A leak, and surely enough one for the budget of false alarms that was given; without one each leak is."""
    before_restart: BeforeRestart | None = None
    """That the runs before grew alike, and since when; None: they did not."""
    time_words: str = "-"
    """When its memory limit is reached, in the words of every table of sources."""

    def __post_init__(self) -> None:
        """Take a verdict that was given as plain text, as from JSON."""
        object.__setattr__(self, "verdict", Verdict(self.verdict))
        object.__setattr__(self, "confidence", Confidence(self.confidence))
        if self.urgency is not None:
            object.__setattr__(self, "urgency", Urgency(self.urgency))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, times as ISO 8601 text in UTC."""
        plain: dict[str, Any] = as_plain(self)
        return plain


def series_task(
    history: History,
    policy: LeakPolicy,
    *,
    present: Present | None = None,
    now: datetime | None = None,
    judged_seconds: float | None = None,
) -> SeriesTask:
    """Return the task for a history; what the verdict does not look at stays behind (half the bytes)."""
    unused: dict[str, Any] = dict.fromkeys(_UNJUDGED)
    return SeriesTask(
        history=replace(history, **unused),
        policy=policy,
        present=present,
        now=now,
        judged_seconds=judged_seconds,
    )


def analyse_series(task: SeriesTask) -> SeriesResult:
    """Judge one series. Pure: the same task gives the same result wherever it runs."""
    known, history = task.history, _judged_part(task)
    assessed = assess(
        history,
        present=task.present,
        policy=task.policy,
        now=task.now,
        known=None if history is known else known,
    )
    newest = history.runs[-1] if history.runs else None
    return series_result(
        assessed,
        is_new=assessed.finding.is_leak and not leaked_before(known, task.policy),
        last_at=history.last_at,
        run_count=len(history.runs),
        release=None if newest is None else newest.release,
        host=None if newest is None else newest.host,
    )


def _judged_part(task: SeriesTask) -> History:
    if task.judged_seconds is None or task.history.is_empty:
        return task.history
    return task.history.slice_time(float(task.history.at_seconds.max()) - task.judged_seconds, None)


def series_result(
    assessed: Assessment,
    *,
    is_new: bool,
    last_at: datetime | None,
    run_count: int,
    release: str | None,
    host: str | None,
) -> SeriesResult:
    """Return the row of a source of which that is said."""
    finding, fresh, urgent = assessed.finding, assessed.freshness, ranked(assessed)
    ahead = fresh if last_at is None else None
    evidence = log_e_value(finding)
    return SeriesResult(
        source=finding.source,
        verdict=finding.verdict,
        is_leak=finding.is_leak,
        is_new=is_new,
        confidence=finding.confidence,
        slope_mb_per_hour=finding.slope_mb_per_hour,
        slope_low_mb_per_hour=finding.slope_low_mb_per_hour,
        slope_high_mb_per_hour=finding.slope_high_mb_per_hour,
        growth_mb=finding.growth_mb,
        current_mb=None if assessed.rss_bytes is None else mb_from_bytes(assessed.rss_bytes),
        since=finding.since,
        last_at=last_at,
        sample_count=finding.sample_count,
        run_count=run_count,
        release=release,
        host=host,
        summary=finding.summary if ahead is None else ahead_sentence(ahead),
        process_count=max(len(assessed.recorded), 1),
        ahead_until=None if ahead is None else ahead.ahead_until,
        freshness=None if fresh is None else fresh.state,
        is_stale=None if fresh is None else fresh.is_stale,
        urgency=urgent.urgency,
        urgency_words=urgent.words,
        used_percent=assessed.used_percent,
        hours_left=urgent.hours_left,
        before_restart=assessed.before_restart,
        log_e_value=evidence if math.isfinite(evidence) else None,
        is_alarm=finding.is_leak,
        time_words=urgent.time_words,
    )


def analyse_batch(tasks: Sequence[SeriesTask]) -> list[SeriesResult]:
    """Judge several series: one unit of work for an executor."""
    return [analyse_series(task) for task in tasks]


def worst_first(results: Sequence[SeriesResult]) -> tuple[SeriesResult, ...]:
    """Return results in the order of their urgency, the most urgent first, as the overview has them."""
    return tuple(sorted(results, key=_place))


def _place(one: SeriesResult) -> tuple[object, ...]:
    return place_of(
        one.urgency or Urgency.UNKNOWN,
        verdict=one.verdict,
        confidence=one.confidence,
        slope_mb_per_hour=one.slope_mb_per_hour,
        hours_left=one.hours_left,
        used_percent=one.used_percent,
        last_at=one.last_at,
        name=one.source,
    )


def leaked_before(history: History, policy: LeakPolicy) -> bool:
    """Tell whether a leak was there a day before the newest sample already."""
    last_at = history.last_at
    assert last_at is not None
    return assess(history.slice_time(None, last_at - NEW_WITHIN), policy=policy).finding.is_leak
