"""DataFrames and Series are judged as the History that they are, and what is none says why."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon import History, LeakPolicy, assess, detect_leak, forecast_limit, trend_model, trend_windows
from memmon.history import EXTRA_COLUMNS, as_history

MB = 2**20
START = datetime(2026, 1, 1, tzinfo=UTC)
BYTES = st.one_of(st.integers(MB, 2**40).map(float), st.just(np.nan))
ARRAYS = ("at_seconds", "run_id", "uptime_seconds", "rss_bytes", *EXTRA_COLUMNS)


def leak(hours=48, *, rate=20.0, tz="UTC", freq="5min"):
    index = pd.date_range("2026-01-01", periods=int(hours * 12), freq=freq, tz=tz)
    noise = np.random.default_rng(1).normal(0, 0.5, index.size)
    size_mb = 300 + rate * np.arange(index.size) / 12 + noise
    return pd.Series((size_mb * MB).astype("int64"), index=index)


@st.composite
def histories(draw):
    """Return a history of some runs with gaps, clock steps and columns that are partly known."""
    count = draw(st.integers(0, 25))
    rows = st.lists(st.integers(0, 10**8), min_size=count, max_size=count)
    some = draw(st.lists(st.sampled_from(EXTRA_COLUMNS), unique=True, max_size=4))
    cells = st.lists(BYTES, min_size=count, max_size=count)
    # One uptime at two times of the clock is no history: of such rows one is left out, and another may come first.
    uptime = draw(
        st.one_of(st.none(), st.lists(st.integers(0, 10**8), min_size=count, max_size=count, unique=True))
    )
    return History.from_arrays(
        at_seconds=[START.timestamp() + ms / 1000 for ms in draw(rows)],
        rss_bytes=draw(cells),
        run_id=draw(st.lists(st.integers(1, 3), min_size=count, max_size=count)),
        uptime_seconds=None if uptime is None else [ms / 1000 for ms in uptime],
        source=draw(st.sampled_from(["", "bot"])),
        **{name: draw(cells) for name in some},
    )


@settings(deadline=None, max_examples=150)
@given(history=histories(), shuffled=st.booleans())
def test_a_history_comes_back_from_its_frame(history, shuffled):
    """`from_frame(h.to_frame())` has the same arrays, runs and source as h, in whatever order the rows stand."""
    frame = history.to_frame()
    if shuffled:
        frame = frame.sample(frac=1, random_state=1)
    back = History.from_frame(frame, unit="B")
    for name in ARRAYS:
        ours, theirs = getattr(history, name), getattr(back, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    assert [run.run_id for run in back.runs] == [run.run_id for run in history.runs]
    assert back.source == history.source
    assert (back.dropped_count, back.duplicate_count) == (0, 0)


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "America/St_Johns", "+05:30"])
def test_a_series_of_bytes_is_judged_by_every_function(tz):
    """int64 bytes with times in any zone: every function takes them, and says what it says of the History."""
    series = leak(tz=tz)
    history = History.from_frame(series)
    assert history.first_at == series.index[0]
    finding = detect_leak(series)
    assert finding == detect_leak(history)
    assert finding.is_leak
    assert assess(series).finding == assess(history).finding == finding
    pd.testing.assert_frame_equal(trend_windows(series), trend_windows(history))
    assert trend_model(series).params.equals(trend_model(history).params)
    assert forecast_limit(series, 2**31) == forecast_limit(history, 2**31)


def test_a_policy_and_a_time_go_with_a_frame():
    """A threshold and `now` mean for a frame what they mean for a History."""
    frame = leak().to_frame("rss_bytes")
    now = frame.index[300].to_pydatetime()
    slower = LeakPolicy(threshold_mb_per_hour=30.0)
    assert detect_leak(frame, slower, now=now) == detect_leak(History.from_frame(frame), slower, now=now)
    assert detect_leak(frame, slower, now=now).verdict == "growing"


def test_a_history_is_taken_as_it_is():
    """A History is not copied on the way."""
    history = History.from_frame(leak(4))
    assert as_history(history) is history


@pytest.mark.parametrize("function", [detect_leak, trend_windows, trend_model, assess])
@pytest.mark.parametrize("wrong", [3, None, [1, 2], {"rss_bytes": [1]}, np.ones(3)])
def test_what_is_no_history_is_refused_by_its_kind(function, wrong):
    """Lists, arrays and dictionaries have no times: TypeError says what is taken."""
    with pytest.raises(TypeError, match="a History, or a pandas DataFrame or Series"):
        function(wrong)


@pytest.mark.parametrize("function", [detect_leak, trend_windows, trend_model, assess])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda bytes_: bytes_ / MB, 'in MB.*unit="MB".*History.from_frame'),
        (lambda bytes_: bytes_ // 1024, 'unit="kB"'),
        (lambda bytes_: bytes_.tz_localize(None), r"no timezone: use frame.tz_localize\('UTC'\)"),
        (lambda bytes_: bytes_.reset_index(drop=True), "RangeIndex of int64.*pd.to_datetime"),
        (lambda bytes_: bytes_.map("{} bytes".format), "no column of numbers"),
        (lambda bytes_: bytes_.to_frame("rss"), r"no column rss_bytes \(its columns: \['rss'\]\)"),
        (lambda bytes_: pd.concat([bytes_, bytes_ * 3]), "several processes in one frame.*run_id"),
        (
            lambda bytes_: pd.DataFrame({"rss_bytes": bytes_, "at": "yesterday"}).reset_index(drop=True),
            "column at holds no times",
        ),
        (
            lambda bytes_: pd.DataFrame(
                {"rss_bytes": bytes_.to_numpy(), "at": bytes_.index.tz_localize(None)}
            ),
            "column at have no timezone",
        ),
        (
            lambda bytes_: pd.DataFrame(
                {"rss_bytes": bytes_.to_numpy(), "at": bytes_.index.strftime("%Y-%m-%d %H:%M:%S")}
            ),
            "column at have no timezone",
        ),
        (
            lambda bytes_: pd.DataFrame({"rss_bytes": bytes_, "source": ["a", "b"] * (bytes_.size // 2)}),
            r"2 sources \(a, b\).*groupby",
        ),
        (
            lambda bytes_: pd.concat([bytes_.to_frame("rss_bytes")] * 2, axis="columns"),
            "more than one column rss_bytes",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_said(function, wrong, message):
    """Units, zones, indices, columns and processes that are none: one ValueError with what to do."""
    with pytest.raises(ValueError, match=message):
        function(wrong(leak(6)))


def test_rows_of_several_runs_are_told_apart_by_their_column():
    """A column `run_id` or `run`, of numbers or names, makes runs; restarts are no growth."""
    parts = [leak(12, rate=0.0).to_frame("rss_bytes").assign(run=name) for name in ("one", "two", "three")]
    parts = [part.set_axis(part.index + pd.Timedelta(days=n)) for n, part in enumerate(parts)]
    frame = pd.concat(parts[::-1])
    assert len(History.from_frame(frame).runs) == 3
    assert len(History.from_frame(frame.rename(columns={"run": "run_id"})).runs) == 3
    beside = pd.concat([parts[0], parts[1].set_axis(parts[0].index).assign(rss_bytes=900 * MB)])
    assert [len(run) for run in History.from_frame(beside).per_run()] == [144, 144]


def test_the_names_of_the_stores_columns_are_understood():
    """`rss_anon_bytes`, `rss_shmem_bytes`, `uptime_hours`, `at` as text and `source` are what the views have."""
    frame = pd.DataFrame(
        {
            "source": "bot",
            "at": ["2026-01-01T00:00:00Z", "2026-01-01T00:05:00.250Z", "2026-01-01T02:10:00+02:00"],
            "uptime_hours": [0.0, 5 / 60, 10 / 60],
            "rss_bytes": [300 * MB] * 3,
            "rss_anon_bytes": [200 * MB] * 3,
            "rss_shmem_bytes": [10 * MB] * 3,
            "swap_bytes": [5 * MB] * 3,
        }
    )
    history = History.from_frame(frame)
    assert (history.at_seconds - START.timestamp()).tolist() == [0.0, 300.25, 600.0]
    assert history.uptime_seconds == pytest.approx([0, 300, 600])
    assert history.footprint_bytes.tolist() == [215 * MB] * 3
    assert history.source == "bot"
    assert History.from_frame(frame, source="other").source == "other"
    by_ms = frame.drop(columns="at").assign(at_ms=[0, 300_250, 600_000])
    assert History.from_frame(by_ms).at_seconds.tolist() == [0.0, 300.25, 600.0]


def test_no_time_in_the_index_is_a_row_that_is_dropped():
    """NaT and NaN rows are dropped and counted."""
    series = leak(4).astype("float64")
    series.iloc[3] = np.nan
    holed = pd.concat([series, pd.Series([float(400 * MB)], index=pd.DatetimeIndex([pd.NaT], tz="UTC"))])
    history = History.from_frame(holed)
    assert (len(history), history.dropped_count) == (47, 2)


def test_irregular_samples_give_the_same_slope():
    """A third of the samples, taken at chance times, tell the same leak."""
    whole = leak()
    some = whole.sample(frac=0.33, random_state=2)
    assert detect_leak(some).slope_mb_per_hour == pytest.approx(
        detect_leak(whole).slope_mb_per_hour, rel=0.01
    )


def test_a_reading_each_second_is_judged():
    """A day at 1 Hz: a verdict, and a model of the means of neighbours with the same slope."""
    index = pd.date_range("2026-01-01", periods=86_400, freq="s", tz="UTC")
    noise = np.random.default_rng(3).normal(0, 1, index.size)
    series = pd.Series((300 + 12 * np.arange(index.size) / 3600 + noise) * MB, index=index)
    finding, model = detect_leak(series), trend_model(series)
    assert finding.is_leak
    assert finding.slope_mb_per_hour == pytest.approx(12, abs=0.05)
    assert model.nobs <= 50_000
    assert model.params["slope_mb_per_hour"] == pytest.approx(finding.ols_slope_mb_per_hour, rel=1e-9)
