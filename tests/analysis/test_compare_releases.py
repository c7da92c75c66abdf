from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.compare.releases import compare_histories, compare_releases
from memmon.history import History, HistoryRun
from memmon.units import MIB

ROOT = Path(__file__).parents[2]
PAIRS = 100


def simulated():
    spec = importlib.util.spec_from_file_location(
        "compare_pairs", ROOT / "benchmarks" / "compare" / "pairs.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def flat_run(hours=24.0, *, level=200.0, slope=0.0, noise=1.0, start=0.0, seed=1):
    rng = np.random.default_rng(seed)
    at = np.arange(0, hours, 1 / 12)
    return start + at, level + slope * at + rng.normal(0, noise, at.size)


def history_of(*runs, releases=None):
    at, mb, ids = [], [], []
    for number, (hours, values) in enumerate(runs):
        at.append(hours * 3600)
        mb.append(values * MIB)
        ids.append(np.full(hours.size, number))
    described = [
        HistoryRun(
            run_id=number,
            started_at_seconds=float(hours[0] * 3600),
            release=releases[number] if releases else None,
        )
        for number, (hours, _) in enumerate(runs)
    ]
    return History.from_arrays(
        at_seconds=np.concatenate(at),
        rss_bytes=np.concatenate(mb),
        run_id=np.concatenate(ids),
        runs=described,
        source="bot",
    )


@pytest.mark.parametrize(
    ("change", "verdict", "least", "most"),
    [
        ("equal", None, 0, 5),
        ("+3 MB/h", "worse", 90, 100),
        ("+50 MB", "worse", 90, 100),
        ("-3 MB/h", "looks_fixed", 90, 100),
    ],
)
def test_simulated_releases_are_told_apart(change, verdict, least, most):
    """Of 100 pairs with warm-ups, daily cycles, garbage and restarts: 3 MB/h or 50 MB is seen in 90, equal ones flagged in 5 at most."""
    bench = simulated()
    called = 0
    for index in range(PAIRS):
        found = compare_histories(*bench.pair(9_000_000 + index, bench.CHANGES[change]))
        called += found.verdict == verdict if verdict else found.verdict != "no_difference"
    assert least <= called <= most


def test_a_leak_that_went_away_looks_fixed_with_its_numbers():
    """Growth of 6 MB/h before and none after: fixed, and both slopes are within their intervals."""
    history = history_of(
        flat_run(30, slope=6.0, seed=1), flat_run(30, start=31, seed=2), releases=["1.4.1", "1.4.2"]
    )
    found = compare_releases(history, "1.4.1", "1.4.2")
    assert found.verdict == "looks_fixed"
    assert found.decided_by == "slope"
    assert found.before.slope_low_mb_per_hour <= 6.0 <= found.before.slope_high_mb_per_hour
    assert found.after.slope_low_mb_per_hour <= 0.0 <= found.after.slope_high_mb_per_hour
    assert found.slope_change_low_mb_per_hour <= -6.0 <= found.slope_change_high_mb_per_hour
    assert found.summary == (
        f"1.4.2 against 1.4.1: looks fixed, growth went from {found.before.slope_mb_per_hour:.2f} to "
        f"{found.after.slope_mb_per_hour:.2f} MB/hour."
    )


def test_a_leak_that_only_slowed_down_is_said_to_still_grow():
    """From 9 to 4 MB/h is better, but the sentence must not hide that it still grows."""
    found = compare_histories(
        history_of(flat_run(30, slope=9.0)), history_of(flat_run(30, slope=4.0, seed=3))
    )
    assert found.verdict == "looks_fixed"
    assert "and still grows" in found.summary


def test_no_difference_names_the_smallest_that_would_have_been_seen():
    """Equal releases: the sentence has both smallest visible changes."""
    found = compare_histories(history_of(flat_run(48)), history_of(flat_run(48, seed=5)))
    assert found.verdict == "no_difference"
    assert found.decided_by is None
    assert f"smallest visible: {found.smallest_visible_slope_mb_per_hour:.2f} MB/hour" in found.summary


def test_a_young_release_is_compared_with_the_old_ones_youth():
    """A warm-up of 20 hours in both: the young release is not 'better' because it never got old."""
    hours = np.arange(0, 96, 1 / 12)
    rng = np.random.default_rng(4)
    old = (hours, 200 + 150 * (1 - np.exp(-hours / 20)) + rng.normal(0, 1, hours.size))
    young = (hours[: 12 * 12], old[1][: 12 * 12] + rng.normal(0, 1, 12 * 12))
    found = compare_histories(history_of(old), history_of(young))
    assert found.verdict == "no_difference"
    assert found.compared_hours == pytest.approx(12, abs=0.2)


def test_too_little_history_is_cannot_say_not_an_error():
    """Half an hour of the new release is no basis for a verdict."""
    found = compare_histories(history_of(flat_run(24)), history_of(flat_run(0.5)), after_name="1.4.2")
    assert found.verdict == "cannot_say"
    assert "too little history of 1.4.2" in found.summary
    assert found.after.sample_count == 6


def test_an_unknown_release_lists_the_known_ones():
    """The error names the releases that there are."""
    history = history_of(flat_run(5), flat_run(5, start=6), releases=["1.4.1", "1.4.2"])
    with pytest.raises(ValueError, match=r"1\.4\.1, 1\.4\.2"):
        compare_releases(history, "1.4.1", "2.0")


def test_the_order_of_the_releases_turns_the_verdict_round():
    """What is worse one way is fixed the other way, with the same numbers."""
    one, other = history_of(flat_run(40)), history_of(flat_run(40, level=300.0, seed=8))
    forth, back = compare_histories(one, other), compare_histories(other, one)
    assert (forth.verdict, back.verdict) == ("worse", "looks_fixed")
    assert forth.plateau_change_mb == pytest.approx(-back.plateau_change_mb)
    assert "plateau went from 199 to 299 MB" in forth.summary


def test_a_comparison_is_plain_json():
    """Every field survives the way through JSON by its own name."""
    found = compare_histories(history_of(flat_run(24)), history_of(flat_run(24, seed=2)))
    data = json.loads(json.dumps(found.to_dict()))
    assert data["before"]["run_count"] == 1
    assert data["verdict"] == "no_difference"
    assert replace(found, summary="x").to_dict()["summary"] == "x"


def test_runs_that_are_too_short_are_counted_and_the_need_is_told():
    """Short runs stand in the table with the hours that are left, the true need is named, and what one release does alone."""
    before = history_of(flat_run(1.95), releases=["1.4.1"])
    after = history_of(
        flat_run(2.25, slope=20.0), flat_run(4.25, slope=20.0, start=5), releases=["1.4.2", "1.4.2"]
    )
    found = compare_histories(before, after, before_name="1.4.1", after_name="1.4.2")
    assert found.verdict == "cannot_say"
    assert (found.before.run_count, found.before.used_run_count) == (1, 0)
    assert (found.after.run_count, found.after.used_run_count) == (2, 1)
    assert found.before.hours == pytest.approx(0.9, abs=0.02)
    assert found.after.run_hours == pytest.approx((1.2, 3.2), abs=0.05)
    assert found.after.slope_mb_per_hour == pytest.approx(20.0, rel=0.1)
    assert found.before.slope_mb_per_hour is None
    told = " ".join(found.details)
    assert "Without the first hour of each run: 0.9 h of 1.4.1, 1.2 + 3.2 h of 1.4.2." in told
    assert "A run is compared from 2.5 hours on, its start included; the longest of 1.4.1 has 1.9." in told
    assert "too little history of 1.4.1 to compare" in found.summary


@pytest.mark.parametrize("hours", [2.4, 2.6])
def test_the_need_that_is_told_is_the_need_that_is_tested(hours):
    """Below 2.5 hours with the start nothing can be said, above it something is."""
    found = compare_histories(history_of(flat_run(24)), history_of(flat_run(hours, seed=3)))
    assert (found.verdict == "cannot_say") is (hours < 2.5)
