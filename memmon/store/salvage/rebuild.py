"""A new store from the rows that count; what they refer to and was lost is rebuilt from indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, cast

from memmon.facts.series_kinds import DEQUE
from memmon.store.salvage.tables import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from memmon.store.salvage.btree import Cell
    from memmon.store.salvage.tables import Row
    from memmon.store.salvage.verify import Kept

LOST_NAME = "salvaged"
_ORDER = (
    "source",
    "run",
    "series",
    "snapshot",
    "reading",
    "rollup",
    "reading_rollup",
    "event",
    "report",
    "assessment",
    "alert_watch",
)
_NEAR_MS = 600_000
_UUID_LENGTHS = frozenset({32, 36})


def add_lost_parents(kept: Kept, cells: Sequence[Cell]) -> dict[str, int]:
    """Add the runs, series and sources that rows refer to and that were not found; return how many."""
    added = {"run": _add_runs(kept, cells), "series": _add_series(kept, cells)}
    added["source"] = _add_sources(kept, cells)
    return added


def _add_runs(kept: Kept, cells: Sequence[Cell]) -> int:
    known = {row["id"] for row in kept.rows["run"]}
    starts: dict[int, int] = {}
    for row in [*kept.rows["snapshot"], *kept.rows["rollup"]]:
        run = cast("int", row["run_id"])
        if run not in known:
            started = cast("int", row["at_ms"]) - cast("int", row["uptime_ms"])
            starts[run] = min(started, starts.get(run, started))
    for row in kept.rows["event"]:
        run_id = row["run_id"]
        if isinstance(run_id, int) and run_id not in known:
            starts.setdefault(run_id, cast("int", row["at_ms"]))
    uuids = {
        cell.values[1]: cell.values[0]
        for cell in cells
        if len(cell.values) == 2  # noqa: PLR2004 -- (uuid, id)
        and isinstance(cell.values[0], str)
        and len(cell.values[0]) in _UUID_LENGTHS
    }
    for run, started in starts.items():
        source, exact = _indexed_start(cells, run, started)
        kept.rows["run"].append(
            {
                "id": run,
                "uuid": uuids.get(run) or f"{LOST_NAME}-{run}",
                "source_id": source,
                "started_ms": exact,
            }
        )
    return len(starts)


def _indexed_start(cells: Sequence[Cell], run: int, started: int) -> tuple[int, int]:
    """Return (source, start) of a run by the index over them; else the first source and an estimate."""
    for cell in cells:
        if len(cell.values) == 3 and cell.values[2] == run:  # noqa: PLR2004 -- (source, start, run)
            source, at_ms, _ = cell.values
            if isinstance(source, int) and isinstance(at_ms, int) and abs(at_ms - started) <= _NEAR_MS:
                return source, at_ms
    return 1, started


def _add_series(kept: Kept, cells: Sequence[Cell]) -> int:
    known = {row["id"] for row in kept.rows["series"]}
    wanted = {
        cast("int", row["series_id"]): cast("int", row["run_id"])
        for name in ("reading", "reading_rollup")
        for row in kept.rows[name]
        if row["series_id"] not in known
    }
    indexed = {cell.values[4]: cell.values for cell in cells if len(cell.values) == 5}  # noqa: PLR2004 -- all of a series
    sources = {row["id"]: row["source_id"] for row in kept.rows["run"]}
    for series, run in wanted.items():
        source, kind, name, metric, _ = indexed.get(
            series, (sources.get(run, 1), DEQUE, f"{LOST_NAME}-{series}", "length", series)
        )
        kept.rows["series"].append(
            {"id": series, "source_id": source, "kind": kind, "name": name, "metric": metric}
        )
    return len(wanted)


def _add_sources(kept: Kept, cells: Sequence[Cell]) -> int:
    known = {row["id"] for row in kept.rows["source"]}
    wanted: dict[int, int] = {}
    for name, column in (
        ("run", "started_ms"),
        ("event", "at_ms"),
        ("report", "at_ms"),
        ("assessment", "at_ms"),
        ("alert_watch", "since_ms"),
    ):
        for row in kept.rows[name]:
            source = cast("int", row["source_id"])
            if source not in known:
                at_ms = cast("int", row[column])
                wanted[source] = min(at_ms, wanted.get(source, at_ms))
    for row in kept.rows["series"]:
        if row["source_id"] not in known:
            wanted.setdefault(cast("int", row["source_id"]), 0)
    names = {
        cell.values[1]: cell.values[0]
        for cell in cells
        if len(cell.values) == 2 and isinstance(cell.values[0], str)  # noqa: PLR2004 -- (name, id)
    }
    taken = {row["name"] for row in kept.rows["source"]}
    for source, created_ms in wanted.items():
        name = names.get(source) or ""
        if not name or name in taken or len(name) in _UUID_LENGTHS:
            name = f"{LOST_NAME}-{source}"
        taken.add(name)
        kept.rows["source"].append({"id": source, "name": name, "created_ms": created_ms})
    return len(wanted)


def write_rows(path: Path, kept: Kept) -> dict[str, int]:
    """Insert the rows into an empty store in one transaction; return how many of each table are in it."""
    known = shapes()
    counts = {}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("BEGIN IMMEDIATE")
        for name in _ORDER:
            names = known[name].names
            statement = (
                f"INSERT OR IGNORE INTO {name} ({', '.join(_quoted(names))}) "
                f"VALUES ({', '.join('?' for _ in names)})"
            )
            before = connection.total_changes
            connection.executemany(statement, _values(kept.rows[name], names))
            counts[name] = connection.total_changes - before
        connection.execute("COMMIT")
        # The file is to stand for itself: it is moved without those beside it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return counts


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _values(rows: Iterable[Row], names: Sequence[str]) -> Iterable[list[object]]:
    for row in rows:
        yield [row.get(name) for name in names]
