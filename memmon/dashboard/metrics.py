"""`/metrics`: the store in the text format of Prometheus, made by `memmon.export.metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from memmon.errors import MissingExtraError
from memmon.export.metrics import CONTENT_TYPE, SCRAPE_JUDGING_SECONDS, render_metrics

if TYPE_CHECKING:
    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
    from memmon.store.read import Store

NOT_IMPLEMENTED = 501


def metrics_page(place: PageContext, store: Store, _request: Request) -> Response:
    """Return the metrics of all sources; 501 with what to install where the extra is missing."""
    try:
        body = render_metrics(store, now=place.clock.now(), judging_seconds=SCRAPE_JUDGING_SECONDS)
    except MissingExtraError as error:
        return PlainTextResponse(f"{error}\n", status_code=NOT_IMPLEMENTED)
    return Response(body, headers={"content-type": CONTENT_TYPE})
