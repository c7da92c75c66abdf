"""What is read in one go for a page over a year says the same as what is read sample by sample."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from store_kit import MB, START, deque_of, ticks

from memmon.config import Settings
from memmon.facts.readings import READINGS
from memmon.store.read import open_store
from memmon.store.read.named_bytes import read_history_and_parts
from memmon.store.read.opening import open_gate
from memmon.store.read.seen import window_of
from memmon.store.retention import prune

DAYS = 6
ITEM = {"item_bytes": 40, "item_low_bytes": 30, "item_high_bytes": 50}


@pytest.fixture
def half_folded(store):
    """Two runs of six days, of which the first half is folded into hours."""
    bounds = {"a": 50, "b": None}
    for run in range(2):
        begin = START + timedelta(days=DAYS / 2 * run)
        store.add_run(
            ticks(
                DAYS * 144,
                start=begin,
                rss_mb=lambda n, base=100 * (run + 1): None if n % 11 == 3 else base + n % 7 + n / 50,
                deques=lambda n: [deque_of(name, (n * 7) % 41, bounds[name], **ITEM) for name in bounds],
            )
        )
    now = START + timedelta(days=DAYS)
    prune.apply(store.database, Settings(raw_days=DAYS / 2, hourly_days=365), now=now, pause_seconds=0.0)
    return open_store(store.database.url).as_of(now)


def test_statistics_of_a_window_are_those_of_its_samples(half_folded):
    """Last, mean, least and largest of each reading are what the single rows give, rollups by their weights."""
    frame = half_folded.snapshots()
    known = {one.column: one for one in half_folded.reading_statistics()}
    assert (frame["resolution_seconds"] > 0).any()
    for one in READINGS:
        said, rows = known[one.column], frame[frame[one.column].notna()]
        if rows.empty:
            assert (said.last, said.mean, said.least, said.largest) == (None, None, None, None)
            continue
        low = frame.get(f"min_{one.column}", frame[one.column])
        high = frame.get(f"max_{one.column}", frame[one.column])
        assert said.last == rows[one.column].iloc[-1]
        assert (said.least, said.largest) == (low.min(), high.max())
    raw = half_folded.snapshots(since=START + timedelta(days=4, hours=1))
    found = {
        one.column: one for one in half_folded.reading_statistics(since=START + timedelta(days=4, hours=1))
    }
    assert (raw["resolution_seconds"] == 0).all()
    assert found["rss_bytes"].mean == pytest.approx(raw["rss_bytes"].mean(), rel=1e-12)
    assert found["rss_bytes"].least >= 100 * MB


def test_peaks_of_deques_are_those_of_the_matrix(half_folded):
    """Each span has the largest length and bound of its samples; where there is no sample it has none."""
    since, until = START + timedelta(hours=-40), START + timedelta(days=DAYS)
    span_seconds = 7_777.0
    count = int((until - since).total_seconds() // span_seconds) + 1
    found = half_folded.deque_peaks(None, since, until, span_seconds=span_seconds, span_count=count)
    matrix = half_folded.deque_matrix(None, since, until)
    place = ((matrix.at_seconds - since.timestamp()) // span_seconds).astype(int)
    assert (matrix.resolution_seconds > 0).any()
    assert set(found) == {"a", "b"}
    for column, name in enumerate(matrix.names):
        for values, said in zip((matrix.peak_length_count, matrix.maxlen_count), found[name], strict=True):
            expected = np.full(count, np.nan)
            np.fmax.at(expected, place, values[:, column])
            np.testing.assert_array_equal(said, expected)
    assert np.isnan(found["a"][0][0])
    assert np.isnan(found["b"][1]).all()


def test_a_history_and_the_parts_read_together_are_those_read_apart(half_folded):
    """One reading of both gives every array that two give, over rollups and snapshots and for a part of the window."""
    gate, found = open_gate(half_folded.database), half_folded.resolve_source()
    for since in (None, START + timedelta(days=2, hours=5)):
        until = START + timedelta(days=DAYS)
        window = window_of(found.source_id, since, until, None)
        history, parts = gate.read(
            lambda session, window=window: read_history_and_parts(session, window, source=found.name)
        )
        apart = half_folded.history(None, since, until)
        assert history.runs == apart.runs
        for name in ("at_seconds", "rss_bytes", "deque_bytes", "deque_capacity_bytes"):
            np.testing.assert_array_equal(getattr(history, name), getattr(apart, name))
        alone = half_folded.part_matrix(None, since, until)
        assert parts.names == alone.names == ("a", "b")
        for name in ("run_id", "at_seconds", "footprint_bytes", "work_count", "size_bytes"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(alone, name))
        assert np.isfinite(parts.size_bytes).all()
        held = parts.size_bytes[np.isfinite(parts.rss_bytes)].sum(axis=1)
        np.testing.assert_allclose(held, history.deque_bytes, rtol=1e-12)


def test_a_run_whose_hours_lie_before_the_window_is_read_beside_one_whose_hours_lie_in_it(store):
    """Two processes, one silent for days: the other's hours in the window leave the first its snapshots, as they were."""
    end = START + timedelta(days=DAYS)
    for length, silent_days in ((3, range(1, DAYS - 1)), (5, range(0))):
        run = ticks(DAYS * 288, deques=lambda _, length=length: [deque_of("q", length, None)])
        store.add_run([tick for tick in run if (tick.at - START).days not in silent_days])
    prune.apply(store.database, Settings(raw_days=3, hourly_days=365), now=end, pause_seconds=0.0)
    opened = open_store(store.database.url).as_of(end)
    matrix = opened.deque_matrix(None, START + timedelta(days=2), end)
    first, second = (matrix.run_id == run_id for run_id in np.unique(matrix.run_id))
    assert (matrix.resolution_seconds[first] == 0).all()
    assert (matrix.resolution_seconds[second] > 0).any()
    assert set(matrix.length_count[first, 0]) == {3.0}
    assert set(matrix.length_count[second, 0]) == {5.0}
