"""What the alerts remember and send, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memmon.model import AlertSeverity

WatchHolder = Literal["recorder", "evaluator"]
"""Who watches: a program's own recorder, or the evaluator outside; each has a memory of its own."""
WatchState = Literal["clear", "pending", "firing"]
MessageEvent = Literal["firing", "worse", "reminder", "resolved", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The memory that one holder has of one alert of one source."""

    source_id: int
    fingerprint: str
    kind: str
    state: WatchState
    severity: AlertSeverity
    title: str
    since: datetime
    """When the present state's episode began: an alert that fires keeps the time it was first seen."""
    seen_at: datetime
    clear_since: datetime | None = None
    """Since when a firing alert looks as if it were over."""
    told_at: datetime | None = None
    """When it was last told, recoveries included; moved on to the moment of delivery."""
    told_severity: AlertSeverity | None = None
    told_members: tuple[str, ...] = ()
    told_since: datetime | None = None
    """`since` of the episode that was told of: what was never told needs no recovery."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def is_notified(self) -> bool:
        """Tell whether this episode was told of."""
        return self.told_since == self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A time in which nothing is told; None: all sources, all kinds."""

    silence_id: int
    source_id: int | None
    kind: str | None
    since: datetime
    until: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One short text to be told, and the figures behind it."""

    uuid: str
    source_id: int
    source: str
    fingerprint: str
    kind: str
    event: MessageEvent
    severity: AlertSeverity
    at: datetime
    title: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on its way through one channel."""

    message_id: int
    channel: str
    attempt_count: int
    message: Message
