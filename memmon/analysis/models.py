"""The only gate to statsmodels: its regression with HAC errors and its local linear trend.

Importing this module is cheap; statsmodels (with pandas and scipy: about 180 MB and 1 to 3 seconds) loads when
a function is first called. Only reports, trend tables and forecasts come here: the verdict itself uses the same
formulas with numpy (`memmon.analysis.ols`).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memmon.analysis.ols import OlsTrend, fit_line, newey_west_lags
from memmon.analysis.quantiles import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SMALLEST_FORECAST_COUNT = 12
"""Fewer values can't tell a drifting level from a drifting slope."""

_FIT_ITERATION_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalLinearTrend:
    """A forecast by a local linear trend: values in MB at 1, 2, 3, ... steps after the last given one.

    `low_mb` and `high_mb` bound the central `level` of the prediction; `converged`: whether the likelihood's
    maximum was found.
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

    Arguments, lag rule and result are those of `memmon.analysis.ols.ols_newey_west`. Returns None where no line
    can be judged (fewer than four finite points, all at one time); never warns.
    """
    fit = fit_line(t_hours, y_mb)
    if fit is None:
        return None
    size = fit.residual_mb.size
    lag_count = newey_west_lags(fit) if max_lags is None else max(0, min(max_lags, size - 1))
    # Centred hours keep the two columns orthogonal: the slope is the same, its digits are more.
    values = fit.residual_mb + fit.slope * fit.centred_hours
    ols = _regression()
    with _quietly():
        columns = np.column_stack([np.ones(size), fit.centred_hours])
        result: Any = ols(values, columns).fit(
            cov_type="HAC", cov_kwds={"maxlags": lag_count, "use_correction": True}, use_t=True
        )
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


def local_linear_trend_forecast(
    y_mb: ArrayLike, *, step_count: int, level: float = 0.8
) -> LocalLinearTrend | None:
    """Forecast evenly spaced values (NaN: a gap) with statsmodels' UnobservedComponents.

    The model is the local linear trend (Harvey 1989): level and slope each take a random walk, readings carry
    noise; its variances are fitted by maximum likelihood. Returns None for fewer than twelve finite values, for
    constant ones, and where the fit fails or its forecast is not finite; never warns.
    """
    values = np.asarray(y_mb, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if finite.size < SMALLEST_FORECAST_COUNT or step_count < 1 or not np.ptp(finite) > 0.0:
        return None
    origin, scale = float(finite[0]), float(finite.std())
    _unobserved_components()
    try:
        with _quietly(), np.errstate(all="ignore"):
            mean, error, converged = _fit_and_forecast((values - origin) / scale, step_count)
    except (ValueError, np.linalg.LinAlgError, FloatingPointError):
        return None
    if not (np.isfinite(mean).all() and np.isfinite(error).all()):
        return None
    reach = normal_quantile(0.5 + level / 2.0) * error * scale
    median = origin + mean * scale
    return LocalLinearTrend(
        median_mb=median, low_mb=median - reach, high_mb=median + reach, level=level, converged=converged
    )


def _fit_and_forecast(values: Floats, step_count: int) -> tuple[Floats, Floats, bool]:
    model: Any = _unobserved_components()(values, level="local linear trend")
    result: Any = model.fit(disp=False, maxiter=_FIT_ITERATION_LIMIT)
    prediction: Any = result.get_forecast(step_count)
    mean = np.asarray(prediction.predicted_mean, dtype=np.float64)
    error = np.asarray(prediction.se_mean, dtype=np.float64)
    return mean, error, bool(result.mle_retvals.get("converged", False))


def _regression() -> Any:
    with _quietly():
        from statsmodels.regression.linear_model import OLS
    return OLS


def _unobserved_components() -> Any:
    with _quietly():
        from statsmodels.tsa.statespace.structural import UnobservedComponents
    return UnobservedComponents


def _quietly() -> warnings.catch_warnings[None]:
    """Contain the warnings of statsmodels and of what it imports: none of them helps an operator.

    Its import switches its own warnings on, so models are fitted in a context that is entered after it.
    """
    return warnings.catch_warnings(action="ignore")
