"""Medians, quantiles and distinct values of arrays: numpy's own load its masked arrays, a tenth of what numpy weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    Number = TypeVar("Number", bound=np.number[Any])

_SORTED_COUNT = 256
"""Up to so many values are sorted as a whole. Measured: above it to part them at the middle takes less."""


def median_of(values: NDArray[np.number[Any]]) -> float:
    """Return the median, in the unit of the values: what numpy's gives, bit for bit; NaN where there are none, or one is.

    >>> median_of(np.array([4.0, 1.0, 2.0, 3.0]))
    2.5
    """
    count = values.size
    if not count:
        return float("nan")
    half = count // 2
    if count <= _SORTED_COUNT:
        ordered = values.copy()
        ordered.sort()
    else:
        ordered = np.partition(values, (half - 1, half, count - 1))
    if ordered[-1] != ordered[-1]:  # NaN is sorted to the end
        return float("nan")
    return float(ordered[half]) if count % 2 else float(ordered[half - 1] + ordered[half]) / 2


def medians_of(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each row of a table, as numpy's does along the last axis; a row that holds a NaN has none."""
    count = rows.shape[-1]
    half = count // 2
    ordered = np.sort(rows, axis=-1)
    middle = ordered[..., half] if count % 2 else (ordered[..., half - 1] + ordered[..., half]) / 2
    return np.where(np.isnan(ordered[..., -1]), np.nan, middle)


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Return the values that occur, each once, in rising order.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values, axis=None)
    is_new = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def quantile_of(values: NDArray[np.float64], share: float) -> float:
    """Return the value that a share (0 to 1) of the values stands below, as numpy's with its default method.

    >>> quantile_of(np.array([4.0, 1.0, 2.0, 3.0]), 0.5)
    2.5
    """
    return float(quantiles_of(values, (share,))[0])


def quantiles_of(
    rows: NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quantiles of each row, of shape (shares, *rows): numpy's along the last axis, bit for bit.

    Between two values a straight line is followed (the seventh method of Hyndman & Fan 1996).
    """
    last = rows.shape[-1] - 1
    place = np.asarray(shares, dtype=np.float64) * last
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, last)
    ordered = np.partition(rows, distinct(np.concatenate([low, high, [last]])), axis=-1)
    below, above, part = ordered[..., low], ordered[..., high], place - low
    step = above - below
    found = np.where(part >= 0.5, above - step * (1.0 - part), below + step * part)  # noqa: PLR2004 -- from the nearer
    found[np.isnan(ordered[..., -1])] = np.nan
    return np.moveaxis(found, -1, 0)
