"""What resident memory does beside the footprint: its slope, and a clause on where the two part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.facts.verdicts import Verdict
from memmon.footprint import file_bytes_of
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History

    FloatArray = NDArray[np.float64]

NOTABLE_MB = 16.0
"""Swapped memory, or growth in mapped files, worth a clause. Chosen: what idle programs have of both is less."""
SWAPPED_NOTABLE_SHARE = 0.2
"""Share of the growth from which swap, or mapped files, get a clause. Chosen."""
STILL_SHARE = 0.1
"""Share of the footprint's slope below which resident memory stands still. Chosen."""


def resident_slope(stretch: History) -> float | None:
    """Return the robust slope of RSS over a stretch in MB/h: Theil-Sen on block minima, longer runs weighing more."""
    slopes, weights = [], []
    for run in stretch.per_run():
        hours = run.uptime_seconds / SECONDS_PER_HOUR
        if len(run) < 2 or hours[-1] <= hours[0]:  # noqa: PLR2004 - no slope through one point
            continue
        blocks = block_minima(hours, run.rss_bytes / MIB)
        if blocks.hours.size > 1:
            slopes.append(median_slope(blocks.hours, blocks.mb))
            weights.append(
                float(hours[-1] - hours[0]) ** 3
            )  # as the variance of a slope falls with the length
    return float(np.average(slopes, weights=weights)) if slopes else None


def resident_clause(stretch: History, verdict: Verdict, *, slope: float, resident: float | None) -> str:
    """Return where growth lies that RSS does not show, or does not only show; empty where the two move alike.

    `slope`, `resident`: that of the footprint and that of RSS over the stretch, in MB/h.
    """
    is_told = verdict.row.grows or verdict is Verdict.CANNOT_SAY
    if not is_told or verdict is Verdict.MAPPED_FILES or slope <= 0 or resident is None or stretch.is_empty:
        return ""
    run = list(stretch.per_run())[-1]
    grown_mb = _grown_mb(run.footprint_bytes)
    swapped_mb = 0.0 if run.swap_bytes is None else _ends_mb(run.swap_bytes)[1]
    if run.swap_bytes is not None and _is_notable(swapped_mb, _grown_mb(run.swap_bytes), grown_mb):
        return f"resident memory {_moves(resident, slope)}: {swapped_mb:,.0f} MB are swapped out"
    pages = file_bytes_of(run.rss_bytes, anon_bytes=run.anon_bytes, shmem_bytes=run.shmem_bytes)
    mapped_mb = 0.0 if pages is None else _grown_mb(pages)
    if _is_notable(mapped_mb, mapped_mb, _grown_mb(run.rss_bytes)):
        return (
            f"resident memory {_moves(resident, slope)}: {mapped_mb:,.0f} MB of its growth lie in mapped files, "
            "whose pages the kernel can take back"
        )
    return ""


def _is_notable(size_mb: float, grown_mb: float, whole_mb: float) -> bool:
    return size_mb >= NOTABLE_MB and grown_mb > 0 and grown_mb >= SWAPPED_NOTABLE_SHARE * whole_mb


def _moves(resident: float, slope: float) -> str:
    if abs(resident) <= STILL_SHARE * slope:
        return "stands still"
    return f"{'grows' if resident > 0 else 'shrinks'} by {abs(resident):.2f} MB/hour"


def _grown_mb(values: FloatArray) -> float:
    first_mb, last_mb = _ends_mb(values)
    return last_mb - first_mb


def _ends_mb(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known[0]) / MIB, float(known[-1]) / MIB) if known.size else (0.0, 0.0)
