"""Names that are ids: what has left is forgotten, too many new ones are counted, retention lets go of the rest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from statistics import median

import pytest
from store_kit import START, StoreMaker, deque_of, ticks

from memmon.config import Settings
from memmon.model import RunRecord
from memmon.store.read import open_store
from memmon.store.retention import gone_names, prune
from memmon.store.upkeep.maintenance import check
from memmon.store.write.writer import Batch, Writer

SETTINGS = Settings(raw_days=2, hourly_days=5)
ALIVE = 5


def orders(number: int):
    """Five deques of this reading alone, beside one that stays."""
    gone = [deque_of(f"order-{ALIVE * number + one:06d}", one + 1, 10) for one in range(ALIVE)]
    return [deque_of("stays", number, 1000), *gone]


def run_of(uuid: int = 1) -> RunRecord:
    return RunRecord(
        uuid=f"{uuid:032x}",
        source="bot",
        source_was_given=True,
        started_at=START,
        interval_seconds=300.0,
        host="testhost",
        pid=4000 + uuid,
    )


def rows(store, sql: str):
    return [tuple(row) for row in open_store(store.database.url).query(sql, row_limit=100_000).rows]


def names(store) -> set[str]:
    return {name for (name,) in rows(store, "SELECT DISTINCT name FROM series")}


def purge(store, days: float):
    return prune.apply(store.database, SETTINGS, now=START + timedelta(days=days), pause_seconds=0.0)


def test_names_that_came_and_went_go_with_their_readings(store):
    """Past the retention only the names that stayed are left, every checksum holds, and a pass more finds nothing."""
    store.add_run(ticks(180, deques=orders), source="bot")
    assert len(names(store)) == 1 + 180 * ALIVE
    done = purge(store, days=30)
    last = {f"order-{number:06d}" for number in range(179 * ALIVE, 180 * ALIVE)}  # alive at the end
    assert names(store) == {"stays"} | last
    assert done.forgotten_name_count == 179 * ALIVE
    for table in ("reading", "reading_rollup"):
        assert not rows(store, f"SELECT 1 FROM {table} WHERE series_id NOT IN (SELECT id FROM series)")
    found = check(store.database)
    assert found.problems == ()
    assert purge(store, days=31).forgotten_name_count == 0
    lengths = rows(store, "SELECT min(min_value), max(max_value) FROM reading_rollup p JOIN series x ON x.id = p.series_id "
                   "WHERE name = 'stays' AND metric = 'length'")  # fmt: skip
    assert lengths == [(0, 179)]


@pytest.fixture
def lock_steps(monkeypatch):
    """A list that gets, for each batch of names that goes, tens of steps of SQLite's machine while it holds the write lock."""
    found: list[int] = []
    forget = gone_names._forget

    def counted(session, names):
        found.append(0)

        def step():
            found[-1] += 1

        driver = session._connection.connection.driver_connection
        driver.set_progress_handler(step, 10)
        try:
            return forget(session, names)
        finally:
            driver.set_progress_handler(None, 10)

    monkeypatch.setattr(gone_names, "_forget", counted)
    return found


def test_letting_names_go_holds_the_lock_for_these_alone(store, tmp_path, lock_steps):
    """Each batch does about the same, and no more where many times the readings of others lie beside the names that go."""
    store.add_run(ticks(180, deques=orders), source="bot")
    beside = StoreMaker(shutil.copy(store.path, tmp_path / "beside.db"), run_count=store.run_count)
    beside.add_run(
        ticks(
            400, start=START + timedelta(days=29), deques=lambda n: [deque_of(f"q{k}", n) for k in range(20)]
        ),
        source="other",
    )
    assert purge(store, days=30).forgotten_name_count == 179 * ALIVE
    alone = lock_steps.copy()
    lock_steps.clear()
    assert purge(beside, days=30).forgotten_name_count == 179 * ALIVE
    assert len(alone) == len(lock_steps) > 5
    assert max(alone) <= 2 * median(alone)
    assert max(lock_steps) <= 1.1 * max(alone)


def test_rollups_without_the_gone_are_vouched_for(store):
    """The digests that stand for hours and days are those of what is left: none is missing, each bucket proves itself."""
    from memmon.store.retention.rollup_columns import Part, part_checksum
    from memmon.store.schema.digest import readings_digest, split_digest

    store.add_run(ticks(180, deques=orders), source="bot")
    purge(store, days=3.5)
    buckets = rows(store, "SELECT run_id, resolution_ms, bucket_ms, digest FROM rollup")
    assert len(buckets) > 10
    for run_id, resolution_ms, bucket_ms, digest in buckets:
        parts = rows(
            store,
            "SELECT series_id, min_value, mean_value, max_value, last_value FROM reading_rollup WHERE "
            f"run_id = {run_id} AND resolution_ms = {resolution_ms} AND bucket_ms = {bucket_ms}",
        )
        found = [(part[0], part_checksum(Part(*part[1:]))) for part in parts]
        assert split_digest(digest)[1] == readings_digest(found)


def test_what_lived_for_a_day_or_is_alive_stays(store):
    """A name that lived longer than a day, one that is there still and one that can't be read keep their series."""

    def deques(number: int):
        made = [deque_of("unreadable", None, None)]
        if number < 400:
            made.append(deque_of("long", 5, 10))
        if number < 12:
            made.append(deque_of("short", 5, 10))
        return [*made, deque_of("alive", 7, None)]

    store.add_run(ticks(600, deques=deques), source="bot")
    purge(store, days=30)
    assert names(store) == {"unreadable", "long", "alive"}


def test_a_name_that_comes_back_after_it_was_let_go_is_recorded(store):
    """A living recorder whose early name was let go meanwhile records it anew when it returns, under its own series."""
    writer = Writer(store.database)
    samples = ticks(60, deques=lambda n: [deque_of("stays", n), *([deque_of("early", n)] if n < 12 else [])])
    writer.write(Batch(run=run_of(), snapshots=samples))
    assert purge(store, days=30).forgotten_name_count == 1
    late = ticks(
        2, start=START + timedelta(days=30), first_sequence=61, deques=lambda n: [deque_of("early", 70 + n)]
    )
    writer.write(Batch(run=run_of(), snapshots=late[:1]))
    writer.write(Batch(run=run_of(), snapshots=late[1:]))
    found = rows(store, "SELECT r.seq, r.value FROM reading r JOIN series x ON x.id = r.series_id "
                 "WHERE name = 'early' AND metric = 'length' ORDER BY seq")  # fmt: skip
    assert found == [(61, 70), (62, 71)]


def test_too_many_new_names_in_a_day_are_counted(store):
    """Beyond the day's number new names have no series; known ones go on, and the next day takes new ones again."""
    writer = Writer(store.database, new_names_per_day=20)
    told: list[str] = []
    for sample in ticks(10, deques=orders):
        told += writer.write(Batch(run=run_of(), snapshots=[sample])).refused_names
    # The first snapshot's six are free.
    assert len(names(store)) == 6 + 20
    assert told == [f"order-{number:06d}" for number in range(5 * ALIVE, 10 * ALIVE)]
    assert len(rows(store, "SELECT 1 FROM reading r JOIN series x ON x.id = r.series_id "
                    "WHERE name = 'stays' AND metric = 'length'")) == 10  # fmt: skip
    next_day = replace(ticks(289, deques=lambda _: orders(11))[-1], sequence=11)
    assert writer.write(Batch(run=run_of(), snapshots=[next_day])).refused_names == ()


def test_a_refused_name_is_told_once_and_learned_whole(store):
    """What is refused and stays is told once, and has all its readings once the day is over."""
    writer = Writer(store.database, new_names_per_day=1)

    def deques(number: int):
        return [] if number == 0 else [deque_of("first", 1, 10), deque_of("second", 2, 20)]

    told = []
    for sample in [*(samples := ticks(290, deques=deques))[:6], *samples[286:]]:
        told += writer.write(Batch(run=run_of(), snapshots=[sample])).refused_names
    assert told == ["second"]
    found = rows(store, "SELECT name, metric, r.seq, r.value FROM reading r JOIN series x ON x.id = r.series_id "
                 "ORDER BY name, metric")  # fmt: skip
    assert found == [
        ("first", "length", 2, 1),
        ("first", "maxlen", 2, 10),
        ("second", "length", 289, 2),
        ("second", "maxlen", 289, 20),
    ]


def test_known_names_come_back_at_once_or_within_the_hour(store):
    """A name of an earlier run is no new one: it is recorded on a day that takes no more new names."""
    store.add_run(ticks(2, deques=lambda _: [deque_of("old", 1)]), source="bot")
    writer = Writer(store.database, new_names_per_day=1)

    def deques(number: int):
        return (
            []
            if number == 0
            else [deque_of("new", 1), deque_of("over", 1), *([deque_of("old", 3)] * (number > 2))]
        )

    for sample in ticks(20, deques=deques):
        writer.write(Batch(run=run_of(2), snapshots=[sample]))
    found = rows(store, "SELECT r.seq FROM reading r JOIN series x ON x.id = r.series_id "
                 "WHERE name = 'old' AND metric = 'length' AND r.run_id = 2")  # fmt: skip
    assert len(found) == 1
    assert found[0][0] <= 4 + 12


def test_a_failed_write_uses_up_no_names(store, monkeypatch):
    """What could not be stored is learned with the next attempt, as if it had not been tried."""
    writer = Writer(store.database, new_names_per_day=ALIVE)
    first, second = ticks(2, deques=orders)
    writer.write(Batch(run=run_of(), snapshots=[first]))
    verify = Writer._verify
    with monkeypatch.context() as broken:
        broken.setattr(Writer, "_write_events", lambda *_: (_ for _ in ()).throw(OSError("no room")))
        for _ in range(3):
            with pytest.raises(OSError, match="no room"):
                writer.write(Batch(run=run_of(), snapshots=[second]))
    assert Writer._verify is verify
    assert writer.write(Batch(run=run_of(), snapshots=[second])).refused_names == ()
    assert len(names(store)) == 1 + 2 * ALIVE
