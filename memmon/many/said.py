"""What is said of every source at one moment, the most urgent first: of kept assessments, and within a time of others.

A page or a screen that waits until all are judged is no page: what there was no time for comes with the next look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memmon.assessment.newest import assessment_as_of, assessment_of, judge_anew, read_standings
from memmon.assessment.urgency import ranked, unjudged
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.newest import Standing
    from memmon.assessment.urgency import Ranked
    from memmon.clock import Clock
    from memmon.store.read import SourceInfo, Store

JUDGING_SECONDS = 0.4
"""What one look may take to judge sources of which no kept assessment holds."""

_MAX_KEPT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One source: how it stands, what is said of it, and its place among others.

    `assessment` None: it has no sample, it could not be judged (`trouble`), or there was no time yet (`is_pending`).
    """

    standing: Standing
    assessment: Assessment | None
    ranked: Ranked
    trouble: str = ""
    is_pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _JudgedSource:
    last_at: datetime | None
    assessment: Assessment | None
    trouble: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class SourceTable:
    """Looks at all sources; what it has judged it holds until a source has a newer sample.

    `judging_seconds`: what one look may take to judge sources of which no kept assessment holds.
    """

    clock: Clock
    policy: LeakPolicy
    judging_seconds: float = JUDGING_SECONDS
    _held: dict[str, _JudgedSource] = field(default_factory=dict)

    def look(self, store: Store, *, now: datetime) -> list[Said]:
        """Return every source, the most urgent first; judging ends when its time is over."""
        started = self.clock.monotonic()
        found = []
        for standing in read_standings(store, now=now, policy=self.policy):
            judged = self._known(standing, now)
            if judged is None and self.clock.monotonic() - started <= self.judging_seconds:
                judged = self._judge(store, standing, now)
            found.append(_said(standing, judged))
        return sorted(found, key=lambda one: one.ranked.place)

    def glance(self, store: Store, source: SourceInfo, *, now: datetime) -> Said:
        """Return one source with what is known of it already: nothing is judged for it."""
        (standing,) = read_standings(store, now=now, policy=self.policy, only=source)
        return _said(standing, self._known(standing, now))

    def _known(self, standing: Standing, now: datetime) -> _JudgedSource | None:
        if standing.last_at is None:
            return _JudgedSource(last_at=None, assessment=None)
        if standing.kept is not None:
            found = assessment_of(standing, standing.kept, now=now)
            return _JudgedSource(last_at=standing.last_at, assessment=found)
        held = self._held.get(standing.source)
        if held is None or held.last_at != standing.last_at:
            return None
        fresh = standing.freshness
        assessment = held.assessment and assessment_as_of(held.assessment, freshness=fresh, now=now)
        return _JudgedSource(last_at=held.last_at, assessment=assessment, trouble=held.trouble)

    def _judge(self, store: Store, standing: Standing, now: datetime) -> _JudgedSource:
        try:
            found = judge_anew(store, standing, now=now, policy=self.policy)
            judged = _JudgedSource(last_at=standing.last_at, assessment=found)
        except MemmonError as error:
            judged = _JudgedSource(last_at=standing.last_at, assessment=None, trouble=str(error))
        if len(self._held) >= _MAX_KEPT:
            self._held.clear()
        self._held[standing.source] = judged
        return judged


def _said(standing: Standing, judged: _JudgedSource | None) -> Said:
    found = None if judged is None else judged.assessment
    return Said(
        standing=standing,
        assessment=found,
        ranked=unjudged(standing.source, standing.freshness) if found is None else ranked(found),
        trouble="" if judged is None else judged.trouble,
        is_pending=judged is None,
    )
