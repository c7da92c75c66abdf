"""A page is made once for all who ask for it at once, packed once, and kept for as long as it was asked to."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest
from asgi_client import AsgiClient
from report_values import NOW
from starlette.responses import HTMLResponse

from memmon.clock import ManualClock
from memmon.dashboard import create_app
from memmon.dashboard.flights import MOST_KEPT, NOT_KEPT, Flights


class Maker:
    """Makes pages, and counts them; `gate`: they are ready once it is open."""

    def __init__(self, gate=None, *, content="x" * 5000, **answer):
        self.count, self.gate, self._content, self._answer = 0, gate, content, answer

    def __call__(self):
        self.count += 1
        if self.gate is not None:
            assert self.gate.wait(20)
        return HTMLResponse(self._content, **self._answer)


def ask(flights, make, *, times=1, address="/", keep_seconds=10.0):
    async def all_of_them():
        asked = partial(flights.get, address, make, keep_seconds=keep_seconds, may_pack=False)
        return await asyncio.gather(*(asked() for _ in range(times)))

    return asyncio.run(all_of_them())


def test_ten_visitors_at_once_cost_one_page():
    """While a page is made, whoever asks for the same waits for it, and all get it."""
    gate = threading.Event()
    make = Maker(gate)
    threading.Timer(0.1, gate.set).start()
    answers = ask(Flights(ManualClock(NOW)), make, times=10)
    assert make.count == 1
    assert {bytes(one.body) for one in answers} == {b"x" * 5000}


def test_a_page_is_kept_until_its_time_is_over():
    """Within its time a page is not made again; after it, it is."""
    clock = ManualClock(NOW)
    flights, make = Flights(clock), Maker()
    for seconds, count in ((0, 1), (9.9, 1), (0.2, 2)):
        clock.advance(seconds)
        ask(flights, make)
        assert make.count == count


@pytest.mark.parametrize(
    ("answer", "keep_seconds"), [({"status_code": 503}, 10), ({"headers": {NOT_KEPT: "no"}}, 10), ({}, 0)]
)
def test_what_is_wrong_or_not_whole_is_made_anew(answer, keep_seconds):
    """An error passes, and a page that is not whole yet goes on: neither is kept, and no header tells of it."""
    flights, make = Flights(ManualClock(NOW)), Maker(**answer)
    for _ in range(2):
        (given,) = ask(flights, make, keep_seconds=keep_seconds)
        assert NOT_KEPT not in given.headers
    assert make.count == 2


def test_kept_pages_are_bounded():
    """However many addresses are asked for, so many pages are kept, the newest."""
    flights, make = Flights(ManualClock(NOW)), Maker()
    for number in range(MOST_KEPT + 10):
        ask(flights, make, address=f"/{number}")
    ask(flights, make, address=f"/{MOST_KEPT + 9}")
    assert make.count == MOST_KEPT + 10
    ask(flights, make, address="/0")
    assert make.count == MOST_KEPT + 11


def test_pages_travel_packed_where_the_browser_can_unpack(database):
    """With gzip the same page in fewer bytes; without it as it is; caches between are told."""
    client = AsgiClient(create_app(database, clock=ManualClock(NOW)))
    plain = client.get("/", headers={"accept-encoding": "identity"})
    packed = client.get("/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
