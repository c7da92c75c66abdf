"""Where words may stand on a picture without scripts: free of lines and of other words, however wide it is shown.

The picture's height is fixed and its width is not, so a place is tried on several widths, from a phone to a laptop.
Coordinates are those of the box of `geometry`; words are measured roughly, rather too wide than too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from memmon.report.html.geometry import BOX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from memmon.report.html.view_model import PlacedLabel

    Point = tuple[float, float]
    Line = Sequence[Point]

WIDTHS_POINTS = (250.0, 344.0, 620.0, 930.0)
"""Widths at which the box is shown: a phone without scripts, the picture for phones, paper and a laptop."""

PLOT_POINTS = 294.0
"""How high it is shown below a line of releases; without one it is a twentieth more."""

_LETTER_POINTS = 7.0
_ABOVE_POINTS = 11.0
_BELOW_POINTS = 3.0
"""Of words of 12 points: what a letter takes, how far they reach above their base line, and below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """What words take, in points."""

    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: Rectangle) -> bool:
        """Tell whether the two have an area in common."""
        return (
            self.left < other.right
            and self.right > other.left
            and self.top < other.bottom
            and self.bottom > other.top
        )

    def is_crossed(self, start: Point, end: Point) -> bool:
        """Tell whether a straight stroke goes through it."""
        first, last = 0.0, 1.0
        sides = ((self.left, self.right), (self.top, self.bottom))
        for one, other, (low, high) in zip(start, end, sides, strict=True):
            if one == other:
                if not low < one < high:
                    return False
                continue
            near, far = sorted(((low - one) / (other - one), (high - one) / (other - one)))
            first, last = max(first, near), min(last, far)
        return first < last


def rectangle_of(label: PlacedLabel, width_points: float) -> Rectangle:
    """Return what a label takes where the picture is so wide."""
    x, wide = label.x * width_points / 100, _LETTER_POINTS * len(label.words)
    base = label.y * PLOT_POINTS / 100 + label.dy
    left = x - wide if label.anchor == "end" else x
    return Rectangle(left=left, right=left + wide, top=base - _ABOVE_POINTS, bottom=base + _BELOW_POINTS)


def first_free(
    places: Sequence[PlacedLabel],
    *,
    lines: Sequence[Line],
    taken: Iterable[PlacedLabel],
    right_percent: float = 100.0,
) -> PlacedLabel | None:
    """Return the place that is free on the most widths, of equals the first; None: none is on the widest.

    It says from which width on it is free. `lines`: what no words may stand on, in the box; `taken`: words that stand already; `right_percent`: how far to the
    right words may reach.
    """
    others = tuple(taken)
    found, most = None, 0
    for place in places:
        count = _free_count(place, lines, others, right_percent)
        if count > most:
            found, most = place, count
        if count == len(WIDTHS_POINTS):
            break
    if found is None:
        return None
    return found if most == len(WIDTHS_POINTS) else replace(found, least_width_points=WIDTHS_POINTS[-most])


def _free_count(
    place: PlacedLabel, lines: Sequence[Line], taken: Sequence[PlacedLabel], right_percent: float
) -> int:
    """Return on how many widths a place is free, from the widest down to the first where it is not."""
    blocked = (
        number
        for number, width in enumerate(reversed(WIDTHS_POINTS))
        if not _is_free(place, width, lines, taken, right_percent)
    )
    return next(blocked, len(WIDTHS_POINTS))


def _is_free(
    place: PlacedLabel,
    width: float,
    lines: Sequence[Line],
    taken: Sequence[PlacedLabel],
    right_percent: float,
) -> bool:
    found = rectangle_of(place, width)
    is_inside = found.left >= 0 and found.right <= width * right_percent / 100
    if not is_inside or found.top < 0 or found.bottom > PLOT_POINTS:
        return False
    if any(found.meets(rectangle_of(other, width)) for other in taken):
        return False
    return not any(found.is_crossed(*stroke) for line in lines for stroke in _strokes(line, width))


def _strokes(line: Line, width: float) -> Iterator[tuple[Point, Point]]:
    points = [(x * width / BOX, y * PLOT_POINTS / BOX) for x, y in line]
    return pairwise(points)
