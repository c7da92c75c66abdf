"""The verdict on histories whose truth is plain."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.analysis.leak.finding import confidence_of
from memmon.analysis.leak.sequential import confirmed
from memmon.history import History

MIB = 2**20
ORIGIN = datetime(2026, 3, 1, tzinfo=UTC)


def history(hours, mb, **columns):
    return History.from_arrays(
        at_seconds=ORIGIN.timestamp() + np.asarray(hours) * 3600, rss_bytes=np.asarray(mb) * MIB, **columns
    )


def grid(length_hours, *, minutes=5.0):
    return np.arange(0, length_hours + 1e-9, minutes / 60)


def noise(hours, sd=0.5, seed=1):
    return np.random.default_rng(seed).normal(0, sd, len(hours))


def verdict(hours, mb, **columns):
    return detect_leak(history(hours, mb, **columns))


@pytest.mark.parametrize("minutes", [3.6, 5.0, 7.5])
@pytest.mark.parametrize("whole_mb", [False, True])
def test_steady_growth_for_three_hours_is_a_leak(minutes, whole_mb):
    """1 MB every 3.6 minutes for 3 h is a leak with medium confidence, also when read in whole MB."""
    hours = grid(3, minutes=minutes)
    mb = 100 + hours * 60 / 3.6
    found = verdict(hours, np.floor(mb) if whole_mb else mb)
    assert found.verdict == "leaking"
    assert found.confidence == "medium"
    assert found.slope_mb_per_hour == pytest.approx(16.67, abs=0.8)


@pytest.mark.parametrize("minutes", [3.6, 5.0, 7.5])
def test_alternation_is_no_leak(minutes):
    """Plus and minus 0.25 MB for 3 h is stable."""
    hours = grid(3, minutes=minutes)
    found = verdict(hours, 100 + 0.25 * (-1.0) ** np.arange(hours.size))
    assert found.verdict == "stable"
    assert not found.is_leak


def test_a_day_of_leak_is_told_with_high_confidence():
    """20 MB/h for a day: leaking, high confidence, the right rate, since the beginning."""
    hours = grid(24)
    found = verdict(hours, 200 + 20 * hours + noise(hours))
    assert (found.verdict, found.is_leak, found.confidence) == ("leaking", True, "high")
    assert found.slope_low_mb_per_hour <= 20 <= found.slope_high_mb_per_hour
    assert found.ols_slope_mb_per_hour == pytest.approx(20, abs=0.1)
    assert found.since == ORIGIN
    assert found.growth_mb == pytest.approx(480, abs=3)


def test_below_the_threshold_is_growing():
    """3 MB/h is growth, and no leak at 10 MB/h; at a threshold of 1 MB/h it is one."""
    hours = grid(24)
    slow = history(hours, 200 + 3 * hours + noise(hours))
    assert detect_leak(slow).verdict == "growing"
    assert detect_leak(slow, LeakPolicy(threshold_mb_per_hour=1.0)).verdict == "leaking"


def test_a_warm_up_is_saturating_and_then_stable():
    """A warm-up of 6 h time constant is no leak at 6, 12 or 24 h, and is over after three days."""
    hours = grid(72)
    mb = 200 + 150 * (1 - np.exp(-hours / 6)) + noise(hours)
    said = [verdict(hours[hours <= end], mb[hours <= end]).verdict for end in (6, 12, 24, 72)]
    assert "leaking" not in said
    assert "saturating" in said
    assert said[-1] == "stable"


@pytest.mark.parametrize("at_hours", [10, 20])
def test_a_lasting_step_is_stepped(at_hours):
    """100 MB at once is a step; `since` is when."""
    hours = grid(24)
    found = verdict(hours, 200 + 100 * (hours > at_hours) + noise(hours))
    assert found.verdict == "stepped"
    assert abs(found.since - ORIGIN - timedelta(hours=at_hours)) < timedelta(hours=1)


@pytest.mark.parametrize("length_hours", [24, 46, 48, 50, 54, 60, 72, 96, 168])
def test_a_single_step_is_no_wave_and_no_slope(length_hours):
    """One lasting step, beside days or none, is never growth of any kind, nor noise that hides it: at any place, size and length."""
    hours = grid(length_hours)
    said = []
    for seed, size in enumerate((180, 400, 900)):
        for share in (0.3, 0.45, 0.5, 0.55, 0.7):
            for day in (0, 12):
                cycle = day * np.sin(2 * np.pi * (hours - 5) / 24)
                warm = 60 * (1 - np.exp(-hours / 0.6))
                mb = 300 + warm + size * (hours > share * length_hours) + cycle + noise(hours, 1.2, seed)
                said.append(str(verdict(hours, mb).verdict))
    assert not {"leaking", "growing", "saturating"} & set(said)
    assert said.count("cannot_say") <= 2
    assert said.count("stepped") >= 0.6 * len(said)


@pytest.mark.parametrize("length_hours", [48, 72, 168])
def test_a_leak_with_a_step_in_it_is_a_leak(length_hours):
    """A step excuses itself alone: growth of twice the threshold before and after it is found, beside days too."""
    hours = grid(length_hours)
    for seed, share in enumerate((0.3, 0.5, 0.7)):
        cycle = 12 * np.sin(2 * np.pi * (hours - 5) / 24)
        mb = 300 + 20 * hours + 300 * (hours > share * length_hours) + cycle + noise(hours, 1.2, seed)
        assert verdict(hours, mb).verdict == "leaking"


def test_registered_deques_that_fill_are_no_leak():
    """Growth that bounded deques explain is filling, also when their size is 25 % wrong."""
    hours = grid(24)
    held = 20 * hours
    for known in (0.75, 1.0, 1.25):
        found = verdict(
            hours,
            200 + held + noise(hours),
            deque_bytes=known * held * MIB,
            deque_capacity_bytes=np.full(hours.size, known * 600 * MIB),
        )
        assert found.verdict == "filling"


@pytest.mark.parametrize("threshold", [10.0, 40.0])
def test_deques_that_take_in_next_to_nothing_are_not_worth_a_word(threshold):
    """Deques that take in less than a fiftieth of the threshold, error included, leave a level program stable."""
    hours = grid(96)
    for share, expected in ((0.003, "stable"), (0.013, "stable"), (0.05, "filling")):
        held = share * threshold * hours
        taken = history(
            hours,
            200 + held + noise(hours, sd=0.05),
            deque_bytes=held * MIB,
            deque_capacity_bytes=np.full(hours.size, 2.0 * held[-1] * MIB),
        )
        found = detect_leak(taken, LeakPolicy(threshold_mb_per_hour=threshold))
        assert found.verdict == expected


def test_a_leak_beside_filling_deques_is_found():
    """The deques' share is subtracted; what grows beside them is judged."""
    hours = grid(24)
    held = 10 * hours
    found = verdict(
        hours,
        200 + held + 30 * hours + noise(hours),
        deque_bytes=held * MIB,
        deque_capacity_bytes=np.full(hours.size, 300.0 * MIB),
    )
    assert found.verdict == "leaking"
    assert found.slope_mb_per_hour == pytest.approx(30, abs=0.5)


@pytest.mark.parametrize(
    ("leak", "least", "most", "expected"),
    [
        (14.4, 0.95, 1.05, "leaking"),
        (14.4, 0.6, 1.0, "leaking"),
        (0.0, 0.95, 1.05, "filling"),
        (0.0, 0.4, 1.1, "filling"),
        (0.0, 0.0, 1.1, "filling"),
    ],
)
def test_the_error_of_deque_sizes_decides_beside_filling(leak, least, most, expected):
    """Beside deques that fill by 20 MB/hour a leak is found where their error leaves it, and none is where none is."""
    hours = grid(24)
    room = (600 - 20 * hours) * MIB
    found = verdict(
        hours,
        200 + (20 + leak) * hours + noise(hours),
        deque_bytes=20 * hours * MIB,
        deque_capacity_bytes=20 * hours * MIB + least * room,
        deque_most_capacity_bytes=20 * hours * MIB + most * room,
    )
    assert found.verdict == expected
    assert found.slope_mb_per_hour == pytest.approx(leak + (1 - least) * 20, abs=0.5)


def test_an_unbounded_deque_that_grows_is_a_leak():
    """Only room that can run out excuses growth: capacity that grows along does not."""
    hours = grid(24)
    held = 20 * hours * MIB
    found = verdict(hours, 200 + 20 * hours + noise(hours), deque_bytes=held, deque_capacity_bytes=held)
    assert found.verdict == "leaking"


def test_memory_that_follows_the_load_is_load_driven():
    """Growth explained by the work rate is no leak; a leak beside a load is one still."""
    hours = grid(24)
    rate = 1 + hours / 24 + 0.2 * np.sin(hours) + noise(hours, 0.05)
    work = np.cumsum(rate * 100)
    assert verdict(hours, 200 + 150 * rate + noise(hours), work_count=work).verdict == "load_driven"
    leaking = verdict(hours, 200 + 150 * rate + 20 * hours + noise(hours), work_count=work)
    assert leaking.verdict == "leaking"


def test_a_leak_across_restarts_is_found_from_all_runs_together():
    """Four runs of 6 h, each leaking from a new start: leaking with high confidence, nothing else restarts."""
    hours = grid(24 - 1 / 12)
    uptime = hours % 6
    columns = {"run_id": (hours // 6).astype(int), "uptime_seconds": uptime * 3600}
    leaking = verdict(hours, 200 + 20 * uptime + noise(hours), **columns)
    assert (leaking.verdict, leaking.confidence) == ("leaking", "high")
    assert leaking.window.run_count == 4
    assert leaking.growth_mb == pytest.approx(20 * 24, rel=0.05)
    warm = verdict(hours, 200 + 100 * (1 - np.exp(-uptime / 0.5)) + noise(hours), **columns)
    assert not warm.is_leak


def test_a_leak_that_the_newest_run_no_longer_shows_is_over():
    """After a release that fixes the leak, the flat new run outweighs the old one."""
    hours = grid(24)
    new = hours >= 17
    uptime = np.where(new, hours - 17, hours)
    found = verdict(
        hours,
        200 + np.where(new, 0, 20 * uptime) + noise(hours),
        run_id=new.astype(int),
        uptime_seconds=uptime * 3600,
    )
    assert found.verdict == "stable"


def test_one_leaking_worker_among_healthy_ones_is_found():
    """Runs beside one another are judged each for itself: the one that leaks is the verdict."""
    hours = grid(24)
    levels = [200 + noise(hours, seed=1), 300 + 20 * hours + noise(hours, seed=2), 250 + noise(hours, seed=3)]
    found = verdict(np.tile(hours, 3), np.concatenate(levels), run_id=np.repeat([1, 2, 3], hours.size))
    assert found.verdict == "leaking"
    assert found.slope_mb_per_hour == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("healthy_hours", [48, 120, 152])
def test_a_leak_that_began_lately_is_found_and_dated(healthy_hours):
    """In seven days of daily cycle a leak of 25 MB/h is found, with its beginning in the interval."""
    hours = grid(168)
    mb = 300 + 20 * np.sin(2 * np.pi * hours / 24) + 25 * np.maximum(hours - healthy_hours, 0) + noise(hours)
    found = verdict(hours, mb)
    assert found.verdict == "leaking"
    assert found.slope_mb_per_hour == pytest.approx(25, rel=0.1)
    begun = ORIGIN + timedelta(hours=healthy_hours)
    margin = timedelta(hours=2)
    assert found.since_earliest - margin <= begun <= found.since_latest + margin
    assert found.since_earliest <= found.since <= found.since_latest


def test_wall_clock_steps_do_not_shape_the_trend():
    """Trends are computed on uptime: an hour's step of the wall clock changes nothing."""
    hours = grid(24)
    mb = 200 + 20 * hours + noise(hours)
    stepped = hours - np.where(hours > 12, 1.0, 0.0)
    straight = verdict(hours, mb, uptime_seconds=hours * 3600)
    crooked = verdict(stepped, mb, uptime_seconds=hours * 3600)
    assert crooked.verdict == straight.verdict
    assert crooked.slope_mb_per_hour == pytest.approx(straight.slope_mb_per_hour, rel=1e-6)


def test_too_little_is_said_to_be_too_little():
    """Below the minima the verdict is cannot_say, and the sentence begins with what is missing."""
    hours = grid(3)
    mb = 100 + 20 * hours
    few = verdict(hours[:10], mb[:10])
    short = verdict(hours[:30] / 10, mb[:30])
    assert (few.verdict, few.reason) == ("cannot_say", "insufficient_data")
    assert few.summary.startswith("Insufficient data")
    assert short.summary.startswith("Insufficient duration")
    assert short.slope_mb_per_hour is None
    eased = LeakPolicy(min_duration_hours=0.1, min_sample_count=8)
    assert detect_leak(history(hours[:30] / 10, mb[:30]), eased).reason != "insufficient_duration"


def test_below_four_hours_only_straight_growth_is_a_leak():
    """3 h of growth with 5 MB noise is not called a leak; without noise it is, at most medium."""
    hours = grid(3)
    assert not verdict(hours, 100 + 20 * hours + noise(hours, 5)).is_leak
    straight = verdict(hours, 100 + 100 * hours)
    assert straight.is_leak
    assert straight.confidence == "medium"


def test_noise_too_large_for_a_verdict_names_the_smallest_visible_slope():
    """When a leak at the threshold would not show, the finding says what would."""
    hours = grid(6)
    walk = np.cumsum(np.random.default_rng(4).normal(0, 12, hours.size))
    found = verdict(hours, 1000 + walk - np.linspace(0, walk[-1], hours.size))
    assert found.verdict == "cannot_say"
    assert found.smallest_visible_slope_mb_per_hour > 10


def test_confidence_means_what_the_contract_says():
    """High: lower end at the threshold and 19 h; medium: lower end above zero; low: otherwise."""
    assert confidence_of(10.0, 19.0, 10.0) == "high"
    assert confidence_of(10.0, 18.9, 10.0) == "medium"
    assert confidence_of(0.1, 100.0, 10.0) == "medium"
    assert confidence_of(0.0, 100.0, 10.0) == "low"
    assert confidence_of(None, 100.0, 10.0) == "low"


def test_now_and_look_back_choose_what_is_judged():
    """Samples after `now`, or older than the look-back, don't count."""
    hours = grid(48)
    mb = 200 + 20 * np.maximum(hours - 24, 0) + noise(hours)
    past = detect_leak(history(hours, mb), now=ORIGIN + timedelta(hours=24))
    assert past.verdict == "stable"
    assert past.window.end <= ORIGIN + timedelta(hours=24)
    newest = detect_leak(history(hours, mb), LeakPolicy(look_back_hours=20))
    assert newest.duration_hours == pytest.approx(20, abs=0.2)
    with pytest.raises(ValueError, match="timezone-aware"):
        detect_leak(history(hours, mb), now=datetime(2026, 3, 2))  # noqa: DTZ001 - naive is refused


def test_findings_are_plain_data():
    """A finding becomes JSON with the fields' own names; times carry their UTC offset."""
    hours = grid(24)
    finding = detect_leak(history(hours, 200 + 20 * hours, source="bot"))
    plain = json.loads(json.dumps(finding.to_dict(), allow_nan=False))
    assert plain["verdict"] == "leaking"
    assert plain["source"] == "bot"
    assert plain["since"].endswith("+00:00")
    assert plain["policy"]["threshold_mb_per_hour"] == 10.0
    assert plain["window"]["kind"] == "whole"


def test_two_successive_findings_confirm():
    """One alarm is none; two in a row are; an old pair is not."""
    hours = grid(24)
    leak = verdict(hours, 200 + 20 * hours)
    calm = verdict(hours, 200 + 0 * hours)
    assert not confirmed([leak])
    assert confirmed([calm, leak, leak])
    assert not confirmed([leak, leak, calm])
    assert not confirmed([leak, calm, leak])


def test_the_verdict_loads_numpy_and_nothing_heavier():
    """`memmon leaks` needs numpy at most: no pandas, scipy or statsmodels."""
    code = (
        "import sys; from memmon.analysis.leak.detect import detect_leak; from memmon.history import History;"
        "import numpy as np; t = np.arange(300) * 300.0;"
        "detect_leak(History.from_arrays(at_seconds=t, rss_bytes=1e8 + t));"
        "print([m for m in ('pandas', 'scipy', 'statsmodels', 'sqlalchemy', 'psutil') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sentences_say_nothing_that_is_not_so():
    """No minus before nothing, no disagreement of equal slopes, no wide interval that is narrow."""
    hours = grid(24)
    flat = verdict(hours, 200 - 1e-5 * hours)
    assert "-0.00" not in flat.summary
    straight = verdict(hours, 200 + 20 * hours)
    assert [line.split(",")[0] for line in straight.details] == ["Judged: the whole run"]
    walk = verdict(hours, 200 + 20 * hours + np.cumsum(np.random.default_rng(3).normal(0, 0.05, hours.size)))
    assert not any("random walk" in line for line in walk.details)
