"""What stands on the memory picture without scripts: releases behind it, moments on it, and words on its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.report.html.geometry import BOX
from memmon.report.html.view_model import PlacedLabel, PlacedMark, ReleaseBand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memmon.report.chart_bins import Bin
    from memmon.report.chart_values import Charts, Marker
    from memmon.report.html.geometry import Frame

DRAWN = ("end", "death", "gc", "alert", "note")
"""Kinds of moments that have a sign of their own; where a run starts its line and its release begin."""

ON_THE_AXIS = frozenset({"gc", "note"})
_LABEL_REACH = 0.16
"""What a label takes of the width of a laptop's picture."""

_LEFT_PERCENT = 20.0
_RIGHT_PERCENT = 55.0
_LAST_PERCENT = 99.4
_LETTERS_PER_PERCENT = 1.1
"""How many letters stand on a hundredth of the picture's width, on paper; a screen has room for more."""

_LEAST_LETTERS = 2
_TREND_REACH_PERCENT = 22.0
"""How far right of the trend's middle its words end: beside a line that rises, on a laptop and on a phone. Chosen by eye."""


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
            name=_fitting(one.name, frame.percent(one.until_seconds) - frame.percent(one.from_seconds)),
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
    """Return the words on the lines; memory's stand above its end, the trend's below its middle."""
    return tuple(_labels(charts, frame, pieces, words))


def _labels(
    charts: Charts, frame: Frame, pieces: Sequence[Sequence[Bin]], words: Mapping[str, str]
) -> Iterator[PlacedLabel]:
    memory = charts.memory
    if "limit" in words and memory.limit_mb is not None:
        y = _height(frame, memory.limit_mb)
        yield PlacedLabel(kind="limit", words=words["limit"], x=0.6, y=y, dy=-6, anchor="start")
    if words["trend"] and memory.trend:
        ribbon = memory.trend[-1]
        x, y = frame.percent(ribbon.at_seconds[1]), _height(frame, ribbon.middle_mb[1])
        is_right = x > _RIGHT_PERCENT
        anchor = "end" if is_right else "start"
        yield PlacedLabel(
            kind="trend",
            words=words["trend"],
            x=min(x + _TREND_REACH_PERCENT, _LAST_PERCENT) if is_right else x,
            y=y,
            dy=20,
            anchor=anchor,
        )
    if memory.reach is not None and memory.limit_mb is not None:
        x, y = frame.percent(memory.reach.at_seconds), _height(frame, memory.limit_mb)
        yield PlacedLabel(
            kind="reach", words=words["reach"], x=min(x + 1, _LAST_PERCENT), y=y, dy=-8, anchor="end"
        )
    elif memory.forecast is not None:
        x, y = frame.percent(memory.forecast.at_seconds[-1]), _height(frame, memory.forecast.high_mb[-1])
        yield PlacedLabel(kind="forecast", words=words["forecast"], x=x, y=max(y, 5.0), dy=-8, anchor="end")
    yield from _memory_label(frame, pieces, f"{words['memory']} {words['now']}")


def _memory_label(frame: Frame, pieces: Sequence[Sequence[Bin]], words: str) -> Iterator[PlacedLabel]:
    """Yield the words of the newest reading, above all that is drawn where they stand."""
    drawn = [one for piece in pieces for one in piece]
    if not drawn:
        return
    last = drawn[-1]
    x = frame.percent(last.end_seconds)
    reach = _LABEL_REACH * (frame.right_seconds - frame.left_seconds)
    is_left = x < _LEFT_PERCENT
    near = [one.high for one in drawn if is_left or one.end_seconds >= last.end_seconds - reach]
    yield PlacedLabel(
        kind="memory",
        words=words,
        x=0.6 if is_left else x,
        y=_height(frame, max(near)),
        dy=-8,
        anchor="start" if is_left else "end",
    )


def _height(frame: Frame, value: float) -> float:
    """Return how far below the top a value stands, in percent."""
    return round(frame.y(value) * 100 / BOX, 2)
