"""The present pace in an assessment: where it stands, where it does not, and what else cannot be said yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from assessed_values import START, run

from memmon.assessment.assess import assess
from memmon.assessment.check_state import CheckState, check_state
from memmon.assessment.limits import Limit
from memmon.assessment.present import Present
from memmon.assessment.severity import Severity
from memmon.formatting import local_time
from memmon.history import History
from memmon.units import MIB

LIMIT_MB = 1_024.0


def assessed(
    mb, *, step_minutes=5.0, limit_mb=LIMIT_MB, runs=None, run_id=None, age_minutes=1.0, minutes=None, **more
):
    """Return the assessment of readings (MB) of a container, `age_minutes` after the last."""
    at = np.arange(len(mb)) * step_minutes * 60.0 if minutes is None else np.asarray(minutes) * 60.0
    held = np.asarray(mb, dtype=np.float64) * MIB
    history = History.from_arrays(
        at_seconds=START.timestamp() + at,
        rss_bytes=held,
        charged_bytes=held,
        source="bot",
        run_id=run_id,
        **more,
    )
    last_at = START + timedelta(seconds=float(at[-1]))
    known = (run(last_at=last_at),) if runs is None else runs(last_at)
    known = tuple(replace(one, interval_seconds=60.0 * step_minutes) for one in known)
    limit = Limit(
        limit_bytes=round(limit_mb * MIB), used_bytes=round(held[-1]), origin="cgroup v2 /x", counts="charged"
    )
    present = Present(runs=known, rss_bytes=round(held[-1]), limit=limit)
    return assess(history, present=present, now=last_at + timedelta(minutes=age_minutes))


STEEP = [100 + 40.0 * n for n in range(17)]


def test_a_pace_is_told_where_no_verdict_can_be_given():
    """It is a warning with exit code 1, and headline and outlook say how soon the limit is reached."""
    found = assessed(STEEP)
    assert found.finding.verdict == "cannot_say"
    assert found.forecast.state == "cannot_say"
    assert found.pace.minutes_to_limit == pytest.approx((1_024 - 740) / 8, rel=0.02)
    assert found.severity is Severity.WARNING
    assert check_state(found)[0] is CheckState.WARNING
    assert "at the present pace it is reached in about 35 minutes (" in found.headline
    assert found.outlook[0] == found.pace.summary
    soonest = found.pace.at + timedelta(minutes=found.pace.minutes_to_limit_low)
    assert found.advice[0] == f"Restart it, or raise the limit, before {local_time(soonest)}."
    assert not any("Nothing" in one for one in found.advice)
    assert found.to_dict()["pace"]["limit_bytes"] == LIMIT_MB * MIB


def test_it_says_the_same_whatever_stands_in_the_history_before():
    """Days at one level before the growth change neither the pace nor that it is told; then no never stands beside it."""
    found = assessed([*[100.0] * 600, *STEEP])
    assert found.forecast.state == "cannot_say"
    assert found.pace.minutes_to_limit == pytest.approx(assessed(STEEP).pace.minutes_to_limit, rel=0.02)
    assert not found.forecast.summary.startswith("Memory does not reach")
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize("what", ["ended", "silent", "gap", "restart", "far", "dated"])
def test_no_pace_is_told(what):
    """Not of a run that ended or fell silent, not across a gap or a restart, not far off, nor where there is a date within a day."""
    if what == "ended":
        found = assessed(STEEP, runs=lambda at: (run(last_at=at, end_reason="stop"),))
    elif what == "silent":
        found = assessed(STEEP, age_minutes=60.0)
    elif what == "gap":
        minutes = [5.0 * n + (60.0 if n > 12 else 0.0) for n in range(17)]
        found = assessed(STEEP, minutes=minutes)
    elif what == "restart":
        found = assessed(STEEP, run_id=[1] * 12 + [2] * 5, runs=lambda at: (run(2, last_at=at),))
    elif what == "far":
        found = assessed(STEEP, limit_mb=8_192.0)
    else:
        rng = np.random.default_rng(3)
        rising = np.arange(24 * 12) * 60.0 / 12
        found = assessed(100 + rising + rng.normal(0, 1.0, rising.size), limit_mb=100 + rising[-1] + 30)
        assert found.forecast.state == "dated"
    assert found.pace is None


def test_a_date_in_weeks_silences_no_pace():
    """A slow leak that was dated in days, and then grows by 480 MB an hour: that it is reached within the hour is told."""
    rng = np.random.default_rng(7)
    slow = 100 + np.arange(72 * 12) * 11.0 / 12 + rng.normal(0, 1.0, 72 * 12)
    limit_mb = slow[-1] + 700
    before = assessed(slow, limit_mb=limit_mb)
    assert (before.finding.verdict, before.forecast.state) == ("leaking", "dated")
    assert before.forecast.hours_to_limit > 48.0
    found = assessed([*slow, *(slow[-1] + 40.0 * np.arange(1, 10))], limit_mb=limit_mb)
    assert found.pace is not None
    assert found.pace.minutes_to_limit == pytest.approx(340 / 8, rel=0.1)
    assert found.finding.verdict == "leaking"
    assert (found.forecast.state, found.forecast.hours_to_limit, found.forecast.at_low) == (
        "cannot_say",
        None,
        None,
    )
    assert "at the present pace it is reached in about" in found.headline


def test_a_pace_beside_a_date_cannot_be_built():
    """One truth: an assessment with a date has no pace, and with a pace no other severity than its table's."""
    found = assessed(STEEP)
    with pytest.raises(AssertionError, match="pace"):
        replace(found, forecast=replace(found.forecast, state="never"))
    with pytest.raises(AssertionError, match="severity"):
        replace(found, severity=Severity.OK)


def test_bounded_deques_that_fill_are_no_pace():
    """Where bounded deques take in what grows, and their end is known, nothing is told."""
    held = (np.asarray(STEEP) - 100) * MIB
    found = assessed(STEEP, deque_bytes=held, deque_capacity_bytes=np.full(len(STEEP), 660 * MIB))
    assert found.pace is None


def test_too_little_history_says_when_there_is_enough():
    """So many of so many samples, or hours, and when the first verdict comes."""
    few = assessed([100.0, 101.0, 100.0])
    assert few.waits_for.startswith("3 of 24 samples: first verdict at about ")
    assert few.ready_at == START + timedelta(minutes=10) + timedelta(hours=2) - timedelta(minutes=10) or (
        few.ready_at == START + timedelta(minutes=5 * 23 + 10)
        or few.ready_at > START + timedelta(minutes=110)
    )
    assert few.waits_for in few.headline
    short = assessed([100.0] * 60, step_minutes=1.0)
    assert short.waits_for.startswith("59 min of 2 h: first verdict at about ")
    assert short.ready_at == START + timedelta(hours=2)


def test_the_first_sample_cannot_say_when():
    """With one sample nobody knows how fast they come."""
    found = assessed([100.0])
    assert found.waits_for == "1 of 24 samples: the next samples tell when there is a verdict"
    assert found.ready_at is None


def test_of_what_has_ended_nothing_is_waited_for():
    """A run that is over brings no more samples: that is said, and no time."""
    found = assessed([100.0, 101.0, 100.0], runs=lambda at: (run(last_at=at, end_reason="stop"),))
    assert found.ready_at is None
    assert found.waits_for == "3 of 24 samples: its run has ended, so that waiting brings no verdict"


def test_noise_says_when_it_hides_no_leak_any_more_or_that_it_always_will():
    """Noise of some MB hides a leak for some hours; noise of hundreds for longer than is looked back over."""
    rng = np.random.default_rng(5)
    for noise_mb, ends in ((60.0, "at the earliest"), (4_000.0, "looked back over")):
        found = assessed(20_000.0 + rng.normal(0, noise_mb, 40), limit_mb=64_000.0)
        assert found.finding.reason == "too_noisy"
        assert found.waits_for.startswith("the readings are too noisy: ")
        assert found.waits_for.endswith(ends)
        assert (found.ready_at is None) == (noise_mb > 100)


def test_whatever_cannot_be_said_names_what_it_waits_for():
    """Each verdict or date that can't be given has a time, or says what is missing."""
    rng = np.random.default_rng(11)
    hours = np.arange(0, 30, 1 / 12)
    shapes = {
        "flat": 500 + rng.normal(0, 1, hours.size),
        "steps": 500 + 60.0 * (hours > 12) + rng.normal(0, 1, hours.size),
        "bent": 500 + 300 * (1 - np.exp(-hours / 15)) + rng.normal(0, 1, hours.size),
        "noisy": 500 + rng.normal(0, 60, hours.size),
    }
    for name, mb in shapes.items():
        for count in (3, 20, 40, 100, hours.size):
            found = assessed(mb[:count], limit_mb=830.0)
            waits = "cannot_say" in {found.finding.verdict, found.forecast.state}
            has_no_date = found.is_level and found.ready_at is None
            assert bool(found.waits_for) == (waits and not has_no_date), (name, count)
            if waits and has_no_date:
                assert found.forecast.summary.endswith("so that there is no date."), (name, count)
            if found.finding.verdict == "cannot_say":
                assert f"({found.waits_for})" in found.headline
