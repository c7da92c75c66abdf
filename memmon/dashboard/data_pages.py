"""Events, and the analysts' SQL views as tables with CSV behind them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response, StreamingResponse

from memmon.dashboard.data_links import cells_of, ways_of
from memmon.dashboard.data_query import query_of
from memmon.dashboard.layout import REFRESH_SECONDS, render
from memmon.dashboard.moments import EXAMPLE, between
from memmon.errors import NoDataError
from memmon.export.cells import safe_cell
from memmon.facts.whole_numbers import whole_number
from memmon.formatting import local_time
from memmon.store.read.many_sources import events_of_all
from memmon.store.schema.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from starlette.requests import Request

    from memmon.dashboard.data_query import ViewQuery
    from memmon.dashboard.place import PageContext
    from memmon.store.read import EventInfo, QueryResult, Store

ROWS_PER_PAGE = 200
EVENT_COUNT = 500
CSV_ROWS_PER_QUERY = 5_000
CSV_MOST_ROWS = 1_000_000
_LARGEST_PAGE = 1_000_000
_SHOWN_LETTERS = 40
_BESIDE = timedelta(hours=12)


def events_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return the newest events of one source (`name`) or of all, of one `kind` or of all, of a stretch or of all time."""
    wanted, kind = (request.query_params.get(name, "").strip() for name in ("name", "kind"))
    stretch = between(request)
    since, until = stretch.since, stretch.until
    source = store.resolve_source(wanted).name if wanted else None
    kinds, most = [kind] if kind else None, EVENT_COUNT + 1
    if source is not None:
        events = reversed(store.events(source, since, until, kinds=kinds, limit=most))
        found = [(source, event) for event in events]
    else:
        of_all = events_of_all(store.database, since, until, kinds=kinds, limit=most)
        names = {one.source_id: one.name for one in store.sources()}
        found = [(names.get(source_id, ""), event) for source_id, event in of_all]
    ends = [f"{word} {local_time(at)}" for word, at in (("from", since), ("to", until)) if at is not None]
    asked = {name: text for name, text in (("name", source), ("kind", kind)) if text} | stretch.texts
    shown = found[:EVENT_COUNT]
    body = render(
        "events.html.jinja",
        title="Events",
        here="/events",
        rows=[_event_row(name, event) for name, event in shown],
        filtered=" · ".join(filter(None, [wanted, kind, *ends])),
        example=EXAMPLE,
        fields={name: asked.get(name, "") for name in ("name", "kind", "since", "until")},
        csv_href=_as_csv(asked),
        count=EVENT_COUNT if len(found) > EVENT_COUNT else 0,
        older_href=_older(asked, shown[-1][1].at, until) if shown else "",
        refresh_seconds=0 if until is not None and until <= place.clock.now() else REFRESH_SECONDS,
    )
    return HTMLResponse(body)


def _older(asked: dict[str, str], last: datetime, until: datetime | None) -> str:
    """Return the address of the events that go on where these end: at their last moment, or before it if it is all they are of."""
    end = last - timedelta(milliseconds=1) if last == until else last
    return "/events?" + urlencode({**asked, "until": end.isoformat()})


def _as_csv(asked: dict[str, str]) -> str:
    """Return the address of the same events as CSV: the view calls a source's name its source."""
    narrowed = {"source" if name == "name" else name: text for name, text in asked.items()}
    return "/data/v_event.csv" + (f"?{urlencode(narrowed)}" if narrowed else "")


def _event_row(name: str, event: EventInfo) -> dict[str, str]:
    run = "" if event.run_id is None else str(event.run_id)
    return {
        "at": local_time(event.at),
        "at_href": "/source?" + urlencode({"name": name, **window_around(event.at)}),
        "source": name,
        "source_href": "/events?" + urlencode({"name": name}),
        "kind": event.kind,
        "kind_href": "/events?" + urlencode({"kind": event.kind}),
        "text": event.text or "-",
        "run": run or "-",
        "run_href": "/data/v_run?" + urlencode({"run_id": run}) if run else "",
    }


def window_around(at: datetime) -> dict[str, str]:
    """Return the window that shows what an event changed: twelve hours on either side of it."""
    return {"since": (at - _BESIDE).isoformat(), "until": (at + _BESIDE).isoformat()}


def views_page(_place: PageContext, _store: Store, _request: Request) -> Response:
    """Return the list of views."""
    body = render("views.html.jinja", title="Data", here="/data", views=list(VIEWS.items()))
    return HTMLResponse(body)


def view_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return one page of a view's rows, the newest first."""
    query = query_of(store, request, now=place.clock.now())
    number = _page_number(request)
    found = _rows(store, query, count=ROWS_PER_PAGE + 1, offset=(number - 1) * ROWS_PER_PAGE)
    rows = found.rows[:ROWS_PER_PAGE]
    body = render(
        "view.html.jinja",
        title=query.view,
        here="/data",
        query=query,
        example=EXAMPLE,
        words=VIEWS[query.view],
        columns=found.columns,
        rows=[cells_of(found.columns, row) for row in rows],
        ways=[ways_of(found.columns, row) for row in rows],
        first=(number - 1) * ROWS_PER_PAGE + 1,
        last=(number - 1) * ROWS_PER_PAGE + len(rows),
        before=query.href(page=number - 1) if number > 1 else "",
        after=query.href(page=number + 1) if len(found.rows) > ROWS_PER_PAGE else "",
        csv_href=query.href(suffix=".csv"),
        refresh_seconds=REFRESH_SECONDS if number == 1 else 0,
    )
    return HTMLResponse(body)


def view_csv(place: PageContext, store: Store, request: Request) -> Response:
    """Return a view, or what is asked for of it, as CSV, a few thousand rows at a time; memory stays bounded."""
    query = query_of(store, request, now=place.clock.now(), is_whole=True)
    first = _rows(store, query, count=CSV_ROWS_PER_QUERY, offset=0, is_ordered=False)
    return StreamingResponse(
        _csv(store, query, first),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{query.view}.csv"'},
    )


def _csv(store: Store, query: ViewQuery, first: QueryResult) -> Iterator[str]:
    yield _lines([first.columns])
    rows, sent = first.rows, 0
    while rows and sent < CSV_MOST_ROWS:
        yield _lines(rows)
        sent += len(rows)
        is_full = len(rows) == CSV_ROWS_PER_QUERY
        rows = (
            _rows(store, query, count=CSV_ROWS_PER_QUERY, offset=sent, is_ordered=False).rows
            if is_full
            else ()
        )


def _rows(store: Store, query: ViewQuery, *, count: int, offset: int, is_ordered: bool = True) -> QueryResult:
    statement = query.statement(count=count, offset=offset, is_ordered=is_ordered)
    return store.query(statement, row_limit=count)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([safe_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    number = whole_number(text)
    if number is None or not 0 < number <= _LARGEST_PAGE:
        msg = f"there is no page {text[:_SHOWN_LETTERS]!r}: give a whole number from 1 to {_LARGEST_PAGE:,}"
        raise NoDataError(msg)
    return number
