"""The application: which address shows what, and what is said when the database can't be read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from memmon.analysis.leak.finding import LeakPolicy
from memmon.clock import SystemClock
from memmon.config import Database, resolve_database
from memmon.dashboard import data_pages, metrics, overview, source_page
from memmon.dashboard.guard import LOOPBACK_HOSTS, Guard
from memmon.dashboard.layout import page_policy, render
from memmon.dashboard.place import PageContext
from memmon.errors import MemmonError, NoDataError, StoreError, UnknownSourceError
from memmon.many.said import SourceTable
from memmon.store.read import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from memmon.clock import Clock
    from memmon.store.read import Store

log = logging.getLogger("memmon")

RETRY_SECONDS = 10
NOT_FOUND = 404
UNAVAILABLE = 503
FAULT = 500


def build_app(
    database: str | os.PathLike[str] | Database | None,
    *,
    token: str | None,
    allowed_hosts: Sequence[str] | None,
    clock: Clock | None,
) -> Starlette:
    """Return the application; see `memmon.dashboard.create_app`."""
    resolved = database if isinstance(database, Database) else resolve_database(database)
    ticking = clock or SystemClock()
    table = SourceTable(clock=ticking, policy=LeakPolicy())
    place = PageContext(database=resolved, clock=ticking, table=table)
    routes = [
        Route("/", _page(place, overview.overview_page)),
        Route("/source", _page(place, source_page.source_page)),
        Route("/events", _page(place, data_pages.events_page)),
        Route("/data", _page(place, data_pages.views_page)),
        Route("/data/{view}.csv", _page(place, data_pages.view_csv)),
        Route("/data/{view}", _page(place, data_pages.view_page)),
        Route("/metrics", _page(place, metrics.metrics_page)),
        Route("/healthz", _health(place)),
    ]
    guard = Middleware(
        Guard,
        token=token,
        allowed_hosts=LOOPBACK_HOSTS if allowed_hosts is None else allowed_hosts,
        policy=page_policy(),
        login=_login,
        clock=place.clock,
    )
    return Starlette(routes=routes, middleware=[guard], exception_handlers={NOT_FOUND: _not_found})


def _page(
    place: PageContext, make: Callable[[PageContext, Store, Request], Response]
) -> Callable[[Request], Response]:
    """Return an endpoint that reads the store, and says what is wrong where it can't.

    It is no coroutine: Starlette runs it in a thread, so that a slow page holds up nobody.
    """

    def endpoint(request: Request) -> Response:
        try:
            with open_store(place.database.url) as store:
                return make(place, store.as_of(place.clock.now()), request)
        except (UnknownSourceError, NoDataError) as error:
            return _trouble("Nothing to show", str(error), status=NOT_FOUND)
        except StoreError as error:
            return _trouble(_title(error), str(error), status=UNAVAILABLE)
        except MemmonError as error:
            return _trouble("That can't be shown", str(error), status=400)
        except Exception:
            log.exception("memmon: the dashboard could not make a page")
            return _trouble(
                "A fault in memmon itself",
                "The page could not be made; the log has the details.",
                status=FAULT,
            )

    return endpoint


_TITLES = {
    "StoreNotFoundError": "No database yet",
    "StoreBusyError": "The database is locked",
    "StoreTooOldError": "The database waits for its migration",
    "StoreTooNewError": "The database is of a newer memmon",
    "StoreDamagedError": "The database is damaged",
    "StorePermissionError": "The database may not be read",
    "ForeignStoreError": "This database is not memmon's",
}


def _title(error: StoreError) -> str:
    return _TITLES.get(type(error).__name__, "The database can't be read")


def _trouble(title: str, words: str, *, status: int) -> Response:
    """Return a page that says what is wrong; what may pass by itself is tried again."""
    passes = status == UNAVAILABLE
    body = render(
        "trouble.html.jinja", title=title, words=words, refresh_seconds=RETRY_SECONDS if passes else 0
    )
    headers = {"retry-after": str(RETRY_SECONDS)} if passes else {}
    return HTMLResponse(body, status_code=status, headers=headers)


def _login(_request: Request) -> Response:
    return HTMLResponse(
        render("login.html.jinja", title="memmon"),
        status_code=401,
        headers={"www-authenticate": 'Bearer realm="memmon"'},
    )


def _not_found(_request: Request, _error: Exception) -> Response:
    return _trouble(
        "No such page",
        "The dashboard has /, /source, /events, /data, /metrics and /healthz.",
        status=NOT_FOUND,
    )


def _health(place: PageContext) -> Callable[[Request], Response]:
    def endpoint(_request: Request) -> Response:
        try:
            with open_store(place.database.url) as store:
                store.sources()
        except MemmonError as error:
            return JSONResponse({"status": type(error).__name__}, status_code=UNAVAILABLE)
        except Exception:
            log.exception("memmon: the dashboard's health check failed")
            return JSONResponse({"status": "fault"}, status_code=FAULT)
        return JSONResponse({"status": "ok"})

    return endpoint
