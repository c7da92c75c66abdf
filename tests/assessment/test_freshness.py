"""How fresh a source is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from assessed_values import START, run

from memmon.assessment.freshness import freshness_of


def state(*runs, after):
    return freshness_of(runs, now=START + after).state


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("end_reason", "after", "expected"),
    [
        (None, 15 * MINUTE, "live"),
        (None, 16 * MINUTE, "silent"),
        ("stopped", 16 * MINUTE, "ended"),
        ("imported", 16 * MINUTE, "ended"),
        ("oom", MINUTE, "ended_badly"),
        ("lost", 999 * MINUTE, "ended_badly"),
        (None, -MINUTE, "live"),
        (None, -2 * MINUTE, "clock_ahead"),
        ("stopped", -2 * MINUTE, "clock_ahead"),
    ],
)
def test_the_state_follows_the_end_and_the_age(end_reason, after, expected):
    """An end says how it came; without one three intervals decide; what lies ahead is a clock that runs ahead."""
    assert state(run(end_reason=end_reason), after=after) == expected


def test_an_age_is_never_below_zero():
    """A sample of the future has the age 0, and is not stale."""
    fresh = freshness_of([run()], now=START - timedelta(hours=5))
    assert fresh.age_seconds == 0.0
    assert not fresh.is_stale


def test_the_run_that_was_sampled_last_decides():
    """Beside a run that goes on, one that was killed does not make the source ended."""
    goes_on = run(1, last_at=START, interval=60.0)
    killed = run(2, last_at=START - timedelta(hours=1), end_reason="oom", interval=300.0)
    fresh = freshness_of([goes_on, killed], now=START + MINUTE)
    assert (fresh.state, fresh.interval_seconds, fresh.last_at) == ("live", 60.0, START)


def test_without_a_sample_a_source_is_silent():
    """Where nothing was ever sampled there is no age, and the source is not called alive."""
    fresh = freshness_of([run(last_at=None)], now=START)
    assert (fresh.state, fresh.age_seconds) == ("silent", None)
