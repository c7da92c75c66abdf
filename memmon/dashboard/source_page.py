"""One source, for any window: the report's own page, live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.dashboard.layout import navigation
from memmon.dashboard.page_store import PageStore
from memmon.errors import NoDataError
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.page import fixed_offset
from memmon.report.html.view_model import Link

if TYPE_CHECKING:
    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
    from memmon.store.read import Store

WINDOWS = {"24h": ("24 h", 1), "7d": ("7 d", 7), "30d": ("30 d", 30), "1y": ("1 y", 365)}
"""Windows by the name in the address: label, days back from the last sample."""

REFRESH_SECONDS = 300


def source_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return a source's report: `name`, and `window` or `since` and `until` (ISO 8601) in the address."""
    query = request.query_params
    now = place.clock.now()
    store = PageStore(store.database).as_of(now)
    source = store.resolve_source(query.get("name"))
    until = _moment(query.get("until"), "until")
    since = _moment(query.get("since"), "since")
    window = query.get("window", "")
    end = until or source.last_at
    if window in WINDOWS and end is not None:
        since = end - timedelta(days=WINDOWS[window][1])
    report = build_report(store, source.name, now=now, since=since, until=until)
    zone = fixed_offset(report.until or report.generated_at)
    page = render_html(
        report,
        build_charts(store, report, tz=zone),
        tz=zone,
        navigation=navigation("/source"),
        windows=_windows(source.name, window if until is None else ""),
        refresh_seconds=REFRESH_SECONDS if until is None else 0,
    )
    return HTMLResponse(page)


def _windows(name: str, chosen: str) -> tuple[Link, ...]:
    links = [Link(href="/source?" + urlencode({"name": name}), label="Latest", is_here=not chosen)]
    for key, (label, _) in WINDOWS.items():
        links.append(
            Link(
                href="/source?" + urlencode({"name": name, "window": key}), label=label, is_here=key == chosen
            )
        )
    return tuple(links)


def _moment(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{name}={text!r} is no time: give one as 2026-03-01T12:00:00+00:00"
        raise NoDataError(msg) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
