"""The kinds of series: what a program names and memmon records on change, each in one row.

The writing side writes these and no others, salvage accepts these and no others, and each has a
method of `Store` that reads it back.
"""

from __future__ import annotations

from dataclasses import dataclass

DEQUE = "deque"
COMPONENT = "component"
WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKind:
    """One kind of what a program may register or count by name."""

    name: str
    metrics: tuple[str, ...]
    """What may be recorded of each."""
    reader: str
    """The method of `Store` that returns it, one row a sample and one column a name."""


SERIES_KINDS: tuple[SeriesKind, ...] = (
    SeriesKind(
        name=DEQUE,
        metrics=(
            "length",
            "maxlen",
            "bytes",
            "item",
            "item_low",
            "item_high",
            "dropped",
            "expected_maxlen",
            "dead",
            "component",
            "found",
        ),
        reader="deque_readings",
    ),
    SeriesKind(name=COMPONENT, metrics=("bytes",), reader="component_readings"),
    SeriesKind(name=WORK, metrics=("count",), reader="work_readings"),
)

SERIES_KIND_NAMES = frozenset(one.name for one in SERIES_KINDS)
"""Their names, as they stand in the store."""
