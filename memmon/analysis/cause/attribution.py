"""Who grew: the growth of RSS shared out among the deques, components and caches that have a name.

Each part's bytes are measured, so its growth is its own, along the same least-squares line as that
of RSS: such lines add up, and what is left is unexplained. Only when the parts together claim more
than grew do some of them measure the same memory (an index and the records in it, say); then they
are chosen one after the other by how much of the curve of RSS each still explains, and those that
only repeat a chosen one are named beside it and not counted again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.cause.attribution_finding import AttributedPart, Attribution, AttributionSeries
from memmon.analysis.cause.attribution_wording import details_of, summary_of
from memmon.analysis.cause.pooled import PooledSlope, pooled_slope
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

OVERCLAIM = 1.15
"""The parts may claim so much of the growth together before they are taken to overlap. Chosen: sizes come from sampling."""

SMALLEST_GROWTH_MB = 1.0
"""MB of growth of RSS from which shares are told. Chosen: below it a share is a ratio of noise."""
IN_STEP_CORRELATION = 0.98
"""Correlation from which two curves have one shape. Chosen: such parts measure the same memory."""
SMALLEST_CURVE_GAIN = 0.01
"""Share of RSS's squared curve that one more part must explain. Chosen: ends the search at 1 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Table:
    """All runs together: MB, each series less its mean within each run."""

    hours: tuple[FloatArray, ...]
    rss_mb: tuple[FloatArray, ...]
    parts_mb: Mapping[str, tuple[FloatArray, ...]]
    duration_hours: float

    def joined(self, series: Sequence[FloatArray]) -> FloatArray:
        """Return one array of a series over all runs, less its mean within each run."""
        return np.concatenate([one - one.mean() for one in series])


def attribute_growth(
    runs: AttributionSeries | Sequence[AttributionSeries], *, growth_bytes: float | None = None
) -> Attribution:
    """Share the growth of memory out among the named parts.

    `runs`: one run or several (a common slope is fitted within them). Runs of fewer than two
    samples are left out. The parts come in the order of guilt: by the growth that is certain (its
    lower end), so that a noisy part does not come before a steady one. `growth_bytes`: how much grew, where another
    judged it already (default: along the line of memory); what is explained is a part of that, at most all of it.
    """
    several = [runs] if isinstance(runs, AttributionSeries) else list(runs)
    table = _table([run for run in several if run.hours.size > 1])
    total = pooled_slope(table.hours, table.rss_mb)
    slopes = {name: pooled_slope(table.hours, series) for name, series in table.parts_mb.items()}
    weights, in_step = _weights(table, total, slopes)
    growth_mb = total.slope * table.duration_hours if growth_bytes is None else growth_bytes / MIB
    each_mb = _explained_mb(total, slopes, weights, growth_mb)
    parts = [
        _part(table, name, slope, total, each_mb[name], in_step.get(name, ()))
        for name, slope in slopes.items()
    ]
    explained_mb = sum(each_mb.values())
    ordered = _ordered(parts, weights)
    rest = _rest(table, weights)
    share, share_low, share_high = _share(table, rest, total)
    return Attribution(
        growth_bytes=growth_mb * MIB,
        slope_mb_per_hour=total.slope,
        slope_low_mb_per_hour=total.low,
        slope_high_mb_per_hour=total.high,
        duration_hours=table.duration_hours,
        sample_count=sum(hours.size for hours in table.hours),
        parts=ordered,
        explained_bytes=explained_mb * MIB,
        unexplained_bytes=(growth_mb - explained_mb) * MIB,
        unexplained_share=share,
        unexplained_share_low=share_low,
        unexplained_share_high=share_high,
        summary=summary_of(total, growth_mb, ordered, share),
        details=details_of(ordered),
    )


def _table(runs: Sequence[AttributionSeries]) -> _Table:
    names = list(dict.fromkeys(name for run in runs for name in run.parts))
    return _Table(
        hours=tuple(run.hours for run in runs),
        rss_mb=tuple(run.rss_bytes / MIB for run in runs),
        parts_mb={
            name: tuple(run.parts.get(name, np.zeros_like(run.hours)) / MIB for run in runs) for name in names
        },
        duration_hours=sum(float(run.hours[-1] - run.hours[0]) for run in runs),
    )


def _explained_mb(
    total: PooledSlope, slopes: Mapping[str, PooledSlope], weights: Mapping[str, float], growth_mb: float
) -> dict[str, float]:
    """Return the MB of the growth that each part explains: together at most all of it."""
    along = {name: weights[name] * slope.slope for name, slope in slopes.items()}
    if total.slope <= 0:
        return dict.fromkeys(along, 0.0)
    risen = max(total.slope, sum(max(0.0, one) for one in along.values()))
    return {name: one * growth_mb / (risen if one > 0 else total.slope) for name, one in along.items()}


def _part(
    table: _Table,
    name: str,
    slope: PooledSlope,
    total: PooledSlope,
    explained_mb: float,
    in_step: tuple[str, ...],
) -> AttributedPart:
    series = table.parts_mb[name]
    share, share_low, share_high = _share(table, series, total)
    return AttributedPart(
        name=name,
        size_bytes=float(series[-1][-1]) * MIB,
        growth_bytes=slope.slope * table.duration_hours * MIB,
        explained_bytes=explained_mb * MIB,
        slope_mb_per_hour=slope.slope,
        slope_low_mb_per_hour=slope.low,
        slope_high_mb_per_hour=slope.high,
        share=share,
        share_low=share_low,
        share_high=share_high,
        in_step_with=in_step,
    )


def _share(
    table: _Table, series: Sequence[FloatArray], total: PooledSlope
) -> tuple[float | None, float | None, float | None]:
    """Return a part's share of the growth and its interval; None when RSS did not clearly grow, by 1 MB.

    The error of the ratio R of two slopes is that of the slope of (part - R x RSS), over the slope of
    RSS: what both series have in common drops out.
    """
    is_clear = math.isfinite(total.low) and total.low > 0
    if not is_clear or total.slope * table.duration_hours < SMALLEST_GROWTH_MB:
        return None, None, None
    ratio = pooled_slope(table.hours, series).slope / total.slope
    apart = [part - ratio * rss for part, rss in zip(series, table.rss_mb, strict=True)]
    error = pooled_slope(table.hours, apart)
    reach = (error.high - error.slope) / total.slope
    return ratio, ratio - reach, ratio + reach


def _ordered(parts: Sequence[AttributedPart], weights: Mapping[str, float]) -> tuple[AttributedPart, ...]:
    """Return the most guilty first; one that repeats another stands right behind it."""
    ranked = sorted(parts, key=lambda part: _guilt(part, weights[part.name]), reverse=True)
    leaders = [part for part in ranked if part.explained_bytes or not part.in_step_with]
    ordered: list[AttributedPart] = []
    for leader in leaders:
        ordered.append(leader)
        ordered += [
            part
            for part in ranked
            if leader.name in part.in_step_with and part not in leaders and part not in ordered
        ]
    return (*ordered, *(part for part in ranked if part not in ordered))


def _guilt(part: AttributedPart, weight: float) -> tuple[float, float]:
    """Rank by the growth that counts and is certain; then by the growth itself.

    As it was measured: what is shared out is scaled, the error is not.
    """
    certainty = 0.5 * (part.slope_mb_per_hour - part.slope_low_mb_per_hour)  # about one standard error
    certain = weight * part.slope_mb_per_hour - (certainty if math.isfinite(certainty) else math.inf)
    return certain, part.slope_mb_per_hour


def _weights(
    table: _Table, total: PooledSlope, slopes: Mapping[str, PooledSlope]
) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """Return how much of each part's growth counts (0 to 1), and which parts are in step with which."""
    weights = dict.fromkeys(slopes, 1.0)
    growers = [name for name, slope in slopes.items() if slope.low > 0]
    claimed = sum(slopes[name].slope for name in growers)
    if claimed <= max(OVERCLAIM * total.slope, total.high) or not growers:
        return weights, {}
    curves = {name: table.joined(table.parts_mb[name]) for name in growers}
    left = table.joined(table.rss_mb)
    for name, series in table.parts_mb.items():
        if name not in curves:
            left = left - table.joined(series)
    chosen, counted = _choose(curves, left)
    weights.update({name: counted.get(name, 0.0) for name in growers})
    return weights, _in_step(curves, chosen)


def _choose(curves: Mapping[str, FloatArray], left: FloatArray) -> tuple[list[str], dict[str, float]]:
    """Return the parts that explain the curve of RSS, one after the other, and how much of each counts."""
    whole = float(left @ left)
    chosen: list[str] = []
    counted: dict[str, float] = {}
    while len(chosen) < len(curves):
        best: tuple[float, str, float] | None = None
        for name, curve in curves.items():
            power = float(curve @ curve)
            if name in counted or power <= 0:
                continue
            # What repeats a chosen part counts whole or not at all: a fraction of it fits any remainder.
            repeats = any(_are_in_step(curve, curves[other]) for other in chosen)
            weight = 1.0 if repeats else min(1.0, max(0.0, float(curve @ left) / power))
            gain = float(left @ left) - float(np.sum((left - weight * curve) ** 2))
            if best is None or gain > best[0]:
                best = (gain, name, weight)
        if best is None or best[0] < SMALLEST_CURVE_GAIN * whole:
            break
        _, name, weight = best
        chosen.append(name)
        counted[name] = weight
        left = left - weight * curves[name]
    return chosen, counted


def _in_step(curves: Mapping[str, FloatArray], chosen: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each part, the others whose curve it can't be told from, where one of them was chosen."""
    found: dict[str, tuple[str, ...]] = {}
    for name, curve in curves.items():
        others = tuple(
            other
            for other, its_curve in curves.items()
            if other != name
            and (name not in chosen or other not in chosen)
            and _are_in_step(curve, its_curve)
        )
        if others:
            found[name] = others
    return found


def _are_in_step(first: FloatArray, second: FloatArray) -> bool:
    """Return whether two centred curves have the same shape."""
    power = float(first @ first) * float(second @ second)
    return power > 0 and float(first @ second) >= IN_STEP_CORRELATION * math.sqrt(power)


def _rest(table: _Table, weights: Mapping[str, float]) -> list[FloatArray]:
    """Return RSS less all that is explained, a series per run."""
    rest = list(table.rss_mb)
    for name, series in table.parts_mb.items():
        rest = [one - weights[name] * part for one, part in zip(rest, series, strict=True)]
    return rest
