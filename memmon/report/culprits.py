"""Who grew: the growth of a window shared out among what the operator named, and per unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.attribution import attribute_growth
from memmon.analysis.attribution_values import AttributionSeries
from memmon.analysis.per_work import WorkSeries, growth_per_work
from memmon.report.data import CauseShare
from memmon.units import SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from memmon.analysis.attribution_values import Attribution
    from memmon.analysis.per_work import PerWork
    from memmon.store.read import PartMatrix, Store

SMALLEST_SHARE = 0.01
GUILTY_SHARE = 0.2
UNEXPLAINED = "unexplained"


def culprits(
    store: Store, source: str, start: datetime | None, end: datetime | None
) -> tuple[tuple[CauseShare, ...], tuple[str, ...]]:
    """Return (the named parts of the growth and the unexplained rest, sentences about them).

    Both are empty where nothing is registered, or nothing grew clearly.
    """
    matrix = store.part_matrix(source, start, end)
    sentences: list[str] = []
    shares: list[CauseShare] = []
    if matrix.names:
        found = attribute_growth(list(_part_series(matrix)))
        if found.unexplained_share is not None:
            shares = _shares(found)
            sentences = [found.summary, *found.details, *_unbounded(store, source, shares)]
    worked = _per_work(matrix)
    if worked is not None and worked.is_leak:
        sentences.append(worked.summary)
    return tuple(shares), tuple(sentences)


def _unbounded(store: Store, source: str, shares: list[CauseShare]) -> Iterator[str]:
    """Yield what to do about deques without a bound that a good part of the growth belongs to."""
    guilty = {one.name for one in shares if one.share is not None and one.share >= GUILTY_SHARE}
    for status in store.deque_status(source):
        if status.name in guilty and status.is_alive and status.maxlen_count is None:
            yield f"{status.name} has no maxlen: bound it (`memmon deques --suggest` says at what)."


def _shares(found: Attribution) -> list[CauseShare]:
    """Return the parts that explain something, most guilty first, and the rest; each of the whole growth."""
    whole = found.growth_bytes
    shares = [
        CauseShare(
            name=part.name, growth_mb=mb_from_bytes(part.explained_bytes), share=part.explained_bytes / whole
        )
        for part in found.parts
        if part.explained_bytes >= SMALLEST_SHARE * whole
    ]
    rest = CauseShare(
        name=UNEXPLAINED,
        growth_mb=mb_from_bytes(found.unexplained_bytes),
        share=found.unexplained_bytes / whole,
    )
    return [*shares, rest]


def _part_series(matrix: PartMatrix) -> Iterator[AttributionSeries]:
    for rows in _runs(matrix.run_id):
        yield AttributionSeries.from_arrays(
            matrix.uptime_seconds[rows] / SECONDS_PER_HOUR,
            matrix.rss_bytes[rows],
            {name: matrix.size_bytes[rows, column] for column, name in enumerate(matrix.names)},
        )


def _per_work(matrix: PartMatrix) -> PerWork | None:
    return growth_per_work(
        [
            WorkSeries.from_arrays(
                matrix.uptime_seconds[rows] / SECONDS_PER_HOUR,
                matrix.rss_bytes[rows],
                matrix.work_count[rows],
            )
            for rows in _runs(matrix.run_id)
        ]
    )


def _runs(run_id: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for number in dict.fromkeys(run_id.tolist()):
        yield np.flatnonzero(run_id == number)
