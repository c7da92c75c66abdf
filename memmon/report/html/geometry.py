"""Geometry of the script-free pictures: ticks, and SVG paths in a box of `BOX` by `BOX` units.

The box is stretched over the picture's place (`preserveAspectRatio="none"`), so that labels, which
stand outside it, keep their size on a phone. Coordinates are whole numbers: short, and finer than a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from memmon.report.chart_bins import Bin
    from memmon.report.chart_values import Values

BOX = 1000
_NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS_SECONDS = tuple(
    60 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 5760, 10080, 20160)
)
_DAY_SECONDS = 86_400
_MONTH_SECONDS = 30 * _DAY_SECONDS
_MONTH_STEPS = (1, 2, 3, 6, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label and where it stands: `percent` of the way from the left or from the top."""

    percent: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What part of the world the box shows; the y axis points up."""

    left_seconds: float
    right_seconds: float
    bottom: float
    top: float

    def x(self, at_seconds: float) -> int:
        """Return the whole-number x in the box of a time, held within the box's neighbourhood."""
        return _held(BOX * (at_seconds - self.left_seconds) / _width(self.left_seconds, self.right_seconds))

    def y(self, value: float) -> int:
        """Return the whole-number y in the box of a value."""
        return _held(BOX * (self.top - value) / _width(self.bottom, self.top))

    def percent(self, at_seconds: float) -> float:
        """Return how far a time stands from the left edge, in percent of the width."""
        return round(self.x(at_seconds) * 100 / BOX, 2)


def _held(coordinate: float) -> int:
    return round(min(max(coordinate, -BOX), 2 * BOX))


def _width(low: float, high: float) -> float:
    return (high - low) or 1.0


LEAST_RANGE_SHARE = 0.2
"""The y axis spans at least such a share of its values: what is next to nothing must not look like a cliff."""


def value_frame(
    left_seconds: float, right_seconds: float, values: Iterable[float | None], *, from_zero: bool = False
) -> Frame:
    """Return a frame that holds all `values` with a little air above and below."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    low = min(low, 0.0) if from_zero else low
    air = 0.08 * (high - low) or 0.5
    lacking = max(LEAST_RANGE_SHARE * abs(high) - (high - low) - 2 * air, 0.0)
    bottom = low if from_zero else low - air - lacking / 2
    top = high + air + lacking / 2
    return Frame(left_seconds=left_seconds, right_seconds=right_seconds, bottom=bottom, top=top)


def value_ticks(frame: Frame, *, count: int = 5, unit: str = "") -> list[Tick]:
    """Return about `count` ticks at round values."""
    step = _nice_step(_width(frame.bottom, frame.top) / count)
    decimals = next(places for places in range(12) if math.isclose(round(step, places), step))
    first = math.ceil(frame.bottom / step - 1e-9)
    last = math.floor(frame.top / step + 1e-9)
    return [
        Tick(percent=frame.y(n * step) * 100 / BOX, label=f"{n * step:,.{decimals}f}{unit}")
        for n in range(first, last + 1)
    ]


def _nice_step(rough: float) -> float:
    scale = 10.0 ** math.floor(math.log10(rough))
    return float(next(nice * scale for nice in _NICE_STEPS if nice * scale >= rough * (1 - 1e-9)))


def time_ticks(frame: Frame, tz: tzinfo, *, count: int = 6) -> list[Tick]:
    """Return at most about `count` ticks at round local times; labels keep clear of the edges."""
    length = _width(frame.left_seconds, frame.right_seconds)
    step = next((s for s in _TIME_STEPS_SECONDS if length / s <= count), None)
    if step is None:
        return _month_ticks(frame, tz, count=count)
    start = datetime.fromtimestamp(frame.left_seconds, tz)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks: list[Tick] = []
    at = midnight + timedelta(seconds=math.ceil((start - midnight).total_seconds() / step) * step)
    while at.timestamp() <= frame.right_seconds:
        percent = frame.percent(at.timestamp())
        if 3 <= percent <= 97:  # noqa: PLR2004 - a label nearer to the edge would be cut
            ticks.append(Tick(percent=percent, label=_time_label(at, step)))
        at += timedelta(seconds=step)
    return ticks


def _month_ticks(frame: Frame, tz: tzinfo, *, count: int) -> list[Tick]:
    """Return ticks at the beginnings of months; the first of them and each January say the year."""
    start = datetime.fromtimestamp(frame.left_seconds, tz)
    length = _width(frame.left_seconds, frame.right_seconds)
    step = next((s for s in _MONTH_STEPS if length / (s * _MONTH_SECONDS) <= count), None)
    step = step or 12 * math.ceil(length / count / (12 * _MONTH_SECONDS))
    ticks: list[Tick] = []
    for number in range(start.year * 12, datetime.fromtimestamp(frame.right_seconds, tz).year * 12 + 12):
        year, month = divmod(number, 12)
        at = datetime(year, month + 1, 1, tzinfo=tz)
        percent = frame.percent(at.timestamp())
        if number % step == 0 and 3 <= percent <= 97:  # noqa: PLR2004 - a label nearer to the edge would be cut
            ticks.append(Tick(percent=percent, label=f"{at:%b %Y}" if not ticks or not month else f"{at:%b}"))
    return ticks


def _time_label(at: datetime, step_seconds: float) -> str:
    is_midnight = at.hour == 0 and at.minute == 0
    if step_seconds >= _DAY_SECONDS or is_midnight:
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}"


def line_path(frame: Frame, at_seconds: Sequence[float], values: Values) -> str:
    """Return the path of a line, broken where there is no value."""
    return "".join(_stroke(piece) for piece in _pieces(frame, at_seconds, values))


def band_path(frame: Frame, at_seconds: Sequence[float], low: Values, high: Values) -> str:
    """Return the closed path between two lines, in pieces where either has no value."""
    both = [None if a is None or b is None else a for a, b in zip(low, high, strict=True)]
    above = [None if a is None or b is None else b for a, b in zip(low, high, strict=True)]
    pairs = zip(_pieces(frame, at_seconds, both), _pieces(frame, at_seconds, above), strict=True)
    return "".join(_stroke([*lower, *reversed(upper)]) + "z" for lower, upper in pairs)


def bins_line(frame: Frame, pieces: Sequence[Sequence[Bin]]) -> str:
    """Return the path through the bins' means, a stroke for each piece."""
    return "".join(_stroke([(x, frame.y(one.mean)) for x, one in _places(frame, piece)]) for piece in pieces)


def bins_band(frame: Frame, pieces: Sequence[Sequence[Bin]], *, floor: float | None = None) -> str:
    """Return the closed path from the bins' lows, or from `floor`, to their highs."""
    shapes = []
    for piece in pieces:
        places = _places(frame, piece)
        lower = [(x, frame.y(one.low if floor is None else floor)) for x, one in places]
        upper = [(x, frame.y(one.high)) for x, one in reversed(places)]
        shapes.append(_stroke([*lower, *upper]) + "z")
    return "".join(shapes)


def _places(frame: Frame, piece: Sequence[Bin]) -> list[tuple[int, Bin]]:
    """Return where a piece's bins are drawn: each at its middle, and the piece from its beginning to its end."""
    middles = [(frame.x((one.start_seconds + one.end_seconds) / 2), one) for one in piece]
    return [
        (frame.x(piece[0].start_seconds), piece[0]),
        *middles,
        (frame.x(piece[-1].end_seconds), piece[-1]),
    ]


def _pieces(
    frame: Frame, at_seconds: Sequence[float], values: Sequence[float | None]
) -> Iterator[list[tuple[int, int]]]:
    piece: list[tuple[int, int]] = []
    for at, value in zip(at_seconds, values, strict=True):
        if value is not None:
            piece.append((frame.x(at), frame.y(value)))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _stroke(points: Sequence[tuple[int, int]]) -> str:
    """Return the points as a path in relative steps; a lone point becomes a dot."""
    (x, y), *rest = points
    steps = [f"M{x} {y}"]
    for to_x, to_y in rest or [(x, y)]:
        steps.append(_step(to_x - x, to_y - y))
        x, y = to_x, to_y
    return "".join(steps)


def _step(dx: int, dy: int) -> str:
    if dy == 0:
        return f"h{dx}"
    if dx == 0:
        return f"v{dy}"
    return f"l{dx} {dy}" if dy > 0 else f"l{dx}{dy}"
