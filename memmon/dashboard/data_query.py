"""Which rows of a view a visitor asks for: only what is known to the database, or a number, gets into a statement.

Views over samples are read a run at a time: over all runs of a fleet they take minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from memmon.dashboard.moments import Between, between
from memmon.errors import NoDataError
from memmon.facts.whole_numbers import whole_number
from memmon.store.read.many_sources import light_runs
from memmon.store.schema.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.requests import Request

    from memmon.store.read import RunInfo, Store

OF_RUNS = frozenset({"v_snapshot", "v_deque", "v_deque_change", "v_component"})
_NEWEST_FIRST = {
    "v_source": "last_start_at DESC",
    "v_run": "started_ms DESC, run_id DESC",
    "v_event": "at_ms DESC",
    "v_assessment": "at_ms DESC",
}
_FILTERS = {
    "v_source": ("source",),
    "v_run": ("source", "release", "host", "run_id"),
    "v_event": ("source", "release", "run_id", "kind"),
    "v_assessment": ("source",),
}
_OF_RUN_FILTERS = ("source", "run_id")
_TIMELESS = frozenset({"v_source", "v_run"})
"""Views whose rows are of no single moment."""
_KIND = re.compile(r"[a-z_]{1,40}")
_SHOWN_LETTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewQuery:
    """A view, what narrows it (by column, and between two moments), and what chose a run where none was asked for."""

    view: str
    wanted: dict[str, str]
    between: Between = field(default_factory=Between)
    is_newest_run: bool = False

    def statement(self, *, count: int, offset: int, is_ordered: bool = True) -> str:
        """Return the statement: the view is one of VIEWS, numbers are whole, and texts are the database's own."""
        terms = [f"{column} = {_literal(column, text)}" for column, text in self.wanted.items()]
        terms += [f"at_ms {sign} {ms:d}" for sign, ms in self.between.bounds_ms()]
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        order = f" ORDER BY {_NEWEST_FIRST.get(self.view, 'at_ms DESC')}" if is_ordered else ""
        return f"SELECT * FROM {self.view}{where}{order} LIMIT {count:d} OFFSET {offset:d}"  # noqa: S608 - see the docstring

    def href(self, *, suffix: str = "", **more: object) -> str:
        """Return the address of the same rows."""
        wanted = {**self.narrowed, **more}
        return f"/data/{self.view}{suffix}" + (f"?{urlencode(wanted)}" if wanted else "")

    @property
    def narrowed(self) -> dict[str, str]:
        """What narrows it, by its name in the address."""
        return {**self.wanted, **self.between.texts}

    @property
    def filters(self) -> tuple[str, ...]:
        """The names in the address by which it can be narrowed."""
        return (*filters_of(self.view), *(() if self.view in _TIMELESS else ("since", "until")))


def filters_of(view: str) -> tuple[str, ...]:
    """Return the columns by which a view can be narrowed."""
    return _FILTERS.get(view, _OF_RUN_FILTERS)


def query_of(store: Store, request: Request, *, now: datetime, is_whole: bool = False) -> ViewQuery:
    """Return what an address asks for; raises NoDataError for what there is not.

    A view over samples is of the newest run, unless a run is named or all are wanted (`is_whole`).
    """
    view = str(request.path_params["view"])
    if view not in VIEWS:
        msg = f"there is no view {view!r}; there are: {', '.join(VIEWS)}"
        raise NoDataError(msg)
    asked = {name: text for name in filters_of(view) if (text := request.query_params.get(name, "").strip())}
    names = {one.source_id: one.name for one in store.sources()}
    runs = [
        (names.get(source_id, ""), run)
        for source_id, of in light_runs(store.database, now).items()
        for run in of
    ]
    wanted = {column: _known(column, text, runs, list(names.values())) for column, text in asked.items()}
    stretch = Between() if view in _TIMELESS else between(request)
    if view not in OF_RUNS or is_whole or "run_id" in wanted:
        return ViewQuery(view=view, wanted=wanted, between=stretch)
    of_source = [run for name, run in runs if wanted.get("source", name) == name]
    if not of_source:
        return ViewQuery(view=view, wanted=wanted, between=stretch)
    newest = max(of_source, key=lambda run: (run.started_at, run.run_id))
    newest_run = {**wanted, "run_id": str(newest.run_id)}
    return ViewQuery(view=view, wanted=newest_run, between=stretch, is_newest_run=True)


def _known(column: str, text: str, runs: Sequence[tuple[str, RunInfo]], sources: Sequence[str]) -> str:
    if column == "run_id":
        number = whole_number(text)
        is_known = number is not None and any(run.run_id == number for _, run in runs)
    elif column == "kind":
        is_known = bool(_KIND.fullmatch(text))
    elif column == "source":
        is_known = text in sources
    else:
        is_known = any(getattr(run, column) == text for _, run in runs)
    if not is_known:
        msg = f"there is no {column.removesuffix('_id')} {text[:_SHOWN_LETTERS]!r} in this database"
        raise NoDataError(msg)
    return text


def _literal(column: str, text: str) -> str:
    return f"{int(text):d}" if column == "run_id" else "'" + text.replace("'", "''") + "'"
