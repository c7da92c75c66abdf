"""Integers behind the floats: sizes come in pages and times in whole seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MANTISSA_BITS = 53
"""Bits of a double's significand (IEEE 754)."""


def grid_steps(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return x and y in whole steps of their own finest binary grids, or None where the grid is too fine.

    On such a grid every difference of two values is exact, so a quotient of differences is the correctly rounded
    slope, and the order of floats is the order of the true slopes.
    """
    x_steps, y_steps = _steps(x), _steps(y)
    return None if x_steps is None or y_steps is None else (x_steps, y_steps)


def _steps(values: NDArray[np.float64]) -> NDArray[np.int64] | None:
    mantissa, exponent = np.frexp(values[values != 0.0])
    if not mantissa.size:
        return np.zeros(values.size, dtype=np.int64)
    whole = (mantissa * 2.0**_MANTISSA_BITS).astype(np.int64)
    trailing = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    finest = int((exponent - _MANTISSA_BITS + trailing).min())
    if int(exponent.max()) - finest > _MANTISSA_BITS:
        return None
    steps = np.ldexp(values, -finest).astype(np.int64)
    divisor = int(np.gcd.reduce(steps - steps[0]))
    offset = (steps - steps[0]) // divisor if divisor else steps - steps[0]
    return np.asarray(offset, dtype=np.int64)
