"""`memmon forecast` and its second model: shown when it is sound, else one line in its place."""

from __future__ import annotations

import functools

import jsonschema
import numpy as np
import pytest

from memmon.analysis.forecast import cross_check
from memmon.analysis.forecast.cross_check import NO_SECOND_OPINION
from memmon.analysis.stats.statsmodels_gate import LocalLinearTrend, local_linear_trend_forecast
from memmon.cli.schema import output_schema

FORECAST = ("forecast", "--source", "leaky", "--limit", "2GiB", "--db")


def not_a_number(values, *, step_count, level):
    gone = np.full(step_count, np.nan)
    return LocalLinearTrend(median_mb=gone, low_mb=gone, high_mb=gone, level=level, converged=True)


def test_a_second_opinion_is_printed(call, histories):
    """A straight ramp has one in the text and in the JSON."""
    assert "A local linear trend says in " in call(*FORECAST, histories).out
    (finding,) = call(*FORECAST, histories, "--json").json["findings"]
    assert finding["cross_check"]["hours_to_limit"] == pytest.approx(finding["hours_to_limit"], rel=0.1)


@pytest.mark.parametrize(
    "answer", [functools.partial(local_linear_trend_forecast, evaluation_limit=3), not_a_number]
)
def test_what_did_not_converge_is_not_printed(call, histories, monkeypatch, answer):
    """Text and JSON hold no number of it, say once that there is none, and the command succeeds."""
    monkeypatch.setattr(cross_check, "local_linear_trend_forecast", answer)
    text = call(*FORECAST, histories)
    assert text.code == 0
    assert text.out.count(NO_SECOND_OPINION) == 1
    assert "A local linear trend says" not in text.out
    found = call(*FORECAST, histories, "--json").json
    jsonschema.validate(found, output_schema())
    assert found["findings"][0]["cross_check"] is None
    assert found["findings"][0]["details"].count(NO_SECOND_OPINION) == 1
    assert "NaN" not in call(*FORECAST, histories, "--json").out


def test_without_the_second_model_nothing_is_said_of_it(call, histories):
    """Who left it out is told nothing about it."""
    assert "econd opinion" not in call(*FORECAST, histories, "--no-cross-check").out
