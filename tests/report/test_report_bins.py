"""The points of the pictures: what range each stands for, and where a line is cut."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.report.chart_bins import BIN_POINTS, Cells, bin_seconds, binned
from memmon.report.chart_data import bucket_seconds
from memmon.report.chart_pauses import CutCells, cut_ribbons
from memmon.report.chart_values import Pause, Ribbon
from memmon.report.html.geometry import LEAST_RANGE_SHARE, value_frame

HOUR, DAY = 3600, 86_400


def cells_of(values, *, cell_seconds=HOUR, start=0.0, counts=()):
    times = [start + number * cell_seconds for number in range(len(values))]
    values = tuple(values)
    return Cells(
        at_seconds=times, low=values, mean=values, high=values, cell_seconds=cell_seconds, counts=counts
    )


@pytest.mark.parametrize(
    ("length", "cell", "size"),
    [
        (HOUR, 10, 10),
        (17 * 60, 5, 5),
        (DAY, 300, 300),
        (7 * DAY, 300, 1800),
        (30 * DAY, 300, 2 * HOUR),
        (90 * DAY, 900, 6 * HOUR),
        (365 * DAY, HOUR, DAY * 2),
        (350 * DAY, HOUR, DAY),
    ],
)
def test_a_window_of_any_length_has_some_hundred_bins_that_divide_the_day(length, cell, size):
    """The size follows the window, so that a short history is no four points and a year no fuzz."""
    assert bin_seconds(length, cell_seconds=cell) == size
    assert DAY % size == 0 or size % DAY == 0


@settings(deadline=None, max_examples=60)
@given(
    st.integers(60, 900 * DAY),
    st.sampled_from([0.25, 1.0, 7.0, 300.0, 420.0, 3600.0]),
    st.sampled_from([0, HOUR, -5 * HOUR, 19_800, 20_700]),
)
def test_bins_consist_of_whole_buckets_in_every_zone(length, interval, offset):
    """Neither a day nor the offset of local time leaves a part of a bucket over."""
    bucket = bucket_seconds(length, 9_000, at_least_seconds=max(interval, 1.0), offset_seconds=offset)
    size = bin_seconds(length, cell_seconds=bucket)
    assert size % bucket == 0
    assert offset % bucket == 0
    assert length / size <= BIN_POINTS or size == bucket


def test_a_level_year_with_a_daily_cycle_is_drawn_level():
    """Bins of whole local days see every hour once: what swings within the day leaves no wave."""
    values = [200.0 + 30.0 * math.sin(2 * math.pi * hour / 24) for hour in range(365 * 24)]
    offset = 5 * HOUR
    pieces = binned(cells_of(values, start=-offset), size_seconds=DAY, offset_seconds=offset)
    (piece,) = pieces
    assert len(piece) == 365
    assert max(one.mean for one in piece) - min(one.mean for one in piece) < 1e-9
    assert all((one.start_seconds + offset) % DAY == 0 for one in piece)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e5, 1e5)), min_size=1, max_size=200),
    st.sampled_from([HOUR, 3 * HOUR, DAY]),
    st.sampled_from([0, 2 * HOUR, -7 * HOUR]),
)
def test_bins_keep_both_extremes_and_never_reach_over_a_cut(values, size, offset):
    """Least and greatest survive; each bin lies between two cuts, within one span of local time."""
    pieces = binned(cells_of(values), size_seconds=size, offset_seconds=offset)
    known = [value for value in values if value is not None]
    assert [one.low for piece in pieces for one in piece][:0] == []
    assert min((one.low for piece in pieces for one in piece), default=None) == min(known, default=None)
    assert max((one.high for piece in pieces for one in piece), default=None) == max(known, default=None)
    missing = [number * HOUR for number, value in enumerate(values) if value is None]
    for piece in pieces:
        assert not [at for at in missing if piece[0].start_seconds < at < piece[-1].end_seconds]
        for one in piece:
            assert (one.start_seconds + offset) // size == (one.end_seconds - 1 + offset) // size


def test_a_mean_weighs_the_samples_behind_it():
    """A bucket of one sample counts one third of a bucket of three."""
    ((one,),) = binned(cells_of([10.0, 20.0], counts=(3, 1)), size_seconds=DAY, offset_seconds=0)
    assert one.mean == 12.5


def test_a_trend_is_not_drawn_through_a_pause():
    """The line keeps its slope on either side, and nothing of it lies between."""
    ribbon = Ribbon(
        at_seconds=(0.0, 50.0, 100.0),
        middle_mb=(0.0, 5.0, 10.0),
        low_mb=(0.0, 5.0, 9.0),
        high_mb=(1.0, 5.0, 11.0),
    )
    one, other = cut_ribbons([ribbon], [Pause(from_seconds=20.0, until_seconds=60.0)])
    assert (one.at_seconds, one.middle_mb) == ((0.0, 20.0), (0.0, 2.0))
    assert (other.at_seconds, other.middle_mb) == ((60.0, 100.0), (6.0, 10.0))


def test_a_span_that_a_pause_parts_stands_on_either_side_of_it():
    """No cell begins or lasts within the pause, and a None stands in it."""
    pauses = [Pause(from_seconds=15.0, until_seconds=32.0)]
    cells = CutCells([0.0, 10.0, 20.0, 30.0], pauses, cell_seconds=10.0)
    times, values = cells.at_seconds, cells.of((1.0, 2.0, None, 3.0))
    assert list(zip(times, values, strict=True)) == [(0.0, 1.0), (10.0, 2.0), (23.5, None), (32.0, 3.0)]
    assert cells.of((None, 5.0, 6.0, 7.0)) == (None, 5.0, None, 7.0)


def test_cells_with_a_range_keep_it_and_weigh_their_means():
    """A bin of two cells has the lowest low, the highest high, and the mean by the samples behind each."""
    cells = Cells(
        at_seconds=[0.0, 10.0],
        low=(1.0, 2.0),
        mean=(3.0, 6.0),
        high=(9.0, 8.0),
        cell_seconds=10.0,
        counts=(1, 2),
    )
    ((one,),) = binned(cells, size_seconds=20.0, offset_seconds=0.0)
    assert (one.low, one.mean, one.high) == (1.0, 5.0, 9.0)


def test_a_megabyte_is_no_cliff():
    """Readings that differ by next to nothing fill only a small part of the picture's height."""
    frame = value_frame(0.0, 1.0, [245.0, 246.0])
    assert frame.top - frame.bottom >= LEAST_RANGE_SHARE * 245.0
    assert frame.bottom < 245.0
    assert frame.top > 246.0


def test_no_bin_reaches_beyond_the_window():
    """The newest reading stands at the window's end, and not half a bin beyond it, where nobody would see it."""
    (piece,) = binned(cells_of([1.0, 2.0, 3.0]), size_seconds=HOUR, offset_seconds=0, until_seconds=2 * HOUR)
    assert [(one.start_seconds, one.end_seconds) for one in piece] == [
        (0, HOUR),
        (HOUR, 2 * HOUR),
        (2 * HOUR, 2 * HOUR),
    ]
