"""What a writer writes of the deques and components of one snapshot after another."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

import pytest
from create_kit import ask
from store_kit import START, deque_of, ticks

from memmon.model import ComponentReading
from memmon.recorder.run_identity import new_run
from memmon.store.connect.sqlite_link import SqliteLink
from memmon.store.write.writer import Batch, Writer

A, B, C = deque_of("a", 1), deque_of("b", 2), deque_of("c", 3)
A5, B0 = deque_of("a", 5, size_bytes=100), deque_of("b", None)
PART, LARGER_PART = ComponentReading(name="p", size_bytes=7), ComponentReading(name="p", size_bytes=8)

WALKS = {
    "as before": [(A, B), (A, B), (A, B)],
    "equal, not the same": [(A, B), (deque_of("a", 1), B), (A, B)],
    "one changes": [(A, B), (A5, B), (A5, B), (A, B)],
    "in another order": [(A, B), (B, A), (B, A5)],
    "one leaves and returns": [(A, B), (A,), (A,), (A, B)],
    "another in its place": [(A, B), (A, C), (A, B)],
    "all leave": [(A, B), (), (), (A, B)],
    "unreadable": [(A, B), (A, B0), (A, B)],
    "with a component": [(A, PART), (A, LARGER_PART), (A,), (A5, PART), (A5, PART)],
}


@pytest.fixture
def writer(store):
    return Writer(store.database)


def snapshots_of(walk):
    return ticks(
        len(walk),
        deques=lambda number: [one for one in walk[number] if not isinstance(one, ComponentReading)],
        components=lambda number: [one for one in walk[number] if isinstance(one, ComponentReading)],
    )


def told(walk):
    """What each step says of each name's first number."""
    return [
        {one.name: one.size_bytes if isinstance(one, ComponentReading) else one.length_count for one in step}
        for step in walk
    ]


def stored(path):
    """The same as read from the file: the newest reading counts; and whether one was written twice."""
    rows = ask(
        path,
        "SELECT name, seq, value FROM reading JOIN series ON series.id = series_id "
        "WHERE metric = 'length' OR kind = 'component' ORDER BY name, seq",
    )
    (count,) = ask(path, "SELECT max(seq) FROM snapshot")[0]
    steps, is_twice = [{} for _ in range(count)], False
    for name in {name for name, _, _ in rows}:
        known = None
        changes = {seq: value for one, seq, value in rows if one == name}
        for number in range(1, count + 1):
            is_twice = is_twice or (number in changes and bool(known) and known[0] == changes[number])
            known = (changes[number],) if number in changes else known
            if known is not None:
                steps[number - 1][name] = known[0]
    return steps, is_twice


def known_of(steps):
    """Steps without what is not known: a name that left reads as None."""
    return [{name: value for name, value in step.items() if value is not None} for step in steps]


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("is_one_batch", [True, False])
def test_the_file_says_what_was_read(store, writer, walk, is_one_batch):
    """Whatever comes, changes, leaves or returns: read back, each snapshot says what it said, and nothing stands twice."""
    run = new_run(source="bot", release=None, interval_seconds=300.0, started_at=START)
    snapshots = snapshots_of(walk)
    for batch in [snapshots] if is_one_batch else [[one] for one in snapshots]:
        writer.write(Batch(run=run, snapshots=batch))
    steps, is_twice = stored(store.path)
    assert known_of(steps) == known_of(told(walk))
    assert not is_twice


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("failing", [1, 2])
def test_a_failed_write_leaves_nothing_out(store, writer, walk, failing, monkeypatch):
    """A write that failed is made up for by the next: what changed, and what left, since the last that was stored is written."""
    run = new_run(source="bot", release=None, interval_seconds=300.0, started_at=START)
    snapshots = snapshots_of(walk)
    for number, one in enumerate(snapshots):
        if number == failing:
            with monkeypatch.context() as patch, suppress(sqlite3.OperationalError):
                patch.setattr(SqliteLink, "run_many", fail)
                writer.write(Batch(run=run, snapshots=[one]))
            continue  # dropped: the next one is compared with what is stored
        writer.write(Batch(run=run, snapshots=[one]))
    with closing(sqlite3.connect(store.path)) as connection:
        kept = [seq for (seq,) in connection.execute("SELECT seq FROM snapshot ORDER BY seq")]
    assert kept == [one.sequence for number, one in enumerate(snapshots) if number != failing]
    steps, _ = stored(store.path)
    expected = known_of(told(walk))
    assert [known_of(steps)[seq - 1] for seq in kept] == [expected[seq - 1] for seq in kept]


def fail(*_):
    raise sqlite3.OperationalError("disk I/O error")


def test_a_shorter_run_writes_no_more_than_the_one_before(store, writer):
    """A second run of the same recorder tells all of its deques once, and from then on what changes, from its first snapshot on."""
    for length in (5, 3):
        run = new_run(source="bot", release=None, interval_seconds=300.0, started_at=START)
        for one in ticks(length, deques=lambda _: (A, B)):
            writer.write(Batch(run=run, snapshots=[one]))
    assert ask(store.path, "SELECT run_id, count(*) FROM reading GROUP BY 1") == [(1, 4), (2, 4)]
