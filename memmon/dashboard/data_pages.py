"""Events, and the analysts' SQL views as tables with CSV behind them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response, StreamingResponse

from memmon.dashboard.layout import render
from memmon.errors import NoDataError
from memmon.export.cells import safe_cell
from memmon.facts.whole_numbers import whole_number
from memmon.formatting import local_time
from memmon.store.schema.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
    from memmon.store.read import EventInfo, QueryResult, Store

ROWS_PER_PAGE = 200
EVENT_COUNT = 500
CSV_ROWS_PER_QUERY = 5_000
CSV_MOST_ROWS = 1_000_000
_LARGEST_PAGE = 1_000_000
_SHOWN_LETTERS = 40


def events_page(_place: PageContext, store: Store, request: Request) -> Response:
    """Return the newest events of one source (`name`) or of all, of one `kind` or of all."""
    wanted, kind = request.query_params.get("name"), request.query_params.get("kind")
    sources = [store.resolve_source(wanted).name] if wanted else [one.name for one in store.sources()]
    kinds = [kind] if kind else None
    found = [
        (name, event) for name in sources for event in store.events(name, kinds=kinds, limit=EVENT_COUNT)
    ]
    found.sort(key=lambda pair: pair[1].at, reverse=True)
    body = render(
        "events.html.jinja",
        title="Events",
        here="/events",
        rows=[_event_row(name, event) for name, event in found[:EVENT_COUNT]],
        filtered=" · ".join(filter(None, [wanted, kind])),
        count=EVENT_COUNT if len(found) > EVENT_COUNT else 0,
    )
    return HTMLResponse(body)


def _event_row(name: str, event: EventInfo) -> dict[str, str]:
    return {
        "at": local_time(event.at),
        "source": name,
        "source_href": "/events?" + urlencode({"name": name}),
        "kind": event.kind,
        "kind_href": "/events?" + urlencode({"kind": event.kind}),
        "text": event.text or "-",
        "run": "-" if event.run_id is None else str(event.run_id),
    }


def views_page(_place: PageContext, _store: Store, _request: Request) -> Response:
    """Return the list of views."""
    body = render("views.html.jinja", title="Data", here="/data", views=list(VIEWS.items()))
    return HTMLResponse(body)


def view_page(_place: PageContext, store: Store, request: Request) -> Response:
    """Return one page of a view's rows."""
    view = _view(request)
    number = _page_number(request)
    found = _rows(store, view, count=ROWS_PER_PAGE + 1, offset=(number - 1) * ROWS_PER_PAGE)
    rows = found.rows[:ROWS_PER_PAGE]
    body = render(
        "view.html.jinja",
        title=view,
        here="/data",
        view=view,
        words=VIEWS[view],
        columns=found.columns,
        rows=[["-" if cell is None else str(cell) for cell in row] for row in rows],
        first=(number - 1) * ROWS_PER_PAGE + 1,
        last=(number - 1) * ROWS_PER_PAGE + len(rows),
        before=number - 1 if number > 1 else 0,
        after=number + 1 if len(found.rows) > ROWS_PER_PAGE else 0,
    )
    return HTMLResponse(body)


def view_csv(_place: PageContext, store: Store, request: Request) -> Response:
    """Return a view as CSV, a few thousand rows at a time; memory stays bounded."""
    view = _view(request)
    first = _rows(store, view, count=CSV_ROWS_PER_QUERY, offset=0)
    return StreamingResponse(
        _csv(store, view, first),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{view}.csv"'},
    )


def _csv(store: Store, view: str, first: QueryResult) -> Iterator[str]:
    yield _lines([first.columns])
    rows, sent = first.rows, 0
    while rows and sent < CSV_MOST_ROWS:
        yield _lines(rows)
        sent += len(rows)
        is_full = len(rows) == CSV_ROWS_PER_QUERY
        rows = _rows(store, view, count=CSV_ROWS_PER_QUERY, offset=sent).rows if is_full else ()


def _rows(store: Store, view: str, *, count: int, offset: int) -> QueryResult:
    """Return rows of a view; its name is one of VIEWS and the numbers are whole: nothing of a visitor's is in it."""
    statement = f"SELECT * FROM {view} LIMIT {count:d} OFFSET {offset:d}"  # noqa: S608 - see the docstring
    return store.query(statement, row_limit=count)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _view(request: Request) -> str:
    name = str(request.path_params["view"])
    if name not in VIEWS:
        msg = f"there is no view {name!r}; there are: {', '.join(VIEWS)}"
        raise NoDataError(msg)
    return name


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    number = whole_number(text)
    if number is None or not 0 < number <= _LARGEST_PAGE:
        msg = f"there is no page {text[:_SHOWN_LETTERS]!r}: give a whole number from 1 to {_LARGEST_PAGE:,}"
        raise NoDataError(msg)
    return number
