"""Times in an address: ISO 8601, read as UTC where they have no offset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.errors import NoDataError
from memmon.store.read.answers import ms_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


EXAMPLE = "2026-03-01T12:00Z"
"""A time as an address takes it: without a plus sign, which an address reads as a space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The stretch that an address asks for, both ends in it; None: open at that end."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Its ends by their names in an address."""
        ends = {"since": self.since, "until": self.until}
        return {name: at.isoformat() for name, at in ends.items() if at is not None}

    def bounds_ms(self) -> Iterator[tuple[str, int]]:
        """Yield how a moment in milliseconds compares to each end that it has."""
        for sign, at in ((">=", self.since), ("<=", self.until)):
            if (ms := ms_of(at, name=sign)) is not None:
                yield sign, ms


def between(request: Request) -> Between:
    """Return the stretch that an address gives by `since` and `until`; raises NoDataError for what is no time."""
    return Between(since=moment(request, "since"), until=moment(request, "until"))


def moment(request: Request, name: str) -> datetime | None:
    """Return the time that an address gives by that name; raises NoDataError for what is no time."""
    text = request.query_params.get(name, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{name}={text!r} is no time: give one as {EXAMPLE}"
        raise NoDataError(msg) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
