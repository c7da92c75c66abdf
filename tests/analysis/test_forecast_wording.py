"""A forecast in words: what is told together is told alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.forecast.wording import describe
from memmon.history import History
from memmon.units import MIB


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (43.7, 50.4, "43.7 to 50.4 h"),
        (7.2, 800.0, "0.3 to 33.3 d"),
        (30.0, None, "30.0 h to later than the horizon"),
    ],
)
def test_both_ends_of_a_dates_interval_have_one_unit(low, high, told):
    """Hours and days are not mixed in one interval, also where its ends lie on both sides of two days."""
    hours = np.arange(24 * 12) / 12
    history = History.from_arrays(
        at_seconds=1_767_225_600.0 + hours * 3600, rss_bytes=(300 + 20 * hours) * MIB, source="bot"
    )
    found = forecast_limit(history, 2_048 * MIB)
    assert found.state == "dated"
    asked = replace(found, hours_to_limit=46.8, hours_to_limit_low=low, hours_to_limit_high=high)
    assert describe(asked).summary.endswith(f" in about 46.8 h (80 % interval: {told}).")
