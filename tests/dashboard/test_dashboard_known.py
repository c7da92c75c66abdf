"""A source's page is never blank while it is made: what is known comes at once, and the whole takes its place."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest
from asgi_client import AsgiClient
from report_values import NOW
from test_dashboard_flights import Maker

from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.newest import read_standings
from memmon.clock import ManualClock
from memmon.dashboard import app, create_app
from memmon.dashboard.flights import AWAITED_SECONDS, Flights
from memmon.dashboard.known_page import NOT_WHOLE
from memmon.many.said import SourceTable
from memmon.store.read import open_store

READER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def held_back(monkeypatch):
    """Make whole pages of sources wait until the gate is open."""
    gate, make = threading.Event(), app.source_page.source_page

    def held(*arguments):
        assert gate.wait(20)
        return make(*arguments)

    monkeypatch.setattr(app.source_page, "source_page", held)
    yield gate
    gate.set()


def ask(flights, make, at_once, *, times=1):
    asked = partial(flights.get, "/", make, keep_seconds=0.0, may_pack=False, at_once=at_once)

    async def all_of_them():
        answers = await asyncio.gather(*(asked() for _ in range(times)))
        if make.gate is not None:
            make.gate.set()
        whole = await flights.get("/", make, keep_seconds=0.0, may_pack=False)
        return [bytes(one.body) for one in answers], whole

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("status_code", [200, 503])
def test_who_is_put_off_is_put_off_once(status_code):
    """Ten readers of a slow page cost one of it and one of what is known; coming back they have it, even an error."""
    clock = ManualClock(NOW)
    flights = Flights(clock, soon_seconds=0.0)  # all ten are put off in one turn of the loop
    make, known = Maker(threading.Event(), status_code=status_code), Maker(content="known")
    answers, whole = ask(flights, make, known, times=10)
    assert set(answers) == {b"known"}
    assert (make.count, known.count) == (1, 1)
    again, _ = ask(flights, make, known)
    assert again == [bytes(whole.body)]
    assert (make.count, known.count) == (1, 1)
    clock.advance(AWAITED_SECONDS + 1)
    ask(flights, make, known)
    assert make.count > 1


def test_who_need_not_wait_is_not_put_off():
    """A page that is there soon comes as it is."""
    make, known = Maker(), Maker(content="known")
    answers, _ = ask(Flights(ManualClock(NOW), soon_seconds=20.0), make, known)
    assert answers == [b"x" * 5000]
    assert known.count == 0


def test_a_reader_sees_what_is_known_while_the_page_is_made(database, held_back, monkeypatch):
    """A browser has name, memory, limit and windows before anything is judged; who asks for no HTML by name waits."""
    client = AsgiClient(create_app(database, clock=ManualClock(NOW)))
    monkeypatch.setattr("memmon.assessment.newest.judge", lambda *_, **__: pytest.fail("it was judged"))
    known = client.get("/source?name=leaky&window=7d", headers=READER)
    assert known.status_code == NOT_WHOLE
    assert known.headers["content-type"].startswith("text/html")
    for words in ("leaky", "Being judged", "<small>MB</small>", "window=30d", 'http-equiv="refresh"'):
        assert words in known.text
    assert "memmon-data" not in known.text
    held_back.set()
    monkeypatch.undo()
    assert "memmon-data" in client.get("/source?name=leaky").text


def test_what_is_known_of_a_name_that_is_not_there_is_that(database, held_back):
    """A reader who asks for what there is not is told so at once, not put off."""
    client = AsgiClient(create_app(database, clock=ManualClock(NOW)))
    assert client.get("/source?name=nobody", headers=READER).status_code == 404
    assert client.get("/source?name=leaky&since=never", headers=READER).status_code == 404


def test_a_glance_at_one_source_sees_what_a_look_at_all_sees(database):
    """Read alone, each source stands as it does among the others, and nothing is judged for it."""
    with open_store(database) as store:
        together = {one.source: one for one in read_standings(store, now=NOW)}
        table = SourceTable(clock=ManualClock(NOW), policy=LeakPolicy())
        for source in store.sources():
            (alone,) = read_standings(store, now=NOW, only=source)
            assert repr(alone) == repr(together.pop(source.name))
            said = table.glance(store, source, now=NOW)
            assert said.is_pending
            assert said.assessment is None
        looked = {one.standing.source: one for one in table.look(store, now=NOW)}
        for source in store.sources():
            seen = table.glance(store, source, now=NOW)
            assert seen.ranked == looked[source.name].ranked
    assert together == {}
