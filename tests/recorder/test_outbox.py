"""Outbox: what is held, in which order, and what goes when memory's bound is reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from memmon.alerts.records import Watch
from memmon.clock import ManualClock
from memmon.model import DequeReading, Snapshot
from memmon.recorder.outbox import Outbox, most_bytes
from memmon.recorder.run_identity import new_run
from memmon.recorder.writer_thread import INBOX_LIMIT, inbox_limit
from memmon.store.write.open_run import OpenRun
from memmon.store.write.writer import RunEnd, StoredReport, Written

AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITTEN = Written(run_id=1, source_id=1, source="bot", opened_run=False)


def state():
    return OpenRun(
        new_run(source="bot", release=None, interval_seconds=1.0, started_at=AT), started_monotonic=0.0
    )


def snapshot(sequence, deques=0):
    readings = tuple(
        DequeReading(name=f"d{n}", length_count=n + sequence, maxlen_count=9) for n in range(deques)
    )
    return Snapshot(at=AT, sequence=sequence, deques=readings)


def watch(seen_at):
    return Watch(
        source_id=0,
        fingerprint="leak",
        kind="leak",
        state="firing",
        severity="warning",
        title="t",
        since=AT,
        seen_at=seen_at,
    )


def test_oldest_run_first_and_everything_once():
    """Batches come oldest run first, an alert's newest state alone, and what was acknowledged never comes again."""
    outbox, first, second = Outbox(), state(), state()
    for one in (first, second):
        outbox.add(one, one.event(ManualClock(), "run_start"))
        outbox.add(one, snapshot(1))
        for seen_at in (AT - timedelta(hours=1), AT):
            outbox.add(one, watch(seen_at))
        outbox.add(one, StoredReport(at=AT, window_hours=24.0, text="report"))
        outbox.add(one, RunEnd(at=AT, reason="stopped"))
    assert outbox.snapshot_count == 2
    for expected in (first, second):
        found, batch = outbox.next_batch()
        assert found is expected
        assert len(batch.snapshots) == len(batch.events) == len(batch.watches) == len(batch.reports) == 1
        assert batch.end is not None
        assert batch.watches[0].seen_at == AT
        outbox.acknowledge(found, batch, WRITTEN)
    assert outbox.is_empty()
    assert outbox.next_batch() is None
    assert outbox.held_bytes == 0


def test_what_comes_while_a_batch_is_written_stays():
    """What is added between the making of a batch and its acknowledgement is not taken for stored."""
    outbox, one = Outbox(), state()
    outbox.add(one, snapshot(1))
    found, batch = outbox.next_batch()
    outbox.add(one, snapshot(2))
    outbox.add(one, one.event(ManualClock(), "annotation", "late"))
    outbox.acknowledge(found, batch, WRITTEN)
    _, batch = outbox.next_batch()
    assert [item.sequence for item in batch.snapshots] == [2]
    assert [item.text for item in batch.events] == ["late"]


def test_the_end_waits_for_the_last_batch():
    """A run's end is written with its last snapshots, not before them."""
    outbox, one = Outbox(limit_bytes=10**9), state()
    for number in range(1, 502):
        outbox.add(one, snapshot(number))
    outbox.add(one, RunEnd(at=AT, reason="stopped"))
    found, batch = outbox.next_batch()
    assert (len(batch.snapshots), batch.end) == (500, None)
    outbox.acknowledge(found, batch, WRITTEN)
    assert outbox.next_batch()[1].end is not None


def test_the_bound_drops_the_oldest_and_counts():
    """Past the bound the oldest snapshots go; how many is told in an event of their run."""
    outbox, one = Outbox(limit_bytes=100_000), state()
    for number in range(1, 200):
        outbox.add(one, snapshot(number, deques=10))
    assert outbox.held_bytes <= 100_000
    assert outbox.dropped_count == 199 - outbox.snapshot_count > 0
    found, batch = outbox.next_batch()
    assert batch.snapshots[-1].sequence == 199
    (event,) = [item for item in batch.events if item.kind == "dropped"]
    assert event.data["dropped_count"] == outbox.dropped_count
    outbox.acknowledge(found, batch, WRITTEN)
    outbox.add(one, snapshot(200))
    assert not outbox.next_batch()[1].events


def test_events_are_bounded_too():
    """A host that annotates for ever while the disk is full can't fill memory."""
    outbox, one = Outbox(), state()
    for _ in range(2_500):
        outbox.add(one, one.event(ManualClock(), "annotation"))
    assert len(outbox.next_batch()[1].events) == 2_000


def test_large_snapshots_wait_in_smaller_numbers():
    """The more a snapshot holds, the fewer of them may wait for a stuck thread."""
    assert inbox_limit(snapshot(1)) == INBOX_LIMIT
    assert inbox_limit(snapshot(1, deques=1000)) < 100
    assert most_bytes(snapshot(1, deques=1000)) > 100 * most_bytes(snapshot(1))
