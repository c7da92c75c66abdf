"""The stacked pictures without scripts: what memory consists of, and who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.formatting import size
from memmon.report.chart_bins import Cells
from memmon.report.html.figures import right_edge, whole_bins
from memmon.report.html.geometry import bins_band, time_ticks, value_frame, value_ticks
from memmon.report.html.view_model import Figure, LegendEntry, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from memmon.report.chart_values import Charts, Layer, StackChart

STACK_HEIGHT = 240


def split_figure(charts: Charts, split: StackChart, tz: tzinfo) -> Figure:
    """Return the stacked picture of what the memory consists of."""
    return _stack_figure(charts, split, tz, key="split", title="What the memory consists of")


def parts_figure(charts: Charts, parts: StackChart, tz: tzinfo) -> Figure:
    """Return the stacked picture of who holds the memory."""
    return _stack_figure(charts, parts, tz, key="parts", title="Who holds the memory")


def layer_style(layer: Layer, place: int) -> str:
    """Return the class that a layer is drawn with."""
    return layer.kind or f"layer-{place}"


def _stack_figure(charts: Charts, split: StackChart, tz: tzinfo, *, key: str, title: str) -> Figure:
    tops = _stacked(split)
    frame = value_frame(charts.since_seconds, right_edge(charts), tops[-1] if tops else (), from_zero=True)
    below: Sequence[float | None] = [None if value is None else 0.0 for value in (tops[0] if tops else ())]
    shapes = []
    for number, top in enumerate(tops):
        layer = whole_bins(charts, _between(split, below, top))
        shapes.append(
            Shape(style=f"layer {layer_style(split.layers[number], number)}", path=bins_band(frame, layer))
        )
        below = top
    return Figure(
        key=key,
        title=title,
        description=_split_words(split),
        height=STACK_HEIGHT,
        legend=tuple(
            LegendEntry(label=layer.name, style=f"layer {layer_style(layer, number)}")
            for number, layer in enumerate(split.layers)
        ),
        shapes=tuple(shapes),
        y_ticks=tuple(value_ticks(frame, count=4, unit=" MB")),
        x_ticks=tuple(time_ticks(frame, tz)),
    )


def _between(split: StackChart, below: Sequence[float | None], top: Sequence[float | None]) -> Cells:
    return Cells(
        at_seconds=split.at_seconds,
        low=tuple(below),
        mean=tuple(top),
        high=tuple(top),
        cell_seconds=split.bucket_seconds,
    )


def _stacked(split: StackChart) -> list[list[float | None]]:
    tops: list[list[float | None]] = []
    below: list[float | None] = [0.0] * len(split.at_seconds)
    for layer in split.layers:
        below = [
            None if base is None or value is None else base + value
            for base, value in zip(below, layer.value_mb, strict=True)
        ]
        tops.append(below)
    return tops


def _split_words(split: StackChart) -> str:
    newest = [
        f"{layer.name} {size(known[-1])}"
        for layer in split.layers
        if (known := [value for value in layer.value_mb if value is not None])
    ]
    return f"At the end: {', '.join(newest)}."
