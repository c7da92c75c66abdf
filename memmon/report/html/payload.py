"""The data that the page's script draws from: the same figures as the script-free pictures, in full."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memmon.formatting import shown
from memmon.report.chart_data import local_offset_seconds
from memmon.report.html.encoding import encode_times, encode_values
from memmon.report.html.figures import marker_words, right_edge, shows_limit, words_of, y_ceiling
from memmon.report.html.stacks import layer_style

if TYPE_CHECKING:
    from datetime import tzinfo

    from memmon.report.chart_values import Charts, Line, MemoryChart, Reach, Ribbon, StackChart


SHOWN_MB = 0.1
"""What is read under the pointer is true to so many MB."""


def payload_of(charts: Charts, tz: tzinfo) -> dict[str, Any]:
    """Return the page's data as plain values; every name in it is made safe to show."""
    deques = charts.deques
    shared = {id(deque.at_seconds): deque.at_seconds for deque in deques}
    places = {key: place for place, key in enumerate(shared)}
    return {
        "offset": int(local_offset_seconds(datetime.fromtimestamp(charts.until_seconds, UTC), tz)),
        "since": int(charts.since_seconds),
        "until": int(charts.until_seconds),
        "edge": int(right_edge(charts)),
        "pauses": [[round(one.from_seconds), round(one.until_seconds)] for one in charts.pauses],
        "memory": _memory(charts.memory),
        "words": {kind: shown(words) for kind, words in words_of(charts, tz).items()},
        "releases": [
            [shown(one.name), round(one.from_seconds), round(one.until_seconds)] for one in charts.releases
        ],
        "split": _stack(charts.split) if charts.split else None,
        "parts": _stack(charts.parts) if charts.parts else None,
        "dequeTimes": [encode_times(times) for times in shared.values()],
        "deques": [
            {
                "name": shown(deque.row.name),
                "t": places[id(deque.at_seconds)],
                "v": encode_values(deque.fill),
                "cell": deque.span_seconds,
                "percent": deque.is_percent,
                "bad": deque.row.is_failing,
            }
            for deque in deques
        ],
        "markers": [
            [int(marker.at_seconds), marker.kind, shown(marker_words(marker, charts))]
            for marker in (*charts.ends, *charts.markers)
        ],
    }


def _memory(memory: MemoryChart) -> dict[str, Any]:
    has_band = memory.min_mb != memory.mean_mb or memory.max_mb != memory.mean_mb
    counts = memory.sample_counts
    return {
        "t": encode_times(memory.at_seconds),
        "cell": memory.bucket_seconds,
        "counts": encode_values(counts) if len(set(counts)) > 2 else None,  # noqa: PLR2004 - 0 where cut
        "mean": encode_values(memory.mean_mb, finest=SHOWN_MB),
        "min": encode_values(memory.min_mb, finest=SHOWN_MB) if has_band else None,
        "max": encode_values(memory.max_mb, finest=SHOWN_MB) if has_band else None,
        "trend": [_ribbon(ribbon) for ribbon in memory.trend],
        "each": [_line(line) for line in memory.processes],
        "forecast": _ribbon(memory.forecast) if memory.forecast else None,
        "reach": _reach(memory.reach) if memory.reach else None,
        "limit": memory.limit_mb if shows_limit(memory) else None,
        "ceiling": y_ceiling(memory),
    }


def _ribbon(ribbon: Ribbon) -> list[list[float]]:
    return [
        [round(at) for at in ribbon.at_seconds],
        *([round(v, 3) for v in values] for values in (ribbon.low_mb, ribbon.middle_mb, ribbon.high_mb)),
    ]


def _stack(stack: StackChart) -> dict[str, Any]:
    return {
        "t": encode_times(stack.at_seconds),
        "cell": stack.bucket_seconds,
        "layers": [
            [shown(layer.name), encode_values(layer.value_mb), layer_style(layer, place)]
            for place, layer in enumerate(stack.layers)
        ],
    }


def _reach(reach: Reach) -> list[int | None]:
    ends = (reach.at_seconds, reach.from_seconds, reach.until_seconds)
    return [None if at is None else round(at) for at in ends]


def _line(line: Line) -> list[list[float]]:
    return [[round(at) for at in line.at_seconds], [round(v, 3) for v in line.value_mb]]
