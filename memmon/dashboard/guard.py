"""What stands before every page: the Host allow-list, the method, the token, the headers."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
COOKIE = "memmon_token"
COOKIE_SECONDS = 30 * 86_400
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


class Guard:
    """ASGI middleware: refuses what is not meant for this dashboard, and hardens what is."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None,
        allowed_hosts: Sequence[str],
        policy: str,
        login: Callable[[Request], Response],
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(host_name(name) for name in allowed_hosts)
        self._policy = policy
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on, one request."""
        from starlette.requests import Request

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(Request(scope))
        await (refused or self._app)(scope, receive, self._hardened(send))

    def _refusal(self, request: Request) -> Response | None:
        if host_name(request.headers.get("host", "")) not in self._hosts:
            return PlainTextResponse(
                "This host name is not allowed. Open the dashboard by the address that `memmon serve` printed, or "
                "start it with --allow-host NAME.\n",
                status_code=400,
            )
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse(
                "The dashboard only reads: use GET.\n", status_code=405, headers={"allow": "GET, HEAD"}
            )
        if self._token is None or request.url.path in OPEN_PATHS or self._is_known(request):
            return None
        return self._asked(request)

    def _is_known(self, request: Request) -> bool:
        assert self._token is not None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return True
        return _same(request.cookies.get(COOKIE, ""), _fingerprint(self._token))

    def _asked(self, request: Request) -> Response:
        """Take the token from the query into a cookie, so that it does not stay in the address; else ask."""
        assert self._token is not None
        given = request.query_params.get("token")
        if given is None or not _same(given, self._token):
            return self._login(request)
        rest = [(key, value) for key, value in parse_qsl(request.url.query) if key != "token"]
        # A path of two slashes would lead to another host.
        path = "/" + request.url.path.lstrip("/")
        answer = RedirectResponse(path + (f"?{urlencode(rest)}" if rest else ""), status_code=303)
        answer.set_cookie(
            COOKIE, _fingerprint(self._token), max_age=COOKIE_SECONDS, httponly=True, samesite="strict"
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


def _fingerprint(token: str) -> str:
    return hashlib.sha256(f"memmon dashboard {token}".encode()).hexdigest()
