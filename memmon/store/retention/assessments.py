"""Old assessments become one a day and each change: which of them may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.store.retention.rollup_columns import DAY_MS

if TYPE_CHECKING:
    from memmon.store.connect.session import Maintenance

ASSESSMENT_DAYS = 90.0
"""How long every hourly assessment is kept; under a size ceiling never longer than hourly rollups are."""

_BATCH_ROW_COUNT = 200
_OF_ONE = "PARTITION BY source_id, writer"
# What goes equals the one before it, so that what is left shows the same changes, however often this runs.
_SPARE = (
    "SELECT id FROM (SELECT id, "
    f"row_number() OVER ({_OF_ONE}, at_ms / {DAY_MS} ORDER BY at_ms, id) AS number_of_day, "
    f"lag(verdict) OVER ({_OF_ONE} ORDER BY at_ms, id) AS verdict_before, verdict, "
    f"lag(coalesce(severity, '')) OVER ({_OF_ONE} ORDER BY at_ms, id) AS severity_before, "
    "coalesce(severity, '') AS severity_now FROM assessment WHERE at_ms < :cut_ms) q "
    "WHERE number_of_day > 1 AND verdict = verdict_before AND severity_now = severity_before "
    f"ORDER BY id LIMIT {_BATCH_ROW_COUNT}"
)


def thin_assessments(session: Maintenance, cut_ms: int) -> int:
    """Delete some assessments from before `cut_ms` that are neither the first of a day nor a change; return how many.

    One batch, one short transaction; 0: there is none left.
    """
    spare = [{"id": row[0]} for row in session.read(_SPARE, {"cut_ms": cut_ms})]
    if not spare:
        return 0
    with session.write() as transaction:
        transaction.run_many("DELETE FROM assessment WHERE id = :id", spare)
    return len(spare)
