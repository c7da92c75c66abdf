"""The trend table: both regressions over rolling windows, in every report that is long enough."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from memmon import History, detect_leak
from memmon.report.chart_trends import MAX_WINDOWS, trend_rows

TRACES = Path(__file__).resolve().parent.parent / "data" / "traces"


def history(name):
    frame = pd.read_csv(TRACES / f"{name}.csv.gz").rename(columns={"t_seconds_scaled": "t_seconds"})
    return History.from_frame(frame, source=name)


def test_a_leak_has_the_same_slope_in_every_window():
    """Every window of a steady leak shows its slope by both regressions, the oldest first."""
    leak = history("pandas_readcsv_leak")
    rows = trend_rows(leak, detect_leak(leak))
    assert 2 <= len(rows) <= MAX_WINDOWS
    assert [row.end_seconds for row in rows] == sorted(row.end_seconds for row in rows)
    for row in rows:
        assert row.slope_mb_per_hour == pytest.approx(16.25, rel=0.02)
        assert row.ols_slope_mb_per_hour == pytest.approx(16.25, rel=0.02)
        assert row.verdict == "leaking"


def test_a_warm_up_bends():
    """The windows of a cache that fills show a slope that ends."""
    warm = history("sqlite_cache")
    rows = trend_rows(warm, detect_leak(warm))
    assert rows[0].slope_mb_per_hour > 1.5
    assert abs(rows[-1].slope_mb_per_hour) < 0.1


def test_short_histories_have_no_table():
    """With less than a window, or without a verdict, there is no table."""
    leak = history("pandas_readcsv_leak")
    first_day = leak.slice_time(None, leak.first_at + pd.Timedelta(hours=20).to_pytimedelta())
    assert trend_rows(first_day, detect_leak(first_day)) == ()
    assert trend_rows(leak, None) == ()
