"""When is the limit reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Backtest, CrossCheck, Forecast, ForecastCurve, ForecastState
    from memmon.analysis.forecast.limit import backtest_forecast, forecast_limit, forecast_readings

__all__ = [
    "Backtest",
    "CrossCheck",
    "Forecast",
    "ForecastCurve",
    "ForecastState",
    "backtest_forecast",
    "forecast_limit",
    "forecast_readings",
]

__getattr__ = forward(
    __name__,
    {
        "limit": ("backtest_forecast", "forecast_limit", "forecast_readings"),
        "finding": ("Backtest", "CrossCheck", "Forecast", "ForecastCurve", "ForecastState"),
    },
)
