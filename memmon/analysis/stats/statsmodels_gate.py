"""The only gate to statsmodels: its regression with HAC errors and its local linear trend.

Importing this module is cheap; statsmodels (with pandas and scipy: about 180 MB and 1 to 3 seconds) loads when
a function is first called. Only reports run by hand, trend tables, models and forecasts come here: checks, fleets and
the program's child use the same formulas with numpy (`memmon.analysis.stats.newey_west`).
"""

from __future__ import annotations

import importlib
import math
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memmon.analysis.stats.lattice import EVALUATION_LIMIT, highest_point
from memmon.analysis.stats.newey_west import OlsTrend, fit_line, newey_west_lags
from memmon.analysis.stats.quantiles import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SMALLEST_FORECAST_COUNT = 12
"""Values that a forecast needs. Chosen: fewer can't tell a drifting level from a drifting slope."""

_IMPORT_LOCK = threading.Lock()

_SHARE_RANGES = ((-6.0, 4.0), (-12.0, 4.0))
"""Decades of the level's and the slope's variance per step, over that of a reading.

Chosen: at the lower ends neither moves a forecast by 2,000 steps, at the upper ones the readings are without noise.
"""

_SHARE_STEPS = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125)
"""Steps of the lattice, in decades: halved down to 1/32. Chosen: finer moves no forecast."""

_SMALLEST_NOISE = 1e-6
"""Of the values' spread. Chosen: without it a perfect line has no largest likelihood, and rounding chooses the variances."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalLinearTrend:
    """A forecast by a local linear trend: values in MB at 1, 2, 3, ... steps after the last given one.

    `low_mb` and `high_mb` bound the central `level` of the prediction; `converged`: whether the likelihood's
    maximum was found. Nobody is to be shown one that did not converge.
    """

    median_mb: Floats
    low_mb: Floats
    high_mb: Floats
    level: float
    converged: bool


def ols_hac(
    t_hours: ArrayLike, y_mb: ArrayLike, *, confidence: float = 0.95, max_lags: int | None = None
) -> OlsTrend | None:
    """Fit a line by least squares with Newey-West errors, through statsmodels.

    Arguments, lag rule and result are those of `memmon.analysis.stats.newey_west.ols_newey_west`. Returns None where no line
    can be judged (fewer than four finite points, all at one time); never warns.
    """
    fit = fit_line(t_hours, y_mb)
    if fit is None:
        return None
    size = fit.residual_mb.size
    lag_count = newey_west_lags(fit) if max_lags is None else max(0, min(max_lags, size - 1))
    # Centred hours keep the two columns orthogonal: the slope is the same, its digits are more.
    values = fit.residual_mb + fit.slope * fit.centred_hours
    # What a perfect fit divides by zero is answered below.
    with np.errstate(all="ignore"):
        columns = np.column_stack([np.ones(size), fit.centred_hours])
        result = regress(values, columns, lag_count=lag_count)
        # A perfect fit can leave a covariance just below zero, which statsmodels reports as NaN.
        variance = float(result.cov_params()[1, 1])
        low, high = (float(end) for end in result.conf_int(alpha=1.0 - confidence)[1])
        slope = float(result.params[1])
        explained = float(result.rsquared) if np.ptp(values) > 0.0 else 0.0
    if not (math.isfinite(low) and math.isfinite(high)):
        low = high = slope
    return OlsTrend(
        slope_mb_per_hour=slope,
        slope_low_mb_per_hour=low,
        slope_high_mb_per_hour=high,
        standard_error_mb_per_hour=math.sqrt(max(variance, 0.0)),
        intercept_mb=fit.intercept,
        lag_count=lag_count,
        r_squared=explained,
        sample_count=size,
    )


def regress(values: Any, columns: Any, *, lag_count: int) -> Any:
    """Return statsmodels' results of least squares with Newey-West errors over `lag_count` lags.

    Bartlett weights, n/(n-k) for small samples, Student's t: as in `memmon.analysis.stats.newey_west`.
    """
    return _regression()(values, columns).fit(
        cov_type="HAC", cov_kwds={"maxlags": lag_count, "use_correction": True}, use_t=True
    )


def local_linear_trend_forecast(
    y_mb: ArrayLike,
    *,
    step_count: int,
    level: float = 0.8,
    evaluation_limit: int = EVALUATION_LIMIT,
) -> LocalLinearTrend | None:
    """Forecast evenly spaced values (NaN: a gap) with statsmodels' UnobservedComponents.

    The model is the local linear trend (Harvey 1989): level and slope each take a random walk, readings carry
    noise. Its variances are those of the largest likelihood on a lattice (`memmon.analysis.stats.lattice`), so that every
    kernel of the linear algebra leads to the same ones and the forecast differs by rounding only, less than a
    millionth of the interval's width. `evaluation_limit`: the likelihoods tried at most. Returns None for fewer
    than twelve finite values, for constant ones, and where the fit fails or its forecast is not finite.
    """
    try:
        # Unlike the filters of warnings, these settings are the thread's own.
        with np.errstate(all="ignore"):
            trend = _local_linear_trend(
                np.asarray(y_mb, dtype=np.float64), step_count, level, evaluation_limit
            )
    except (ValueError, ArithmeticError, np.linalg.LinAlgError, Warning):
        return None  # a warning, where the program made warnings errors
    return trend


def _local_linear_trend(
    values: Floats, step_count: int, level: float, evaluation_limit: int
) -> LocalLinearTrend | None:
    finite = values[np.isfinite(values)]
    if finite.size < SMALLEST_FORECAST_COUNT or step_count < 1:
        return None
    origin, scale = float(finite[0]), float(finite.std())
    if not (np.ptp(finite) > 0.0 and math.isfinite(scale) and scale > 0.0):
        return None
    scaled = np.where(np.isfinite(values), (values - origin) / scale, np.nan)
    mean, error, converged = _fit_and_forecast(scaled, step_count, evaluation_limit)
    median, reach = origin + mean * scale, normal_quantile(0.5 + level / 2.0) * error * scale
    # A variance below zero comes out as NaN: it is no interval either.
    if not (np.isfinite(median).all() and np.isfinite(reach).all() and (reach > 0.0).all()):
        return None
    return LocalLinearTrend(
        median_mb=median, low_mb=median - reach, high_mb=median + reach, level=level, converged=converged
    )


def _fit_and_forecast(values: Floats, step_count: int, evaluation_limit: int) -> tuple[Floats, Floats, bool]:
    model: Any = _unobserved_components()(values, level="local linear trend", use_exact_diffuse=True)
    peak = highest_point(
        lambda point: _likelihood(model, point).value,
        ranges=_SHARE_RANGES,
        steps=_SHARE_STEPS,
        evaluation_limit=evaluation_limit,
    )
    best = _likelihood(model, peak.point)
    result: Any = model.filter(best.noise_variance * _variances(peak.point), cov_type="none")
    prediction: Any = result.get_forecast(step_count)
    mean = np.asarray(prediction.predicted_mean, dtype=np.float64)
    error = np.asarray(prediction.se_mean, dtype=np.float64)
    return mean, error, peak.converged


class _Likelihood(NamedTuple):
    value: float
    noise_variance: float


def _likelihood(model: Any, point: tuple[float, float]) -> _Likelihood:
    """Return the largest log-likelihood with these ratios of the variances, and the readings' variance there.

    Only the ratios are searched: the size of all three follows from the one-step errors (Harvey 1989, 4.2.2).
    """
    found: Any = model.filter(_variances(point), return_ssm=True)
    start = int(found.nobs_diffuse)
    errors = np.asarray(found.forecasts_error, dtype=np.float64)[0, start:]
    spreads = np.asarray(found.forecasts_error_cov, dtype=np.float64)[0, 0, start:]
    told = np.isfinite(errors)
    errors, spreads = errors[told], spreads[told]
    size = errors.size
    if not size or not (spreads > 0.0).all():
        return _Likelihood(-math.inf, math.nan)
    variance = float(np.sum(errors * errors / spreads)) / size + _SMALLEST_NOISE**2
    return _Likelihood(-0.5 * (size * math.log(variance) + float(np.sum(np.log(spreads)))), variance)


def _variances(point: tuple[float, float]) -> Floats:
    """Return the variances of readings, level and slope, the first being 1."""
    return np.array([1.0, 10.0 ** point[0], 10.0 ** point[1]])


def _regression() -> Any:
    return _loaded("statsmodels.regression.linear_model").OLS


def _unobserved_components() -> Any:
    return _loaded("statsmodels.tsa.statespace.structural").UnobservedComponents


def _loaded(module: str) -> Any:
    """Import a module of statsmodels, without the warnings of its imports and without the filters it adds.

    The filters of warnings belong to the whole process, so they are put back once, when the import is done, and
    left alone while models are fitted: other threads may be inside a `catch_warnings` of their own.
    """
    with _IMPORT_LOCK:
        if module not in sys.modules:
            with warnings.catch_warnings(action="ignore"):
                return importlib.import_module(module)
    return importlib.import_module(module)  # waits where another thread is still at it
