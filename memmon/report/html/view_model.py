"""What the templates are given: words and geometry, ready to place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.report.html.geometry import Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A way to another page of the dashboard."""

    href: str
    label: str
    is_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure at a glance; `mood` is `good`, `warn`, `wait`, `bad` or `plain`."""

    title: str
    value: str
    unit: str = ""
    lines: tuple[str, ...] = ()
    mood: str = "plain"
    is_first: bool = False
    """It is one of those that stand out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """What a colour means; `style` is a class of the style sheet."""

    label: str
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One path of a picture; `style` is a class of the style sheet."""

    style: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseBand:
    """A release behind a picture: `left` and `width` in percent of the width."""

    name: str
    left: float
    width: float
    is_shaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMark:
    """A moment on a picture: `x` in percent of the width, `y` of the height; `kind` is a class of the style sheet."""

    kind: str
    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLabel:
    """Words on a line: `x` in percent of the width, `y` of the height, `dy` points below that; `anchor` as SVG has it."""

    kind: str
    words: str
    x: float
    y: float
    dy: int
    anchor: str
    least_width_points: float = 0.0
    """From so wide a picture on they stand free: on a narrower one they are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture that is complete without scripts."""

    key: str
    title: str
    description: str
    height: int
    legend: tuple[LegendEntry, ...]
    shapes: tuple[Shape, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    note: str = ""
    bands: tuple[ReleaseBand, ...] = ()
    marks: tuple[PlacedMark, ...] = ()
    labels: tuple[PlacedLabel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DequeItem:
    """One deque's small picture; `index` finds its data for the script."""

    index: int
    name: str
    words: str
    mood: str
    description: str
    area: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a list; `percent` of the widest."""

    label: str
    value: str
    percent: float
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A table's column."""

    label: str
    is_number: bool = False
    has_bars: bool = False
    """Its numbers are drawn as well, each as a share of the largest."""
    is_name: bool = False
    """It holds names, which are shortened where they are long, as the first column's are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first cell of a row names it. `more` says what was left out."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    words: str = ""
    more: str = ""

    def bar(self, row: tuple[str, ...], place: int) -> float | None:
        """Return how long a cell's bar is, in percent of the column's longest; None: it has none."""
        if not self.columns[place].has_bars:
            return None
        value, most = _number(row[place]), max(_number(one[place]) or 0.0 for one in self.rows)
        return None if value is None or value < 0 or not most else round(100 * value / most, 1)


def _number(cell: str) -> float | None:
    """Return what a cell of figures says; None: no figure."""
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What to do next: words, and the command that does it, where there is one."""

    words: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """A button that shows the last part of the window."""

    seconds: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the report's template places."""

    source: str
    headline: str
    """The verdict as every surface has it, with its confidence."""
    mood: str
    plain: tuple[str, ...]
    """What is going on, in the operator's words, most important first."""
    steps: tuple[NextStep, ...]
    """What to do, most urgent first."""
    verdict_sentences: tuple[str, ...]
    stale_words: str
    set_aside: str
    sub: tuple[str, ...]
    made_seconds: int
    """When it was made, in seconds since 1970: its script says how old it is."""
    database: str
    is_empty: bool
    empty_words: str = ""
    cards: tuple[Card, ...] = ()
    zooms: tuple[Zoom, ...] = ()
    memory: Figure | None = None
    parts: Figure | None = None
    split: Figure | None = None
    cause_words: str = ""
    evidence_words: str = ""
    own_cost: str = ""
    """What memmon itself costs, in one sentence."""
    cause_bars: tuple[Bar, ...] = ()
    bars: tuple[Bar, ...] = ()
    deques: tuple[DequeItem, ...] = ()
    deque_words: str = ""
    deque_first_count: int = 12
    tables: tuple[Table, ...] = ()
    evidence_tables: tuple[Table, ...] = ()
    """Those that show how it was judged."""
    method: tuple[str, ...] = ()
    navigation: tuple[PageLink, ...] = ()
