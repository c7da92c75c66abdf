"""Who holds the memory over time: what the operator named, the culprits first, and what nobody named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import distinct
from memmon.assessment.culprits import GUILTY_SHARE, UNEXPLAINED
from memmon.report.chart_processes import are_several, summed
from memmon.report.chart_stacks import stacked

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from memmon.report.chart_values import StackChart
    from memmon.report.data import Report
    from memmon.store.read import Buckets, PartMatrix, Store

    Floats = NDArray[np.float64]

MOST_CULPRITS = 2
MOST_NAMED = 3
NOBODYS = "not registered"


def parts_of(
    store: Store,
    report: Report,
    buckets: Buckets,
    *,
    offset_seconds: float,
    bounds: tuple[datetime, datetime, int | None],
) -> StackChart | None:
    """Return the parts of memory, the culprits lowest, in `buckets`, a row for each process; None: nothing has a size.

    `bounds`: from when, until when and of which run (None: all) the parts are read.
    """
    since, until, run_id = bounds
    matrix = store.part_matrix(report.source, since, until, run_id=run_id)
    columns = _columns(matrix, buckets)
    if not columns:
        return None
    rows = replace(buckets, columns={**columns, NOBODYS: buckets.columns["rss_bytes"]})
    whole = summed(rows) if are_several(report.assessment) else rows
    rss = whole.columns[NOBODYS]
    names = _in_order(report, {name: whole.columns[name] for name in columns})
    parts = {
        name: np.nan_to_num(sum((whole.columns[one] for one in ones), np.zeros(rss.size)))
        for name, ones in names
    }
    rest = rss - sum(parts.values(), np.zeros(rss.size))
    known = np.isfinite(rss)
    layers = {name: np.where(known, part, np.nan) for name, part in parts.items()}
    layers[NOBODYS] = np.where(known, np.maximum(rest, 0.0), np.nan)
    chart = stacked(whole, layers, offset_seconds=offset_seconds)
    kinds = _kinds([name for name, _ in names], _culprits(report))
    return replace(chart, layers=tuple(replace(one, kind=kinds[one.name]) for one in chart.layers))


def _columns(matrix: PartMatrix, buckets: Buckets) -> dict[str, Floats]:
    """Return the mean bytes of each part at each row of `buckets`, NaN where it was not read; those that ever hold any."""
    place = _places(matrix, buckets)
    inside = place >= 0
    found = {}
    for number, name in enumerate(matrix.names):
        size = matrix.size_bytes[:, number]
        kept = inside & np.isfinite(size)
        count = np.bincount(place[kept], minlength=buckets.at_seconds.size)
        total = np.bincount(place[kept], weights=size[kept], minlength=buckets.at_seconds.size)
        if bool(np.any(total > 0)):
            found[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def _places(matrix: PartMatrix, buckets: Buckets) -> NDArray[np.int64]:
    """Return in which row of `buckets` each sample lies, -1 where in none."""
    place = np.full(matrix.at_seconds.size, -1, dtype=np.int64)
    for run_id in distinct(matrix.run_id).tolist():
        rows = np.flatnonzero(buckets.run_id == run_id)
        own = np.flatnonzero(matrix.run_id == run_id)
        if rows.size:
            found = np.searchsorted(buckets.at_seconds[rows], matrix.at_seconds[own], side="right") - 1
            place[own[found >= 0]] = rows[found[found >= 0]]
    return place


def _culprits(report: Report) -> list[str]:
    """Return the names that a good part of the growth belongs to, most guilty first."""
    found = report.assessment.culprits if report.assessment is not None else None
    parts = () if found is None else found.parts
    return [one.name for one in parts if one.share >= GUILTY_SHARE and one.name != UNEXPLAINED][
        :MOST_CULPRITS
    ]


def _in_order(report: Report, columns: dict[str, Floats]) -> list[tuple[str, list[str]]]:
    """Return the layers from the lowest on, each with the parts in it: culprits, the largest, all others together."""
    guilty = [name for name in _culprits(report) if name in columns]
    weight = {name: float(np.nansum(column)) for name, column in columns.items() if name not in guilty}
    others = sorted(weight, key=lambda name: (-weight[name], name))
    named, rest = others[:MOST_NAMED], others[MOST_NAMED:]
    if len(rest) == 1:
        named, rest = others, []
    layers = [(name, [name]) for name in (*guilty, *named)]
    return [*layers, (f"{len(rest)} others", rest)] if rest else layers


def _kinds(names: list[str], culprits: list[str]) -> dict[str, str]:
    """Return how each layer is drawn: a colour for each culprit, greys, and what nobody named."""
    guilty = [name for name in names if name in culprits]
    greys = [name for name in names if name not in culprits]
    return {
        **{name: f"culprit-{place}" for place, name in enumerate(guilty)},
        **{name: f"part-{place}" for place, name in enumerate(greys)},
        NOBODYS: "nobodys",
    }
