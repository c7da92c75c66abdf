"""Samples: raw snapshots and rollups as one sequence without a seam.

A snapshot is folded into a rollup and deleted in the same transaction, so that each lies in
exactly one of the two tables and a UNION ALL has nothing twice.

Columns leave SQLite as one comma-separated text each (`group_concat`) and are parsed by numpy:
a third of the time that Python objects per value would take.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.store.retention.rollup_columns import COUNTERS, EXTREMES, MEANS, VALUES
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.ports import Session

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which samples are asked for."""

    source_id: int
    since_ms: int | None = None
    until_ms: int | None = None
    run_id: int | None = None

    def parameters(self) -> dict[str, object]:
        """Return the values bound into `union`."""
        given = {
            "source_id": self.source_id,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
            "run_id": self.run_id,
        }
        return {name: value for name, value in given.items() if value is not None}

    def condition(self, alias: str) -> str:
        """Return the WHERE of one table, as `union` needs it in both its arms."""
        terms = [f"{alias}.run_id IN (SELECT id FROM run WHERE source_id = :source_id)"]
        if self.run_id is not None:
            terms.append(f"{alias}.run_id = :run_id")
        if self.since_ms is not None:
            terms.append(f"{alias}.at_ms >= :since_ms")
        if self.until_ms is not None:
            terms.append(f"{alias}.at_ms <= :until_ms")
        return " AND ".join(terms)


def union(window: Window, columns: Sequence[str]) -> str:
    """Return the query of all samples in a window, with `columns` and what tells a sample.

    These are `run_id, seq` (NULL in rollups), `at_ms, uptime_ms, resolution_ms` (0: raw),
    `sample_count, rss_count`. A rollup's time is the mean time of its samples.
    """
    return " UNION ALL ".join(union_arms(window, columns))


def union_arms(window: Window, columns: Sequence[str]) -> tuple[str, str]:
    """Return the two queries that `union` joins: of the snapshots, and of the rollups."""
    raw = "".join(f", s.{EXTREMES.get(name, name)} AS {name}" for name in columns)
    rolled = "".join(f", h.{name}" for name in columns)
    snapshots = (
        "SELECT s.run_id, s.seq, s.at_ms, s.uptime_ms, 0 AS resolution_ms, 1 AS sample_count, "
        f"CASE WHEN s.rss_bytes IS NULL THEN 0 ELSE 1 END AS rss_count{raw} "
        f"FROM snapshot s WHERE {window.condition('s')}"
    )
    rollups = (
        "SELECT h.run_id, NULL AS seq, h.at_ms, h.uptime_ms, h.resolution_ms, h.sample_count, "
        f"h.rss_count{rolled} FROM rollup h WHERE {window.condition('h')}"
    )
    return snapshots, rollups


def fetch_columns(
    session: Session, query: str, names: Sequence[str], *, parameters: Mapping[str, object]
) -> dict[str, FloatArray]:
    """Return each column of `query` as a float array (NULL: NaN), all in one order: any.

    `query` must give the columns `names`: whole numbers, or floats where `is_float` says so.
    """
    gathered = _sqlite_gathered if session.dialect == "sqlite" else _server_gathered
    sql = f"SELECT {', '.join(gathered(name) for name in names)} FROM ({query}) q"
    (row,) = session.rows(sql, parameters)
    return {name: _parsed(text, is_float=is_float(name)) for name, text in zip(names, row, strict=True)}


def gathered_pairs(session: Session, first: str, second: str) -> str:
    """Return the aggregate that makes one text of two columns of whole numbers, pair after pair, in any order."""
    if session.dialect == "sqlite":
        return f"group_concat({first} || ',' || ifnull({second}, '{MISSING}'))"
    return f"string_agg({first} || ',' || coalesce(CAST({second} AS TEXT), '{MISSING}'), ',')"


def parsed_pairs(text: str | None) -> tuple[FloatArray, FloatArray]:
    """Return both columns of such a text (None: no rows), by the first, ascending; NULL: NaN."""
    if not text:
        return np.empty(0), np.empty(0)
    pairs = np.fromstring(text, dtype=np.int64, sep=",").reshape(-1, 2)
    if not bool(np.all(np.diff(pairs[:, 0]) > 0)):
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    second = pairs[:, 1].astype(np.float64)
    second[pairs[:, 1] == MISSING] = np.nan
    return pairs[:, 0].astype(np.float64), second


_KEYS = ("run_id", "seq", "at_ms", "uptime_ms", "resolution_ms", "sample_count")


def fetch_points(session: Session, window: Window, columns: Sequence[str]) -> dict[str, FloatArray]:
    """Return the samples of a window ordered by run and uptime.

    Beside `columns`: `run_id, seq, at_ms, uptime_ms, resolution_ms, sample_count`.
    """
    names = (*_KEYS, *columns)
    return _ordered(fetch_columns(session, union(window, columns), names, parameters=window.parameters()))


def fetch_whole(session: Session, window: Window) -> dict[str, FloatArray]:
    """Return every value of the samples of a window (`VALUES`), in the order of `fetch_points`, with what that gives.

    Beside it `rss_count`. Snapshots have their extremes in the values themselves: these are read once.
    """
    plain = (*MEANS, *COUNTERS)
    raw_sql, rolled_sql = union_arms(window, plain)[0], union_arms(window, VALUES)[1]
    raw = fetch_columns(session, raw_sql, (*_KEYS, "rss_count", *plain), parameters=window.parameters())
    rolled = fetch_columns(
        session, rolled_sql, (*_KEYS, "rss_count", *VALUES), parameters=window.parameters()
    )
    found = {name: raw[EXTREMES.get(name, name)] for name in (*_KEYS, "rss_count", *VALUES)}
    if rolled["run_id"].size:
        found = {name: np.concatenate([array, rolled[name]]) for name, array in found.items()}
    return _ordered(found)


def within(points: Mapping[str, FloatArray], window: Window) -> dict[str, FloatArray]:
    """Return those of the samples that lie in a window, a part of the one that they were read for."""
    kept = np.ones(points["run_id"].size, dtype=np.bool_)
    if window.run_id is not None:
        kept &= points["run_id"] == window.run_id
    if window.since_ms is not None:
        kept &= points["at_ms"] >= window.since_ms
    if window.until_ms is not None:
        kept &= points["at_ms"] <= window.until_ms
    return dict(points) if bool(kept.all()) else {name: array[kept] for name, array in points.items()}


def _ordered(points: dict[str, FloatArray]) -> dict[str, FloatArray]:
    order = np.lexsort((points["seq"], points["uptime_ms"], points["run_id"]))
    if bool(np.all(np.diff(order) == 1)):
        return points
    return {name: array[order] for name, array in points.items()}


def is_float(name: str) -> bool:
    """Tell whether a column holds no whole numbers."""
    return name.endswith(("_percent", "mean_value"))


def _parsed(text: str | None, *, is_float: bool) -> FloatArray:
    """Return the numbers of a comma-separated text (None: no rows)."""
    if not text:
        return np.empty(0, dtype=np.float64)
    if is_float:
        return np.fromstring(text, dtype=np.float64, sep=",")
    # Whole numbers are parsed four times as fast as floats.
    whole = np.fromstring(text, dtype=np.int64, sep=",")
    numbers = whole.astype(np.float64)
    numbers[whole == MISSING] = np.nan
    return numbers


MISSING = int(np.iinfo(np.int64).min)
"""What stands for NULL where numbers go as text, or NULL says something else."""


def _sqlite_gathered(name: str) -> str:
    if is_float(name):
        # SQLite writes floats with 15 digits where 17 are needed to read back the same.
        return f"group_concat(CASE WHEN {name} IS NULL THEN 'nan' ELSE printf('%!.17g', {name}) END)"
    return f"group_concat(ifnull({name}, '{MISSING}'))"


def _server_gathered(name: str) -> str:
    missing = "nan" if is_float(name) else MISSING
    return f"string_agg(coalesce(CAST({name} AS TEXT), '{missing}'), ',')"


def seconds(milliseconds: FloatArray) -> FloatArray:
    """Return milliseconds in seconds."""
    return milliseconds / MS_PER_SECOND
