"""One POST under one deadline: name, connection, handshake, sending and answer together.

A socket's own time-out begins anew with every byte, so a receiver that drips one byte a second
could hold its sender for ever. Here the whole runs in a thread of its own, and at the deadline the
connection is cut under it.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed message goes where it was addressed to and nowhere else."""

    def redirect_request(self, *_args: Any) -> None:
        return None


class TimedPost:
    """A request that is under way."""

    def __init__(self, request: urllib.request.Request, *, deadline_seconds: float) -> None:
        self._request = request
        self._deadline_seconds = deadline_seconds
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._is_cut = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Deliver; raises TimeoutError at the deadline, HTTPError for a refusal, and what urllib raises."""
        worker = threading.Thread(target=self._work, name="memmon-webhook", daemon=True)
        worker.start()
        worker.join(self._deadline_seconds)
        was_late = worker.is_alive()
        self._cut()
        if was_late:
            msg = f"no answer within {self._deadline_seconds:g} s"
            raise TimeoutError(msg)
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            with self._opener().open(self._request, timeout=self._deadline_seconds):
                pass  # the status says it all: what else the receiver sends is not waited for
        except Exception as error:  # noqa: BLE001 -- raised again where it is waited for
            self._error = error

    def _opener(self) -> urllib.request.OpenerDirector:
        keep = self._connect

        class Plain(http.client.HTTPConnection):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self._create_connection = keep

        class Secure(http.client.HTTPSConnection):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self._create_connection = keep

        class PlainHandler(urllib.request.HTTPHandler):
            def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(Plain, req)

        class SecureHandler(urllib.request.HTTPSHandler):
            def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(Secure, req)

        return urllib.request.build_opener(_NoRedirect, PlainHandler, SecureHandler)

    def _connect(self, *args: Any, **options: Any) -> socket.socket:
        made = socket.create_connection(*args, **options)
        with self._lock:
            if self._is_cut:
                made.close()
            else:  # a descriptor of our own: TLS takes the other one over
                self._open.append(made.dup())
        return made

    def _cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()
