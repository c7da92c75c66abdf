"""One making of a page for all who ask for it at once; and for a while after, the same page again.

Ten visitors of a page cost what one does. What is kept is bounded, and packed once.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock

NOT_KEPT = "x-memmon-keep"
"""A header by which a page asks not to be kept; it does not leave this process."""
MOST_KEPT = 24
_LEAST_PACKED_BYTES = 1_000
_PACKING_LEVEL = 5
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A page, and the same packed (None: it is too short for that)."""

    plain: Response
    packed: Response | None
    is_kept: bool


class Flights:
    """Makes each address once at a time, and keeps what is well for as long as it is asked to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._flying: dict[str, asyncio.Task[Made]] = {}
        self._kept: OrderedDict[str, tuple[float, Made]] = OrderedDict()

    async def get(
        self, address: str, make: Callable[[], Response], *, keep_seconds: float, may_pack: bool
    ) -> Response:
        """Return the page of an address: kept, being made for somebody else, or made now in a thread."""
        made = self._held(address)
        if made is None:
            flying = self._flying.get(address)
            if flying is None:
                flying = asyncio.ensure_future(run_in_threadpool(_made, make))
                self._flying[address] = flying
                flying.add_done_callback(lambda _: self._flying.pop(address, None))
            # A visitor that leaves does not take the page from the others.
            made = await asyncio.shield(flying)
            if made.is_kept and keep_seconds > 0:
                self._keep(address, made, self._clock.monotonic() + keep_seconds)
        return made.packed if may_pack and made.packed is not None else made.plain

    def _held(self, address: str) -> Made | None:
        until, made = self._kept.get(address, (0.0, None))
        if made is not None and self._clock.monotonic() >= until:
            del self._kept[address]
            return None
        return made

    def _keep(self, address: str, made: Made, until: float) -> None:
        self._kept[address] = (until, made)
        self._kept.move_to_end(address)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _made(make: Callable[[], Response]) -> Made:
    plain = make()
    is_kept = plain.status_code == _OK and NOT_KEPT not in plain.headers
    if NOT_KEPT in plain.headers:
        del plain.headers[NOT_KEPT]
    plain.headers["vary"] = "accept-encoding"
    return Made(plain=plain, packed=_packed(plain), is_kept=is_kept)


def _packed(plain: Response) -> Response | None:
    body = bytes(plain.body)
    if len(body) < _LEAST_PACKED_BYTES:
        return None
    left_out = {"content-length", "content-encoding"}
    headers = {name: value for name, value in plain.headers.items() if name not in left_out}
    return Response(
        gzip.compress(body, _PACKING_LEVEL, mtime=0),
        status_code=plain.status_code,
        headers={**headers, "content-encoding": "gzip"},
    )
