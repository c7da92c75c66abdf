"""The median for what may load neither numpy nor `statistics`, and how the scatter about it is read.

`statistics` would bring decimal and fractions into the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGMA_PER_MAD = 1.4826
"""Standard deviations of a normal law in the median of its absolute deviations (Hampel 1974)."""


def median(values: Iterable[float]) -> float:
    """Return the median, in the unit of the values: of an even number the middle between the two in the middle.

    Raises ValueError where there are none.

    >>> median([3, 1, 2]), median([4, 1, 2, 3])
    (2, 2.5)
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no median of no values")
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
