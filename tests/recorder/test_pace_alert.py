"""A program that runs into its limit is told by its own recorder, and the evaluator beside it says the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from memmon import Recorder, open_store
from memmon.alerts.policy import AlertPolicy
from memmon.child.requests import Checked, SeenAnswer
from memmon.clock import ManualClock
from memmon.evaluator.observe import observe
from memmon.units import MIB

LIMIT_BYTES = 1_024 * MIB
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(START)


class Program:
    """A program whose memory a test sets: a real recorder reads it."""

    def __init__(self, path, clock, **options):
        self.path, self.clock, self.told, self.held_mb = path, clock, [], 100.0
        self.recorder = Recorder(
            path, source="bot", clock=clock, on_alert=self.told.append, interval_seconds=300.0, **options
        )
        take = self.recorder._sampler.sample

        def taken(*arguments, **known):
            return replace(
                take(*arguments, **known),
                rss_bytes=round(self.held_mb * MIB),
                charged_bytes=round(self.held_mb * MIB),
                limit_bytes=LIMIT_BYTES,
                limit_origin="cgroup v2 /bot",
                system_percent=20.0,
            )

        self.recorder._sampler.sample = taken

    def beat(self, mb):
        self.held_mb = mb
        self.recorder.take_snapshot()
        self.clock.advance(300.0)

    @property
    def forecasts(self):
        """The alerts of the kind that were told so far."""
        assert self.recorder.flush()
        return [alert for alert in self.told if alert.kind == "forecast"]

    def outside(self):
        """Return what the evaluator sees of the kind now: its level, and in how many hours the limit is reached."""
        assert self.recorder.flush()
        with open_store(self.path) as store:
            seen, failed = observe(store, now=self.clock.now() - timedelta(minutes=4), policy=AlertPolicy())
        assert not failed
        return next(
            ((one.level, one.values.get("hours_to_limit")) for one, _ in seen if one.kind == "forecast"), None
        )


@pytest.fixture
def program(tmp_path, clock):
    one = Program(tmp_path / "bot.db", clock, leak_check=False, daily_report=False)
    yield one
    one.recorder.stop()


def test_the_program_is_told_once_and_in_time(program):
    """480 MB an hour into 1 GB: one alert, a warning, more than 30 minutes before, and the evaluator says the same."""
    told_after = None
    for number in range(23):
        program.beat(100 + 40.0 * number)
        if told_after is None and program.forecasts:
            told_after = 5.0 * number
            inside = program.forecasts[0]
            level, hours = program.outside()
            assert level == "active"
            assert hours == pytest.approx(inside.values["hours_to_limit"], rel=1e-6)
    dead_minutes = (1_024 - 100) / 8
    assert told_after is not None
    assert 30.0 <= dead_minutes - told_after <= 50.0
    (alert,) = program.forecasts
    assert alert.severity == "warning"
    assert "At the present pace the container's limit (1,024 MB) is reached in about" in alert.message


def test_a_restart_and_a_gap_begin_anew(program, tmp_path, clock):
    """What grew before a restart, or before hours without a snapshot, is no growth of now: nothing is told of it."""
    for number in range(13):
        program.beat(100 + 40.0 * number)
    clock.advance(3_600.0)
    for number in range(6):
        program.beat(600 + 40.0 * number)
        assert program.outside() != ("active", None)
        assert (program.outside() or ("clear",))[0] != "active"
    assert not program.forecasts
    program.recorder.stop()
    again = Program(tmp_path / "bot.db", clock, leak_check=False, daily_report=False)
    for number in range(6):
        again.beat(840 + 20.0 * number)
        assert (again.outside() or ("clear",))[0] != "active"
    assert not again.forecasts
    again.recorder.stop()


def test_growth_that_ends_is_over_after_two_hours(program):
    """The alert fires on while it may come back, is told once, and is resolved two hours after the growth ended."""
    levels = [100 + 40.0 * number for number in range(18)]
    for mb in [*levels, *[levels[-1]] * 8]:
        program.beat(mb)
    assert len(program.forecasts) == 1
    with open_store(program.path) as store:
        (alert,) = (one for one in store.alerts() if one.kind == "forecast")
        assert alert.state == "firing"
    for _ in range(24):
        program.beat(levels[-1])
    assert len(program.forecasts) == 1
    with open_store(program.path) as store:
        (alert,) = (one for one in store.alerts() if one.kind == "forecast")
        assert alert.state != "firing"


def test_a_start_up_is_not_told(program):
    """A program that rises to most of its limit and stays there is told of as full, not as growing."""
    for number in range(40):
        program.beat(min(100 + 110.0 * number, 700.0))
    assert not program.forecasts


@pytest.mark.parametrize(("hours", "told_count"), [(3.0, 0), (30.0, 1), (None, 1)])
def test_only_a_date_within_a_day_keeps_the_program_from_its_pace(program, hours, told_count):
    """What the hourly check has dated within a day is urgent already; a date in weeks hides no limit that is minutes away."""
    seen = SeenAnswer(
        kind="leak",
        fingerprint="leak",
        level="active",
        severity="warning",
        title="Memory leak",
        message="It grows.",
        values={"hours_to_limit": hours},
        members=(),
    )
    answer = Checked(damage=None, alerts=(), seen=(seen,), report=None, is_suspicious=False)
    for number in range(20):
        program.beat(100 + 40.0 * number)
        if number >= 5:  # as each hourly check finds it
            assert program.recorder.flush()
            program.recorder._dispatcher._on_check(answer)
            # A check that only keeps the house takes nothing of it back.
            program.recorder._dispatcher._on_check(replace(answer, seen=()))
    assert len(program.forecasts) == told_count
