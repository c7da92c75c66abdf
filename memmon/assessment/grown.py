"""What looks at the objects of a source's processes have shown to grow, read of the stored events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.facts.suspicion import GROWTH_EVENTS
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.alerts.findings import LeakLike
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.facts.grown import GrownThing
    from memmon.store.read import Store
    from memmon.store.read.answers import EventInfo

_TOLD_LIMIT = 50
"""Events that are read. Chosen: a run tells of one or two, then ever more rarely."""


def is_looked_for(finding: LeakLike) -> bool:
    """Tell whether what grows is looked for by this verdict, and told beside it."""
    return finding.is_leak or finding.verdict == Verdict.GROWING


def read_grown(
    store: Store, finding: LeakFinding, *, until: datetime | None, run_id: int | None = None
) -> GrownThing | None:
    """Return what grows by what was told within the policy's look-back before `until`; None where nothing is known.

    `run_id`: of which of several processes the finding is.
    """
    if not is_looked_for(finding):
        return None
    since = None if until is None else until - timedelta(hours=finding.policy.look_back_hours)
    events = store.events(finding.source, since, until, kinds=GROWTH_EVENTS, limit=_TOLD_LIMIT)
    return _told(events, run_id=run_id)


def grown_of_release(store: Store, source: str, release: str) -> GrownThing | None:
    """Return what the newest run of a release that told anything has told to grow; None where none did."""
    runs = {run.run_id for run in store.runs(source) if run.release == release}
    events = store.events(source, kinds=GROWTH_EVENTS)
    return _told([one for one in events if one.run_id in runs])


def _told(events: Sequence[EventInfo], *, run_id: int | None = None) -> GrownThing | None:
    if not events:
        return None
    from memmon.facts.grown import GrowthTold, grown_of  # most have told nothing

    return grown_of(
        (GrowthTold(at=one.at, run_id=one.run_id, data=one.data) for one in events), run_id=run_id
    )
