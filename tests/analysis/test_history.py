"""History: what the analysis judges."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.history import History, HistoryRun

START = datetime(2026, 1, 1, tzinfo=UTC)


def frame(values, *, minutes=5, **columns):
    index = pd.date_range(START, periods=len(values), freq=f"{minutes}min")
    return pd.DataFrame({"rss_bytes": values, **columns}, index=index)


def taken(of_frame):
    """Return the history of a frame whose sizes are as small as they read best."""
    return History.from_frame(of_frame, unit="B")


def test_importing_history_loads_neither_pandas_nor_the_store():
    """`import memmon.history` costs numpy at most."""
    code = "import sys, memmon.history; print([m for m in ('pandas', 'scipy', 'sqlalchemy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unsorted_repeated_and_missing_rows_are_put_right_and_counted():
    """Unsorted, duplicated and NaN rows are accepted: sorted, dropped and counted."""
    tidy = frame([1e8, 2e8, 3e8, np.nan, 5e8, -1.0, np.inf])
    untidy = pd.concat([tidy, tidy.iloc[:2]]).sample(frac=1, random_state=3)
    history = History.from_frame(untidy, source="bot")
    assert history.rss_bytes.tolist() == [1e8, 2e8, 3e8, 5e8]
    assert (history.dropped_count, history.duplicate_count) == (3, 2)
    assert history.source == "bot"
    assert np.all(np.diff(history.uptime_seconds) > 0)


def test_the_last_of_repeated_rows_counts():
    """Of two readings at one time in one run the later row wins."""
    history = History.from_arrays(at_seconds=[10, 20, 20], rss_bytes=[1, 2, 3])
    assert history.rss_bytes.tolist() == [1, 3]


def test_runs_are_kept_apart():
    """Each run keeps its own uptime; runs come in the order of their first sample."""
    times = [0, 300, 600, 300, 600, 900]
    history = History.from_arrays(at_seconds=times, rss_bytes=range(1, 7), run_id=[7, 7, 7, 3, 3, 3])
    runs = list(history.per_run())
    assert [run.runs[0].run_id for run in runs] == [7, 3]
    assert [run.uptime_seconds.tolist() for run in runs] == [[0, 300, 600], [0, 300, 600]]
    assert history.duration_hours == pytest.approx(0.25)


def test_uptime_that_falls_back_begins_a_new_run():
    """Without run numbers a process's restart shows in its uptime."""
    history = History.from_arrays(
        at_seconds=[0, 300, 600, 900], rss_bytes=[1, 2, 1, 2], uptime_seconds=[50, 350, 5, 305]
    )
    assert len(list(history.per_run())) == 2


def test_a_wall_clock_step_does_not_change_uptime():
    """Trends are computed on uptime; a wall clock that steps back changes neither order nor length."""
    uptime = np.arange(10) * 300.0
    wall = uptime + np.where(uptime > 1200, -3600.0, 0.0)
    history = History.from_arrays(at_seconds=wall, rss_bytes=np.arange(10) + 1.0, uptime_seconds=uptime)
    assert history.rss_bytes.tolist() == (np.arange(10) + 1.0).tolist()
    assert history.duration_hours == pytest.approx(0.75)


def test_known_runs_are_described_and_unknown_ones_from_their_samples():
    """Runs handed in keep what is known of them."""
    known = HistoryRun(run_id=1, started_at_seconds=5.0, release="1.4.2")
    history = History.from_arrays(
        at_seconds=[10, 20, 30], rss_bytes=[1, 2, 3], run_id=[1, 1, 2], runs=[known]
    )
    assert history.runs[0] is known
    assert history.runs[1] == HistoryRun(run_id=2, started_at_seconds=30.0)


def test_slices_hold_their_ends_and_their_runs():
    """`since <= at <= until`, and only runs with samples in between."""
    history = taken(frame(np.arange(1.0, 13.0), run_id=[1] * 6 + [2] * 6))
    part = history.slice_time(START + timedelta(minutes=30), START + timedelta(minutes=40))
    assert part.rss_bytes.tolist() == [7, 8, 9]
    assert [run.run_id for run in part.runs] == [2]
    assert history.slice_time() is history
    with pytest.raises(ValueError, match="timezone-aware"):
        history.slice_time(datetime(2026, 1, 1))  # noqa: DTZ001 - a naive time is what is refused


def test_a_frame_comes_back_as_it_went_in():
    """`from_frame(to_frame())` changes nothing."""
    columns = {"run_id": [4, 4, 4, 9, 9, 9], "work_count": np.arange(6.0), "deque_bytes": [np.nan, *range(5)]}
    history = taken(frame(np.arange(1.0, 7.0), **columns))
    again = taken(history.to_frame())
    for name in ("at_seconds", "run_id", "uptime_seconds", "rss_bytes", "work_count", "deque_bytes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(history, name))
    assert again.vms_bytes is None


def test_a_column_of_seconds_stands_in_for_the_index():
    """A frame without times in its index needs `t_seconds`, else a clear error comes."""
    plain = pd.DataFrame({"t_seconds": [0.0, 60.0], "rss_bytes": [1.0, 2.0]})
    assert taken(plain).duration_hours == pytest.approx(1 / 60)
    with pytest.raises(ValueError, match="timezone-aware index or a column t_seconds"):
        History.from_frame(plain.drop(columns="t_seconds"))
    with pytest.raises(ValueError, match="no timezone"):
        taken(frame([1.0, 2.0]).tz_localize(None))
    with pytest.raises(ValueError, match="rss_bytes"):
        History.from_frame(plain.drop(columns="rss_bytes"))


def test_other_zones_and_nullable_columns_are_understood():
    """Times in any zone and pandas' nullable integers are read."""
    mine = frame(pd.array([1, None, 3], dtype="Int64")).tz_convert("Asia/Tokyo")
    history = taken(mine)
    assert history.rss_bytes.tolist() == [1, 3]
    assert history.first_at == START


def test_an_empty_history_answers():
    """Nothing recorded is a History too."""
    history = History.from_frame(frame(np.array([], dtype=float)))
    assert (len(history), history.is_empty, history.duration_hours) == (0, True, 0.0)
    assert history.first_at is None
    assert history.last_at is None
    assert list(history.per_run()) == []
    assert history.to_frame().empty


def test_wrong_arrays_are_refused():
    """Arrays of different length or with an unknown name say so."""
    with pytest.raises(ValueError, match="lengths must agree"):
        History.from_arrays(at_seconds=[1, 2], rss_bytes=[1])
    with pytest.raises(TypeError, match="unknown arrays"):
        History.from_arrays(at_seconds=[1], rss_bytes=[1], heap=[1])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(), st.floats(), st.integers(0, 3), st.one_of(st.none(), st.floats())), max_size=40
    )
)
def test_whatever_comes_in_only_usable_rows_remain(rows):
    """No NaN, infinite or negative reading survives; every row is kept, dropped or a duplicate."""
    at, rss, run, uptime = zip(*rows, strict=True) if rows else ((), (), (), ())
    history = History.from_arrays(
        at_seconds=at,
        rss_bytes=rss,
        run_id=np.asarray(run, dtype=int),
        uptime_seconds=[np.nan if value is None else value for value in uptime],
    )
    assert len(history) + history.dropped_count + history.duplicate_count == len(rows)
    assert np.isfinite(history.rss_bytes).all()
    assert (history.rss_bytes >= 0).all()
    assert np.isfinite(history.uptime_seconds).all()
    for one in history.per_run():
        assert (np.diff(one.uptime_seconds) > 0).all()
