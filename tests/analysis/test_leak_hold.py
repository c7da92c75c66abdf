"""A leak that was seen in the act is held through a pause, until memory is given back or the same hours pass without growth."""

from __future__ import annotations

import numpy as np
import pytest

from memmon import forecast_limit
from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

MONDAY = 1_767_571_200.0  # 2026-01-05 0:00 UTC


def office(days, *, rate=40.0, hours, begin=MONDAY, given_back=(0.0, 0.0), runs=None):
    """A level program that grows from 9 to 17 h UTC on `days` since its beginning; `given_back`: (at hour, MB)."""
    times = np.arange(0, hours + 1e-9, 1 / 12)
    worked = np.clip(times % 24 - 9, 0, 8) + 0.0
    active = np.isin(times // 24, days)
    done = np.searchsorted(np.sort(days), times // 24) * 8.0
    mb = 300 + np.random.default_rng(5).normal(0, 1.0, times.size)
    mb += rate * (done + worked * active) - given_back[1] * (times >= given_back[0] - 1e-9)
    if runs is not None:
        mb -= np.where(times >= runs, mb[-1] - 300, 0.0)
    run = np.zeros(times.size) if runs is None else (times >= runs).astype(float)
    return History.from_arrays(at_seconds=begin + times * 3600, rss_bytes=mb * 2**20, run_id=run)


def at(history, hour):
    return detect_leak(history.slice_time(None, float(history.at_seconds[0]) + hour * 3600))


def test_a_pause_takes_nothing_back():
    """What leaked from 9 to 17 h is leaking still at night, and says since when it pauses."""
    history = office([0], hours=32)
    night = at(history, 24)
    assert (night.verdict, night.reason) == ("leaking", "held")
    assert night.slope_mb_per_hour == pytest.approx(40, abs=8)
    assert night.paused_hours == pytest.approx(7, abs=1.1)
    assert "has paused for" in night.summary


def test_in_the_act_nothing_pauses():
    """While it grows the finding rests on the present."""
    assert at(office([0], hours=32), 16).paused_hours is None


def test_a_third_given_back_resolves_it():
    """Memory that was given back, a third of the growth or more, was no leak."""
    history = office([0], hours=32, given_back=(20.0, 130.0))
    assert at(history, 19).is_leak
    assert not at(history, 24).is_leak


def test_less_than_a_third_given_back_does_not():
    """A little that is given back resolves nothing."""
    assert at(office([0], hours=32, given_back=(20.0, 60.0)), 24).is_leak


def test_the_same_hours_without_growth_resolve_it():
    """Growth that does not come again at the same hours of the next working day has ended."""
    history = office([1], hours=96)
    assert at(history, 24 + 32).is_leak
    assert not at(history, 48 + 24).is_leak


def test_any_day_without_growth_resolves_what_grew_for_days():
    """Growth of several days has ended once it stays away for 24 hours that are worked everywhere, whichever hour it is asked of."""
    history = office([0, 1, 2], hours=168)
    assert at(history, 3 * 24 + 9).is_leak
    assert not at(history, 3 * 24 + 17 + 18).is_leak


def test_a_weekend_that_was_seen_makes_no_pause_of_a_working_day_longer():
    """What pauses over weekends has ended after a working day without growth: a weekend is no pause in hours of work."""
    history = office([0, 1, 2, 3, 4, 7], hours=216 + 48)
    assert at(history, 7 * 24 + 17 + 12).is_leak
    assert not at(history, 7 * 24 + 17 + 30).is_leak


def test_a_weekend_is_no_working_day():
    """A leak of working days is held from Friday's evening to Monday's morning, and never called stable."""
    history = office([0, 1, 2, 3, 4, 7, 8], hours=216)
    words = {str(at(history, hour).verdict) for hour in range(114, 180, 6)}
    assert words == {"leaking"}


def test_of_growth_from_the_start_nothing_is_said_until_the_hours_have_passed_again():
    """What grows from its start on and then is level may be a cache that filled: no leak, and not called stable yet."""
    history = office([0], hours=48).slice_time(MONDAY + 9 * 3600, None)
    assert at(history, 7.5).is_leak
    night = at(history, 16)
    assert (night.verdict, night.reason) == ("cannot_say", "paused")
    assert at(history, 36).verdict.row.tone == "good"


@pytest.mark.parametrize(
    ("begin", "reason"), [(6.5, "held"), (7.6, "held"), (7.9, "held"), (8.5, "paused"), (9.0, "paused")]
)
def test_an_hour_at_a_level_before_tells_growth_from_a_cache(begin, reason):
    """What began to grow an hour or more after the start, its warm-up level, is held in the night; what began before may be a cache."""
    later = office([0, 1], hours=48).slice_time(MONDAY + begin * 3600, None)
    history = History.from_arrays(at_seconds=later.at_seconds, rss_bytes=later.rss_bytes)  # it starts there
    assert {at(history, hour).reason for hour in (13, 18, 23)} == {reason}


def test_what_rose_in_the_warm_up_did_not_begin_after_it():
    """Growth at one pace from the start on stays in doubt in the night, however long the warm-up that is left out."""
    times = np.arange(0, 24 + 1e-9, 1 / 12)
    mb = 300 + 40 * np.minimum(times, 9) + np.random.default_rng(5).normal(0, 1.0, times.size)
    assert (
        at(History.from_arrays(at_seconds=MONDAY + times * 3600, rss_bytes=mb * 2**20), 20).reason == "paused"
    )


def test_what_goes_on_after_a_pause_was_no_cache():
    """Growth from the start on that goes on the next day, as fast, is a leak again before the day alone tells it, and says so."""
    history = office([0, 1], hours=48).slice_time(MONDAY + 9 * 3600, None)
    morning = at(history, 27.0)
    assert at(history, 23).reason == "paused"
    assert (morning.verdict, morning.reason) == ("leaking", "held")
    assert morning.paused_hours == pytest.approx(16, abs=1.1)
    assert "paused for 15 h before it went on" in morning.summary


def test_a_step_after_a_pause_is_no_growth_that_goes_on():
    """What a cache that filled is joined by in one step says nothing of it."""
    full = office([0], hours=48).slice_time(MONDAY + 9 * 3600, None)
    step = np.where(full.at_seconds >= MONDAY + 33.5 * 3600, 120.0, 0.0) * 2**20
    history = History.from_arrays(at_seconds=full.at_seconds, rss_bytes=full.rss_bytes + step)
    assert at(history, 27.0).verdict != "leaking"


def test_no_calm_word_of_earlier_hours_stands_while_growth_from_the_start_on_may_pause():
    """Where the newest readings say nothing, the night is told as a pause, and what earlier hours looked like does not outvote it."""
    history = office([0, 1], hours=48).slice_time(MONDAY + 8.3 * 3600, None)
    said = {(str(night.verdict), night.reason) for night in (at(history, hour) for hour in range(11, 24))}
    assert said == {("cannot_say", "paused")}


def test_a_new_run_is_judged_anew():
    """A restart ends what was held."""
    history = office([0], hours=40, runs=20.0)
    assert at(history, 19).is_leak
    assert not at(history, 38).is_leak


def test_the_limit_of_what_pauses_is_as_far_as_with_its_pauses():
    """The forecast goes on at the pace of growth and pause together, and says so; of growth that does not pause it says nothing."""
    history = office([0], hours=32)
    night = history.slice_time(None, MONDAY + 24 * 3600)
    ahead = forecast_limit(night, (620 + 600) * 2**20)
    assert ahead.hours_to_limit == pytest.approx(600 / (40 * 8 / 15), rel=0.25)
    assert any("The pause of 6." in one and "while memory grew" in one for one in ahead.details)
    in_act = forecast_limit(history.slice_time(None, MONDAY + 16 * 3600), 2_000 * 2**20)
    assert not any("pause" in one for one in in_act.details)


def test_what_grew_once_needs_no_working_day_to_be_resolved():
    """Growth of one Friday that does not come again on Saturday has ended: nothing says that it is one of working days."""
    history = office([4], hours=144)
    assert at(history, 4 * 24 + 24).is_leak
    assert not at(history, 5 * 24 + 20).is_leak


@pytest.mark.parametrize(("start_mb", "is_held"), [(310, True), (500, True), (620, False)])
def test_what_only_came_back_to_where_it_was_is_not_held(start_mb, is_held):
    """Growth is heard in the act; when it pauses it is held only where half of it lies above what was before, the start too."""
    times = np.arange(0, 24 + 1e-9, 1 / 12)
    mb = 300 + 40 * np.clip(times - 3.5, 0, 11.5) + np.random.default_rng(5).normal(0, 1.0, times.size)
    mb = np.where(times < 0.9, start_mb, mb)  # a working day's level, where recording began in its last hour
    history = History.from_arrays(at_seconds=MONDAY + times * 3600, rss_bytes=mb * 2**20)
    assert at(history, 14).is_leak
    assert (at(history, 23).reason == "held") is is_held
