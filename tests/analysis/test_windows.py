"""Trends over rolling windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from memmon.analysis.leak.windows import COLUMNS, trend_windows
from memmon.history import History

ORIGIN = datetime(2026, 3, 1, tzinfo=UTC)


def history(length_hours, rate=lambda hours: 20 * hours):
    hours = np.arange(0, length_hours, 1 / 12)
    mb = 200 + rate(hours) + np.random.default_rng(1).normal(0, 0.5, hours.size)
    return History.from_arrays(at_seconds=ORIGIN.timestamp() + hours * 3600, rss_bytes=mb * 2**20)


def test_windows_end_at_the_last_sample_and_every_step_before():
    """72 h in windows of 24 h every 6 h: nine of them, ascending, each 24 h long."""
    frame = trend_windows(history(72))
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 9
    assert frame.index.is_monotonic_increasing
    assert str(frame.index.tz) == "UTC"
    assert set(frame.index.to_series().diff().dropna()) == {pd.Timedelta("6h")}
    assert (frame.index - frame["start"]).max() <= pd.Timedelta("24h")


def test_both_slopes_tell_the_truth():
    """On a straight leak both regressions tell its rate, and each window says leaking."""
    frame = trend_windows(history(60), window="1D", step=timedelta(hours=12))
    assert (frame["verdict"] == "leaking").all()
    assert frame["is_leak"].all()
    for prefix in ("", "ols_"):
        low, middle, high = (frame[f"{prefix}slope{end}_mb_per_hour"] for end in ("_low", "", "_high"))
        assert ((low < middle) & (middle < high)).all()
        np.testing.assert_allclose(middle, 20, atol=0.05)


def test_the_change_of_the_trend_shows():
    """Flat windows are stable; those after the onset leak."""
    frame = trend_windows(history(96, lambda hours: 30 * np.maximum(hours - 48, 0)))
    assert frame["verdict"].iloc[0] == "stable"
    assert frame["verdict"].iloc[-1] == "leaking"
    assert frame["slope_mb_per_hour"].iloc[-1] == pytest.approx(30, abs=1)


def test_a_short_history_gives_an_empty_frame():
    """Less than one window is no row, and no error."""
    for short in (
        history(12),
        history(72).slice_time(ORIGIN - timedelta(days=2), ORIGIN - timedelta(days=1)),
    ):
        frame = trend_windows(short)
        assert frame.empty
        assert list(frame.columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"window": "6h"}, "24 h or longer"), ({"step": 0}, "above zero"), ({"window": "a day"}, "duration")],
)
def test_wrong_windows_are_refused(wrong, message):
    """Windows below a day, steps of nothing and unreadable durations say so."""
    with pytest.raises(ValueError, match=message):
        trend_windows(history(30), **wrong)
