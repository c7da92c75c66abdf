from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from store_kit import MB, START, deque_of, ticks

from memmon.errors import NoDataError, SqlError, UnknownSourceError
from memmon.facts.python_memory import SLOT_BYTES, own_bytes
from memmon.model import ComponentReading, EventRecord
from memmon.store.read import open_store
from memmon.store.write.writer import RunEnd


def test_read_snapshots_return_what_was_recorded(store):
    """Every snapshot comes back as a row with its time, run and values; what failed is NaN, never zero."""
    run_id = store.add_run(ticks(12, rss_mb=lambda n: None if n == 4 else 100.0 + n))
    frame = open_store(store.path).snapshots("bot")
    assert len(frame) == 12
    assert frame.index.name == "at"
    assert str(frame.index.tz) == "UTC"
    assert frame.index[3] == START + timedelta(minutes=15)
    assert set(frame["run_id"]) == {run_id}
    assert frame["rss_bytes"].iloc[5] == 105 * MB
    assert np.isnan(frame["rss_bytes"].iloc[4])
    assert frame["system_percent"].iloc[3] == 40.3
    assert frame["limit_used_bytes"].isna().all()
    assert set(frame["resolution_seconds"]) == {0.0}


def test_read_window_includes_both_its_ends(store):
    """`since` and `until` are both included, and a naive time is refused rather than guessed."""
    store.add_run(ticks(12))
    reader = open_store(store.path)
    found = reader.snapshots(since=START + timedelta(minutes=10), until=START + timedelta(minutes=30))
    assert len(found) == 5
    with pytest.raises(ValueError, match="timezone-aware"):
        reader.snapshots(since=START.replace(tzinfo=None))


def test_read_deques_hold_until_they_change(store):
    """A deque's length stands in every row until its next change, also where the window begins later."""
    lengths = [5, 5, 5, 9, 9, 2, 2, 2, None, 4]
    store.add_run(ticks(10, deques=lambda n: [deque_of("q", lengths[n]), deque_of("still", 7, None)]))
    reader = open_store(store.path)
    frame = reader.deque_readings()
    assert frame["q"].tolist()[:8] == lengths[:8]
    assert np.isnan(frame["q"].iloc[8])
    assert frame["still"].tolist() == [7.0] * 10
    late = reader.deque_readings(since=START + timedelta(minutes=20))
    assert late["q"].iloc[0] == 9
    assert late["still"].tolist() == [7.0] * 6
    assert reader.deque_readings(value="maxlen")["q"].tolist() == [1000.0] * 10


def test_read_deques_of_one_run_never_reach_into_the_next(store):
    """A deque that a later run does not register is unknown there, not carried on."""
    store.add_run(ticks(3, deques=lambda n: [deque_of("old", 5)]))
    store.add_run(ticks(3, start=START + timedelta(days=1), deques=lambda n: [deque_of("new", 6)]))
    frame = open_store(store.path).deque_readings()
    assert frame["old"].tolist()[:3] == [5.0] * 3
    assert frame["old"].isna().tolist()[3:] == [True] * 3
    assert frame["new"].isna().tolist()[:3] == [True] * 3


def test_read_components_come_in_bytes(store):
    """Each component is a column of bytes, filled forward."""
    store.add_run(
        ticks(4, components=lambda n: [ComponentReading(name="cache", size_bytes=10 if n < 2 else 30)])
    )
    assert open_store(store.path).component_readings()["cache"].tolist() == [10.0, 10.0, 30.0, 30.0]


def test_read_history_carries_runs_load_and_deque_bytes(store):
    """The History has the runs with their ends, work, and deque bytes that follow the length between estimates."""
    store.add_run(
        ticks(
            6,
            rss_mb=lambda n: None if n == 2 else 100.0,
            deques=lambda n: [deque_of("q", 320 * (n + 1), 3200, size_bytes=64_760 if n == 0 else None)],
        ),
        end=RunEnd(at=START + timedelta(hours=1), reason="sigterm"),
        release="1.0",
    )
    history = open_store(store.path).history()
    assert len(history) == 5
    assert history.dropped_count == 1
    assert history.runs[0].end_reason == "sigterm"
    assert history.runs[0].release == "1.0"
    item = (64_760 - own_bytes(320)) / 320  # beside the deque's own blocks
    lengths = 320 * np.array([1, 2, 4, 5, 6])
    assert history.deque_bytes.tolist() == pytest.approx(own_bytes(lengths) + lengths * item)
    room = history.deque_capacity_bytes - history.deque_bytes
    most_room = history.deque_most_capacity_bytes - history.deque_bytes
    assert room.tolist() == pytest.approx((3200 - lengths) * 0.6 * (item + SLOT_BYTES))
    assert most_room.tolist() == pytest.approx((3200 - lengths) * 1.4 * (item + SLOT_BYTES))
    assert history.work_count.tolist() == [0.0, 10.0, 30.0, 40.0, 50.0]


def test_read_statistics_agree_with_the_frame(store):
    """Last, mean, least and largest made in SQL are those of the rows, missing readings left out."""
    store.add_run(ticks(30, rss_mb=lambda n: None if n == 29 else 100.0 + (n * 7) % 13))
    reader = open_store(store.path)
    frame = reader.snapshots()
    found = reader.window_statistics()
    assert found.sample_count == 29
    assert found.average_rss_bytes == pytest.approx(frame["rss_bytes"].mean())
    assert found.min_rss_bytes == frame["rss_bytes"].min()
    assert found.max_rss_bytes == frame["rss_bytes"].max()
    assert found.last_rss_bytes == frame["rss_bytes"].iloc[28]


def test_read_buckets_hide_no_peak(store):
    """A spike of one sample is the maximum of its bucket, and every bucket belongs to one run."""
    store.add_run(ticks(48, rss_mb=lambda n: 900.0 if n == 17 else 100.0))
    second = store.add_run(ticks(6, start=START + timedelta(hours=4)))
    found = open_store(store.path).buckets(bucket_seconds=3600)
    assert found.columns["max_rss_bytes"].max() == 900 * MB
    assert found.columns["rss_bytes"][1] == pytest.approx((11 * 100 + 900) / 12 * MB, rel=1e-6)
    assert found.sample_count.sum() == 54
    assert found.run_id.tolist().count(second) == 1
    with pytest.raises(ValueError, match="positive"):
        open_store(store.path).buckets(bucket_seconds=0)


def test_read_deque_status_is_the_newest_of_the_newest_run(store):
    """The status of each deque is its newest reading, bytes scaled to the present length, dead ones marked."""
    store.add_run(ticks(3, deques=lambda n: [deque_of("gone", 1)]))
    store.add_run(
        ticks(
            5,
            start=START + timedelta(days=1),
            deques=lambda n: [
                deque_of("q", 10 * (n + 1), 100, size_bytes=2760 if n == 1 else None, dropped_count=n),
                deque_of("dead", None, None, is_alive=False),
            ],
        )
    )
    found = {one.name: one for one in open_store(store.path).deque_status()}
    assert set(found) == {"q", "dead"}
    assert found["q"].length_count == 50
    assert found["q"].maxlen_count == 100
    assert found["q"].dropped_count == 4
    assert found["q"].size_bytes == own_bytes(50) + 50 * (2760 - own_bytes(20)) / 20
    assert not found["dead"].is_alive
    assert found["q"].at == START + timedelta(days=1, minutes=20)


def test_read_runs_are_summed_up(store):
    """A run tells its first, last and largest RSS, when it was last seen, and how it ended."""
    store.add_run(
        ticks(5, rss_mb=lambda n: [100.0, 400.0, 150.0, 120.0, None][n]),
        release="2.0",
        end=RunEnd(at=START + timedelta(hours=1), reason="oom", detail="killed"),
    )
    store.add_run([], start=START + timedelta(days=2))
    first, second = open_store(store.path).runs()
    assert (first.first_rss_bytes, first.last_rss_bytes, first.peak_rss_bytes) == (
        100 * MB,
        120 * MB,
        400 * MB,
    )
    assert first.snapshot_count == 5
    assert first.last_at == START + timedelta(minutes=20)
    assert (first.end_reason, first.end_detail, first.release) == ("oom", "killed", "2.0")
    assert (first.interval_seconds, first.limit_origin) == (300.0, "host")
    assert (second.snapshot_count, second.last_at) == (0, None)


def test_read_events_in_a_window(store):
    """Events come oldest first with their data, narrowed by kind and time; a limit keeps the newest."""
    events = [
        EventRecord(
            at=START + timedelta(hours=n), sequence=n + 1, kind="gc" if n % 2 else "note", data={"n": n}
        )
        for n in range(6)
    ]
    store.add_run(ticks(1), events=events)
    reader = open_store(store.path)
    assert [one.data["n"] for one in reader.events()] == [0, 1, 2, 3, 4, 5]
    assert [one.data["n"] for one in reader.events(kinds=["gc"], limit=2)] == [3, 5]
    assert [one.data["n"] for one in reader.events(since=START + timedelta(hours=5))] == [5]
    assert reader.events(kinds=[]) == ()


def test_read_one_source_is_implied_and_unknown_ones_are_told(store):
    """With one source none need be named; else the message lists the known ones."""
    reader = open_store(store.path)
    with pytest.raises(NoDataError, match="no source yet"):
        reader.snapshots()
    store.add_run(ticks(2), source="alpha")
    assert reader.resolve_source().name == "alpha"
    assert reader.last_sample_at() == START + timedelta(minutes=5)
    store.add_run(ticks(2), source="beta")
    with pytest.raises(UnknownSourceError, match="alpha, beta"):
        reader.resolve_source()
    with pytest.raises(UnknownSourceError, match=r"'gamma'.*alpha, beta"):
        reader.history("gamma")


def test_a_source_that_was_found_is_not_looked_up_again(store, monkeypatch):
    """Each answer about a source that was found is one reading of the file; where its present ends is still looked up."""
    store.add_run(ticks(12))
    reader = open_store(store.path)
    found = reader.resolve_source("bot")
    reader = reader.of(found)
    read, counts = reader._gate.read, []
    monkeypatch.setattr(reader._gate, "read", lambda work: (counts.append(1), read(work))[1])
    asked = (
        reader.runs,
        reader.alerts,
        reader.reports,
        reader.deque_status,
        lambda name: reader.events(name, None, found.last_at),
        lambda name: reader.window_statistics(name, START, found.last_at),
        lambda name: reader.history(name, START, found.last_at),
    )
    for one in asked:
        counts.clear()
        one("bot")
        assert len(counts) == 1, one
    store.add_run(ticks(3, start=found.last_at + timedelta(minutes=5)))
    assert reader.history("bot").last_at > found.last_at
    assert reader.window_statistics("bot").last_at > found.last_at
    with pytest.raises(UnknownSourceError):
        reader.runs("another")


def test_read_histories_of_sources_stay_apart(store):
    """Nothing of one source shows in another's answers."""
    store.add_run(ticks(4, rss_mb=lambda n: 10.0, deques=lambda n: [deque_of("a", 1)]), source="alpha")
    store.add_run(ticks(6, rss_mb=lambda n: 99.0, deques=lambda n: [deque_of("b", 2)]), source="beta")
    reader = open_store(store.path)
    assert len(reader.snapshots("beta")) == 6
    assert reader.window_statistics("alpha").max_rss_bytes == 10 * MB
    assert list(reader.deque_readings("alpha").columns) == ["a"]
    assert [one.name for one in reader.deque_status("beta")] == ["b"]


def test_read_sql_only_reads(store):
    """`query` answers with names and rows, cuts at the limit, and refuses whatever would write."""
    store.add_run(ticks(5))
    reader = open_store(store.path)
    found = reader.query("SELECT seq FROM snapshot ORDER BY seq;", row_limit=3)
    assert found.columns == ("seq",)
    assert found.rows == ((1,), (2,), (3,))
    assert found.is_cut
    for statement in (
        "DELETE FROM snapshot",
        "PRAGMA journal_mode=DELETE",
        "ATTACH 'x' AS x",
        "WITH x AS (SELECT 1) DELETE FROM snapshot",
        "SELECT 1; DELETE FROM snapshot",
        "SELECT nothing FROM nowhere",
        "",
    ):
        with pytest.raises(SqlError):
            reader.query(statement)
    assert reader.query("-- how many\nSELECT count(*) FROM snapshot").rows == ((5,),)


def test_history_knows_what_the_footprint_is_made_of(store):
    """A History from the store has the parts of memory and the allocators' counters, and their footprint."""
    made = [
        replace(
            snapshot,
            rss_anon_bytes=60 * MB,
            rss_shmem_bytes=5 * MB,
            rss_file_bytes=35 * MB,
            swap_bytes=number * MB,
            heap_used_bytes=30 * MB + number,
            heap_mmap_bytes=2 * MB + number,
            python_block_count=9_000 + number,
        )
        for number, snapshot in enumerate(ticks(6))
    ]
    store.add_run(made)
    history = open_store(store.path).history("bot")
    assert (history.footprint_bytes / MB).tolist() == [65, 66, 67, 68, 69, 70]
    assert history.heap_used_bytes.tolist() == [30 * MB + number for number in range(6)]
    assert history.heap_mmap_bytes.tolist() == [2 * MB + number for number in range(6)]
    assert history.python_block_count.tolist() == [9_000 + number for number in range(6)]
