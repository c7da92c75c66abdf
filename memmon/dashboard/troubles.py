"""What a page says that can't be shown: in a browser's words, with the ways that lead on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.dashboard.layout import PAGES, render
from memmon.errors import MemmonError, UnknownSourceError
from memmon.formatting import counted
from memmon.report.html.view_model import PageLink
from memmon.store.read import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from memmon.config import Database

RETRY_SECONDS = 10
NOT_FOUND = 404
UNAVAILABLE = 503
FAULT = 500
_MOST_LINKS = 50
_SHOWN_LETTERS = 200

_TITLES = {
    "StoreNotFoundError": "No database yet",
    "StoreBusyError": "The database is locked",
    "StoreTooOldError": "The database waits for its migration",
    "StoreTooNewError": "The database is of a newer memmon",
    "StoreDamagedError": "The database is damaged",
    "StorePermissionError": "The database may not be read",
    "ForeignStoreError": "This database is not memmon's",
}


def unreadable(error: MemmonError) -> Response:
    """Return the page of a database that can't be read; what may pass by itself is tried again."""
    title = _TITLES.get(type(error).__name__, "The database can't be read")
    return trouble(title, str(error), status=UNAVAILABLE)


def nothing_to_show(error: MemmonError, request: Request, database: Database) -> Response:
    """Return the page of an address that names what there is not, with links to what there is."""
    path = request.url.path
    if not isinstance(error, UnknownSourceError):
        links = [PageLink(href=path, label=f"{path} without what was asked for")] if request.url.query else []
        return trouble("Nothing to show", str(error), status=NOT_FOUND, links=links)
    names = _sources(database)
    asked = request.query_params.get("name", "")
    if asked:
        words = f"No source is called {asked[:_SHOWN_LETTERS]!r} in {database.shown}; known: {counted(len(names), 'source')}."
        return trouble("No such source", words, status=NOT_FOUND, links=_to_sources(names))
    words = f"There are {len(names)} sources in this database: choose one."
    return trouble("Which source?", words, status=NOT_FOUND, links=_to_sources(names))


def no_such_page() -> Response:
    """Return the page of an address that leads nowhere."""
    links = [PageLink(href=href, label=label) for href, label in (*PAGES, ("/metrics", "Metrics"))]
    words = "Nothing is at this address. The dashboard has:"
    return trouble("No such page", words, status=NOT_FOUND, links=links)


def trouble(title: str, words: str, *, status: int, links: Sequence[PageLink] = ()) -> Response:
    """Return a page that says what is wrong."""
    passes = status == UNAVAILABLE
    body = render(
        "trouble.html.jinja",
        title=title,
        words=words,
        links=links[:_MOST_LINKS],
        more_count=max(len(links) - _MOST_LINKS, 0),
        refresh_seconds=RETRY_SECONDS if passes else 0,
    )
    headers = {"retry-after": str(RETRY_SECONDS)} if passes else {}
    return HTMLResponse(body, status_code=status, headers=headers)


def _sources(database: Database) -> list[str]:
    try:
        with open_store(database.url) as store:
            return [one.name for one in store.sources()]
    except MemmonError:
        return []


def _to_sources(names: Sequence[str]) -> list[PageLink]:
    return [PageLink(href="/source?" + urlencode({"name": name}), label=name) for name in names]
