"""The hourly check's assessment is kept: written by this process itself, in one short transaction.

The program's writer thread never sees it: its outbox holds what would be lost otherwise, while an assessment
that can't be written now is made again in an hour.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from memmon.errors import MemmonError

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment
    from memmon.store.read import Store


def keep_assessment(store: Store, assessed: Assessment) -> None:
    """Keep an assessment of now; what fails is said, and takes nothing else along."""
    from memmon.assessment.kept import record_of
    from memmon.store.write.assessments import keep_assessments

    try:
        keep_assessments(store.database, [record_of(assessed, writer="child")])
    except MemmonError as error:
        sys.stderr.write(f"the assessment is not kept: {error}\n")
