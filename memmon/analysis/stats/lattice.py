"""The highest point of a rough function of two variables, found the same on every processor.

A climb by gradients asks the last digits of the function where to go and when to stop, and those are the linear
algebra's: with another kernel it ends elsewhere, or says that it found nothing. Points of a lattice, and a move only
for a gain far above rounding, leave those digits no say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Point = tuple[float, float]

SMALLEST_GAIN = 1e-6
"""Less is no reason to move. Chosen: rounding makes about 1e-11 of a log-likelihood, and a millionth tells no two apart."""

EVALUATION_LIMIT = 600
"""Likelihoods that are worked out, at most. Chosen: a grid of 187 points and five halvings need 200 to 320."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Where the search ended; `converged`: at a finite value that no neighbour at the last step exceeds."""

    point: Point
    value: float
    converged: bool


def highest_point(
    function: Callable[[Point], float],
    *,
    ranges: tuple[Point, Point],
    steps: tuple[float, ...],
    evaluation_limit: int = EVALUATION_LIMIT,
) -> Peak:
    """Return the highest lattice point: the best of the coarse grid, then uphill with ever smaller steps.

    `ranges`: the lowest and highest value of each variable, multiples of the first step apart; `steps`: from
    coarse to fine. Of points as good as each other the lowest, read variable by variable, is taken. A value that
    is not finite counts as the lowest of all.
    """
    seen: dict[Point, float] = {}

    def value_at(point: Point) -> float:
        if point not in seen:
            value = function(point)
            seen[point] = value if math.isfinite(value) else -math.inf
        return seen[point]

    across, up = (_every(low, high, steps[0]) for low, high in ranges)
    grid = product(across, up)
    best = _best(grid, value_at)
    for step in steps[1:]:
        while len(seen) < evaluation_limit:
            better = _best([best, *_neighbours(best, step, ranges)], value_at)
            if better == best:
                break
            best = better
        else:
            return Peak(point=best, value=value_at(best), converged=False)
    return Peak(point=best, value=value_at(best), converged=math.isfinite(value_at(best)))


def _every(low: float, high: float, step: float) -> list[float]:
    return [low + step * number for number in range(round((high - low) / step) + 1)]


def _best(points: Iterable[Point], value_at: Callable[[Point], float]) -> Point:
    """Return the first point that no later one exceeds by the smallest gain."""
    best: Point | None = None
    for point in points:
        if best is None or value_at(point) > value_at(best) + SMALLEST_GAIN:
            best = point
    if best is None:
        raise ValueError("there is no point to choose from: give each range at least one")
    return best


def _neighbours(point: Point, step: float, ranges: tuple[Point, Point]) -> list[Point]:
    (low_x, high_x), (low_y, high_y) = ranges
    moves = product((-step, 0.0, step), repeat=2)
    around = ((point[0] + across, point[1] + up) for across, up in moves if across or up)
    return [(x, y) for x, y in around if low_x <= x <= high_x and low_y <= y <= high_y]
