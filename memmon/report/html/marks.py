"""What stands on the memory picture without scripts: releases behind it, moments on it, and words on its lines."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from memmon.formatting import shown
from memmon.report.html.geometry import BOX
from memmon.report.html.placing import first_free
from memmon.report.html.view_model import PlacedLabel, PlacedMark, ReleaseBand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memmon.report.chart_bins import Bin
    from memmon.report.chart_values import Charts, Marker, Ribbon
    from memmon.report.html.geometry import Frame

DRAWN = ("end", "death", "gc", "alert", "note")
"""Kinds of moments that have a sign of their own; where a run starts its line and its release begin."""

ON_THE_AXIS = frozenset({"gc", "note"})
_APART_PERCENT = 14.0
"""So far above the newest reading's end, in percent of the picture, words are read as those of what lies there. Chosen: three lines of them."""

_LABEL_REACH = 0.16
"""What a label takes of the width of a laptop's picture."""

_LEFT_PERCENT = 20.0
_LAST_PERCENT = 99.4
_LETTERS_PER_PERCENT = 1.1
"""How many letters stand on a hundredth of the picture's width, on paper; a screen has room for more."""

_LEAST_LETTERS = 2
_TREND_SHARES = (0.5, 0.3, 0.7, 0.1, 0.9)
"""Where along the trend its words are tried, its middle first."""
_BELOW_POINTS = (20, 32, 44, 60)
_ABOVE_POINTS = (-10, -22, -40, -60)


def drawn_marks(charts: Charts) -> list[Marker]:
    """Return the moments that have a sign."""
    return [marker for marker in (*charts.ends, *charts.markers) if marker.kind in DRAWN]


def bin_at(pieces: Sequence[Sequence[Bin]], at_seconds: float) -> Bin | None:
    """Return the bin of a moment, or the last before it."""
    begun = [one for piece in pieces for one in piece if one.start_seconds <= at_seconds]
    return begun[-1] if begun else None


def marks_of(charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]]) -> tuple[PlacedMark, ...]:
    """Return the signs: passes and notes on the axis, all else on the line, and the dot where the limit is met."""
    return tuple(_marks(charts, frame, pieces))


def _marks(charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]]) -> Iterator[PlacedMark]:
    for marker in drawn_marks(charts):
        one = None if marker.kind in ON_THE_AXIS else bin_at(pieces, marker.at_seconds)
        y = 100.0 if one is None else _height(frame, one.high if marker.kind == "death" else one.mean)
        yield PlacedMark(kind=marker.kind, x=frame.percent(marker.at_seconds), y=y, words=marker.text)
    memory = charts.memory
    if memory.reach is not None and memory.limit_mb is not None:
        x, y = frame.percent(memory.reach.at_seconds), _height(frame, memory.limit_mb)
        yield PlacedMark(kind="reach", x=x, y=y, words="")


def bands_of(charts: Charts, frame: Frame) -> tuple[ReleaseBand, ...]:
    """Return the releases, every other one shaded."""
    return tuple(
        ReleaseBand(
            name=_fitting(
                shown(one.name), frame.percent(one.until_seconds) - frame.percent(one.from_seconds)
            ),
            left=frame.percent(one.from_seconds),
            width=round(frame.percent(one.until_seconds) - frame.percent(one.from_seconds), 2),
            is_shaded=number % 2 == 0,
        )
        for number, one in enumerate(reversed(charts.releases))
    )


def _fitting(name: str, width_percent: float) -> str:
    """Return a release's name, cut in its middle where its band is too narrow; nothing where hardly a letter would stand."""
    room = int(width_percent * _LETTERS_PER_PERCENT)
    if len(name) <= room:
        return name
    return f"{name[: room // 2]}…{name[len(name) - (room - 1) // 2 :]}" if room > _LEAST_LETTERS else ""


def labels_of(
    charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]], words: Mapping[str, str]
) -> tuple[PlacedLabel, ...]:
    """Return the words on the lines; memory's stand above its end, the trend's beside it where nothing is in their way."""
    found = tuple(_labels(charts, frame, pieces, words))
    return (*found, *_trend_label(charts, frame, pieces, words["trend"], found))


def _labels(
    charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]], words: Mapping[str, str]
) -> Iterator[PlacedLabel]:
    memory = charts.memory
    if "limit" in words and memory.limit_mb is not None:
        y = _height(frame, memory.limit_mb)
        yield PlacedLabel(kind="limit", words=words["limit"], x=0.6, y=y, dy=-6, anchor="start")
    if memory.reach is not None and memory.limit_mb is not None:
        x, y = frame.percent(memory.reach.at_seconds), _height(frame, memory.limit_mb)
        yield PlacedLabel(
            kind="reach", words=words["reach"], x=min(x + 1, _LAST_PERCENT), y=y, dy=-8, anchor="end"
        )
    elif memory.forecast is not None:
        x, y = frame.percent(memory.forecast.at_seconds[-1]), _height(frame, memory.forecast.high_mb[-1])
        yield PlacedLabel(kind="forecast", words=words["forecast"], x=x, y=max(y, 5.0), dy=-8, anchor="end")
    yield from _memory_label(charts, frame, pieces, f"{words['memory']} {words['now']}")


def _trend_label(
    charts: Charts,
    frame: Frame,
    pieces: Sequence[Sequence[Bin]],
    words: str,
    taken: Sequence[PlacedLabel],
) -> Iterator[PlacedLabel]:
    """Yield the trend's words: free of all lines and over the readings, else where only peaks go through them, else beyond."""
    memory = charts.memory
    if not words or not memory.trend or not any(pieces):
        return
    places = tuple(_trend_places(frame, memory.trend[-1], words))
    lines, peaks = tuple(_lines(charts, frame, pieces)), tuple(_peaks(frame, pieces))
    end = frame.percent([one for piece in pieces for one in piece][-1].end_seconds)
    for in_the_way, right in (((*lines, *peaks), end), (lines, end), (lines, 100.0)):
        found = first_free(places, lines=in_the_way, taken=taken, right_percent=right)
        if found is not None:
            yield found
            return


def _trend_places(frame: Frame, ribbon: Ribbon, words: str) -> Iterator[PlacedLabel]:
    start, end = ribbon.at_seconds[0], ribbon.at_seconds[-1]
    for share in _TREND_SHARES:
        at = start + share * (end - start)
        x, y = frame.percent(at), _height(frame, _between(ribbon, at))
        for anchor, shifts in (("start", _BELOW_POINTS), ("end", _ABOVE_POINTS)):
            for dy in shifts:
                yield PlacedLabel(kind="trend", words=words, x=x, y=y, dy=dy, anchor=anchor)


def _between(ribbon: Ribbon, at: float) -> float:
    """Return the trend at a moment within it."""
    rows = tuple(zip(ribbon.at_seconds, ribbon.middle_mb, strict=True))
    for (from_at, before), (to_at, after) in pairwise(rows):
        if at <= to_at and to_at > from_at:
            return before + (after - before) * (at - from_at) / (to_at - from_at)
    return rows[-1][1]


def _lines(
    charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]]
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield what no words may stand on: memory, trend, forecast, processes and the limit, in the box."""
    memory = charts.memory
    yield from (tuple(_middle(frame, one, one.mean) for one in piece) for piece in pieces)
    ribbons = (*memory.trend, *(() if memory.forecast is None else (memory.forecast,)))
    rows = [(one.at_seconds, one.middle_mb) for one in ribbons]
    rows += [(one.at_seconds, one.value_mb) for one in memory.processes]
    for at_seconds, values in rows:
        yield tuple((frame.x(at), frame.y(value)) for at, value in zip(at_seconds, values, strict=True))
    if memory.limit_mb is not None:
        yield ((0, frame.y(memory.limit_mb)), (BOX, frame.y(memory.limit_mb)))


def _peaks(frame: Frame, pieces: Sequence[Sequence[Bin]]) -> Iterator[tuple[tuple[int, int], ...]]:
    yield from (tuple(_middle(frame, one, one.high) for one in piece) for piece in pieces)


def _middle(frame: Frame, one: Bin, value: float) -> tuple[int, int]:
    return frame.x((one.start_seconds + one.end_seconds) / 2), frame.y(value)


def _memory_label(
    charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]], words: str
) -> Iterator[PlacedLabel]:
    """Yield the words of the newest reading: above all that is drawn where they stand, or at its end where that is far below."""
    drawn = [one for piece in pieces for one in piece]
    if not drawn:
        return
    last = drawn[-1]
    x = frame.percent(last.end_seconds)
    reach = _LABEL_REACH * (frame.right_seconds - frame.left_seconds)
    is_left = x < _LEFT_PERCENT
    near = [one.high for one in drawn if is_left or one.end_seconds >= last.end_seconds - reach]
    above = PlacedLabel(
        kind="memory",
        words=words,
        x=0.6 if is_left else x,
        y=_height(frame, max(near)),
        dy=-8,
        anchor="start" if is_left else "end",
    )
    end = _height(frame, last.high)
    if end - above.y < _APART_PERCENT:
        yield above
        return
    # As words of the run before they would be read up there.
    own = tuple(replace(above, y=end, dy=dy) for dy in (-8, -20))
    beside = tuple(replace(above, x=x + 0.8, y=end, dy=dy, anchor="start") for dy in (4, 18, 30))
    found = first_free((*own, *beside), lines=tuple(_lines(charts, frame, pieces)), taken=())
    if found is not None:
        yield found


def _height(frame: Frame, value: float) -> float:
    """Return how far below the top a value stands, in percent."""
    return round(frame.y(value) * 100 / BOX, 2)
