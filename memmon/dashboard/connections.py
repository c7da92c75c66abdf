"""Connections that cost others nothing: how many there are, and how long a request's head may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

MOST_CONNECTIONS = 200
MOST_OF_AN_ADDRESS = 100
"""One address may not hold all of them: others are answered still."""
HEAD_SECONDS = 10.0


class BoundedProtocol(H11Protocol):
    """HTTP whose client must send the head of each request in time; one too many is cut at once."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin the time for the first head, or cut the connection where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS or self._beside() > MOST_OF_AN_ADDRESS:
            transport.abort()
            return
        self._begin()

    def _beside(self) -> int:
        """Return how many connections the address of this one has."""
        if self.client is None:
            return 0
        others = (getattr(other, "client", None) for other in self.connections)
        return sum(other is not None and other[0] == self.client[0] for other in others)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is not whole has its time, counted from its first byte."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._end()
        elif self._deadline is None:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._late)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        transport: Any = self.transport
        transport.abort()
