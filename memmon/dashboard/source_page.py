"""One source, for any window: the report's own page, live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.dashboard.layout import navigation
from memmon.dashboard.moments import moment
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.page import fixed_offset
from memmon.report.html.view_model import PageLink
from memmon.report.page_store import PageStore

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
    from memmon.store.read import SourceInfo, Store

WINDOWS = {"24h": ("24 h", 1), "7d": ("7 d", 7), "30d": ("30 d", 30), "1y": ("1 y", 365)}
"""Windows by the name in the address: label, days back from the last sample."""

SOURCE_REFRESH_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedWindow:
    """What an address asks for of a source, and the links to its other windows."""

    source: SourceInfo
    since: datetime | None
    until: datetime | None
    links: tuple[PageLink, ...]


def asked_window(source: SourceInfo, request: Request) -> AskedWindow:
    """Return the window: `window`, or `since` and `until` (ISO 8601) in the address; raises NoDataError for no time."""
    until, since = moment(request, "until"), moment(request, "since")
    window = request.query_params.get("window", "")
    end = until or source.last_at
    if window in WINDOWS and end is not None:
        since = end - timedelta(days=WINDOWS[window][1])
    links = _windows(source.name, window if until is None else "")
    return AskedWindow(source=source, since=since, until=until, links=links)


def source_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return a source's report: `name`, and `window` or `since` and `until` (ISO 8601) in the address."""
    now = place.clock.now()
    store = PageStore(store.database).as_of(now)
    asked = asked_window(store.resolve_source(request.query_params.get("name")), request)
    report = build_report(store, asked.source.name, now=now, since=asked.since, until=asked.until)
    zone = fixed_offset(report.until or report.generated_at)
    page = render_html(
        report,
        build_charts(store, report, tz=zone),
        tz=zone,
        navigation=navigation("/source"),
        windows=asked.links,
        refresh_seconds=SOURCE_REFRESH_SECONDS if asked.until is None else 0,
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
