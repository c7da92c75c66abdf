"""What is read in one go for a page over a year says the same as what is read sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest
from store_kit import MB, START, deque_of, ticks

from memmon.config import Settings
from memmon.facts.readings import READINGS
from memmon.model import ComponentReading
from memmon.report.page_store import PageStore
from memmon.store.read import open_store
from memmon.store.retention import prune

DAYS = 6
PEAK = 500
ITEM = {"item_bytes": 40, "item_low_bytes": 30, "item_high_bytes": 50}


@pytest.fixture
def half_folded(store):
    """Two runs of six days, of which the first half is folded into hours."""
    for run in range(2):
        begin = START + timedelta(days=DAYS / 2 * run)
        store.add_run(
            ticks(
                DAYS * 144,
                start=begin,
                rss_mb=lambda n, base=100 * (run + 1): None if n % 11 == 3 else base + n % 7 + n / 50,
                deques=lambda n: [
                    deque_of("a", (n * 7) % 41, 50, **ITEM),
                    deque_of("b", PEAK if n == 300 else (n * 7) % 41, None, **ITEM),
                ],
                components=lambda n: [ComponentReading(name="cache", size_bytes=n // 9 * 1000)],
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


@pytest.mark.parametrize(
    ("since_hours", "until_hours", "is_one_run"),
    [(None, 144, False), (53, 144, False), (0, 100, False), (80, 81, False), (80, 130, True)],
    ids=["whole", "from rollups on", "up to snapshots", "an hour", "one run"],
)
def test_what_a_page_asks_of_a_window_is_worked_out_from_what_it_has_read(
    half_folded, since_hours, until_hours, is_one_run
):
    """A page's history, parts, statistics, spans and peaks equal those read apart, over the window or a part of it."""
    page = PageStore(half_folded.database).as_of(START + timedelta(days=DAYS))
    page.history(None, None, START + timedelta(days=DAYS))
    page._gate = None
    since = None if since_hours is None else START + timedelta(hours=since_hours)
    bounds = (None, since, START + timedelta(hours=until_hours))
    run_id = half_folded.runs()[0].run_id if is_one_run else None
    for said, apart in (
        (page.history(*bounds, run_id=run_id), half_folded.history(*bounds, run_id=run_id)),
        (page.part_matrix(*bounds, run_id=run_id), half_folded.part_matrix(*bounds, run_id=run_id)),
        (
            page.buckets(*bounds, bucket_seconds=7_200, run_id=run_id),
            half_folded.buckets(*bounds, bucket_seconds=7_200, run_id=run_id),
        ),
    ):
        assert_same(said, apart)
    statistics = page.reading_statistics(*bounds, run_id=run_id)
    assert statistics == half_folded.reading_statistics(*bounds, run_id=run_id)
    spans = {"span_seconds": 7_777.0, "span_count": 80, "run_id": run_id}
    begin = since or START
    peaks = page.deque_peaks(None, begin, bounds[2], **spans)
    apart = half_folded.deque_peaks(None, begin, bounds[2], **spans)
    assert set(peaks) == set(apart) == {"a", "b"}
    for name in peaks:
        np.testing.assert_array_equal(peaks[name], apart[name])


def test_peaks_from_before_what_a_page_has_read_are_among_its_spans(half_folded):
    """The first span of a picture begins before its window: its peak is that of all its samples."""
    since, until = START + timedelta(hours=100), START + timedelta(days=DAYS)
    page = PageStore(half_folded.database).as_of(until)
    page.history(None, since, until)
    begin = since - timedelta(hours=5)
    spans = {"span_seconds": 36_000.0, "span_count": 20}
    found = page.deque_peaks(None, begin, until, **spans)
    for name, apart in half_folded.deque_peaks(None, begin, until, **spans).items():
        np.testing.assert_array_equal(found[name], apart)
    assert found["b"][0][0] == PEAK


def assert_same(said, apart):
    """Fail unless every array and value of two answers is the same."""
    for field in fields(said):
        one, other = getattr(said, field.name), getattr(apart, field.name)
        if isinstance(one, Mapping):
            assert set(one) == set(other)
            for name in one:
                np.testing.assert_array_equal(one[name], other[name], err_msg=name)
        elif isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=field.name)
        else:
            assert one == other, field.name


def test_spans_of_a_window_are_those_of_its_samples(half_folded):
    """Each span's means are weighted by the samples behind them, and its extremes are those of its rows."""
    frame = half_folded.snapshots()
    found = half_folded.buckets(bucket_seconds=10_000)
    span_ms = frame.index.as_unit("ms").astype("int64") // 10_000_000 * 10_000_000
    assert len(found.at_seconds) == len(set(zip(frame["run_id"], span_ms, strict=True)))
    for row, (at, run_id) in enumerate(zip(found.at_seconds, found.run_id, strict=True)):
        rows = frame[(span_ms == at * 1000) & (frame["run_id"] == run_id)]
        assert found.sample_count[row] == rows["sample_count"].sum()
        known = rows[rows["rss_bytes"].notna()]
        assert found.columns["max_rss_bytes"][row] == known["max_rss_bytes"].max()
        assert found.columns["min_rss_bytes"][row] == known["min_rss_bytes"].min()
        assert found.columns["work_count"][row] == rows["work_count"].max()
        if (known["resolution_seconds"] == 0).all():
            assert found.columns["rss_bytes"][row] == pytest.approx(known["rss_bytes"].mean(), abs=0.5)
        percent = np.average(rows["system_percent"], weights=rows["sample_count"])
        assert found.columns["system_percent"][row] == pytest.approx(percent, rel=1e-12)
    assert np.isnan(found.columns["pss_bytes"]).all()


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
