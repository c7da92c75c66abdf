"""To which table a record belongs, told by its shape, and whether its values can be true."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text

from memmon.facts.series_kinds import SERIES_KIND_NAMES
from memmon.store.salvage.btree import INDEX_INTERIOR, INDEX_LEAF, TABLE_LEAF
from memmon.store.schema import tables as schema
from memmon.store.write.watch_rows import watch_row_of_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.store.salvage.btree import Cell, Value

Row = dict[str, "Value"]

_WITHOUT_ROWID = ("snapshot", "reading", "rollup", "reading_rollup", "alert_watch")
_WITH_ROWID = ("source", "run", "series", "event", "report", "assessment")
_ALERT_STATE = Table(
    "alert_state",
    MetaData(),
    Column("source_id", Integer, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("notified_ms", Integer),
    Column("data", Text),
)
"""Where a recorder's alerts stood up to schema 0004: a table with row numbers beside its key."""
_LARGEST_ID = 2**31 - 1
_LARGEST_MS = 2**43
_LARGEST_BYTES = 2**62
_LARGEST_PERCENT = 1000.0
_KNOWN_RESOLUTIONS = frozenset({3_600_000, 86_400_000})


@dataclass(frozen=True, slots=True)
class TableShape:
    """How the records of one table look."""

    table: Table
    names: tuple[str, ...]
    checks: tuple[Callable[[Value], bool], ...]
    counts: frozenset[int]
    """How many values a row has: as many as the table had columns at the revision that wrote it."""
    has_own_key: bool = False
    """The number of its rows is none of its columns."""

    def row_of(self, cell: Cell) -> Row | None:
        """Return the row that a cell holds, or None when it can't be one of this table."""
        values = cell.values
        if len(values) not in self.counts:
            return None
        if cell.rowid is not None and not self.has_own_key:
            # SQLite stores the primary key as the row's number, and NULL in its place.
            if values[0] is not None:
                return None
            values = (cell.rowid, *values[1:])
        values += (None,) * (len(self.names) - len(values))
        if not all(check(value) for check, value in zip(self.checks, values, strict=True)):
            return None
        return dict(zip(self.names, values, strict=True))


def shapes() -> Mapping[str, TableShape]:
    """Return the shape of every table of the newest schema, by name.

    A row that an older revision wrote is the beginning of a row of today: what later ones add comes last.
    """
    tables = [schema.metadata.tables[name] for name in (*_WITHOUT_ROWID, *_WITH_ROWID)]
    return {table.name: _shape_of(table) for table in (*tables, _ALERT_STATE)}


def _shape_of(table: Table) -> TableShape:
    columns = sorted(table.columns, key=schema.since_of)
    revisions = [schema.since_of(column) for column in columns]
    return TableShape(
        table=table,
        names=tuple(column.name for column in columns),
        checks=tuple(_check(column) for column in columns),
        counts=frozenset(bisect_right(revisions, one) for one in revisions),
        has_own_key=table is _ALERT_STATE,
    )


def table_of(cell: Cell, page_kind: int, known: Mapping[str, TableShape]) -> tuple[str, Row] | None:
    """Return the (table, row) that a cell is, or None: an index's, another table's, or none."""
    if page_kind == TABLE_LEAF:
        candidates: tuple[str, ...] = _WITH_ROWID
    elif page_kind in {INDEX_LEAF, INDEX_INTERIOR}:
        candidates = _WITHOUT_ROWID
    else:
        return None
    for name in candidates:
        row = known[name].row_of(cell)
        if row is not None:
            return name, row
    old = known[_ALERT_STATE.name].row_of(cell) if page_kind == TABLE_LEAF else None
    return None if old is None else ("alert_watch", watch_row_of_state(old))


def _check(column: Column[object]) -> Callable[[Value], bool]:
    found = _check_of_type(column)
    if column.nullable and not column.primary_key:
        return lambda value: value is None or found(value)
    return found


def _check_of_type(column: Column[object]) -> Callable[[Value], bool]:
    name = column.name
    if isinstance(column.type, Text):
        return lambda value: isinstance(value, str)
    if isinstance(column.type, Float):
        largest = _LARGEST_PERCENT if name.endswith("percent") else float(_LARGEST_BYTES)
        least = -largest if "slope" in name else 0.0
        return lambda value: isinstance(value, int | float) and least <= value <= largest
    if name == "resolution_ms":
        return lambda value: value in _KNOWN_RESOLUTIONS
    if name.endswith("_ms"):
        return lambda value: isinstance(value, int) and -_LARGEST_MS < value < _LARGEST_MS
    if name == "id" or name.endswith("_id"):
        return lambda value: isinstance(value, int) and 1 <= value <= _LARGEST_ID
    if name == "seq":
        return lambda value: isinstance(value, int) and 0 <= value <= _LARGEST_ID
    return lambda value: isinstance(value, int) and -_LARGEST_BYTES <= value <= _LARGEST_BYTES


def with_stored_types(name: str, row: Row, known: Mapping[str, TableShape]) -> Row:
    """Return a row with the types that SQLite would give back: whole floats are stored as integers."""
    floats = [column.name for column in known[name].table.columns if isinstance(column.type, Float)]
    for column in floats:
        value = row[column]
        if isinstance(value, int):
            row[column] = float(value)
    return row


def is_plausible(name: str, row: Row) -> bool:
    """Tell whether values agree with one another where a table has no checksum."""
    if name == "series":
        return row["kind"] in SERIES_KIND_NAMES and bool(row["metric"])
    if name == "source":
        return bool(row["name"])
    if name == "run":
        return bool(row["uuid"])
    if name in {"rollup", "reading_rollup"}:
        return not _int(row, "bucket_ms") % _int(row, "resolution_ms")
    return True


def _int(row: Row, name: str) -> int:
    value = row[name]
    assert isinstance(value, int)
    return value
