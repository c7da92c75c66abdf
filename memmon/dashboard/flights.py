"""One making of a page for all who ask for it at once; and for a while after, the same page again.

Ten visitors of a page cost what one does. What is kept is bounded, and packed once.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock

NOT_KEPT = "x-memmon-keep"
"""A header by which a page asks not to be kept; it does not leave this process."""
MOST_KEPT = 24
SOON_SECONDS = 0.3
"""What a reader waits for gladly; after it what is known is better than nothing."""
AWAITED_SECONDS = 15.0
"""So long even an error is kept for whoever was put off: else he would be put off again and again."""
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

    def __init__(self, clock: Clock, *, soon_seconds: float = SOON_SECONDS) -> None:
        self._clock = clock
        self._soon_seconds = soon_seconds
        self._flying: dict[str, asyncio.Task[Made]] = {}
        self._awaited: set[str] = set()
        self._kept: OrderedDict[str, tuple[float, Made]] = OrderedDict()

    async def get(
        self,
        address: str,
        make: Callable[[], Response],
        *,
        keep_seconds: float,
        may_pack: bool,
        at_once: Callable[[], Response] | None = None,
    ) -> Response:
        """Return the page of an address: kept, being made for somebody else, or made now in a thread.

        `at_once`: makes what is shown meanwhile where the page is not there soon; it is made all the same, and kept
        until whoever was put off comes back for it.
        """
        made = self._held(address)
        if made is None:
            flying = self._flying.get(address) or self._begun(address, make, keep_seconds)
            if at_once is not None and not (await asyncio.wait({flying}, timeout=self._soon_seconds))[0]:
                self._awaited.add(address)
                meanwhile = f"{address} meanwhile"
                return await self.get(meanwhile, at_once, keep_seconds=0.0, may_pack=may_pack)
            # A visitor that leaves does not take the page from the others.
            made = await asyncio.shield(flying)
        return made.packed if may_pack and made.packed is not None else made.plain

    def _begun(self, address: str, make: Callable[[], Response], keep_seconds: float) -> asyncio.Task[Made]:
        flying = asyncio.ensure_future(run_in_threadpool(_made, make))
        self._flying[address] = flying
        flying.add_done_callback(partial(self._landed, address, keep_seconds))
        return flying

    def _landed(self, address: str, keep_seconds: float, flying: asyncio.Task[Made]) -> None:
        self._flying.pop(address, None)
        is_awaited = address in self._awaited
        self._awaited.discard(address)
        if flying.cancelled() or flying.exception() is not None:
            return
        made = flying.result()
        seconds = max(keep_seconds if made.is_kept else 0.0, AWAITED_SECONDS if is_awaited else 0.0)
        if seconds > 0:
            self._keep(address, made, self._clock.monotonic() + seconds)

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
