"""The pictures without scripts: shapes in a box, their legend and their description in words."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from memmon.assessment.plainly import day_and_time
from memmon.facts.deque_state import DEQUE_WORDS, DequeState
from memmon.facts.limit_names import limit_name
from memmon.formatting import size
from memmon.report.chart_bins import BIN_POINTS, Cells, bin_seconds, binned
from memmon.report.html.geometry import (
    Frame,
    band_path,
    bins_band,
    bins_line,
    line_path,
    time_ticks,
    value_frame,
    value_ticks,
)
from memmon.report.html.marks import bands_of, drawn_marks, labels_of, marks_of
from memmon.report.html.view_model import Bar, DequeItem, Figure, LegendEntry, Shape
from memmon.report.words import fill, share_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memmon.report.chart_bins import Bin
    from memmon.report.chart_values import (
        Charts,
        DequeChart,
        Line,
        Marker,
        MemoryChart,
        Reach,
        Ribbon,
    )
    from memmon.report.data import CauseShare

DEQUE_POINTS = 120
MEMORY_HEIGHT = 340
MAX_LIMIT_RATIO = 2.0
"""The limit is drawn when it is at most so many times the highest reading: else it would flatten the rest."""
_NOTED_LIMIT_SHARE = 0.005
"""What resident memory at the limit may lie from the limit without a word. Chosen: two points of the picture."""

PROCESS_STARTED = "process started"
"""What the start of a run is, where processes live side by side: it need be no restart."""

MARKER_WORDS = {
    "restart": "run started",
    "deploy": "deploy",
    "end": "run ended",
    "death": "run died",
    "gc": "gc pass",
    "alert": "alert",
    "note": "note",
}


def shows_limit(memory: MemoryChart) -> bool:
    """Tell whether the limit stands in the picture: it is near, or the forecast meets it there."""
    peak = max((value for value in memory.max_mb if value is not None), default=0.0)
    is_near = memory.limit_mb is not None and memory.limit_mb <= MAX_LIMIT_RATIO * peak
    return is_near or (memory.limit_mb is not None and memory.reach is not None)


def right_edge(charts: Charts) -> float:
    """Return the right edge of the memory picture in seconds: the forecast is part of it."""
    forecast = charts.memory.forecast
    return max(charts.until_seconds, forecast.at_seconds[-1]) if forecast else charts.until_seconds


def y_ceiling(memory: MemoryChart) -> float:
    """Return what the forecast is cut at: the limit when shown, else twice the highest reading."""
    peak = max((value for value in memory.max_mb if value is not None), default=1.0)
    if memory.limit_mb is not None and shows_limit(memory):
        return memory.limit_mb * 1.05
    return 2.0 * peak


def memory_figure(charts: Charts, tz: tzinfo) -> Figure:
    """Return the picture of resident memory with all that stands on it."""
    memory = charts.memory
    frame = _memory_frame(charts)
    pieces = memory_bins(charts)
    return Figure(
        key="memory",
        title="Resident memory over time",
        description=_memory_words(memory),
        height=MEMORY_HEIGHT,
        legend=tuple(_memory_legend(charts)),
        shapes=tuple(_memory_shapes(charts, frame, pieces)),
        y_ticks=tuple(value_ticks(frame, unit=" MB")),
        x_ticks=tuple(time_ticks(frame, tz)),
        note=_limit_note(memory),
        bands=bands_of(charts, frame),
        marks=marks_of(charts, frame, pieces),
        labels=labels_of(charts, frame, pieces, words_of(charts, tz)),
    )


def _memory_frame(charts: Charts) -> Frame:
    memory, ceiling = charts.memory, y_ceiling(charts.memory)
    values: list[float | None] = [*memory.min_mb, *memory.max_mb]
    values += [value for line in memory.processes for value in line.value_mb]
    if memory.forecast:
        values += [min(value, ceiling) for value in (*memory.forecast.middle_mb, *memory.forecast.high_mb)]
    if shows_limit(memory):
        values.append(memory.limit_mb)
    return value_frame(charts.since_seconds, right_edge(charts), values)


def _memory_shapes(charts: Charts, frame: Frame, pieces: list[list[Bin]]) -> Iterator[Shape]:
    """Yield what is drawn, the lowest first: the readings stand above the trend."""
    memory = charts.memory
    for ribbon in memory.trend:
        yield Shape(style="trend-band", path=_ribbon_path(frame, ribbon))
    for ribbon in memory.trend:
        yield Shape(style="trend", path=line_path(frame, ribbon.at_seconds, ribbon.middle_mb))
    if memory.forecast:
        yield Shape(style="cone", path=_ribbon_path(frame, memory.forecast))
        ahead = before_reach(memory.forecast, memory.reach)
        yield Shape(style="forecast", path=line_path(frame, *ahead))
    yield Shape(style="band", path=bins_band(frame, pieces))
    yield Shape(style="peak", path=bins_line(frame, _peaks(pieces)))
    yield from _lines(frame, "each", memory.processes)
    yield Shape(style="mean", path=bins_line(frame, pieces))
    if memory.limit_mb is not None and shows_limit(memory):
        y = frame.y(memory.limit_mb)
        yield Shape(style="limit", path=f"M0 {y}h1000")
        if memory.reach and memory.reach.from_seconds:
            start, end = (
                frame.x(memory.reach.from_seconds),
                frame.x(memory.reach.until_seconds or frame.right_seconds),
            )
            yield Shape(style="reach", path=f"M{start} {y}h{end - start}")


def before_reach(ribbon: Ribbon, reach: Reach | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return times and middles of the forecast up to where it meets the limit."""
    last = math.inf if reach is None else reach.at_seconds
    rows = [row for row in zip(ribbon.at_seconds, ribbon.middle_mb, strict=True) if row[0] <= last]
    return tuple(at for at, _ in rows), tuple(value for _, value in rows)


def memory_bins(charts: Charts) -> list[list[Bin]]:
    """Return the bins of memory over the whole window."""
    memory = charts.memory
    cells = Cells(
        at_seconds=memory.at_seconds,
        low=memory.min_mb,
        mean=memory.mean_mb,
        high=memory.max_mb,
        cell_seconds=memory.bucket_seconds,
        counts=memory.sample_counts,
    )
    return whole_bins(charts, cells)


def whole_bins(charts: Charts, cells: Cells, *, point_count: int = BIN_POINTS) -> list[list[Bin]]:
    """Return the bins of any cells over the whole window."""
    length = charts.until_seconds - charts.since_seconds
    size = bin_seconds(length, cell_seconds=cells.cell_seconds, point_count=point_count)
    return binned(
        cells,
        size_seconds=size,
        offset_seconds=charts.offset_seconds,
        pauses=charts.pauses,
        until_seconds=charts.until_seconds,
    )


def _lines(frame: Frame, style: str, lines: Sequence[Line]) -> Iterator[Shape]:
    for line in lines:
        yield Shape(style=style, path=line_path(frame, line.at_seconds, line.value_mb))


def _ribbon_path(frame: Frame, ribbon: Ribbon) -> str:
    return band_path(frame, ribbon.at_seconds, ribbon.low_mb, ribbon.high_mb)


def _memory_legend(charts: Charts) -> Iterator[LegendEntry]:
    """Yield what has no label of its own in the picture."""
    yield LegendEntry(label="lowest to highest", style="band")
    if charts.memory.processes:
        yield LegendEntry(label="each process", style="each")
    drawn = drawn_marks(charts)
    for kind in MARKER_WORDS:
        words = dict.fromkeys(marker.text for marker in drawn if marker.kind == kind)
        if words:
            label = ", ".join(words) if kind == "death" else _kind_words(kind, charts)
            yield LegendEntry(label=label, style=f"mark {kind}")


def _kind_words(kind: str, charts: Charts) -> str:
    if kind == "restart" and charts.memory.processes:
        return PROCESS_STARTED
    return MARKER_WORDS.get(kind, kind)


def _memory_words(memory: MemoryChart) -> str:
    known = [value for value in memory.mean_mb if value is not None]
    if not known:
        return "No reading in this window."
    low = min(value for value in memory.min_mb if value is not None)
    high = max(value for value in memory.max_mb if value is not None)
    return f"From {size(known[0])} to {size(known[-1])}; lowest {size(low)}, highest {size(high)}."


def words_of(charts: Charts, tz: tzinfo) -> dict[str, str]:
    """Return what stands on the lines: of memory, trend, limit and forecast."""
    told_at_seconds = charts.until_seconds if charts.told_at_seconds is None else charts.told_at_seconds
    memory, now = charts.memory, datetime.fromtimestamp(told_at_seconds, tz)
    several = " of all processes" if memory.processes else ""
    words = {
        "memory": f"resident memory{several}",
        "now": size(memory.newest_mb),
        "trend": memory.trend_words,
    }
    if memory.limit_mb is not None and shows_limit(memory):
        words["limit"] = limit_words(memory)
    if memory.reach is not None:
        met = datetime.fromtimestamp(memory.reach.at_seconds, tz)
        words["reach"] = f"full {day_and_time(met, now=now, tz=tz)}"
    elif memory.forecast is not None:
        words["forecast"] = "forecast"
        if memory.full_at_seconds is not None:
            full = datetime.fromtimestamp(memory.full_at_seconds, tz)
            words["forecast"] += f": full {day_and_time(full, now=now, tz=tz)}"
    return words


def limit_words(memory: MemoryChart) -> str:
    """Return the limit by its name and its one number, wherever in the picture it is reached."""
    limit_mb = memory.whole_limit_mb if memory.whole_limit_mb is not None else memory.limit_mb
    return f"{limit_name(memory.limit_origin)}, {size(limit_mb)}"


def _limit_note(memory: MemoryChart) -> str:
    if memory.limit_mb is None:
        return ""
    words = limit_words(memory)
    words = f"{words[0].upper()}{words[1:]},"
    if not shows_limit(memory):
        return f"{words} is far above this picture."
    whole_mb = memory.limit_mb if memory.whole_limit_mb is None else memory.whole_limit_mb
    if abs(memory.limit_mb - whole_mb) < _NOTED_LIMIT_SHARE * whole_mb:
        return ""
    apart = size(abs(memory.limit_mb - whole_mb))
    why = (
        f"{apart} of it don't count"
        if memory.limit_mb > whole_mb
        else f"{apart} count that are no part of it"
    )
    return f"{words} is reached when resident memory stands at {size(memory.limit_mb)}: {why}."


def deque_item(chart: DequeChart, index: int, charts: Charts) -> DequeItem:
    """Return one deque's small picture; the y axis is 0 to 100 % of its limit."""
    row = chart.row
    known = [value for value in chart.fill if value is not None]
    top = 105.0 if chart.is_percent else 1.1 * max([*known, 1.0])
    frame = Frame(
        left_seconds=charts.since_seconds,
        right_seconds=charts.until_seconds,
        bottom=0.0,
        top=max([top, *known]),
    )
    cells = Cells(
        at_seconds=chart.at_seconds,
        low=chart.fill,
        mean=chart.fill,
        high=chart.fill,
        cell_seconds=chart.span_seconds,
    )
    pieces = _peaks(whole_bins(charts, cells, point_count=DEQUE_POINTS))
    words = (
        f"{row.length_count}: {DEQUE_WORDS[row.state]}" if row.state is DequeState.UNBOUNDED else fill(row)
    )
    return DequeItem(
        index=index,
        name=row.name,
        words=words,
        mood=row.state.tone,
        description=f"{row.name}: {words}",
        area=bins_band(frame, pieces, floor=0.0),
        line=bins_line(frame, pieces),
    )


def _peaks(pieces: list[list[Bin]]) -> list[list[Bin]]:
    """Return the bins with their highest value as the one to draw."""
    return [[replace(one, mean=one.high) for one in piece] for piece in pieces]


def growth_bars(shares: Sequence[CauseShare]) -> tuple[Bar, ...]:
    """Return a bar per part of the growth, the largest first and as wide as the list."""
    sized = [(share, _extent(share)) for share in shares]
    ordered = sorted(sized, key=lambda pair: -abs(pair[1]))
    widest = max((abs(extent) for _, extent in ordered), default=0.0)
    return tuple(
        Bar(
            label=share.name,
            value=share_words(share),
            percent=round(100 * abs(extent) / widest, 1) if widest else 0.0,
            style="falling" if extent < 0 else "",
        )
        for share, extent in ordered
        if math.isfinite(extent)
    )


def _extent(share: CauseShare) -> float:
    return share.slope_mb_per_hour if share.slope_mb_per_hour is not None else share.growth_mb or 0.0


def marker_words(marker: Marker, charts: Charts) -> str:
    """Return what a marker says: its kind, and its text where it has one."""
    kind = _kind_words(marker.kind, charts)
    return f"{kind}: {marker.text}" if marker.text else kind
