"""`/metrics`: the store in the text format of Prometheus, made by `memmon.export.metrics`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from memmon.dashboard.app import Place
    from memmon.store.read import Store

MODULE = "memmon.export.metrics"
NOT_IMPLEMENTED = 501


def metrics_page(place: Place, store: Store, _request: Request) -> Response:
    """Return the metrics of all sources; 501 where the exporter is not installed."""
    if importlib.util.find_spec(MODULE) is None:
        return PlainTextResponse("This memmon has no metrics exporter.\n", status_code=NOT_IMPLEMENTED)
    exporter = importlib.import_module(MODULE)
    return Response(exporter.render_metrics(store, now=place.clock.now()), media_type=exporter.CONTENT_TYPE)
