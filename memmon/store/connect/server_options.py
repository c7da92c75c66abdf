"""The options in a PostgreSQL URL: text there, but some are typed arguments of the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.errors import SettingsError
from memmon.facts.masking import mask_url

if TYPE_CHECKING:
    from sqlalchemy import URL

_WHOLE = frozenset(
    {
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
_OURS = frozenset({"autocommit", "row_factory", "cursor_factory", "context"})
"""Arguments of the driver that memmon sets itself."""
_NEVER = frozenset({"", "none", "null", "off"})
_UTF8 = frozenset({"utf8", "utf-8", "unicode"})
_MOST_DIGITS = 9


def typed_options(url: URL, *, shown: str) -> tuple[URL, dict[str, Any]]:
    """Return the URL without the options that the driver wants typed, and those; raises SettingsError.

    `prepare_threshold`: after so many times a statement is prepared; None never, as a pooler between
    memmon and the server may need it.
    """
    if url.host is not None and "@" in url.host:
        # The driver's words would quote the end of the password as the host.
        raise SettingsError(f"{shown}: the password holds an @; write it as %40")
    typed: dict[str, Any] = {}
    for name, value in url.query.items():
        text = value if isinstance(value, str) else ",".join(value)
        if name in _OURS:
            raise SettingsError(f"{shown}: memmon sets {name} itself; leave it out of the URL")
        if name == "client_encoding" and text.lower() not in _UTF8:
            raise SettingsError(
                f"{shown}: memmon reads and writes UTF-8; leave client_encoding out of the URL"
            )
        if name == "prepare_threshold":
            typed[name] = None if text.lower() in _NEVER else _whole(name, text, shown)
        elif name in _WHOLE:
            _whole(name, text, shown)
        else:
            _check_known(name, shown)
    return url.difference_update_query(list(typed)), typed


def _whole(name: str, text: str, shown: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        words = " or None" if name == "prepare_threshold" else ""
        raise SettingsError(f"{shown}: {name} in the URL must be a whole number{words}")
    return int(text)


def _check_known(name: str, shown: str) -> None:
    """Raise SettingsError for what the server's library has no option of."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo("", **{name: ""})
    except psycopg.ProgrammingError:
        raise SettingsError(
            f"{shown}: PostgreSQL has no connection option {mask_url(name)!r}; correct or remove it"
        ) from None
