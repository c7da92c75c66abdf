"""One SQL statement of an operator's, read-only whatever it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.errors import SqlError

if TYPE_CHECKING:
    from memmon.store.read.ports import Gate, Session

_LEADING_COMMENTS = re.compile(r"\A(?:\s*--[^\n]*(?:\n|\Z))+")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What a statement answered."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool
    """True: there are more rows than the limit."""


def run_sql(gate: Gate, statement: str, *, row_limit: int) -> QueryResult:
    """Return at most `row_limit` rows of `statement`.

    The connection can't write (`mode=ro` and `query_only`, a READ ONLY transaction on a
    server). Raises SqlError with the database's own words for a statement that it refuses.
    """
    text = _LEADING_COMMENTS.sub("", statement).strip().rstrip(";").strip()
    if not text:
        msg = "no statement given: try SELECT * FROM v_run"
        raise SqlError(msg)
    if text.split(None, 1)[0].lower() not in {"select", "with", "values", "explain"}:
        msg = "only reading statements (SELECT, WITH, VALUES, EXPLAIN) are run; use `memmon db` to maintain a database"
        raise SqlError(msg)

    def work(session: Session) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        return session.head(text, row_count=row_limit + 1)

    columns, rows = gate.read(work)
    return QueryResult(columns=columns, rows=tuple(rows[:row_limit]), is_cut=len(rows) > row_limit)
