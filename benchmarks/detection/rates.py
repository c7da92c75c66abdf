"""Rates with exact bounds, and class-weighted means of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count`, with Wilson's 95 % bounds."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        return self.hits / self.count if self.count else math.nan

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's score interval (1927)."""
        n, z = self.count, 1.959964
        if not n:
            return 0.0, 1.0
        middle = (self.share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def pair(self) -> tuple[int, int]:
        """What is kept of it."""
        return self.hits, self.count

    def __str__(self) -> str:
        low, high = self.bounds
        return f"{100 * self.share:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def rate(pair: Sequence[int]) -> Rate:
    """Return the rate that was kept as (hits, count)."""
    return Rate(int(pair[0]), int(pair[1]))


def mean_of_classes(rates: dict[str, Rate]) -> tuple[float, float, float]:
    """Return the unweighted mean over classes with 95 % bounds.

    The bounds are Wilson's at the total count: with equal counts per class the pooled share is the mean of
    the classes, and stratified sampling can only be tighter than the pooled bound.
    """
    known = [rate for rate in rates.values() if rate.count]
    mean = sum(rate.share for rate in known) / max(len(known), 1)
    total = sum(rate.count for rate in known)
    low, high = Rate(round(mean * total), total).bounds
    return mean, low, high


def percent(mean: tuple[float, float, float]) -> str:
    """Return `12.3 (11.0-13.7)` for a mean with bounds."""
    return f"{100 * mean[0]:.2f} ({100 * mean[1]:.2f}-{100 * mean[2]:.2f})"
