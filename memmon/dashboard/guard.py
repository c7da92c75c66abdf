"""What stands before every page: the Host allow-list, the method, the token, the headers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import math
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from memmon.dashboard.slow_guessing import Guesses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from memmon.clock import Clock

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
COOKIE = "memmon_token"
"""Begins the cookie's name; the port ends it: browsers keep one jar for all ports of a host."""
COOKIE_SECONDS = 30 * 86_400
LOGIN_PATH = "/login"
UNAUTHORISED = 401
TOO_MANY = 429
_PORT_DIGITS = 5
_FORM_SECONDS = 10.0
_MOST_FORM_BYTES = 4096
OPEN_PATHS = frozenset({"/healthz"})
"""Asked by monitors without a token; they answer with one word."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def host_name(header: str) -> str:
    """Return the name in a Host header, without port and brackets, in lower case.

    >>> host_name("Localhost:8787"), host_name("[::1]:8787"), host_name("::1")
    ('localhost', '::1', '::1')
    """
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].split("]", 1)[0]
    return text if text.count(":") > 1 else text.split(":", 1)[0]


def cookie_name(request: Request) -> str:
    """Return the cookie's name: two dashboards on one host don't log each other out."""
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"{COOKIE}_{port}" if port.isascii() and port.isdigit() and len(port) <= _PORT_DIGITS else COOKIE


def ticket_of(token: str) -> str:
    """Return what the cookie holds: the same for a token after a restart, and slow to guess the token by.

    A screen on a wall outlives its server; another token shuts out whoever had the old one.
    """
    found = hashlib.scrypt(token.encode(), salt=b"memmon dashboard cookie", n=2**14, r=8, p=1)
    return base64.urlsafe_b64encode(found).decode("ascii")


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.url.path == LOGIN_PATH or kind == "application/x-www-form-urlencoded"


def _asked_for(request: Request) -> str:
    """Return the address that the form stood at, always of this dashboard; the browser keeps what is behind its #."""
    # Not by request.url: some versions quote it there, and some don't.
    path = quote("/" + request.scope["path"].lstrip("/\\"))
    query = f"?{request.url.query}" if request.url.query else ""
    return "/" if path == LOGIN_PATH else path + query


class Guard:
    """ASGI middleware: refuses what is not meant for this dashboard, and hardens what is."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None,
        allowed_hosts: Sequence[str],
        policy: str,
        login: Callable[[Request, str, int], Response],
        clock: Clock,
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(host_name(name) for name in allowed_hosts)
        self._policy = policy
        self._login = login
        self._guesses = Guesses(clock)
        self._ticket = ticket_of(token) if token is not None else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on, one request."""
        from starlette.requests import Request

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        is_login = self._token is not None and request.method == "POST" and _is_form(request)
        refused = self._foreign(request) or (
            await self._enter(request) if is_login else self._refusal(request)
        )
        await (refused or self._app)(scope, receive, self._hardened(send))

    def _foreign(self, request: Request) -> Response | None:
        if host_name(request.headers.get("host", "")) in self._hosts:
            return None
        return PlainTextResponse(
            "This host name is not allowed. Open the dashboard by the address that `memmon serve` printed, or "
            "start it with --allow-host NAME.\n",
            status_code=400,
        )

    def _refusal(self, request: Request) -> Response | None:
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse(
                "The dashboard only reads: use GET.\n", status_code=405, headers={"allow": "GET, HEAD"}
            )
        if self._token is None or request.url.path in OPEN_PATHS:
            return None
        if _same(request.cookies.get(cookie_name(request), ""), self._ticket):
            return None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return self._login(request, "", UNAUTHORISED)
        return self._tried(request, given.strip())

    def _tried(self, request: Request, given: str) -> Response | None:
        """Look at a token that was given; None: it is the right one."""
        assert self._token is not None
        address = request.client.host if request.client else ""
        wait = self._guesses.wait_seconds(address)
        if wait > 0:
            words = f"Too many wrong tokens: wait {math.ceil(wait)} s before the next."
            answer = self._login(request, words, TOO_MANY)
            answer.headers["retry-after"] = str(math.ceil(wait))
            return answer
        if _same(given, self._token):
            self._guesses.was_right(address)
            return None
        self._guesses.was_wrong(address)
        return self._login(request, "This is not the token of this dashboard.", UNAUTHORISED)

    async def _enter(self, request: Request) -> Response:
        """Take the token from the form's body into a cookie: it never stands in an address."""
        try:
            async with asyncio.timeout(_FORM_SECONDS):
                body = await _small_body(request)
        except (TimeoutError, ValueError):
            return PlainTextResponse("The form was too large or too slow.\n", status_code=400)
        refused = self._tried(request, dict(parse_qsl(body.decode("utf-8", "replace"))).get("token", ""))
        if refused is not None:
            return refused
        answer = RedirectResponse(_asked_for(request), status_code=303)
        answer.set_cookie(
            cookie_name(request), self._ticket, max_age=COOKIE_SECONDS, httponly=True, samesite="strict"
        )
        return answer

    def _hardened(self, send: Send) -> Send:
        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                extra = {**HEADERS, "content-security-policy": f"{self._policy}; frame-ancestors 'none'"}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in extra.items()
                        if name.encode() not in present
                    ),
                ]
            await send(message)

        return hardened


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


async def _small_body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_FORM_BYTES:
            raise ValueError
    return body
