"""The hourly check's assessment is kept: written by this process itself, in one short transaction.

The program's writer thread never sees it: its outbox holds what would be lost otherwise, while an assessment
that can't be written now is made again in an hour.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from memmon.errors import MemmonError

if TYPE_CHECKING:
    from memmon.child.requests import Check
    from memmon.store.read import Store


def keep_assessment(store: Store, request: Check) -> None:
    """Assess the source as of now and keep it; what fails is said, and takes nothing else along."""
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.assessment.gather import assess_source
    from memmon.assessment.kept import record_of
    from memmon.store.write.assessments import keep_assessments

    policy = LeakPolicy(threshold_mb_per_hour=request.threshold_mb_per_hour)
    try:
        if store.last_sample_at(request.source) is None:
            return
        assessed = assess_source(store, request.source, policy=policy, now=request.now)
        keep_assessments(store.database, [record_of(assessed, writer="child")])
    except MemmonError as error:
        sys.stderr.write(f"the assessment is not kept: {error}\n")
