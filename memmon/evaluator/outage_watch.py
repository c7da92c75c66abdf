"""Telling that the evaluator itself sees nothing: what the database can't remember while it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.alerts.state_machine import Observation
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.alerts.records import MessageEvent
    from memmon.alerts.wording import MessageWriter
    from memmon.clock import Clock
    from memmon.evaluator.channels.channels import Channel

FAILED_ROUND_COUNT = 3
"""One failed round may be a restart of the server; three are told."""


class OutageWatch:
    """Counts the rounds that failed and tells it past the database: once, and once when it is over.

    A channel that is down meanwhile is tried again with each round.
    """

    def __init__(self, channels: Sequence[Channel], *, writer: MessageWriter, clock: Clock) -> None:
        self._channels, self._writer, self._clock = channels, writer, clock
        self._failed_count = 0
        self._told: set[str] = set()

    def failed(self, error: MemmonError) -> None:
        """Note a failed round."""
        self._failed_count += 1
        if self._failed_count >= FAILED_ROUND_COUNT:
            self._tell("firing", str(error), [one for one in self._channels if one.name not in self._told])

    def worked(self) -> None:
        """Note a round that worked."""
        self._failed_count = 0
        if self._told:
            told = [one for one in self._channels if one.name in self._told]
            self._tell("resolved", "", told)
            self._told.clear()

    def _tell(self, event: MessageEvent, why: str, channels: Sequence[Channel]) -> None:
        seen = Observation(
            source_id=0,
            source="memmon alerts",
            fingerprint="blind",
            kind="recorder",
            level="active",
            severity="error",
            title="The database can't be read: nobody is watched",
            message=f"{self._failed_count} rounds in a row failed: {why}.",
            action="See whether the server or the file is there; what the bots record meanwhile they hold.",
            command=("db", "status"),
        )
        message = self._writer.compose(seen, None, event=event, watch=None, at=self._clock.now())
        for channel in channels:
            try:
                channel.send(message)
            except MemmonError:  # it is tried again with the next round
                continue
            self._told.add(channel.name)
