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
        ("imported", 15 * MINUTE, "live"),
        ("imported", 16 * MINUTE, "silent"),
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


def test_a_process_that_goes_on_keeps_its_source_alive():
    """Of processes side by side the end of one, though sampled last, is not the end of the source."""
    goes_on = run(1, last_at=START, interval=300.0)
    stopped = run(2, last_at=START + MINUTE, end_reason="stopped", interval=300.0)
    fresh = freshness_of([goes_on, stopped], now=START + 2 * MINUTE)
    assert (fresh.state, fresh.last_at) == ("live", START + MINUTE)
    assert freshness_of([goes_on, stopped], now=START + 20 * MINUTE).state == "ended"


@pytest.mark.parametrize(
    ("end_reason", "is_stale"), [("stopped", False), ("oom", True), ("imported", True), (None, True)]
)
def test_what_ended_as_meant_is_not_stale(end_reason, is_stale):
    """After three intervals a source is missed, unless somebody stopped it."""
    fresh = freshness_of([run(end_reason=end_reason)], now=START + 16 * MINUTE)
    assert (fresh.is_stale, fresh.end_reason) == (is_stale, end_reason)
