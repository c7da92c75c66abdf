"""The application: which address shows what, and what is said when the database can't be read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from memmon.analysis.leak.finding import LeakPolicy
from memmon.clock import SystemClock
from memmon.config import Database, resolve_database
from memmon.dashboard import data_pages, known_page, metrics, overview, source_page, troubles
from memmon.dashboard.flights import Flights
from memmon.dashboard.guard import LOOPBACK_HOSTS, Guard
from memmon.dashboard.layout import page_policy, render
from memmon.dashboard.place import PageContext
from memmon.errors import MemmonError, NoDataError, StoreError, UnknownSourceError
from memmon.many.said import SourceTable
from memmon.store.read import Store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from memmon.clock import Clock

log = logging.getLogger("memmon")

UNAUTHORISED = 401
OVERVIEW_SECONDS = 2.0
"""So long the overview is given as it was made: it is of the second."""
SOURCE_SECONDS = 20.0
"""A source's page takes longest to make, and changes with a sample in minutes."""


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
    flights = Flights(ticking)
    routes = [
        Route("/", _page(place, overview.overview_page, flights, keep_seconds=OVERVIEW_SECONDS)),
        Route(
            "/source",
            _page(
                place,
                source_page.source_page,
                flights,
                keep_seconds=SOURCE_SECONDS,
                at_once=known_page.known_page,
            ),
        ),
        Route("/events", _page(place, data_pages.events_page, flights)),
        Route("/data", _page(place, data_pages.views_page, flights)),
        Route("/data/{view}.csv", _stream(place, data_pages.view_csv)),
        Route("/data/{view}", _page(place, data_pages.view_page, flights)),
        Route("/metrics", _page(place, metrics.metrics_page, flights)),
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
    return Starlette(routes=routes, middleware=[guard], exception_handlers={troubles.NOT_FOUND: _not_found})


Make = Callable[[PageContext, Store, Request], Response]


def _page(
    place: PageContext,
    make: Make,
    flights: Flights,
    *,
    keep_seconds: float = 0.0,
    at_once: Make | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that makes a page in a thread, so that a slow one holds up nobody, once for all who ask.

    `at_once`: what a browser is shown while the page is made. Programs, and the script of the page itself, wait for the
    whole: they don't ask for HTML by name.
    """

    async def endpoint(request: Request) -> Response:
        return await flights.get(
            f"{request.url.path}?{request.url.query}",
            partial(_answer, place, make, request),
            keep_seconds=keep_seconds,
            may_pack="gzip" in request.headers.get("accept-encoding", ""),
            at_once=partial(_answer, place, at_once, request) if at_once and _is_reader(request) else None,
        )

    return endpoint


def _is_reader(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _stream(place: PageContext, make: Make) -> Callable[[Request], Response]:
    """Return an endpoint whose answer is too long to be kept."""

    def endpoint(request: Request) -> Response:
        return _answer(place, make, request)

    return endpoint


def _answer(place: PageContext, make: Make, request: Request) -> Response:
    """Return what is read of the store, or say what is wrong where it can't be."""
    try:
        with open_store(place.database.url) as store:
            return make(place, store.as_of(place.clock.now()), request)
    except (UnknownSourceError, NoDataError) as error:
        return troubles.nothing_to_show(error, request, place.database)
    except StoreError as error:
        return troubles.unreadable(error)
    except MemmonError as error:
        return troubles.trouble("That can't be shown", str(error), status=400)
    except Exception:
        log.exception("memmon: the dashboard could not make a page")
        return troubles.trouble(
            "A fault in memmon itself",
            "The page could not be made; the log has the details.",
            status=troubles.FAULT,
        )


def _login(_request: Request, wrong: str, status: int) -> Response:
    return HTMLResponse(
        render("login.html.jinja", title="memmon", wrong=wrong),
        status_code=status,
        headers={"www-authenticate": 'Bearer realm="memmon"'} if status == UNAUTHORISED else {},
    )


def _not_found(_request: Request, _error: Exception) -> Response:
    return troubles.no_such_page()


def _health(place: PageContext) -> Callable[[Request], Response]:
    def endpoint(_request: Request) -> Response:
        try:
            with open_store(place.database.url) as store:
                store.sources()
        except MemmonError as error:
            return JSONResponse({"status": type(error).__name__}, status_code=troubles.UNAVAILABLE)
        except Exception:
            log.exception("memmon: the dashboard's health check failed")
            return JSONResponse({"status": "fault"}, status_code=troubles.FAULT)
        return JSONResponse({"status": "ok"})

    return endpoint
