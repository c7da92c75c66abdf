"""Times in an address: ISO 8601, read as UTC where they have no offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.errors import NoDataError

if TYPE_CHECKING:
    from starlette.requests import Request


def moment(request: Request, name: str) -> datetime | None:
    """Return the time that an address gives by that name; raises NoDataError for what is no time."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{name}={text!r} is no time: give one as 2026-03-01T12:00:00+00:00"
        raise NoDataError(msg) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
