"""Readings of deques, components and named work, filled forward: they are stored on change only.

A reading holds until the next one of its run and series; the snapshot rows prove that the
process was there. Before the first raw snapshot stand the rollups, which follow the same rule by
their `last_value`.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memmon.store.read.ports import in_parts, listed_values
from memmon.store.read.samples import Window, fetch_columns, gathered_pairs, parsed_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memmon.store.read.ports import Session

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


class Series(NamedTuple):
    """One name and metric of a source."""

    series_id: int
    name: str
    metric: str


class Changes(NamedTuple):
    """What one series did in one run: where it changed among the run's samples, and to what."""

    position: IntArray
    """Index of the first sample for which a value holds, ascending."""
    value: FloatArray
    """The value that is carried on from there."""
    rolled_position: IntArray
    """Indices of rollups with values of their own."""
    rolled_mean: FloatArray
    rolled_max: FloatArray


def fetch_series(
    session: Session, source_id: int, *, kind: str, metrics: Sequence[str] | None = None
) -> tuple[Series, ...]:
    """Return the source's series of a kind, ordered by name."""
    found = fetch_series_of_all(session, [source_id], kind=kind).get(source_id, ())
    return tuple(one for one in found if metrics is None or one.metric in metrics)


def fetch_series_of_all(session: Session, source_ids: Sequence[int], *, kind: str) -> dict[int, list[Series]]:
    """Return the series of a kind of several sources, by the source's id, ordered by name."""
    found: dict[int, list[Series]] = {}
    for part in in_parts([(one,) for one in source_ids]):
        values, parameters = listed_values(part)
        rows = session.rows(
            f"SELECT source_id, id, name, metric FROM series WHERE source_id IN ({values}) AND kind = :kind ORDER BY name, id",
            {**parameters, "kind": kind},
        )
        for source_id, *row in rows:
            found.setdefault(source_id, []).append(Series(*row))
    return found


def series_by_name(series: Sequence[Series]) -> dict[str, dict[str, int]]:
    """Return the number of each series by its name and metric."""
    names: dict[str, dict[str, int]] = {}
    for one in series:
        names.setdefault(one.name, {})[one.metric] = one.series_id
    return names


class Readings:
    """All readings of some series over a window's samples, one run after the other."""

    def __init__(
        self,
        session: Session,
        window: Window,
        points: Mapping[str, FloatArray],
        *,
        kind: str,
        metrics: Sequence[str] | None = None,
        rolled: Sequence[str] = ("mean_value", "max_value"),
    ) -> None:
        """Fetch what changed; `points` are the window's samples (`fetch_points`), `metrics` those wanted (None: all).

        `rolled`: what is wanted of rollups beside their last value; the rest stays empty in `Changes`.
        """
        self.points, self.runs = points, _runs_of(points)
        names = {f"metric_{number}": name for number, name in enumerate(metrics or ())}
        parameters = {**window.parameters(), "kind": kind, **names}
        chosen = f" AND x.metric IN ({', '.join(f':{name}' for name in names)})" if names else ""
        self._raw = {
            (run_id, series_id): {"key": key, "value": value}
            for run_id, series_id, text in session.rows(_raw_query(session, window, chosen), parameters)
            for key, value in [parsed_pairs(text)]
            if key.size
        }
        self._rolled: dict[tuple[int, int], dict[str, FloatArray]] = {}
        if _has_rollups(points):
            values = ("last_value", *rolled)
            self._rolled = _by_series(session, _rolled_query(window, chosen), "bucket_ms", values, parameters)
        self._samples = _samples_by_run(points)

    def over(self, points: Mapping[str, FloatArray]) -> Readings:
        """Return the same readings over some of the samples, as if only those had been asked for."""
        narrowed = copy(self)
        narrowed.points, narrowed.runs = points, _runs_of(points)
        narrowed._samples = _samples_by_run(points)  # noqa: SLF001 -- its own kind
        if not _has_rollups(points):
            narrowed._rolled = {}  # noqa: SLF001 -- same
        return narrowed

    def changes(self, run_id: int, series_id: int) -> Changes | None:
        """Return the changes of a series in a run, or None when it has no reading there."""
        raw = self._raw.get((run_id, series_id))
        rolled = self._rolled.get((run_id, series_id))
        if raw is None and rolled is None:
            return None
        samples = self._samples[run_id]
        position = [_EMPTY_INT]
        value = [_EMPTY]
        own = (_EMPTY_INT, _EMPTY, _EMPTY)
        if rolled is not None:
            # A last value is carried on from its own sample; `means` and `peaks` put there what the rollup says of itself.
            place = np.searchsorted(samples.buckets, rolled["key"], side="left")
            own = _own_values(samples.buckets, place, rolled)
            position.append(place)
            value.append(rolled["last_value"])
        if raw is not None and samples.seqs.size:
            # Raw samples follow the rollups of their run, in the order of their numbers.
            position.append(samples.first_raw + np.searchsorted(samples.seqs, raw["key"], side="left"))
            value.append(raw["value"])
        return Changes(np.concatenate(position), np.concatenate(value), *own)


def _runs_of(points: Mapping[str, FloatArray]) -> tuple[tuple[int, slice], ...]:
    """Return each run with its rows."""
    run_of = points["run_id"].astype(np.int64)
    edges = np.flatnonzero(np.diff(run_of)) + 1
    starts = [0, *edges.tolist()] if run_of.size else []
    stops = [*edges.tolist(), run_of.size] if run_of.size else []
    return tuple((int(run_of[start]), slice(start, stop)) for start, stop in zip(starts, stops, strict=True))


def _has_rollups(points: Mapping[str, FloatArray]) -> bool:
    return bool(np.any(points["resolution_ms"] > 0))


class _Samples(NamedTuple):
    """The samples of one run, by what a reading finds its place among them."""

    buckets: FloatArray
    """When the hour or day of each rollup began, in milliseconds."""
    first_raw: int
    seqs: FloatArray
    """The numbers from the first snapshot on; empty without one."""


def _samples_of(points: Mapping[str, FloatArray], rows: slice) -> _Samples:
    resolution, seqs = points["resolution_ms"][rows], points["seq"][rows]
    is_raw = resolution == 0
    rolled = resolution[~is_raw]
    first_raw = int(np.argmax(is_raw)) if bool(is_raw.any()) else seqs.size
    return _Samples(np.floor(points["at_ms"][rows][~is_raw] / rolled) * rolled, first_raw, seqs[first_raw:])


def _samples_by_run(points: Mapping[str, FloatArray]) -> dict[int, _Samples]:
    return {run_id: _samples_of(points, rows) for run_id, rows in _runs_of(points)}


def _own_values(
    buckets: FloatArray, place: IntArray, rolled: Mapping[str, FloatArray]
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return at which samples rollups have values of their own, with their means and maxima where these were fetched."""
    if not buckets.size:
        return _EMPTY_INT, _EMPTY, _EMPTY
    known = (place < buckets.size) & (buckets[np.minimum(place, buckets.size - 1)] == rolled["key"])
    mean, most = (rolled[name][known] if name in rolled else _EMPTY for name in ("mean_value", "max_value"))
    return place[known], mean, most


_EMPTY = np.empty(0, dtype=np.float64)
_EMPTY_INT = np.empty(0, dtype=np.int64)


def carried(changes: Changes, size: int) -> FloatArray:
    """Return a series at every sample of its run, filled forward; rollups show their last value."""
    filled = np.full(size, np.nan)
    if changes.position.size == 0:
        return filled
    position = np.minimum(changes.position, size)
    ends = np.append(position[1:], size)
    filled[position[0] :] = np.repeat(changes.value, np.maximum(ends - position, 0))
    return filled


def means(changes: Changes, size: int) -> FloatArray:
    """Return a series filled forward, with the time-weighted mean where a sample is a rollup."""
    filled = carried(changes, size)
    filled[changes.rolled_position] = changes.rolled_mean
    return filled


def peaks(changes: Changes, size: int) -> FloatArray:
    """Return a series filled forward, with the largest value where a sample is a rollup."""
    filled = carried(changes, size)
    filled[changes.rolled_position] = changes.rolled_max
    return filled


def _raw_query(session: Session, window: Window, chosen: str) -> str:
    """Return the query of the readings that matter in a window: the changes, and what held before, a row per run and series.

    It seeks along the key (run, series, seq): a day out of a year costs what a day costs. Of a year with many deques
    they are millions, so that a text for each pair of run and series takes half the time of one with these in it.
    """
    before = (
        "SELECT max(p.seq) FROM reading p "
        "WHERE p.run_id = w.run_id AND p.series_id = x.id AND p.seq <= w.first_seq"
    )
    found = (
        f"SELECT {gathered_pairs(session, 'r.seq', 'r.value')} FROM reading r "
        "WHERE r.run_id = w.run_id AND r.series_id = x.id "
        f"AND r.seq >= coalesce(({before}), w.first_seq) AND r.seq <= w.last_seq"
    )
    return (
        "WITH w AS (SELECT s.run_id, min(s.seq) AS first_seq, max(s.seq) AS last_seq "
        f"FROM snapshot s WHERE {window.condition('s')} GROUP BY s.run_id) "
        f"SELECT w.run_id, x.id, ({found}) FROM w CROSS JOIN series x "
        f"WHERE x.source_id = :source_id AND x.kind = :kind{chosen}"
    )


def _rolled_query(window: Window, chosen: str) -> str:
    run = "" if window.run_id is None else " AND r.run_id = :run_id"
    return (
        "SELECT r.run_id, r.series_id, r.bucket_ms, r.last_value, r.mean_value, r.max_value "
        "FROM reading_rollup r WHERE r.run_id IN (SELECT id FROM run WHERE source_id = :source_id) "
        "AND r.series_id IN (SELECT x.id FROM series x WHERE x.source_id = :source_id AND x.kind = :kind"
        f"{chosen}){run}"
    )


def _by_series(
    session: Session, query: str, key: str, values: Sequence[str], parameters: Mapping[str, object]
) -> dict[tuple[int, int], dict[str, FloatArray]]:
    """Return the rows of a query by (run, series), ordered by their key."""
    columns = fetch_columns(session, query, ("run_id", "series_id", key, *values), parameters=parameters)
    order = np.lexsort((columns[key], columns["series_id"], columns["run_id"]))
    if not bool(np.all(np.diff(order) == 1)):
        columns = {column: array[order] for column, array in columns.items()}
    return dict(_split(columns, key, values))


def _split(
    columns: Mapping[str, FloatArray], key: str, values: Sequence[str]
) -> Iterator[tuple[tuple[int, int], dict[str, FloatArray]]]:
    run, series = columns["run_id"], columns["series_id"]
    if run.size == 0:
        return
    edges = np.flatnonzero((np.diff(run) != 0) | (np.diff(series) != 0)) + 1
    starts = [0, *edges.tolist()]
    stops = [*edges.tolist(), run.size]
    for start, stop in zip(starts, stops, strict=True):
        rows = slice(start, stop)
        part = {value: columns[value][rows] for value in values}
        yield (int(run[start]), int(series[start])), {"key": columns[key][rows], **part}
