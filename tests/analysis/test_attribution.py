from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.cause.attribution import attribute_growth
from memmon.analysis.cause.attribution_finding import AttributionSeries
from memmon.analysis.cause.pooled import pooled_slope

MB = 2**20
HOURS = np.arange(0, 24, 1 / 12)
N = HOURS.size


def smooth(rng, scale):
    """A noisy size that goes up and down and remembers its past."""
    steps = rng.normal(0, 1, N)
    value = np.zeros(N)
    for place in range(1, N):
        value[place] = 0.95 * value[place - 1] + steps[place]
    return scale * (value - value.min() + 1)


def bot(rng, parts, *, other_slope=0.0, noise=1.0):
    rss = 200 + other_slope * HOURS + rng.normal(0, noise, N)
    for part in parts.values():
        rss = rss + part
    return AttributionSeries.from_arrays(HOURS, rss * MB, {name: part * MB for name, part in parts.items()})


def test_one_guilty_of_eight_is_named_first():
    """Of eight registered growers one leaks, the others are noisy: it is first in at least 95 of 100."""
    right = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        names = [f"part {number}" for number in range(8)]
        guilty = names[rng.integers(8)]
        parts = {
            name: smooth(rng, rng.uniform(0.3, 2)) + (rng.uniform(0.8, 12) * HOURS if name == guilty else 0)
            for name in names
        }
        found = attribute_growth(bot(rng, parts, noise=2.0))
        right += found.parts[0].name == guilty
        assert found.explained_bytes + found.unexplained_bytes == pytest.approx(found.growth_bytes)
    assert right >= 95


def test_the_order_of_guilt_does_not_hang_on_the_growth_that_is_shared_out():
    """On 60 days of eight noisy parts, one of which grows, the order is the same whether all of the growth or a hundredth is shared out."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        parts = {}
        for number in range(8):
            noise = np.cumsum(rng.normal(0, rng.uniform(0.3, 2.0), HOURS.size)) * 0.5
            parts[f"part {number}"] = (noise - noise.min() + 1 + (HOURS if number == seed % 8 else 0)) * MB
        series = AttributionSeries.from_arrays(HOURS, 200 * MB + sum(parts.values()), parts)
        whole = attribute_growth(series)
        told = attribute_growth(series, growth_bytes=whole.growth_bytes / 100)
        assert [part.name for part in told.parts] == [part.name for part in whole.parts]


def test_explained_and_unexplained_are_the_growth():
    """Parts with known growths and a known rest are told within 5 % of the whole growth."""
    rng = np.random.default_rng(3)
    parts = {"a": 10 + 6.0 * HOURS, "b": 5 + 2.0 * HOURS, "c": 50 - 1.0 * HOURS, "d": 30 + 0 * HOURS}
    found = attribute_growth(bot(rng, parts, other_slope=3.0))
    growth = {part.name: part.growth_bytes / MB for part in found.parts}
    assert growth == pytest.approx({"a": 144, "b": 48, "c": -24, "d": 0}, abs=2)
    assert found.growth_bytes / MB == pytest.approx(240, rel=0.05)
    assert found.unexplained_bytes / MB == pytest.approx(72, rel=0.1)
    assert found.unexplained_share == pytest.approx(0.3, abs=0.03)
    assert [part.name for part in found.parts] == ["a", "b", "d", "c"]
    assert "a 60 %" in found.summary
    assert "unexplained 30 %" in found.summary


def test_the_interval_of_a_share_holds_the_truth():
    """The 95 % interval of a share contains the true share in at least 90 of 100 noisy days."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        parts = {"a": 6.0 * HOURS}
        rss = 200 + 10.0 * HOURS + smooth(rng, 1.0) + rng.normal(0, 1, N)
        found = attribute_growth(AttributionSeries.from_arrays(HOURS, rss * MB, {"a": parts["a"] * MB}))
        part = found.parts[0]
        held += part.share_low <= 0.6 <= part.share_high
    assert held >= 90


def test_two_measures_of_the_same_memory_are_counted_once():
    """An index that repeats the size of its records does not take half of their blame, nor double it."""
    rng = np.random.default_rng(4)
    curve = 8.0 * HOURS + 5 * np.sin(HOURS)
    series = bot(rng, {"records": curve}, other_slope=1.0)
    parts = {**series.parts, "index": series.parts["records"] * 0.99, "noise": smooth(rng, 0.5) * MB}
    rss = series.rss_bytes + parts["noise"]
    found = attribute_growth(AttributionSeries.from_arrays(HOURS, rss, parts))
    first, second = found.parts[:2]
    assert {first.name, second.name} == {"records", "index"}
    assert first.explained_bytes / MB == pytest.approx(8 * 24, rel=0.1)
    assert second.explained_bytes == pytest.approx(0, abs=5 * MB)
    assert second.in_step_with == (first.name,)
    assert found.unexplained_share == pytest.approx(1 / 9, abs=0.06)
    assert "in step" in found.details[0]


def test_of_three_in_step_two_with_memory_of_their_own_are_counted():
    """Two straight leaks and a third measure that repeats one of them: the two explain the growth."""
    rng = np.random.default_rng(14)
    series = bot(rng, {"a": 6.0 * HOURS, "b": 3.0 * HOURS})
    parts = {**series.parts, "copy of a": series.parts["a"] * 1.0}
    found = attribute_growth(AttributionSeries.from_arrays(HOURS, series.rss_bytes, parts))
    assert abs(found.unexplained_share) < 0.05
    assert sum(part.explained_bytes > 0 for part in found.parts) == 2
    assert next(part for part in found.parts if part.name == "b").explained_bytes / MB == pytest.approx(
        72, rel=0.05
    )


def test_two_that_grow_in_step_with_memory_of_their_own_keep_it():
    """Growers with the same curve whose sizes fit into the growth are each told with their own bytes."""
    rng = np.random.default_rng(5)
    found = attribute_growth(bot(rng, {"large": 9.0 * HOURS, "small": 1.0 * HOURS}))
    assert [part.name for part in found.parts] == ["large", "small"]
    assert found.parts[0].share == pytest.approx(0.9, abs=0.03)
    assert found.parts[1].share == pytest.approx(0.1, abs=0.03)
    assert found.details == ()


def test_a_measure_that_overstates_explains_no_more_than_grew():
    """A component that claims thrice what memory grew explains all of it, not three times as much."""
    rng = np.random.default_rng(6)
    rss = 200 + 5.0 * HOURS + 3 * np.sin(HOURS) + rng.normal(0, 0.3, N)
    found = attribute_growth(
        AttributionSeries.from_arrays(HOURS, rss * MB, {"cache": (15.0 * HOURS + 9 * np.sin(HOURS)) * MB})
    )
    assert found.parts[0].explained_bytes == pytest.approx(found.growth_bytes, rel=0.05)
    assert abs(found.unexplained_share) < 0.05


def test_without_growth_nothing_is_attributed():
    """A level bot has no shares, and says so; without parts, that is said."""
    rng = np.random.default_rng(7)
    found = attribute_growth(bot(rng, {"a": smooth(rng, 1.0)}))
    assert found.parts[0].share is None
    assert found.unexplained_share is None
    assert "did not clearly grow" in found.summary
    assert "Nothing is registered" in attribute_growth(bot(rng, {})).summary


def test_several_runs_are_judged_together():
    """A restart in between neither hides the growth nor counts the drop at the restart."""
    rng = np.random.default_rng(8)
    runs = [bot(rng, {"a": 6.0 * HOURS, "b": smooth(rng, 1.0)}) for _ in range(3)]
    found = attribute_growth(runs)
    assert found.parts[0].name == "a"
    assert found.parts[0].share == pytest.approx(1.0, abs=0.1)
    assert found.duration_hours == pytest.approx(3 * HOURS[-1])
    assert found.growth_bytes / MB == pytest.approx(6 * 3 * HOURS[-1], rel=0.1)


def test_gaps_late_parts_and_unsorted_samples():
    """Readings missing in between are carried on; a part known later counts from its first reading."""
    rng = np.random.default_rng(9)
    part = 6.0 * HOURS
    rss = (200 + part + rng.normal(0, 0.3, N)) * MB
    seen = np.where(np.arange(N) % 7 == 0, part, np.nan) * MB
    rss[5] = np.nan
    order = rng.permutation(N)
    series = AttributionSeries.from_arrays(
        HOURS[order], rss[order], {"a": seen[order], "never": seen * np.nan}
    )
    found = attribute_growth(series)
    assert found.sample_count == N - 1
    assert found.parts[0].share == pytest.approx(1.0, abs=0.02)
    assert found.parts[1].growth_bytes == 0
    late = np.where(HOURS > 12, part, np.nan) * MB
    assert attribute_growth(AttributionSeries.from_arrays(HOURS, rss, {"a": late})).parts[0].share < 1.0


def test_too_few_samples_say_nothing():
    """With no sample, one, or three, no share is claimed and nothing fails."""
    for count in (0, 1, 3):
        series = AttributionSeries.from_arrays(
            HOURS[:count], np.arange(count) * 9.0 * MB, {"a": np.arange(count) * MB}
        )
        found = attribute_growth(series)
        assert found.unexplained_share is None
    assert attribute_growth([]).parts == ()
    with pytest.raises(ValueError, match="a has shape"):
        AttributionSeries.from_arrays([1.0, 2.0], [1.0, 2.0], {"a": [1.0]})


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 200))
def test_whatever_the_series_the_sum_is_kept(seed, part_count, size):
    """Explained and unexplained are always the whole growth, and every share is ordered in its interval."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.uniform(0, 30, size))
    parts = {str(number): np.cumsum(rng.normal(0.1, 1, size)) * MB for number in range(part_count)}
    rss = (100 + np.cumsum(rng.normal(0.1, 1, size))) * MB
    found = attribute_growth(AttributionSeries.from_arrays(hours, rss, parts))
    assert found.explained_bytes + found.unexplained_bytes == pytest.approx(found.growth_bytes, abs=1e-3 * MB)
    assert len(found.parts) == part_count
    for part in found.parts:
        assert part.share is None or part.share_low <= part.share <= part.share_high


def test_pooled_slopes_add_up():
    """The slope of a sum of series is the sum of their slopes, over several runs."""
    rng = np.random.default_rng(1)
    hours = [np.sort(rng.uniform(0, 10, 50)), np.sort(rng.uniform(0, 20, 80))]
    first = [rng.normal(0, 1, 50), rng.normal(0, 1, 80)]
    second = [rng.normal(0, 1, 50) + hours[0], rng.normal(0, 1, 80)]
    both = [a + b for a, b in zip(first, second, strict=True)]
    together = pooled_slope(hours, both).slope
    assert together == pytest.approx(pooled_slope(hours, first).slope + pooled_slope(hours, second).slope)
    assert pooled_slope([np.array([1.0, 1.0])], [np.array([1.0, 2.0])]).slope == 0.0
