"""The overview: every source with what is said of it, the most urgent first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.responses import HTMLResponse, Response

from memmon.dashboard.flights import NOT_KEPT
from memmon.dashboard.layout import REFRESH_SECONDS, render
from memmon.dashboard.overview_row import Row, row_of
from memmon.facts.urgency import Urgency, counted_states
from memmon.formatting import counted, local_time
from memmon.store.read.many_sources import recent_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
    from memmon.store.read import Store

HURRIED_REFRESH_SECONDS = 3
"""While some sources are not judged yet: each page goes on with them."""
SPARK_SPAN = timedelta(hours=24)
_URGENT = frozenset(list(Urgency)[: Urgency.FAULTY.rank + 1])

_SORTS: dict[str, tuple[str, Callable[[Row], object], bool]] = {
    "verdict": ("State", lambda row: row.place, False),
    "source": ("Source", lambda row: row.name, False),
    "memory": ("Memory, 24 h", lambda row: row.memory_mb or 0.0, True),
    "limit": ("Of its limit", lambda row: row.limit_percent or 0.0, True),
    "left": (
        "To the limit",
        lambda row: row.hours_left if row.hours_left is not None else float("inf"),
        False,
    ),
    "growth": ("Growth", lambda row: row.slope if row.slope is not None else float("-inf"), True),
    "release": ("Release", lambda row: row.release, False),
    "last": ("Last sample", lambda row: row.last_at.timestamp() if row.last_at else 0.0, True),
}
"""Columns by the name in the address: title, what to sort by, whether the largest comes first."""
_NUMBERS = frozenset({"memory", "limit", "left", "growth"})

_GROUPS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "": ("not grouped", lambda _row: ""),
    "host": ("by host", lambda row: row.host or "no host known"),
    "release": ("by release", lambda row: row.release or "no release known"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column's title as a link that sorts by it; `sorted_as` is `ascending`, `descending` or empty."""

    title: str
    href: str
    sorted_as: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A state, or a way to group, that the table can be narrowed to or told by."""

    label: str
    href: str
    is_here: bool
    tone: str = ""
    meaning: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows under one heading."""

    title: str
    words: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks for."""

    sort: str
    is_descending: bool
    state: str
    group: str
    sought: str

    @property
    def order(self) -> str:
        """The order's name in the address."""
        return "desc" if self.is_descending else "asc"

    @property
    def is_sorted(self) -> bool:
        """Whether another order than that of urgency is asked for."""
        return self.sort != "verdict" or self.is_descending

    def href(self, **other: str) -> str:
        """Return the address of the same with something else in it."""
        order = {"sort": self.sort, "order": self.order} if self.is_sorted else {"sort": "", "order": ""}
        same = {**order, "state": self.state, "group": self.group, "q": self.sought}
        wanted = {name: value for name, value in {**same, **other}.items() if value}
        return "/?" + urlencode(wanted) if wanted else "/"


def overview_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return the table of all sources, sorted, narrowed and grouped as the address asks."""
    now = place.clock.now()
    asked = _asked(request)
    memory = recent_memory(store.database, now - SPARK_SPAN, now)
    threshold = place.table.policy.threshold_mb_per_hour
    rows = [
        row_of(
            said,
            memory=memory.get(said.standing.read.source.source_id, ()),
            threshold_mb_per_hour=threshold,
        )
        for said in place.table.look(store, now=now)
    ]
    urgent = [row for row in rows if row.urgency in _URGENT]
    shown = [row for row in rows if asked.state in {"", row.urgency.value}]
    shown.sort(key=_SORTS[asked.sort][1], reverse=asked.is_descending)  # type: ignore[arg-type] # every key of one column is comparable
    hurried = any(row.is_pending for row in rows)
    body = render(
        "overview.html.jinja",
        title="Overview",
        here="/",
        count=len(urgent),
        icon=_icon(urgent),
        groups=_grouped(shown, asked),
        asked=asked,
        found_count=sum(asked.sought.lower() in row.sought for row in shown),
        headings=_headings(asked),
        states=_states(rows, asked),
        ways=[
            Choice(label=label, href=asked.href(group=name), is_here=asked.group == name)
            for name, (label, _) in _GROUPS.items()
        ],
        words=_words(rows),
        database=store.database.shown,
        now=local_time(now),
        refresh_seconds=HURRIED_REFRESH_SECONDS if hurried else REFRESH_SECONDS,
    )
    return HTMLResponse(body, headers={NOT_KEPT: "no"} if hurried else None)


def _asked(request: Request) -> Asked:
    query = request.query_params
    sort = query.get("sort", "verdict")
    sort = sort if sort in _SORTS else "verdict"
    default = "desc" if _SORTS[sort][2] else "asc"
    state, group = query.get("state", ""), query.get("group", "")
    return Asked(
        sort=sort,
        is_descending=(query.get("order") or default) == "desc",
        state=state if state in tuple(Urgency) else "",
        group=group if group in _GROUPS else "",
        sought=query.get("q", "").strip(),
    )


def _headings(asked: Asked) -> list[Heading]:
    headings = []
    for name, (title, _, largest_first) in _SORTS.items():
        here = name == asked.sort
        order = ("asc" if asked.is_descending else "desc") if here else ("desc" if largest_first else "asc")
        headings.append(
            Heading(
                title=title,
                href=asked.href(sort=name, order=order),
                sorted_as=("descending" if asked.is_descending else "ascending") if here else "",
                is_number=name in _NUMBERS,
            )
        )
    return headings


def _states(rows: Sequence[Row], asked: Asked) -> list[Choice]:
    counts = Counter(row.urgency for row in rows)
    every = Choice(label="all", href=asked.href(state=""), is_here=not asked.state, count=len(rows))
    return [
        every,
        *(
            Choice(
                label=state.row.counted,
                href=asked.href(state=state.value),
                is_here=asked.state == state.value,
                tone=state.row.tone,
                meaning=state.row.meaning,
                count=counts[state],
            )
            for state in Urgency
            if counts[state] or asked.state == state.value
        ),
    ]


def _grouped(rows: Sequence[Row], asked: Asked) -> list[Group]:
    """Return the rows under their headings, the group with the most urgent row first; one of all where none is asked for."""
    _, key = _GROUPS[asked.group]
    first: dict[str, tuple[object, ...]] = {}
    for row in sorted(rows, key=lambda row: row.place):
        first.setdefault(key(row), row.place)
    ordered = sorted(rows, key=lambda row: (first[key(row)], key(row)))
    found = []
    for title, members in groupby(ordered, key=key):
        of_one = tuple(members)
        found.append(Group(title=title, words=counted_states(row.urgency for row in of_one), rows=of_one))
    return found


def _icon(urgent: Sequence[Row]) -> str:
    """Return the page's icon as a data address: how many are urgent, on the colour of the worst."""
    colour = "b3261e" if any(row.mood == "bad" for row in urgent) else "a34a00" if urgent else "17754a"
    words = "" if not urgent else str(len(urgent)) if len(urgent) <= _MOST_SHOWN else "99+"
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" '
        f'fill="#{colour}"/><text x="16" y="22" font-family="sans-serif" font-size="{18 if len(words) < _LONG else 14}" '
        f'font-weight="700" text-anchor="middle" fill="#fff">{words}</text></svg>'
    )
    return "data:image/svg+xml," + quote(drawing)


_MOST_SHOWN = 99
_LONG = 3


def _words(rows: Sequence[Row]) -> str:
    if not rows:
        return "Nothing has been recorded yet."
    pending = sum(row.is_pending for row in rows)
    ahead = sum(row.is_clock_ahead for row in rows)
    words = f"{counted(len(rows), 'source')}: {counted_states(row.urgency for row in rows)}."
    if pending:
        words += f" {pending} not judged yet."
    if ahead:
        words += f" {counted(ahead, 'source')} with a clock ahead: set it right (see memmon doctor)."
    return words
