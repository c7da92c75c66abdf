"""The second model's opinion: the same on every processor, or not shown at all."""

from __future__ import annotations

import functools
import json
import os
import platform
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.forecast import cross_check as forecast_check
from memmon.analysis.forecast.cross_check import NO_SECOND_OPINION
from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.stats import statsmodels_gate
from memmon.analysis.stats.statsmodels_gate import LocalLinearTrend, local_linear_trend_forecast
from memmon.history import History
from memmon.units import MIB

KERNELS = ("PRESCOTT", "NEHALEM", "")
"""The first two of OpenBLAS's need no more than numpy does of a processor; the last is its own choice.

Others can't be forced: an instruction that the processor lacks would end the process.
"""

PROGRAM = Path(__file__).with_name("second_opinions.py")

ROUNDING_SHARE = 1e-6
"""Of an interval's width. At one lattice point only the filter's rounding differs, 1e-10 over 80 steps."""


def answers_with(kernel):
    """Run the program in a fresh process, with one kernel and one thread more or less."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2" if kernel == "NEHALEM" else "1"}
    environment.pop("OPENBLAS_CORETYPE", None)
    if kernel:
        environment["OPENBLAS_CORETYPE"] = kernel
    run = subprocess.run(
        [sys.executable, "-W", "error", PROGRAM], env=environment, check=True, capture_output=True, text=True
    )
    return json.loads(run.stdout)


def leak():
    hours = np.arange(289) / 12
    readings = 300 + 20 * hours + np.random.default_rng(3).normal(size=hours.size)
    return History.from_arrays(at_seconds=hours * 3600, rss_bytes=readings * MIB, source="bot")


def trend(**changed):
    def made(values, *, step_count, level):
        rising = 800.0 + 5.0 * np.arange(1.0, step_count + 1.0)
        parts = {"median_mb": rising, "low_mb": rising - 10.0, "high_mb": rising + 10.0, "converged": True}
        parts |= {name: give(rising) if callable(give) else give for name, give in changed.items()}
        return LocalLinearTrend(level=level, **parts)

    return made


@pytest.mark.slow
def test_the_opinion_is_the_same_with_every_kernel():
    """In fresh processes with three kernels and one or two threads, every answer is the same or none."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(answers_with, KERNELS))
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    if platform.machine() == "x86_64" and "openblas" in blas:
        assert len({tuple(one["arithmetic"]) for one in found}) > 1, "the kernels were not really different"
    for name in found[0]["trends"]:
        shown = [one["trends"][name] for one in found if one["trends"][name] is not None]
        for other in shown[1:]:
            assert other == pytest.approx(shown[0], abs=ROUNDING_SHARE * (shown[0][2] - shown[0][0])), name
    assert len({one["summary"] for one in found if one["summary"] is not None}) <= 1


def test_histories_of_every_kind_have_an_opinion():
    """Lines, walks, steps, gaps, teeth and a spike: the search settles on all of them."""
    sys.path.insert(0, str(PROGRAM.parent))
    try:
        from second_opinions import answers
    finally:
        sys.path.remove(str(PROGRAM.parent))
    found = answers()
    assert all(found["trends"].values())
    assert "which agrees" in found["summary"]


@pytest.mark.parametrize(
    "answer",
    [
        functools.partial(local_linear_trend_forecast, evaluation_limit=20),
        lambda values, *, step_count, level: None,
        trend(converged=False),
        trend(median_mb=lambda rising: rising * np.nan),
        trend(high_mb=lambda rising: rising + np.inf),
        trend(low_mb=lambda rising: np.where(rising > 900, np.nan, rising - 10)),
        trend(low_mb=lambda rising: rising + 10.0, high_mb=lambda rising: rising - 10.0),
    ],
    ids=["cut short", "no fit", "not converged", "nan", "infinite", "nan later", "negative variance"],
)
def test_what_did_not_converge_is_never_shown(monkeypatch, answer):
    """No field, no detail and no JSON of the forecast holds it; the details say once that there is none."""
    monkeypatch.setattr(forecast_check, "local_linear_trend_forecast", answer)
    plain = forecast_limit(leak(), 1200 * MIB)
    forecast = forecast_limit(leak(), 1200 * MIB, cross_check=True)
    assert forecast.cross_check is None
    assert forecast.details == (*plain.details, NO_SECOND_OPINION)
    assert forecast.to_dict() == {**plain.to_dict(), "details": list(forecast.details)}


def test_a_sound_opinion_of_the_same_shape_is_shown(monkeypatch):
    """The stand-in of the test above, left whole, is shown: so it is its faults that keep it back."""
    monkeypatch.setattr(forecast_check, "local_linear_trend_forecast", trend())
    forecast = forecast_limit(leak(), 1200 * MIB, cross_check=True)
    assert forecast.cross_check.summary == forecast.details[-1]
    assert NO_SECOND_OPINION not in forecast.details


@pytest.mark.parametrize(
    "fault", [ValueError("x"), np.linalg.LinAlgError("x"), ZeroDivisionError("x"), FutureWarning("x")]
)
def test_a_fit_that_fails_is_no_opinion(monkeypatch, fault):
    """What the model's arithmetic raises costs the second opinion, never the first."""

    def failing(*_args, **_options):
        raise fault

    monkeypatch.setattr(statsmodels_gate, "_fit_and_forecast", failing)
    assert local_linear_trend_forecast(np.arange(50.0) ** 0.5, step_count=3) is None
    assert forecast_limit(leak(), 1200 * MIB, cross_check=True).hours_to_limit is not None


@pytest.mark.parametrize("error", [np.nan, np.inf, 0.0, -1.0], ids=["nan", "infinite", "zero", "below zero"])
def test_an_interval_that_is_none_is_no_opinion(monkeypatch, error):
    """A covariance that is not positive definite gives no forecast."""
    monkeypatch.setattr(
        statsmodels_gate,
        "_fit_and_forecast",
        lambda values, count, limit: (np.ones(count), np.full(count, error), True),
    )
    assert local_linear_trend_forecast(np.arange(50.0), step_count=3) is None


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1.0, 1e12, 1e300, 1.7e308])
def test_values_of_any_size_neither_warn_nor_raise(size):
    """From the smallest to the largest float: a finite answer or none."""
    values = np.random.default_rng(4).uniform(-1, 1, 40) * size
    found = local_linear_trend_forecast(values, step_count=5)
    if found is not None:
        assert np.isfinite([found.low_mb, found.median_mb, found.high_mb]).all()


def test_a_flat_history_has_no_second_opinion_and_says_so():
    """Constant memory leaves nothing to fit."""
    history = History.from_arrays(at_seconds=np.arange(300.0) * 300, rss_bytes=np.full(300, 3e8))
    forecast = forecast_limit(history, 2**30, cross_check=True)
    assert forecast.state == "never"
    assert forecast.cross_check is None
    assert forecast.details[-1] == NO_SECOND_OPINION


@pytest.mark.parametrize("name", ["noisy line", "walk", "drifting slope"])
def test_the_lattice_finds_the_largest_likelihood(name):
    """Statsmodels' own optimiser finds nothing better by more than 0.05: half a lattice step of 80 values."""
    rng = np.random.default_rng(9)
    steps, noise = np.arange(80.0), rng.normal(size=80)
    values = {
        "noisy line": 2 * steps + noise,
        "walk": np.cumsum(noise),
        "drifting slope": np.cumsum(np.cumsum(0.3 * noise)) + rng.normal(size=80),
    }[name]
    values = (values - values[0]) / values.std()
    model = statsmodels_gate._unobserved_components()(
        values, level="local linear trend", use_exact_diffuse=True
    )
    peak = statsmodels_gate.highest_point(
        lambda point: statsmodels_gate._likelihood(model, point).value,
        ranges=statsmodels_gate._SHARE_RANGES,
        steps=statsmodels_gate._SHARE_STEPS,
    )
    ours = statsmodels_gate._likelihood(model, peak.point).noise_variance * statsmodels_gate._variances(
        peak.point
    )
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        theirs = model.fit(disp=False, maxiter=1_000, method="nm", cov_type="none").llf
    assert model.loglike(ours) >= theirs - 0.05


def test_the_programs_warnings_stay_as_they_were():
    """Importing statsmodels and fitting leave the process's filters of warnings alone, also where they raise."""
    code = (
        "import warnings; import numpy as np; warnings.simplefilter('error'); before = list(warnings.filters);"
        "from memmon.analysis.stats.statsmodels_gate import local_linear_trend_forecast, ols_hac; t = np.arange(40.0);"
        "assert local_linear_trend_forecast(t + t % 3, step_count=5) is not None;"
        "assert ols_hac(t, t % 3) is not None and ols_hac(t, 2 * t) is not None and ols_hac(t, 0 * t) is not None;"
        "assert warnings.filters == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
