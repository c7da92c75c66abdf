"""What a program names is written, read back and salvaged, whatever its kind."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import deque
from contextlib import closing
from datetime import timedelta

import pytest
from store_kit import START, deque_of, ticks

from memmon import Recorder, open_store
from memmon.config import Settings
from memmon.facts.series_kinds import SERIES_KINDS
from memmon.model import ComponentReading
from memmon.store.retention import prune
from memmon.store.salvage import salvage
from memmon.store.write.writer import readings_of

NAME = "orders é"


def of_every_kind(number: int) -> dict:
    """What a snapshot has of each kind under one name: `number`, and everything that may be recorded of it."""
    length = deque_of(
        NAME,
        number,
        50,
        size_bytes=9,
        item_bytes=3,
        item_low_bytes=2,
        item_high_bytes=4,
        dropped_count=1,
        expected_maxlen_count=4,
        is_alive=False,
        is_component=True,
        is_found=True,
    )
    return {
        "deques": (length,),
        "components": (ComponentReading(name=NAME, size_bytes=number),),
        "work": ((NAME, number),),
    }


def snapshots(count: int) -> list:
    return [dataclasses.replace(one, **of_every_kind(number)) for number, one in enumerate(ticks(count))]


def test_the_kinds_and_metrics_are_those_that_are_written():
    """What can be written of a snapshot are exactly the kinds and metrics of the table."""
    (full,) = snapshots(1)
    written = {(kind, metric) for (kind, _, metric), _ in readings_of(full)}
    assert written == {(one.name, metric) for one in SERIES_KINDS for metric in one.metrics}


@pytest.mark.parametrize("kind", SERIES_KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("is_folded", [False, True])
def test_what_is_written_under_a_name_is_read_back(store, kind, is_folded):
    """Each kind has a public reader: a column for the name, the values that were recorded, held over rollups."""
    store.add_run(snapshots(12))
    if is_folded:
        prune.apply(store.database, Settings(), now=START + timedelta(days=91), pause_seconds=0.0)
    with open_store(store.path) as opened:
        frame = getattr(opened, kind.reader)()
    assert frame.columns.tolist() == [NAME]
    assert frame.columns.name == kind.name
    last_or_mean = 11.0 if kind.name == "work" else 5.5
    assert frame[NAME].tolist() == ([last_or_mean] if is_folded else list(range(12)))


@pytest.mark.parametrize("names", [(), ("orders",), ("orders", "quotes")])
def test_named_work_goes_from_the_call_to_the_frame(tmp_path, names):
    """What a program counts under names, one or several, is read back by them; counted without, by the total."""
    path = tmp_path / "memmon.db"
    with Recorder(path, interval_seconds=3600.0) as recorder:
        for _ in range(2):
            for name in names or ("work",):
                recorder.count_work(2, name=name)
            recorder.take_snapshot()
    with open_store(path) as opened:
        frame, total = opened.work_readings(), opened.snapshots()["work_count"]
    assert frame.columns.tolist() == list(names)
    for name in names:
        assert set(frame[name].dropna()) == {2.0, 4.0}
    assert total.max() == 4.0 * max(len(names), 1)


def test_salvage_refuses_nothing_of_what_programs_may_name(tmp_path):
    """An undamaged store with whatever can be registered, measured or counted comes back whole."""
    path = tmp_path / "memmon.db"
    recorder = Recorder(path, interval_seconds=3600.0)
    prices = deque([1, 2], maxlen=5)
    calls = {
        "register_component": lambda: recorder.register_component("cache", lambda: 77),
        "register_deque": lambda: recorder.register_deque("prices", prices, expected_maxlen=5),
        "register_deques": lambda: recorder.register_deques({"more": prices}, prefix="all."),
    }
    assert sorted(calls) == [name for name in dir(recorder) if name.startswith("register_")]
    with recorder:
        for call in calls.values():
            call()
        recorder.count_work(3, name="orders")
        recorder.count_work(4, name="quotes")
        recorder.take_snapshot()
        recorder.count_work(5, name="orders")
        recorder.take_snapshot()
    report = salvage(path, tmp_path / "new.db")
    assert not any(report.refused_count.values())
    assert not any(report.rebuilt_count.values())
    series = "SELECT kind, name, metric FROM series ORDER BY kind, name, metric"
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(tmp_path / "new.db")) as new:
        expected = old.execute(series).fetchall()
        assert {kind for kind, _, _ in expected} == {one.name for one in SERIES_KINDS}
        assert new.execute(series).fetchall() == expected
