"""Rows into a store: checked one by one, written in batches, whatever is there already left as it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sqlalchemy import Float, Integer, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from memmon.store.schema import tables
from memmon.store.schema.digest import group_digest
from memmon.store.write.watch_rows import watch_row_of_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Column, Table
    from sqlalchemy.engine import Connection

BATCH_ROW_COUNT = 2_000
REFERENCES = {"source_id": "source", "run_id": "run", "series_id": "series"}
"""Columns that refer to other rows, and what a row calls them."""
LEFT_OUT = frozenset({"id", "digest"})
"""`id` is another database's; the digest covers such ids."""
_RENAMED = UUID("6d656d6d-6f6e-5072-616d-65642d72756e")
_INT64_MAX = 2**63 - 1


class RowError(ValueError):
    """A row can't be loaded; the message says what was expected instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How many rows of each table were new, and how many were there already."""

    new_count: Mapping[str, int]
    known_count: Mapping[str, int]
    sources: tuple[str, ...]
    """The sources that the rows belong to, by the names they have here."""


@dataclass(slots=True)
class Loader:
    """Takes rows one by one and writes them in batches."""

    connection: Connection
    rename: str | None
    with_readings: bool = True
    """False: no readings come, so that a snapshot's checksum is known at once."""
    seen: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    names: dict[str, None] = field(default_factory=dict)
    batch: list[dict[str, Any]] = field(default_factory=list)
    table: Table | None = None
    sources: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    rolled_ms: dict[int, int] = field(default_factory=dict)
    """Run: up to when its snapshots are folded into rollups here; they must not come back raw."""
    rolled_seq: dict[int, int] = field(default_factory=dict)
    series: dict[tuple[str, ...], int] = field(default_factory=dict)

    def take(self, row: Mapping[str, Any]) -> None:
        """Take a row; raises RowError for one that can't be loaded."""
        if row.get("type") == "alert_state":  # as files of older versions have them
            row = {"type": tables.alert_watch.name, **watch_row_of_state(row)}
            row = {name: value for name, value in row.items() if value is not None}
        table = tables.metadata.tables.get(str(row.get("type")))
        if table is None or not travels(table):
            raise RowError(f"unknown type {row.get('type')!r}: expected one of {_table_names()}")
        values = self._values(table, row)
        self.seen[table.name] += 1
        if table.name == "source":
            self._source_id(row["name"], values)
        elif table.name == "run":
            self._take_run(row, values)
        elif self._is_rolled(table.name, values) or (
            table.name == "event" and "run_id" not in values and self._has_event(values)
        ):
            return
        else:
            if self.table is not table or len(self.batch) >= BATCH_ROW_COUNT:
                self.flush()
            self.table = table
            row_values = {name: values.get(name, default) for name, default in _stored_columns(table)}
            if table is tables.snapshot and not self.with_readings:
                row_values["digest"] = group_digest(row_values)
            self.batch.append(row_values)

    def flush(self) -> None:
        """Write what was taken and not yet written."""
        if self.batch and self.table is not None:
            self.new[self.table.name] += self._insert(self.table, self.batch)
        self.batch = []

    def prove(self) -> None:
        """Give the snapshots that came in their checksums, together with the readings that came with them."""
        if self.with_readings:
            for run_id in self.runs.values():
                while self._prove_some(run_id):
                    pass

    def _prove_some(self, run_id: int) -> bool:
        """Prove the first unproved snapshots of a run; return whether there were any."""
        table, readings = tables.snapshot, tables.reading
        unproved = (
            select(table)
            .where(table.c.run_id == run_id, table.c.digest.is_(None))
            .order_by(table.c.seq)
            .limit(BATCH_ROW_COUNT)
        )
        rows = self.connection.execute(unproved).mappings().all()
        if not rows:
            return False
        written: dict[int, list[tuple[int, int | None]]] = {}
        changed = select(readings.c.seq, readings.c.series_id, readings.c.value).where(
            readings.c.run_id == run_id, readings.c.seq.between(rows[0]["seq"], rows[-1]["seq"])
        )
        for seq, series_id, value in self.connection.execute(changed):
            written.setdefault(seq, []).append((series_id, value))
        self.connection.execute(
            update(table)
            .where(table.c.run_id == run_id, table.c.seq == bindparam("of_seq"))
            .values(digest=bindparam("proof")),
            [
                {"of_seq": row["seq"], "proof": group_digest(dict(row), written.get(row["seq"], ()))}
                for row in rows
            ],
        )
        return True

    def loaded(self) -> Loaded:
        """Return what became of the rows."""
        known = {name: self.seen[name] - self.new[name] for name in self.seen}
        return Loaded(new_count=dict(self.new), known_count=known, sources=tuple(self.names))

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> int:
        """Insert what is new; return how many rows that were."""
        dialect = self.connection.dialect.name
        insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
        before = self._change_count() if dialect == "sqlite" else 0
        result = self.connection.execute(insert(table).on_conflict_do_nothing(), rows)
        if dialect == "sqlite":
            return self._change_count() - before
        return max(result.rowcount, 0)

    def _change_count(self) -> int:
        return int(self.connection.exec_driver_sql("SELECT total_changes()").scalar_one())

    def _values(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        known = _known_columns(table)
        for name, value in row.items():
            if name == "type":
                continue
            column = known.get(name)
            if column is not None and name not in REFERENCES:
                values[name] = _checked(column, value)
            elif f"{name}_id" in known and f"{name}_id" in REFERENCES:
                values[f"{name}_id"] = self._reference(name, value)
            else:
                raise RowError(
                    f"a row of type {table.name!r} has no field {name!r}: expected {sorted(known)}"
                )
        for name in _needed_columns(table):
            if name not in values:
                raise RowError(f"a row of type {table.name!r} needs {REFERENCES.get(name, name)!r}")
        return values

    def _reference(self, name: str, value: Any) -> int:
        if name == "series":
            return self._series_id(value)
        known = self.sources if name == "source" else self.runs
        if not isinstance(value, str) or value not in known:
            raise RowError(f"{name} {value!r} was not introduced by an earlier row of type {name!r}")
        return known[value]

    def _source_id(self, name: str, values: dict[str, Any]) -> None:
        if self.rename is not None and self.sources and name not in self.sources:
            raise RowError(f"a second source {name!r}: a new name can be given to one source only")
        table = tables.source
        here = self.rename or values["name"]
        self.new["source"] += self._insert(table, [{**values, "name": here}])
        self.sources[name] = self.connection.execute(
            select(table.c.id).where(table.c.name == here)
        ).scalar_one()
        self.names[here] = None

    def _take_run(self, row: Mapping[str, Any], values: dict[str, Any]) -> None:
        table = tables.run
        for name in ("uuid", "parent_uuid"):
            if self.rename is not None and values.get(name):
                values[name] = str(uuid5(_RENAMED, f"{self.rename}\0{values[name]}"))
        is_new = self._insert(table, [values])
        self.new["run"] += is_new
        mine = table.c.uuid == values["uuid"]
        run_id, source_id = self.connection.execute(select(table.c.id, table.c.source_id).where(mine)).one()
        if source_id != values["source_id"]:
            raise RowError(f"run {values['uuid']} is stored already, under another source")
        if not is_new and values.get("ended_ms") is not None:
            end = {name: values.get(name) for name in ("ended_ms", "end_reason", "end_detail")}
            grew = and_(table.c.end_reason == "imported", table.c.ended_ms < values["ended_ms"])
            self.connection.execute(
                update(table).where(mine, or_(table.c.ended_ms.is_(None), grew)).values(**end)
            )
        self.runs[row["uuid"]] = run_id
        rolled = tables.rollup.c
        newest = select(func.max(rolled.bucket_ms + rolled.resolution_ms)).where(rolled.run_id == run_id)
        if not is_new and (end_ms := self.connection.execute(newest).scalar()) is not None:
            self.rolled_ms[run_id] = end_ms

    def _is_rolled(self, table_name: str, values: Mapping[str, Any]) -> bool:
        """Tell whether a snapshot, or a reading of one, is part of a rollup that is here already."""
        run_id = values.get("run_id", 0)
        if run_id not in self.rolled_ms:
            return False
        if table_name == "snapshot":
            is_rolled: bool = values["at_ms"] < self.rolled_ms[run_id]
            if is_rolled:
                self.rolled_seq[run_id] = max(self.rolled_seq.get(run_id, 0), values["seq"])
            return is_rolled
        return table_name == "reading" and values["seq"] <= self.rolled_seq.get(run_id, 0)

    def _series_id(self, value: Any) -> int:
        parts = tuple(value) if isinstance(value, list | tuple) else ()
        if len(parts) != 4 or not all(isinstance(part, str) for part in parts):  # noqa: PLR2004 -- as named below
            raise RowError(f"series {value!r}: expected [source, kind, name, metric]")
        if parts not in self.series:
            source_id = self._reference("source", parts[0])
            kind, name, metric = parts[1:]
            row = {"source_id": source_id, "kind": kind, "name": name, "metric": metric}
            self._insert(tables.series, [row])
            table = tables.series.c
            wanted = and_(*(table[column] == value for column, value in row.items()))
            self.series[parts] = self.connection.execute(select(table.id).where(wanted)).scalar_one()
        return self.series[parts]

    def _has_event(self, values: Mapping[str, Any]) -> bool:
        """Tell whether an event from outside any run is stored: it has no number to know it by."""
        table = tables.event.c
        names = ("source_id", "at_ms", "kind", "text", "data")
        same = [
            table[name].is_(None) if values.get(name) is None else table[name] == values[name]
            for name in names
            if name != "text" or "text" in values
        ]
        return (
            self.connection.execute(select(table.id).where(table.run_id.is_(None), *same)).first() is not None
        )


@cache
def _stored_columns(table: Table) -> tuple[tuple[str, str | None], ...]:
    """Return each column that travels, with what stands for a missing value."""
    return tuple(
        (column.name, None if column.server_default is None else "")
        for column in table.columns
        if column.name not in LEFT_OUT
    )


@cache
def _known_columns(table: Table) -> dict[str, Column[Any]]:
    return {column.name: column for column in table.columns if column.name not in LEFT_OUT}


@cache
def _needed_columns(table: Table) -> tuple[str, ...]:
    return tuple(
        name
        for name, column in _known_columns(table).items()
        if not column.nullable and column.server_default is None
    )


def _table_names() -> list[str]:
    return [name for name, table in tables.metadata.tables.items() if travels(table)]


def travels(table: Table) -> bool:
    """Tell whether a table's rows belong to the history: what is being told to whom does not."""
    return table.name != "series" and not table.info.get("operational")


def _checked(column: Column[Any], value: Any) -> Any:
    """Return a value that fits its column; raise RowError for one that does not."""
    if isinstance(column.type, Integer):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _INT64_MAX:
            return value
        raise RowError(f"{column.name}={value!r}: expected a whole number of at most 64 bits")
    if isinstance(column.type, Float):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise RowError(f"{column.name}={value!r}: expected a number")
    if isinstance(value, str) and "\0" not in value:
        return value.encode("utf-8", "replace").decode("utf-8")
    raise RowError(f"{column.name}={value!r}: expected text without NUL")
