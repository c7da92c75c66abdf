"""`trend_model`: statsmodels' own results over the samples that the verdict sees."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.regression.linear_model import RegressionResultsWrapper

from memmon import History, LeakPolicy, NoDataError, detect_leak, trend_model, trend_windows
from memmon.analysis.leak import windows
from memmon.analysis.leak.detect import judge_history
from memmon.analysis.leak.windows import least_squares_by_hand, window_rows
from memmon.analysis.stats.newey_west import ols_newey_west

MB = 2**20
FIELDS = [f"ols_slope{end}_mb_per_hour" for end in ("", "_low", "_high")]


def walk(hours=48, *, rate=20.0, memory=0.9, seed=1):
    """A leak under noise that remembers its past."""
    rng, level, noise = np.random.default_rng(seed), 0.0, []
    for shock in rng.normal(0, 0.5, int(hours * 12)):
        level = memory * level + shock
        noise.append(level)
    index = pd.date_range("2026-01-01", periods=len(noise), freq="5min", tz="UTC")
    return pd.Series((300 + rate * np.arange(len(noise)) / 12 + noise) * MB, index=index).round()


def test_the_results_are_statsmodels_own():
    """`summary()`, `conf_int()` and `get_prediction()` are there, by names that say the unit."""
    model = trend_model(walk())
    assert isinstance(model, RegressionResultsWrapper)
    assert list(model.params.index) == ["level_mb", "slope_mb_per_hour"]
    low, high = model.conf_int().loc["slope_mb_per_hour"]
    assert low < model.params["slope_mb_per_hour"] < high
    assert model.params["slope_mb_per_hour"] == pytest.approx(20, abs=0.1)
    text = str(model.summary())
    assert "slope_mb_per_hour" in text
    assert "HAC" in text
    ahead = pd.DataFrame({"level_mb": 1.0, "slope_mb_per_hour": [0.0, 100.0]})
    frame = model.get_prediction(ahead).summary_frame(alpha=0.2)
    assert frame["mean"].iloc[0] == pytest.approx(model.params["level_mb"])
    assert frame["mean"].iloc[1] == pytest.approx(300 + 20 * 101, abs=5)
    assert str(model.fittedvalues.index.tz) == "UTC"


def test_the_numbers_are_those_that_an_analyst_writes_down():
    """The regression written by hand, without the warm-up of an hour, has the same parameters and intervals."""
    series = walk()
    model = trend_model(series, maxlags=24)
    late = series[series.index >= series.index[0] + pd.Timedelta(hours=1)] / MB
    hours = (late.index - late.index[0]).total_seconds() / 3600
    theirs = sm.OLS(late.to_numpy(), sm.add_constant(np.asarray(hours))).fit(
        cov_type="HAC", cov_kwds={"maxlags": 24, "use_correction": True}, use_t=True
    )
    np.testing.assert_allclose(model.params, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(model.conf_int(), theirs.conf_int(), rtol=1e-9)
    assert model.cov_kwds["maxlags"] == 24


def test_it_is_the_verdicts_least_squares_beside_the_robust_slope():
    """Where a finding rests on the whole run, its second trend is the model's, to nine digits."""
    series = walk()
    finding, model = detect_leak(series), trend_model(series)
    assert finding.window.kind == "whole"
    low, high = model.conf_int().loc["slope_mb_per_hour"]
    expected = (model.params["slope_mb_per_hour"], low, high)
    assert [getattr(finding, name) for name in FIELDS] == pytest.approx(expected, rel=1e-9)
    assert low < finding.slope_mb_per_hour < high


def test_the_lags_follow_the_memory_of_the_noise():
    """Without a number of lags, noise that remembers gets more of them; a given number is taken."""
    white, red = trend_model(walk(memory=0.0)), trend_model(walk(memory=0.98))
    assert red.cov_kwds["maxlags"] > 3 * white.cov_kwds["maxlags"]
    assert trend_model(walk(), maxlags=0).cov_kwds["maxlags"] == 0


def test_a_window_is_the_last_of_the_history():
    """A duration as text, a timedelta and hours mean the same; the slope is that of the last day."""
    series = pd.concat([walk(24, rate=0.0), walk(24, seed=2).set_axis(walk(24).index + pd.Timedelta(days=1))])
    whole = trend_model(series)
    models = [trend_model(series, window=one) for one in ("24h", pd.Timedelta(days=1).to_pytimedelta(), 24)]
    assert len({model.params["slope_mb_per_hour"] for model in models}) == 1
    assert models[0].params["slope_mb_per_hour"] == pytest.approx(20, abs=1)
    assert whole.params["slope_mb_per_hour"] < 18
    with pytest.raises(ValueError, match="above zero"):
        trend_model(series, window=0)


def test_the_newest_run_is_modelled():
    """Of two runs, one after the other, the line is that of the second: a restart is no fall."""
    first = walk(24, rate=5.0).to_frame("rss_bytes").assign(run_id=1)
    second = walk(24, rate=20.0).to_frame("rss_bytes").assign(run_id=2)
    second.index += pd.Timedelta(days=2)
    assert trend_model(pd.concat([first, second])).params["slope_mb_per_hour"] == pytest.approx(20, abs=1)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_little_for_a_line_says_so(count):
    """Fewer than eight samples make no model: NoDataError, with how many there are."""
    with pytest.raises(NoDataError, match=f"{count} in"):
        trend_model(walk()[:count])


def test_a_perfect_line_is_modelled_without_a_warning():
    """No noise, or no growth at all: a result comes, and nothing warns."""
    for rate in (0.0, 12.0):
        index = pd.date_range("2026-01-01", periods=288, freq="5min", tz="UTC")
        model = trend_model(pd.Series((300 + rate * np.arange(288) / 12) * MB, index=index))
        assert model.params["slope_mb_per_hour"] == pytest.approx(rate, abs=1e-9)


def test_windows_of_a_day_come_from_statsmodels(monkeypatch):
    """`trend_windows` takes its second slope from statsmodels; the light rows have the same numbers."""
    history, asked = History.from_frame(walk(72)), []
    own = windows.ols_hac
    monkeypatch.setattr(windows, "ols_hac", lambda *series: asked.append(len(series[0])) or own(*series))
    frame = trend_windows(history)
    assert len(asked) >= len(frame) > 5
    light = window_rows(history, window_hours=24, step_hours=6)
    for name in FIELDS:
        np.testing.assert_allclose(frame[name], [row[name] for row in light], rtol=1e-9)


def test_a_report_by_hand_asks_statsmodels_from_a_day_on(monkeypatch):
    """From 24 hours on the second trend is statsmodels'; below, or where it is not installed, the closed form's."""
    history, asked = History.from_frame(walk(30)), []
    own = windows.ols_hac
    monkeypatch.setattr(windows, "ols_hac", lambda *series: asked.append(1) or own(*series))
    found = judge_history(history, LeakPolicy(), least_squares=least_squares_by_hand)
    assert asked == [1]
    plain = judge_history(history, LeakPolicy())
    for name in FIELDS:
        assert getattr(found, name) == pytest.approx(getattr(plain, name), rel=1e-9)
    assert least_squares_by_hand(np.arange(20.0), np.arange(20.0)) is not None
    assert asked == [1]

    def missing(*_series):
        raise ModuleNotFoundError("statsmodels")

    monkeypatch.setattr(windows, "ols_hac", missing)
    hours = np.arange(100.0)
    assert least_squares_by_hand(hours, hours % 7) == ols_newey_west(hours, hours % 7)


def test_a_verdict_on_a_frame_loads_no_statsmodels():
    """`detect_leak`, `assess` and the light windows keep statsmodels and scipy out, also for frames; the model brings them."""
    code = (
        "import sys, numpy as np, pandas as pd;"
        "from memmon import assess, detect_leak, trend_model;"
        "from memmon.analysis.leak.windows import window_rows;"
        "i = pd.date_range('2026-01-01', periods=600, freq='5min', tz='UTC');"
        "s = pd.Series(3e8 + 1e6 * np.arange(600) + np.arange(600) % 7 * 1e5, index=i);"
        "detect_leak(s); assess(s);"
        "from memmon import History; window_rows(History.from_frame(s), window_hours=24, step_hours=6);"
        "assert not {'statsmodels', 'scipy'} & set(sys.modules);"
        "trend_model(s); assert 'statsmodels' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
