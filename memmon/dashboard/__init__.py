"""The dashboard: the reports live in a browser. Reading only, in a process of its own.

`create_app` gives an ASGI application, `serve` runs it. Both need the extra `dashboard`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import MissingExtraError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from starlette.applications import Starlette

    from memmon.clock import Clock
    from memmon.config import Database

__all__ = ["create_app", "serve"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787
_INSTALL = "the dashboard needs Starlette and uvicorn: pip install 'memmon[dashboard]'"


def create_app(
    database: str | os.PathLike[str] | Database | None = None,
    *,
    token: str | None = None,
    allowed_hosts: Sequence[str] | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """Return the dashboard of one database as an ASGI application.

    `database`: as for `open_store`; it need not be there yet. `token`: asked of every visitor (None:
    nobody is asked). `allowed_hosts`: names by which the dashboard may be addressed, without
    port (default: this machine's loopback names): requests with another Host header are refused,
    so that no foreign page can read it through a name of its own. Only GET and HEAD are answered.

    Raises MissingExtraError without Starlette, SettingsError for a database that can't be meant.
    """
    try:
        from memmon.dashboard.app import build_app
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return build_app(database, token=token, allowed_hosts=allowed_hosts, clock=clock)


def serve(
    database: str | os.PathLike[str] | Database | None = None,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
    on_ready: Callable[[str], None] | None = None,
    on_token: Callable[[str], None] | None = None,
) -> None:
    """Serve the dashboard until the process is told to stop (SIGINT, SIGTERM).

    Beyond loopback a token is asked: `token`, else a new one, which `on_token` gets. `on_ready` gets the
    address to open once the port is bound. `port` 0 takes a free one.

    Raises MissingExtraError without uvicorn, SettingsError for a token that can be guessed, a port in use or a host that is not
    this machine's.
    """
    try:
        from memmon.dashboard.server import run_server
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    run_server(
        database,
        host=host,
        port=port,
        token=token,
        allowed_hosts=allowed_hosts,
        on_ready=on_ready,
        on_token=on_token,
    )


def _missing(error: ModuleNotFoundError) -> Exception:
    """Return what to raise: only the extra's own packages are an extra's matter."""
    name = (error.name or "").split(".")[0]
    return MissingExtraError(_INSTALL) if name in {"starlette", "uvicorn", "anyio"} else error
