"""One JSON object by POST, signed with HMAC-SHA256, so that a receiver can tell it from a forged one."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from memmon.clock import SystemClock
from memmon.errors import ChannelError, SettingsError
from memmon.evaluator.channels.secrets import scrubbed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.alerts.values import Message
    from memmon.clock import Clock

SIGNATURE_HEADER = "X-Memmon-Signature"
TIMESTAMP_HEADER = "X-Memmon-Timestamp"
TIMEOUT_SECONDS = 10.0
_SIGNATURE_AGE_SECONDS = 300.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed message goes where it was addressed to and nowhere else."""

    def redirect_request(self, *_args: Any) -> None:
        return None


class WebhookChannel:
    """Posts each message to `url`; with a `secret` it is signed.

    `name` is what the database keeps of it: neither the path nor the query of the URL, which
    often are secrets themselves.
    """

    def __init__(
        self, url: str, *, secret: str | None = None, name: str | None = None, clock: Clock | None = None
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            msg = "a webhook needs a URL that begins with https:// or http:// and names a host"
            raise SettingsError(msg)
        self._url, self._secret = url, secret
        self._clock = clock or SystemClock()
        self.name = name or f"webhook:{parts.hostname}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"

    def send(self, message: Message) -> None:
        """Deliver a message; raises ChannelError when the receiver did not answer with success."""
        body = json.dumps(payload(message), ensure_ascii=False, default=str).encode()
        request = urllib.request.Request(  # noqa: S310 -- the scheme was checked
            self._url, data=body, headers=self._headers(message, body), method="POST"
        )
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            with error:
                raise ChannelError(f"{self.name}: the receiver answered {error.code}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            words = scrubbed(str(reason), (self._url, self._secret or ""))
            raise ChannelError(f"{self.name}: can't be reached ({words})") from None

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "memmon",
            "Idempotency-Key": message.uuid,
        }
        if self._secret is not None:
            stamp = str(int(self._clock.now().timestamp()))
            headers[TIMESTAMP_HEADER] = stamp
            headers[SIGNATURE_HEADER] = sign(body, stamp, self._secret)
        return headers


def payload(message: Message) -> dict[str, Any]:
    """Return the JSON object of a message; `id` stays the same when it is sent again."""
    return {
        "schema_version": 1,
        "id": message.uuid,
        "event": message.event,
        "kind": message.kind,
        "severity": message.severity,
        "source": message.source,
        "fingerprint": message.fingerprint,
        "at": message.at.isoformat(),
        "title": message.title,
        "text": message.text,
        "values": dict(message.values),
    }


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """Return the signature header: HMAC-SHA256 (RFC 2104) over `timestamp.body`, in hexadecimal."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def verify(body: bytes, headers: Mapping[str, str], secret: str, *, clock: Clock | None = None) -> bool:
    """Tell whether a received body is genuine and at most five minutes old; for receivers."""
    found = {name.lower(): value for name, value in headers.items()}
    stamp, signature = found.get(TIMESTAMP_HEADER.lower(), ""), found.get(SIGNATURE_HEADER.lower(), "")
    if not (stamp.isascii() and stamp.isdigit()):
        return False
    age_seconds = abs((clock or SystemClock()).now().timestamp() - int(stamp))
    genuine = hmac.compare_digest(sign(body, stamp, secret).encode(), signature.encode())
    return genuine and age_seconds <= _SIGNATURE_AGE_SECONDS
