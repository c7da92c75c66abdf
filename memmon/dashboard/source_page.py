"""One source, for any window: the report's own page, live."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.dashboard.layout import navigation
from memmon.dashboard.moments import moment
from memmon.dashboard.page_store import PageStore
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.page import fixed_offset
from memmon.report.html.view_model import PageLink

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
    until = moment(request, "until")
    since = moment(request, "since")
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


def _windows(name: str, chosen: str) -> tuple[PageLink, ...]:
    links = [PageLink(href="/source?" + urlencode({"name": name}), label="Latest", is_here=not chosen)]
    for key, (label, _) in WINDOWS.items():
        links.append(
            PageLink(
                href="/source?" + urlencode({"name": name, "window": key}), label=label, is_here=key == chosen
            )
        )
    return tuple(links)
