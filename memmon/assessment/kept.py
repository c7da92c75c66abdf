"""Assessments as they are kept by the hourly checks, and when a kept one still says what is to be said.

Of a kept one the verdict, also of each process, the forecast, the resources, what grows and what it began with are taken; freshness and memory are never: they are read anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from memmon.analysis.forecast.finding import Forecast  # noqa: TC001 -- same
from memmon.analysis.leak.finding import LeakFinding  # noqa: TC001 -- same
from memmon.assessment.before_restart import BeforeRestart  # noqa: TC001 -- same
from memmon.assessment.process import SourceProcess  # noqa: TC001 -- same
from memmon.assessment.resource import Resource  # noqa: TC001 -- same
from memmon.facts.deque_state import state_of
from memmon.facts.grown import GrownThing  # noqa: TC001 -- same
from memmon.facts.plain import as_plain
from memmon.model import AssessmentRecord

if TYPE_CHECKING:
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.assessment import Assessment
    from memmon.store.read import AssessmentRow

VERSION = 1
"""Of the JSON's form: raised where a field that was there changes its meaning; one that is added changes nothing. By definition."""

LONGEST_GAP = timedelta(hours=1, minutes=15)
"""How much newer samples may be than those that were judged: an hour until the next check, and what delays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAssessment:
    """What of a kept assessment is read back; whatever else its JSON holds is passed over."""

    finding: LeakFinding
    forecast: Forecast | None = None
    waits_for: str = ""
    ready_at: datetime | None = None
    processes: tuple[SourceProcess, ...] = ()
    finding_run_id: int | None = None
    resources: tuple[Resource, ...] = ()
    grown: GrownThing | None = None
    before_restart: BeforeRestart | None = None
    since_release: str = ""
    release_before: str | None = None


def record_of(assessed: Assessment, *, writer: Literal["child", "evaluator"]) -> AssessmentRecord:
    """Return the record by which an assessment is kept; it needs a moment (`at`)."""
    assert assessed.at is not None, "an assessment of no moment can't be kept"
    finding, freshness = assessed.finding, assessed.freshness
    return AssessmentRecord(
        source=assessed.source,
        at=assessed.at,
        writer=writer,
        last_at=finding.window.end if freshness is None else freshness.last_at,
        severity=None if assessed.severity is None else assessed.severity.value,
        verdict=finding.verdict.value,
        confidence=finding.confidence.value,
        slope_mb_per_hour=finding.slope_mb_per_hour,
        rss_bytes=assessed.rss_bytes,
        footprint_bytes=assessed.footprint_bytes,
        charged_bytes=assessed.charged_bytes,
        limit_bytes=assessed.limit_bytes,
        version=VERSION,
        data=json.dumps({"version": VERSION, **_plain(assessed)}, separators=(",", ":")),
    )


def _plain(assessed: Assessment) -> dict[str, Any]:
    """Return an assessment as plain data, without what is not known or lies in the store as it is.

    That is the forecast's curve, of which the figures remain, and deques that are as they should be.
    """
    if assessed.forecast is not None:
        assessed = replace(assessed, forecast=replace(assessed.forecast, curve=None))
    plain = assessed.to_dict()
    plain["deques"] = [as_plain(one) for one in assessed.deques if state_of(one).is_failing]
    return {name: value for name, value in plain.items() if value not in (None, [], "")}


def read_kept(row: AssessmentRow) -> KeptAssessment | None:
    """Return what a row keeps; None where it is of another form, or of a memmon that knew more."""
    if row.version != VERSION:
        return None
    try:
        kept = msgspec.json.decode(row.data, type=KeptAssessment)
    except (msgspec.MsgspecError, ValueError):
        return None
    # Its source may have got another name on the way through a file.
    return replace(kept, finding=replace(kept.finding, source=row.source))


def still_holds(
    row: AssessmentRow,
    kept: KeptAssessment,
    *,
    policy: LeakPolicy,
    last_at: datetime | None,
    is_checked: bool,
) -> bool:
    """Tell whether a kept verdict is the present one, of a source whose newest sample is of `last_at`.

    It is not under another policy, nor once a run has begun since. `is_checked`: the source lives, so that the next check comes within the hour; where it does not, only a verdict on
    the last sample of all stands.
    """
    if kept.finding.policy != policy or row.last_at is None or last_at is None:
        return False
    if row.begun_at is not None and row.begun_at > row.at:
        return False
    gap = last_at - row.last_at
    return timedelta(0) <= gap <= (LONGEST_GAP if is_checked else timedelta(0))
