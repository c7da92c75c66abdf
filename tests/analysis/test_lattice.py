"""The search for the highest point: rounding has no say, and what it did not settle it says."""

from __future__ import annotations

import itertools
import math

import pytest

from memmon.analysis.stats.lattice import SMALLEST_GAIN, highest_point

RANGES = ((-6.0, 4.0), (-12.0, 4.0))
STEPS = (2.0, 1.0, 0.5, 0.25, 0.125)


def ridge(point):
    """A hill with a narrow diagonal ridge; its top is at (0.8, -3.3)."""
    x, y = point[0] - 0.8, point[1] + 3.3
    return -((x + y) ** 2) - 0.05 * (x - y) ** 2


def test_the_top_of_a_hill_is_found_to_the_last_step():
    """The point is within one last step of the true top."""
    peak = highest_point(ridge, ranges=RANGES, steps=STEPS)
    assert peak.converged
    assert peak.point == pytest.approx((0.8, -3.3), abs=STEPS[-1])
    assert peak.value == ridge(peak.point)


@pytest.mark.parametrize("seed", range(5))
def test_rounding_moves_nothing(seed):
    """Noise of a hundredth of the smallest gain leads to the very same point."""
    signs = itertools.cycle([*[1, -1, -1, 1, 1, 1, -1][seed:], -1, 1])
    peak = highest_point(
        lambda point: ridge(point) + next(signs) * SMALLEST_GAIN / 100, ranges=RANGES, steps=STEPS
    )
    assert peak.point == highest_point(ridge, ranges=RANGES, steps=STEPS).point


def test_of_equal_points_the_lowest_is_taken():
    """On a plain, and on one that rises by less than the smallest gain, it is the lowest corner."""
    for function in (lambda point: 7.0, lambda point: 1e-9 * (point[0] + point[1])):
        peak = highest_point(function, ranges=RANGES, steps=STEPS)
        assert peak.point == (-6.0, -12.0)
        assert peak.converged


def test_the_search_stays_inside_its_ranges():
    """A slope that rises without end is climbed to the edge, never asked beyond it."""
    asked = []

    def slope(point):
        asked.append(point)
        return point[0] - point[1]

    assert highest_point(slope, ranges=RANGES, steps=STEPS).point == (4.0, -12.0)
    assert all(-6 <= x <= 4 and -12 <= y <= 4 for x, y in asked)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("limit", [1, 54, 70])
def test_a_search_that_was_cut_short_says_so(limit):
    """With too few evaluations the best point so far comes back, not converged, and few more are spent."""
    asked = []
    peak = highest_point(
        lambda point: asked.append(point) or ridge(point), ranges=RANGES, steps=STEPS, evaluation_limit=limit
    )
    assert not peak.converged
    assert len(asked) <= max(limit, 54) + 8


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_function_without_finite_values_has_no_top(value):
    """NaN and infinity are no peak."""
    assert not highest_point(lambda _: value, ranges=RANGES, steps=STEPS).converged


def test_values_that_are_not_finite_are_gone_round():
    """Holes in the function hide no other point."""
    peak = highest_point(lambda point: math.nan if point[0] < 0 else ridge(point), ranges=RANGES, steps=STEPS)
    assert peak.point == pytest.approx((0.8, -3.3), abs=STEPS[-1])


def test_ranges_without_a_point_are_refused():
    """A mistake of the caller is an error, not a result."""
    with pytest.raises(ValueError, match="no point"):
        highest_point(ridge, ranges=((4.0, -6.0), (0.0, 1.0)), steps=STEPS)
