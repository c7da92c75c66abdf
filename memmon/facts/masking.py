"""What may be shown of a text that may hold a secret. The one owner of masking.

Passwords come in spellings that no parser of URLs takes: a URL of one colon, libpq's words, a
password with slashes in it. So what is not known to be harmless is left out, also where that leaves
out more than the secret.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

MASK = "***"
REFERENCES = ("env:", "file:")
"""How a text says where a secret is, without being the secret."""

_WORDS = r"[\w-]*(?:pass|pwd|secret|token|key|credential|signature)[\w-]*"
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
_IN_URL = re.compile(rf"({_WORDS})(=)([^&;#]+)", re.IGNORECASE)
_IN_WORDS = re.compile(
    rf"({_WORDS})(\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|(?:\\.|[^\s\\])+)", re.IGNORECASE | re.DOTALL
)
_ONE_COLON = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!//)(.*@.*)", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_KNOWN_SCHEMES = ("postgres", "sqlite", "mysql", "mariadb", "http")
_OPEN_CHANNELS = frozenset({"log", "logging"})
_CHANNELS = frozenset({"webhook", "apprise", "callback"})
_WEBHOOK_KINDS = frozenset({"http", "https"})
_SHORTEST_SECRET = 3
_PORTS = re.compile(r"[^\[/:]*:(?:\d*(?:,[^/:]*:\d*)*)(?:/.*)?|[^:/]*(?:/.*)?|\[.*|/.*", re.DOTALL)
"""Hosts with their ports, or what follows them: no password stands behind the colon."""


def mask_url(text: str) -> str:
    """Return a database's URL, or what somebody took for one, with every secret in it masked.

    >>> mask_url("postgresql://bob:pw@h/db?sslmode=require"), mask_url("postgresql:bob:pw@h")
    ('postgresql://bob:***@h/db?sslmode=require', 'postgresql:bob:***@h')
    >>> mask_url("host=h password='p w' user=bob")
    'host=h password=*** user=bob'
    """
    scheme, mark, rest = text.partition("://")
    if mark and _SCHEME.fullmatch(scheme):
        # Where the scheme is unknown it may be a user, and what follows a password that begins with slashes.
        is_user = "@" in rest and not scheme.lower().startswith(_KNOWN_SCHEMES)
        return f"{scheme}://{_behind_user(rest) if is_user else _without_secrets(rest)}"
    if text.startswith("//"):
        return f"//{_without_secrets(text[2:])}"
    odd = _ONE_COLON.fullmatch(text)
    if odd is not None:
        is_scheme = odd[1].lower().startswith(_KNOWN_SCHEMES)
        return f"{odd[1]}:" + (_without_secrets(odd[2]) if is_scheme else _behind_user(odd[2]))
    return _IN_WORDS.sub(lambda found: f"{found[1]}{found[2]}{MASK}", text)


def _behind_user(rest: str) -> str:
    return f"{MASK}@" + _without_secrets(rest.rsplit("@", 1)[1])


def _without_secrets(rest: str) -> str:
    """Mask what follows the scheme of a URL."""
    body, mark, query = rest.partition("?")
    if "@" not in body and "@" in query and ":" in body:
        # A password may hold an unescaped question mark: where it ends can't be told.
        return MASK
    if "@" in body:
        # It may hold a slash or a hash too: everything up to the last "@" belongs to it.
        user, host = body.rsplit("@", 1)
        body = f"{user.split(':', 1)[0]}:{MASK}@{host}" if ":" in user else body
    elif not _PORTS.fullmatch(body):
        # No host was given, or it was forgotten: this is a user and a password.
        return f"{body.split(':', 1)[0]}:{MASK}"
    pairs = [(name, _shown_value(name, value)) for name, value in parse_qsl(query, keep_blank_values=True)]
    body = _IN_URL.sub(lambda found: f"{found[1]}={MASK}", body)
    return f"{body}{mark}{urlencode(pairs, safe='*/:')}"


def _shown_value(name: str, value: str) -> str:
    return MASK if _SECRET_NAME.search(name) or _SECRET_NAME.search(value) or "@" in value else value


def shown_specs(specs: str) -> str:
    """Return channels as they may be shown: references as they are, of a plain URL the host alone.

    >>> shown_specs("log webhook:env:HOOK webhook:https://host/services/T0/B1 apprise:slack://T0/B1")
    'log webhook:env:HOOK webhook:https://host/*** apprise:***'
    """
    return " ".join(_shown_spec(spec) for spec in specs.split())


def _shown_spec(spec: str) -> str:
    scheme, _, rest = spec.partition(":")
    if not rest or scheme not in _CHANNELS:
        return spec if spec in _OPEN_CHANNELS else MASK
    if rest.startswith(REFERENCES) or scheme == "callback":
        return spec
    kind, mark, place = rest.partition("://")
    # Of other services' addresses the host itself is often a token.
    if kind.lower() not in _WEBHOOK_KINDS or not mark or scheme != "webhook":
        return f"{scheme}:{MASK}"
    host = re.split(r"[/?#]", place.rsplit("@", 1)[-1], maxsplit=1)[0]
    return f"{scheme}:{kind}://{host}/{MASK}"


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """Return `text` with every secret in it masked, also where only its longest part is quoted."""
    for secret in sorted({part for one in secrets for part in _parts(one)}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _parts(secret: str) -> list[str]:
    """Return a secret and, of a URL, the pieces that libraries quote in their errors."""
    if not secret:
        return []
    parts = [secret]
    if "://" in secret:
        rest = secret.split("://", 1)[1]
        parts += [rest, *re.split(r"[@:?/&=#]", rest)]
    return [part for part in parts if len(part) >= _SHORTEST_SECRET]
