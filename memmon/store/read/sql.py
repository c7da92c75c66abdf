"""One SQL statement of an operator's, read-only whatever it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.store.read.statement import check_reading

if TYPE_CHECKING:
    from memmon.store.read.ports import Gate, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What a statement answered."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool
    """True: there are more rows than the limit."""


def run_sql(gate: Gate, statement: str, *, row_limit: int) -> QueryResult:
    """Return at most `row_limit` rows of `statement`.

    What it begins with is looked at first, then the session holds it to reading in ways of its own
    (`Session.head`). Raises SqlError, with the database's own words for a statement that it refuses.
    """

    def work(session: Session) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        check_reading(statement, dialect=session.dialect)
        return session.head(statement, row_count=row_limit + 1)

    columns, rows = gate.read(work)
    return QueryResult(columns=columns, rows=tuple(rows[:row_limit]), is_cut=len(rows) > row_limit)
