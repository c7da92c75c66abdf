"""A week beside the one before: load that comes again every week hides a leak from a trend, and not from this."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.finding import LeakPolicy
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.signals.week_ago import evidence_of, is_leak, leak_of_weeks, week_apart
from memmon.history import History, HistoryRun
from memmon.units import MIB

MONDAY = 1_767_571_200.0  # 2026-01-05 0:00 UTC


def two_weeks(grown_mb, *, hours=336.0, keep=None):
    """Load of up to 3 GB in each quarter of a day, the same every week; `grown_mb` of the hours is put on top."""
    times = np.arange(0, hours + 1e-9, 1 / 12)
    rng = np.random.default_rng(1)
    load = rng.uniform(0, 3000, 28)[np.floor(times / 6).astype(int) % 28]
    mb = 500 + load + rng.normal(0, 3, times.size) + grown_mb(times)
    rows = np.ones(times.size, dtype=bool) if keep is None else keep(times)
    return History.from_arrays(at_seconds=MONDAY + times[rows] * 3600, rss_bytes=mb[rows] * MIB)


def last_week(history):
    return history.slice_time(history.last_seconds - 168 * 3600, None)


def leak(hours):
    return 15.0 * hours


def test_a_week_before_shows_the_leak_that_a_week_hides():
    """Of growth below gigabytes of weekly load a week can't say anything; beside the week before it leaks, at its rate."""
    history = two_weeks(leak)
    alone, beside = detect_leak(last_week(history)), detect_leak(history)
    assert (alone.verdict, alone.reason) == ("cannot_say", "too_noisy")
    assert (beside.verdict, beside.reason, beside.confidence) == ("leaking", "week_ago", "high")
    assert beside.slope_mb_per_hour == pytest.approx(15.0, abs=0.1)
    assert beside.slope_low_mb_per_hour < 15.0 < beside.slope_high_mb_per_hour
    assert beside.window.kind == "week apart"
    assert beside.window.start.timestamp() == pytest.approx(history.at_seconds[0], abs=3600)
    assert beside.details[0].startswith("Judged: each hour beside the same hour a week before, 33")


NO_LEAKS = {
    "load alone": np.zeros_like,
    "a step": lambda hours: np.where(hours >= 170, 4000.0, 0.0),
    "a late step": lambda hours: np.where(hours >= 200, 4000.0, 0.0),
    "two steps": lambda hours: 2500.0 * ((hours >= 100) + 1.0 * (hours >= 160)),
    "a cache that fills": lambda hours: 5000.0 * (1 - np.exp(-hours / 60)),
    "growth that ended": lambda hours: 25.0 * np.minimum(hours, 168.0),
    "a day of load": lambda hours: np.where((hours >= 190) & (hours < 220), 4000.0, 0.0),
}


@pytest.mark.parametrize("name", NO_LEAKS)
@pytest.mark.parametrize("hours", [222.0, 250.0, 290.0, 336.0])
def test_what_is_no_growth_of_a_week_is_no_leak_beside_the_week_before(name, hours):
    """Steps, what fills and what has ended leave gigabytes between two weeks as well, and are told apart at any hour."""
    history = two_weeks(NO_LEAKS[name], hours=hours)
    assert week_apart(run_series(history, warm_up_hours=1.0)) is not None
    assert leak_of_weeks(run_series(history, warm_up_hours=1.0), 10.0) is None
    assert detect_leak(history).verdict == detect_leak(last_week(history)).verdict


def test_growth_below_the_threshold_is_no_leak_beside_the_week_before():
    """The same growth is a leak below its rate and none above it."""
    series = run_series(two_weeks(leak), warm_up_hours=1.0)
    assert leak_of_weeks(series, 14.5) is not None
    assert leak_of_weeks(series, 15.5) is None


def of_even_growth(**change):
    """What two weeks of 15 MB/h show beside one another, with one thing changed, and what it is evidence of."""
    series = run_series(two_weeks(leak), warm_up_hours=1.0)
    found = replace(week_apart(series), daily_growth_mb=np.full(7, 360.0))
    blocks = replace(found.blocks, mb=np.full(found.blocks.mb.size, 2520.0))
    error = change.pop("error", 0.0)
    if "share" in change:
        blocks = replace(blocks, mb=blocks.mb * change.pop("share")(np.linspace(0, 1, blocks.mb.size)))
    found = replace(found, blocks=blocks, **change)
    return found, replace(evidence_of(series, found), error=error)


@pytest.mark.parametrize(
    "change",
    [
        {"share": lambda place: np.where(place < 0.3, 0.5, 1.0)},
        {"share": lambda place: 1.1 - 0.2 * place},
        {"daily_growth_mb": np.array([0, 0, 840, 0, 840, 840, 0.0])},
        {"daily_growth_mb": np.array([0, 0, 60, 600, 600, 600, 660.0])},
        {"error": 2.6},
    ],
    ids=["not all hours", "falls", "steps", "none lately", "unsure"],
)
def test_each_demand_by_itself_refuses(change):
    """Hours that hold less, a difference that falls, growth on three days, none on the last, doubt: each is enough."""
    assert is_leak(*of_even_growth(), 10.0)
    assert not is_leak(*of_even_growth(**change), 10.0)


def test_nine_days_are_needed_and_enough():
    """Two days beside those a week before tell; less than that, and hours that were not read, do not."""
    known = run_series(two_weeks(leak, hours=218.0), warm_up_hours=1.0)
    assert leak_of_weeks(known, 10.0) is not None
    assert leak_of_weeks(run_series(two_weeks(leak, hours=214.0), warm_up_hours=1.0), 10.0) is None
    for read_hours, is_enough in ((30, False), (45, True)):
        gap = two_weeks(
            leak, hours=230.0, keep=lambda hours, until=read_hours: (hours < until) | (hours > 60)
        )
        assert (week_apart(run_series(gap, warm_up_hours=1.0)) is not None) is is_enough


def test_a_restart_between_the_weeks_leaves_nothing_to_compare():
    """What another process held a week before says nothing of this one; the same readings of one process leak."""
    history, later = two_weeks(leak), MONDAY + 160 * 3600
    is_second = history.at_seconds >= later
    moved = {
        "at_seconds": history.at_seconds,
        "rss_bytes": history.rss_bytes + np.where(is_second, 1000 * MIB, 0),
    }
    restarted = History.from_arrays(
        **moved,
        run_id=np.where(is_second, 2, 1),
        uptime_seconds=history.at_seconds - np.where(is_second, later, MONDAY),
        runs=[
            HistoryRun(run_id=number, started_at_seconds=began, pid=number)
            for number, began in ((1, MONDAY), (2, later))
        ],
    )
    assert detect_leak(History.from_arrays(**moved)).reason == "week_ago"
    assert detect_leak(restarted).reason != "week_ago"


def test_the_look_back_still_bounds_what_is_judged():
    """A longer history changes nothing where the last week tells: the same finding, to the last figure."""
    for grown in (lambda hours: 400.0 * hours, lambda hours: 0.0 * hours):
        times = np.arange(0, 336 + 1e-9, 1 / 12)
        mb = 300 + grown(times) + np.random.default_rng(2).normal(0, 1, times.size)
        history = History.from_arrays(at_seconds=MONDAY + times * 3600, rss_bytes=mb * MIB)
        assert detect_leak(history) == detect_leak(last_week(history))
    narrow, noisy = LeakPolicy(look_back_hours=36.0), two_weeks(leak)
    alone = detect_leak(noisy.slice_time(noisy.last_seconds - 36 * 3600, None), narrow)
    assert (alone.verdict, alone.reason) == ("cannot_say", "too_noisy")
    assert detect_leak(noisy, narrow) == alone
