"""Assessments into a store: one short transaction, whatever is there already left as it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from memmon.store.connect.error_translation import translated
from memmon.store.connect.links import write_links
from memmon.store.schema.moments import ms_from_datetime
from memmon.store.schema.revision import require_head
from memmon.store.write import sql
from memmon.store.write.statements import fitting, storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.config import Database
    from memmon.model import AssessmentRecord


def keep_assessments(database: Database, records: Sequence[AssessmentRecord]) -> int:
    """Write the records, and return how many are new; those of a source that is not there are left out.

    Raises StoreError's kin: the database may be locked, too old, or gone.
    """
    if not records:
        return 0
    with translated(database), write_links(database).connect() as link, link.begin():
        require_head(link)
        return sum(link.run(sql.PUT_ASSESSMENT, _row(one)) for one in records)


def _row(record: AssessmentRecord) -> dict[str, Any]:
    values: dict[str, Any] = asdict(record)
    values["at_ms"] = ms_from_datetime(values.pop("at"))
    last_at = values.pop("last_at")
    values["last_ms"] = None if last_at is None else ms_from_datetime(last_at)
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable_text(value)
    return fitting(value) if isinstance(value, int) else value
