"""Every reading is in every place that must know it, and stays there."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from alembic.script import ScriptDirectory
from store_kit import START, ticks

from memmon.config import Settings, parse_database
from memmon.facts.readings import READINGS
from memmon.model import Snapshot
from memmon.store.read import open_store
from memmon.store.retention import prune, rollup_columns
from memmon.store.salvage.tables import shapes
from memmon.store.schema import tables
from memmon.store.upkeep.migrate import alembic_config, upgrade

COLUMNS = [one.column for one in READINGS]
KEYS = {"run_id", "seq", "at_ms", "uptime_ms", "digest"}
ROLLUP_KEYS = KEYS - {"seq"} | {"resolution_ms", "bucket_ms", "sample_count", "rss_count"}
FOLDS = [(timedelta(days=91), 3600.0), (timedelta(days=1000), 86400.0)]


def value_of(place: int, number: int) -> int:
    """A value that only this reading has, and that grows."""
    return 1_000 * (place + 1) + number


def full(count: int) -> list[Snapshot]:
    """Snapshots in which each reading was made, with values of its own."""
    return [
        dataclasses.replace(
            one, **{reading.field: value_of(place, number) for place, reading in enumerate(READINGS)}
        )
        for number, one in enumerate(ticks(count))
    ]


def columns_of(path, table: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def test_every_number_of_a_snapshot_is_a_reading():
    """What a snapshot has in bytes, in percent or counted is in the table of readings, each once."""
    numbers = {
        field.name
        for field in dataclasses.fields(Snapshot)
        if field.name.endswith(("_bytes", "_percent", "_count"))
    }
    assert {one.field for one in READINGS} == numbers
    assert len(set(COLUMNS)) == len(READINGS)


def test_readings_keep_to_what_the_code_takes_for_granted():
    """A percentage and no other is a float, says so and is shown as a ratio; only RSS keeps its last; a counter hides nothing."""
    for one in READINGS:
        assert (one.unit == "percent") == one.column.endswith("_percent")
        assert one.unit in {"count", "percent"} or one.column.endswith("_bytes")
        assert "last" not in one.beside or one.column == "rss_bytes"
        assert one.fold == "mean" or not one.beside
        assert one.metric is None or (one.unit == "percent") == (one.metric.unit == "ratio")
        for metric in (one.metric, one.backfill):
            assert metric is None or not metric.unit or metric.name.endswith(f"_{metric.unit}")


def test_every_reading_has_a_rule_for_folding_and_its_columns(store):
    """The rules of folding, the columns of the tables, of the view and of the frame are those of the readings."""
    assert sorted((*rollup_columns.MEANS, *rollup_columns.COUNTERS)) == sorted(COLUMNS)
    assert set(columns_of(store.path, "snapshot")) - KEYS == set(COLUMNS)
    beside = {name for one in READINGS for name in one.beside_columns}
    assert set(columns_of(store.path, "rollup")) - ROLLUP_KEYS == {*COLUMNS, *beside}
    assert {*rollup_columns.EXTREMES, "last_rss_bytes"} == beside
    store.add_run(full(3))
    with open_store(store.path) as opened:
        assert set(opened.query("SELECT * FROM v_snapshot").columns) >= set(COLUMNS)
        frame = opened.snapshots()
    assert set(frame.columns) >= {*COLUMNS, *rollup_columns.EXTREMES}


@pytest.mark.parametrize("table", [*tables.metadata.tables])
def test_columns_stand_in_the_order_in_which_revisions_made_them(store, table):
    """Salvage takes an older row for the beginning of one of today: the code knows the order that is on the disk."""
    known = sorted(tables.metadata.tables[table].columns, key=tables.since_of)
    assert [column.name for column in known] == columns_of(store.path, table), (
        "a column that a revision adds says so: `since` of its reading, or `since` in the column's info"
    )


MADE_ANEW = {"alert_watch": "0005"}
"""Tables that a revision made anew with another key: rows of before are another table's."""


def test_salvage_knows_how_long_a_row_of_each_revision_is(tmp_path):
    """A row has as many values as its table had columns at the revision that wrote it; no other number is taken."""
    database = parse_database(str(tmp_path / "memmon.db"))
    script = ScriptDirectory.from_config(alembic_config())
    lengths: dict[str, set[int]] = {name: set() for name in shapes()}
    for revision in reversed([one.revision for one in script.walk_revisions()]):
        upgrade(database, revision=revision)
        for name, found in lengths.items():
            if revision >= MADE_ANEW.get(name, ""):
                found.add(len(columns_of(database.path, name)))
    assert {name: shape.counts | {0} for name, shape in shapes().items()} == {
        name: found | {0} for name, found in lengths.items()
    }


def test_every_reading_is_read_back_as_it_was_taken(store):
    """A snapshot that has every reading gives every reading, in the table and in the frame."""
    store.add_run(full(2))
    with open_store(store.path) as opened:
        frame = opened.snapshots()
        statistics = opened.reading_statistics()
    for place, one in enumerate(READINGS):
        assert frame[one.column].tolist() == [value_of(place, 0), value_of(place, 1)], one.column
    assert [(one.column, one.last, one.least, one.largest) for one in statistics] == [
        (one.column, value_of(place, 1), value_of(place, 0), value_of(place, 1))
        for place, one in enumerate(READINGS)
    ]


@pytest.mark.parametrize(("age", "resolution_seconds"), FOLDS)
def test_every_reading_outlives_the_snapshots_that_had_it(store, age, resolution_seconds):
    """Folded into hours after 90 days and into days after two years, every reading is still known, by its rule."""
    store.add_run(full(12))
    for now in (START + timedelta(days=91), START + age):
        prune.apply(store.database, Settings(), now=now, pause_seconds=0.0)
    with open_store(store.path) as opened:
        frame = opened.snapshots()
        ((*seen,),) = opened.query(f"SELECT {', '.join(COLUMNS)} FROM v_snapshot").rows
        statistics = {one.column: one for one in opened.reading_statistics()}
    assert frame["resolution_seconds"].tolist() == [resolution_seconds]
    for place, one in enumerate(READINGS):
        middle, last = value_of(place, 5.5), value_of(place, 11)
        expected = last if one.fold == "counter" else pytest.approx(middle, abs=0.51)
        assert frame[one.column].tolist() == [expected], one.column
        assert seen[place] == expected
        assert statistics[one.column].last == expected
        for prefix, edge in (("min", value_of(place, 0)), ("max", last)):
            if prefix in one.beside:
                assert frame[f"{prefix}_{one.column}"].tolist() == [edge]
