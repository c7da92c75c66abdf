"""A source's page while the whole one is made: what is known already, at once; the rest comes by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from memmon.assessment.plainly import plainly
from memmon.dashboard.layout import render
from memmon.dashboard.overview_row import row_of
from memmon.dashboard.source_page import asked_window
from memmon.report.html.view_model import Card
from memmon.store.read.many_sources import recent_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from memmon.dashboard.overview_row import Row
    from memmon.dashboard.place import PageContext
    from memmon.store.read import Store

NOT_WHOLE = 202
"""Browsers show it as any other page; whoever counts on the whole can tell."""
_SPARK_SPAN = timedelta(hours=24)
_ASK_SECONDS = 1


def known_page(place: PageContext, store: Store, request: Request) -> Response:
    """Return what is known of a source without judging it: the kept verdict, its newest readings, a day of memory."""
    now = place.clock.now()
    asked = asked_window(store.resolve_source(request.query_params.get("name")), request)
    said = place.table.glance(store, asked.source, now=now)
    memory = recent_memory(store.database, now - _SPARK_SPAN, now, source_id=asked.source.source_id)
    row = row_of(
        said,
        memory=memory.get(asked.source.source_id, ()),
        threshold_mb_per_hour=place.table.policy.threshold_mb_per_hour,
    )
    body = render(
        "known.html.jinja",
        title=row.name,
        here="/source",
        row=row,
        plain=() if said.assessment is None else plainly(said.assessment),
        cards=tuple(_cards(row)),
        windows=asked.links,
        of_window=asked.since is not None or asked.until is not None,
        refresh_seconds=_ASK_SECONDS,
    )
    return HTMLResponse(body, status_code=NOT_WHOLE)


def _cards(row: Row) -> Iterator[Card]:
    for title, words in (
        ("Memory now", row.memory_words),
        ("Of its limit", row.limit_words),
        ("To the limit", row.time_words),
        ("Growth", row.slope_words),
        ("Last sample", row.last_words),
        ("Release", row.release or "-"),
    ):
        value, _, unit = words.partition(" ")
        yield Card(title=title, value=value, unit=unit, lines=())
