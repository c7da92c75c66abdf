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
from memmon.evaluator.channels.post import TimedPost
from memmon.facts.masking import scrubbed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.alerts.records import Message
    from memmon.clock import Clock

SIGNATURE_HEADER = "X-Memmon-Signature"
TIMESTAMP_HEADER = "X-Memmon-Timestamp"
DEADLINE_SECONDS = 10.0
"""How long a whole delivery may take, from the look-up of the name to the answer."""
_SIGNATURE_AGE_SECONDS = 300.0
_MOST_STAMP_DIGITS = 12


class WebhookChannel:
    """Posts each message to `url`; with a `secret` it is signed.

    `name` is what the database keeps of it: neither the path nor the query of the URL, which
    often are secrets themselves.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        name: str | None = None,
        clock: Clock | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        host = _host(url)
        self._url, self._secret = url, secret
        self._clock = clock or SystemClock()
        self._deadline_seconds = deadline_seconds
        self.name = name or f"webhook:{host}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"

    def send(self, message: Message) -> None:
        """Deliver a message; raises ChannelError when the receiver did not answer with success."""
        body = json.dumps(payload(message), ensure_ascii=False, default=str).encode()
        request = urllib.request.Request(  # noqa: S310 -- the scheme was checked
            self._url, data=body, headers=self._headers(message, body), method="POST"
        )
        try:
            TimedPost(request, deadline_seconds=self._deadline_seconds).run()
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
    stamp, signature = _header(headers, TIMESTAMP_HEADER), _header(headers, SIGNATURE_HEADER)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _MOST_STAMP_DIGITS and signature.isascii()):
        return False
    age_seconds = abs((clock or SystemClock()).now().timestamp() - int(stamp))
    genuine = hmac.compare_digest(sign(body, stamp, secret), signature)
    return genuine and age_seconds <= _SIGNATURE_AGE_SECONDS


def _header(headers: Mapping[str, str], wanted: str) -> str:
    """Return a header, however it is spelt; "" where it is missing or no text."""
    given: Mapping[object, object] = headers  # type: ignore[assignment]  # whatever a receiver was sent
    found = [
        value for name, value in given.items() if isinstance(name, str) and name.lower() == wanted.lower()
    ]
    return found[-1] if found and isinstance(found[-1], str) else ""


def _host(url: str) -> str:
    """Return the host that a webhook's URL names; raises SettingsError, without the URL in it."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        msg = "a webhook needs a URL that begins with https:// or http:// and names a host"
        raise SettingsError(msg)
    return host
