"""The keeper of the store alone, by a clock that is turned by hand: held, tried again, set aside."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from memmon.child import Children
from memmon.clock import ManualClock
from memmon.config import Settings, parse_database
from memmon.model import Snapshot
from memmon.recorder.run_identity import new_run
from memmon.recorder.store_keeper import (
    FIRST_BACKOFF_SECONDS,
    LOG_EVERY_SECONDS,
    LONGEST_BACKOFF_SECONDS,
    SET_ASIDE_LIMIT,
    StoreKeeper,
)
from memmon.report.build import stored_sections
from memmon.store.read import open_store
from memmon.store.retention import prune
from memmon.store.write.open_run import OpenRun

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock()


def keeper_of(path, clock):
    children = Children(monotonic=clock.monotonic)
    return StoreKeeper(parse_database(path), clock=clock, file_mode=0o600, children=children)


def run():
    record = new_run(source="bot", release=None, interval_seconds=1.0, started_at=AT)
    return OpenRun(record, started_monotonic=0.0)


def test_what_can_not_be_stored_is_held_and_tried_again(tmp_path, clock, caplog):
    """A failing write is tried after 1, 2, 4 ... at most 300 s and logged once in five minutes; all is stored in the end."""
    folder, state, stored = tmp_path / "folder", run(), []
    folder.write_text("no folder")
    keeper = keeper_of(folder / "k.db", clock)
    keeper.on_stored = lambda state, written: stored.append((state, written.source))
    keeper.hold(state, Snapshot(at=AT, sequence=1))
    waits, begun = [], clock.monotonic()
    with caplog.at_level(logging.WARNING, "memmon"):
        for _ in range(11):
            assert keeper.is_retry_due()
            keeper.store()
            waits.append(keeper.retry_after_seconds())
            assert not keeper.is_retry_due()
            clock.advance(waits[-1])
    assert waits == [min(FIRST_BACKOFF_SECONDS * 2**power, LONGEST_BACKOFF_SECONDS) for power in range(11)]
    lines = [record.getMessage() for record in caplog.records]
    assert 1 < len(lines) <= 1 + (clock.monotonic() - begun) // LOG_EVERY_SECONDS
    assert not keeper.is_all_stored()
    assert keeper.last_error is not None
    folder.unlink()
    keeper.store()
    assert keeper.is_all_stored()
    assert (keeper.stored_count, keeper.last_error, keeper.retry_after_seconds()) == (1, None, None)
    assert stored == [(state, "bot")]


def test_damage_that_comes_back_is_set_aside_ten_times_a_day(tmp_path, clock, caplog):
    """A file that is found damaged is set aside before the next write, but no more than ten in a day: then it is left."""
    path, state = tmp_path / "k.db", run()
    keeper = keeper_of(path, clock)
    for number in range(1, SET_ASIDE_LIMIT + 2):
        path.write_bytes(b"no database at all, and no room for one" * 100)
        keeper.hold(state, Snapshot(at=AT, sequence=number))
        keeper.store()
        aside = len(list(tmp_path.glob("k.db.corrupt-*")))
        assert aside == min(number, SET_ASIDE_LIMIT)
        assert keeper.is_all_stored() == (number <= SET_ASIDE_LIMIT)
        clock.advance(60.0)
    clock.advance(86_400.0)
    keeper.store()
    assert keeper.is_all_stored()


def test_a_file_that_was_exchanged_since_it_was_found_damaged_stays(tmp_path, clock):
    """What was found damaged is set aside before the next write; the file of another process at its place is not."""
    path, state = tmp_path / "k.db", run()
    keeper = keeper_of(path, clock)
    keeper.hold(state, Snapshot(at=AT, sequence=1))
    keeper.store()
    stat = path.stat()
    keeper.found_damaged("two looks found it damaged", (stat.st_dev, stat.st_ino + 1))
    keeper.hold(state, Snapshot(at=AT, sequence=2))
    keeper.store()
    assert not list(tmp_path.glob("k.db.corrupt-*"))
    keeper.found_damaged("two looks found it damaged", (stat.st_dev, stat.st_ino))
    keeper.hold(state, Snapshot(at=AT, sequence=3))
    keeper.store()
    assert len(list(tmp_path.glob("k.db.corrupt-*"))) == 1
    assert keeper.is_all_stored()


def test_where_a_damaged_file_lies_is_no_word_on_what_grows(tmp_path, clock):
    """The note on a damaged file is among the report's events, not its evidence of growth, and outlives the raw days."""
    path, state = tmp_path / "k.db", run()
    path.write_bytes(b"no database at all, and no room for one" * 100)
    keeper = keeper_of(path, clock)
    keeper.hold(state, Snapshot(at=AT, sequence=1))
    keeper.store()
    (aside,) = tmp_path.glob("k.db.corrupt-*")
    database = parse_database(path)
    prune.apply(
        database,
        Settings(raw_days=1, hourly_days=7),
        now=clock.now() + timedelta(days=400),
        pause_seconds=0.0,
    )
    with open_store(path) as store:
        sections = stored_sections(store, "bot", now=clock.now() + timedelta(days=400))
    assert [(one.kind, aside.name in one.text) for one in sections.events] == [("damage", True)]
    assert sections.evidence is None
