"""What growth is attributed from, and what is found: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributionSeries:
    """Memory and what the operator named, over one run: one value per sample in the order of time."""

    hours: FloatArray
    """Uptime."""
    rss_bytes: FloatArray
    """What is judged: the footprint where it is known, else resident memory."""
    parts: Mapping[str, FloatArray] = field(default_factory=dict)
    """Bytes of each deque, component or cache; NaN where not read."""

    @classmethod
    def from_arrays(
        cls, hours: ArrayLike, rss_bytes: ArrayLike, parts: Mapping[str, ArrayLike]
    ) -> AttributionSeries:
        """Build a series: samples in any order, those without RSS left out, gaps of a part filled forward.

        A part that was not yet known is held at its first value: what it grew before is not seen.
        Raises ValueError when lengths differ.
        """
        at = np.asarray(hours, dtype=np.float64)
        rss = np.asarray(rss_bytes, dtype=np.float64)
        columns = {name: np.asarray(part, dtype=np.float64) for name, part in parts.items()}
        for name, column in {"rss_bytes": rss, **columns}.items():
            if column.shape != at.shape:
                raise ValueError(f"{name} has shape {column.shape}, hours has {at.shape}")
        good = np.flatnonzero(np.isfinite(at) & np.isfinite(rss))
        order = good[np.argsort(at[good], kind="stable")]
        return cls(
            hours=at[order],
            rss_bytes=rss[order],
            parts={name: _filled(column[order]) for name, column in columns.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributedPart:
    """One deque, component or cache, and its part of the growth.

    `share` of the growth of memory as measured, with its 95 % interval, is None when it did not clearly grow.
    `explained_bytes` is what counts towards the explained growth: the part's own growth, or less
    where parts measure the same memory or claim more than grew. `in_step_with`: others that it can't be told from.
    """

    name: str
    size_bytes: float
    growth_bytes: float
    explained_bytes: float
    slope_mb_per_hour: float
    slope_low_mb_per_hour: float
    slope_high_mb_per_hour: float
    share: float | None
    share_low: float | None
    share_high: float | None
    in_step_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who the growth belongs to: the parts, most guilty first, and what remains unexplained.

    `growth_bytes` = `explained_bytes` + `unexplained_bytes`: the growth given, else that along the least-squares line.
    """

    growth_bytes: float
    slope_mb_per_hour: float
    slope_low_mb_per_hour: float
    slope_high_mb_per_hour: float
    duration_hours: float
    sample_count: int
    parts: tuple[AttributedPart, ...]
    explained_bytes: float
    unexplained_bytes: float
    unexplained_share: float | None
    unexplained_share_low: float | None
    unexplained_share_high: float | None
    summary: str
    details: tuple[str, ...] = ()


def _filled(values: FloatArray) -> FloatArray:
    """Return `values` without NaN: the last known, before the first one the first, 0 when none is known."""
    known = np.isfinite(values)
    if bool(known.all()):
        return values
    if not bool(known.any()):
        return np.zeros_like(values)
    place = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    return np.asarray(values[np.where(place < 0, int(np.argmax(known)), place)], dtype=np.float64)
