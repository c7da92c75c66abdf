"""Runs the dashboard: binds the port first, so that a port in use is one clear line."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from typing import TYPE_CHECKING

import uvicorn

from memmon.dashboard.app import build_app
from memmon.dashboard.connections import BoundedProtocol
from memmon.dashboard.guard import LOOPBACK_HOSTS
from memmon.errors import SettingsError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from memmon.config import Database

TOKEN_BYTES = 24
FEWEST_TOKEN_LETTERS = 20
FEWEST_DIFFERENT_LETTERS = 8
BACKLOG = 128
_ANY_HOSTS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised, not bound by default


def run_server(
    database: str | os.PathLike[str] | Database | None,
    *,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: Sequence[str],
    on_ready: Callable[[str], None] | None,
    on_token: Callable[[str], None] | None,
) -> None:
    """Serve until told to stop; see `memmon.dashboard.serve`."""
    is_open = not is_loopback(host)
    if is_open and token:
        refuse_weak(token)
    wanted = token or secrets.token_urlsafe(TOKEN_BYTES) if is_open else token
    names = [*LOOPBACK_HOSTS, *allowed_hosts, *(() if host in _ANY_HOSTS else (host,))]
    if host in _ANY_HOSTS:
        names += own_names()
    app = build_app(database, token=wanted, allowed_hosts=names, clock=None)
    bound = bind(host, port)
    config = uvicorn.Config(
        app, http=BoundedProtocol, log_level="warning", access_log=False, server_header=False, lifespan="off"
    )
    if on_ready is not None:
        on_ready(address(host, bound.getsockname()[1]))
    if on_token is not None and wanted and not token:
        on_token(wanted)
    with bound:
        uvicorn.Server(config).run(sockets=[bound])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_names() -> list[str]:
    """Return the names and addresses by which others may call this machine."""
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        found = []
    return list(dict.fromkeys([name, *(str(entry[4][0]) for entry in found)]))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket (whoever connects before the server runs, waits); raises SettingsError with what to do."""
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(family[4])
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:  # the last: no name has such a label
        raise SettingsError(_why(host, port, error)) from None
    return listener


def _why(host: str, port: int, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: choose another with --port, or --port 0 for a free one"
    if code == errno.EACCES:
        return f"port {port} on {host} may not be bound by this user: choose one above 1023 with --port"
    return f"{host}:{port} can't be bound ({error}): give an address of this machine, such as 127.0.0.1"


def refuse_weak(token: str) -> None:
    """Raise SettingsError for a token that can be guessed, on a dashboard that others can reach."""
    if len(token) < FEWEST_TOKEN_LETTERS or len(set(token)) < FEWEST_DIFFERENT_LETTERS:
        msg = (
            f"the token can be guessed: it needs {FEWEST_TOKEN_LETTERS} letters, {FEWEST_DIFFERENT_LETTERS} of them different; "
            "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(24))'`, or leave MEMMON_TOKEN unset for a new one"
        )
        raise SettingsError(msg)


def address(host: str, port: int) -> str:
    """Return the address to open in a browser; no token stands in it."""
    shown = "127.0.0.1" if host in _ANY_HOSTS else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/"
