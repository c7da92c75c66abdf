from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.deques.finding import DequeSeries
from memmon.analysis.deques.judge import judge_deque, judge_deques
from memmon.analysis.deques.sizes import suggest_sizes

MB = 2**20
HOURS = np.arange(0, 24, 1 / 12)
N = HOURS.size


def one(lengths, **options):
    return DequeSeries.from_arrays("price", HOURS, np.broadcast_to(lengths, N), **options)


@pytest.mark.parametrize(
    ("lengths", "options", "state", "is_failing", "words"),
    [
        (50, {"maxlen_count": 100}, "ok", False, "within its bound"),
        (100, {"maxlen_count": 100}, "full", False, "drops the oldest"),
        (50, {}, "unbounded", True, "no maxlen; 50 items, not growing"),
        (HOURS * 100, {}, "unbounded", True, "grows by 100 items/hour"),
        (HOURS * 100, {"maxlen_count": 5000}, "filling", False, "full in"),
        (
            50,
            {"maxlen_count": 100, "expected_maxlen_count": 60},
            "unexpected_maxlen",
            True,
            "maxlen 100, expected 60",
        ),
        (50, {"expected_maxlen_count": 60}, "unbounded", True, "no maxlen, expected 60"),
        (50, {"maxlen_count": 100, "expected_maxlen_count": 100}, "ok", False, "within"),
        (120, {"maxlen_count": 100}, "above", True, "above its bound"),
        (np.nan, {"is_alive": False}, "dead", False, "nothing refers to it"),
        (np.nan, {"maxlen_count": 100}, "unreadable", False, "can't be read"),
        (0, {"maxlen_count": 0}, "full", False, "full"),
    ],
)
def test_each_state_is_told(lengths, options, state, is_failing, words):
    """Every state has its name, its check and its sentence."""
    finding = judge_deque(one(lengths, **options))
    assert (finding.state, finding.is_failing) == (state, is_failing)
    assert words in finding.message


def test_the_time_to_full_is_told():
    """A deque that fills by 100 items an hour and has 2,604 to go is full in 26 hours."""
    rng = np.random.default_rng(1)
    finding = judge_deque(
        one(np.floor(HOURS * 100 + rng.uniform(0, 3, N)), maxlen_count=5000, size_bytes=2391 * 50.0)
    )
    assert finding.growth_per_hour == pytest.approx(100, rel=0.01)
    assert finding.hours_to_full == pytest.approx(26.1, abs=0.3)
    assert finding.capacity_bytes == pytest.approx(5000 * 50, rel=0.01)
    assert finding.utilization_percent == pytest.approx(47.8, abs=0.2)


def test_a_deque_that_was_cleared_fills_from_there():
    """The rise counts from the last clearing, not across it."""
    lengths = np.where(HOURS < 12, HOURS * 300, (HOURS - 12) * 100)
    finding = judge_deque(one(lengths, maxlen_count=5000))
    assert finding.growth_per_hour == pytest.approx(100, rel=0.02)


def test_a_busy_queue_is_not_filling():
    """A deque that goes up and down in turn has no rise and no time to full, but for a few of a hundred by chance."""
    rising = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        finding = judge_deque(one(rng.integers(30_000, 50_000, N), maxlen_count=100_000))
        rising += finding.state == "filling"
        assert (finding.hours_to_full is None) == (finding.state != "filling")
    assert rising <= 6


def test_drops_are_told_where_they_are_counted():
    """A full deque that counts its drops has a drop rate, which is also what arrives."""
    dropped = np.maximum(0, (HOURS - 4) * 60)
    finding = judge_deque(one(np.minimum(HOURS * 60, 240), maxlen_count=240, dropped_count=dropped))
    assert finding.drop_per_hour == pytest.approx(60 * 20 / 24, rel=0.02)
    assert "drops 50 items/hour" in finding.message
    assert judge_deque(one(240, maxlen_count=240, dropped_count=np.full(N, np.nan))).drop_per_hour is None


def test_a_full_deque_tells_how_far_back_it_reaches():
    """From its rise before it was full, a deque's reach is known, also after it was cleared and full again."""
    finding = judge_deque(one(np.minimum(HOURS * 60, 240), maxlen_count=240))
    assert finding.arrival_per_hour == pytest.approx(60, rel=0.05)
    assert "4.0 h of data" in finding.message
    twice = np.where(HOURS < 12, np.minimum(HOURS * 60, 240), np.minimum((HOURS - 12) * 120, 240))
    assert judge_deque(one(twice, maxlen_count=240)).arrival_per_hour == pytest.approx(120, rel=0.1)


def test_failing_deques_come_first():
    """The order is: failing, dead, unreadable, full, filling, the others by how full they are."""
    deques = {
        "half": (50, {"maxlen_count": 100}),
        "full": (100, {"maxlen_count": 100}),
        "third": (30, {"maxlen_count": 100}),
        "unbounded": (1, {}),
        "dead": (np.nan, {"is_alive": False}),
    }
    series = [
        DequeSeries.from_arrays(name, HOURS, np.broadcast_to(lengths, N), **options)
        for name, (lengths, options) in deques.items()
    ]
    assert [finding.name for finding in judge_deques(series)] == [
        "unbounded",
        "dead",
        "full",
        "half",
        "third",
    ]


def test_no_samples_and_few_samples_are_no_error():
    """A deque without samples is unreadable; with few, no rate is claimed."""
    empty = judge_deque(DequeSeries.from_arrays("x", [], []))
    assert (empty.state, empty.peak_length_count, empty.observed_hours) == ("unreadable", None, 0.0)
    few = judge_deque(DequeSeries.from_arrays("x", [0, 1, 2], [0, 10, 20], maxlen_count=100))
    assert (few.state, few.growth_per_hour) == ("ok", 0.0)
    with pytest.raises(ValueError, match="lengths"):
        DequeSeries.from_arrays("x", [1.0], [1.0, 2.0])


def test_a_thousand_deques_over_a_month_are_judged_quickly():
    """1,000 deques of 8,640 samples take under 3 s."""
    hours = np.arange(8640) / 12
    series = [
        DequeSeries.from_arrays(str(k), hours, np.minimum(hours * k, 5000), maxlen_count=5000)
        for k in range(1000)
    ]
    begun = time.process_time()
    assert len(judge_deques(series)) == 1000
    assert time.process_time() - begun < 3.0


def suggested(lengths, *, headroom_mb=1000.0, horizon_hours=24.0, **options):
    finding = judge_deque(one(lengths, **options))
    headroom = None if headroom_mb is None else headroom_mb * MB
    return suggest_sizes([finding], headroom_bytes=headroom, horizon_hours=horizon_hours)


def test_an_unbounded_deque_is_bounded_by_what_arrives():
    """100 items an hour over a day of reach are 2,400; the reasoning has rate, item size and total."""
    (found,) = suggested(HOURS * 100, size_bytes=2391 * 200.0)
    assert found.maxlen_count == 2400
    assert found.present_maxlen_count is None
    for words in ("100 items/hour arrive", "24.0 h", "200 bytes an item", "MB"):
        assert words in found.reason


def test_a_suggestion_stays_within_the_headroom():
    """What would not fit is cut to the deque's part of the free memory, and that is said."""
    (found,) = suggested(HOURS * 1000, size_bytes=23_916 * 10_000.0, headroom_mb=100.0)
    assert found.maxlen_count * 10_000 <= 25 * MB
    assert found.maxlen_count >= 0.9 * 25 * MB / 10_000
    assert "25.0 MB" in found.reason
    nothing = suggested(np.minimum(HOURS * 60, 240), maxlen_count=240, size_bytes=240 * 1e6, headroom_mb=1.0)
    assert nothing == ()


def test_a_full_deque_that_reaches_far_enough_is_left_alone():
    """No suggestion where the present bound covers the horizon; a larger one where it does not."""
    lengths = np.minimum(HOURS * 60, 240)
    assert suggested(lengths, maxlen_count=240, size_bytes=240 * 100.0, horizon_hours=3.0) == ()
    (found,) = suggested(lengths, maxlen_count=240, size_bytes=240 * 100.0, horizon_hours=24.0)
    assert 1400 <= found.maxlen_count <= 1500
    assert suggested(100, maxlen_count=100) == ()


def test_what_is_not_known_is_said():
    """Without item sizes or headroom the count is suggested by its rate alone; without any item, none is."""
    (found,) = suggested(HOURS * 100, headroom_mb=None)
    assert found.maxlen_count == 2400
    assert "not known" in found.reason
    (quiet,) = suggested(40, size_bytes=4000.0)
    assert quiet.maxlen_count == 50
    assert "40 items at most" in quiet.reason
    (empty,) = suggested(0)
    assert empty.maxlen_count is None


def test_a_short_look_tells_no_rate():
    """What was seen for less than an hour is not extrapolated to a day."""
    series = DequeSeries.from_arrays("price", HOURS / 100, HOURS * 100, size_bytes=2391 * 200.0)
    (found,) = suggest_sizes([judge_deque(series)], headroom_bytes=1e9)
    assert found.maxlen_count is None
    assert "too short" in found.reason
    series = DequeSeries.from_arrays("price", HOURS / 100, np.minimum(HOURS * 100, 900), maxlen_count=900)
    assert suggest_sizes([judge_deque(series)], headroom_bytes=1e9) == ()


def test_an_unexpected_bound_is_put_right():
    """The suggestion for a bound other than expected is the expected one."""
    (found,) = suggested(50, maxlen_count=100, expected_maxlen_count=60)
    assert found.maxlen_count == 60


def test_a_bound_that_is_hardly_used_may_be_smaller():
    """Where most of a large bound was never used in a day, less is enough; a small one is left alone."""
    lengths = np.full(N, 1000)
    hours = HOURS * 1.1
    series = DequeSeries.from_arrays("price", hours, lengths, maxlen_count=100_000, size_bytes=1000 * 500.0)
    (found,) = suggest_sizes([judge_deque(series)], headroom_bytes=None)
    assert found.maxlen_count == 1300
    assert suggested(lengths, maxlen_count=1100, size_bytes=1000 * 500.0) == ()
    dead = judge_deque(one(np.nan, is_alive=False))
    assert suggest_sizes([dead], headroom_bytes=1.0) == ()
    with pytest.raises(ValueError, match="horizon_hours"):
        suggest_sizes([], headroom_bytes=1.0, horizon_hours=0.0)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.one_of(st.integers(0, 10**6), st.none()), max_size=60),
    st.one_of(st.none(), st.integers(0, 10**6)),
    st.one_of(st.none(), st.floats(0, 1e12)),
)
def test_any_series_gives_a_state_and_a_sentence(lengths, maxlen, size):
    """Whatever was read, there is a state, a sentence and no number that is not finite."""
    values = [np.nan if length is None else length for length in lengths]
    series = DequeSeries.from_arrays(
        "x", np.arange(len(values)) / 12, values, maxlen_count=maxlen, size_bytes=size
    )
    finding = judge_deque(series)
    assert finding.message
    for name in ("growth_per_hour", "hours_to_full", "capacity_bytes", "utilization_percent"):
        value = getattr(finding, name)
        assert value is None or np.isfinite(value)
    for suggestion in suggest_sizes([finding], headroom_bytes=1e9):
        assert suggestion.maxlen_count is None or suggestion.maxlen_count >= 1


def test_nothing_is_suggested_while_others_leak():
    """A larger bound is none while memory leaks elsewhere, and why is said; a leak that is the deque's is bounded."""
    filling = judge_deque(one(np.minimum(HOURS * 60, 240), maxlen_count=240, size_bytes=240 * 100.0))
    leaking = {"headroom_bytes": 1e9, "growth_mb_per_hour": 14.4}
    (found,) = suggest_sizes([filling], **leaking)
    assert found.maxlen_count is None
    assert "14.4 MB/hour" in found.reason
    small = judge_deque(one(HOURS * 100, size_bytes=2391 * 200.0))
    assert suggest_sizes([small], **leaking)[0].maxlen_count is None
    large = judge_deque(one(HOURS * 100, size_bytes=2391 * 150_000.0))
    assert suggest_sizes([large], **leaking)[0].maxlen_count > 0
    unexpected = judge_deque(one(50, maxlen_count=100, expected_maxlen_count=60))
    assert suggest_sizes([unexpected], **leaking)[0].maxlen_count == 60


def test_a_bound_that_is_meant_is_left_alone():
    """A window over the newest items, full all the time or registered with its bound, gets no other; why is said."""
    drops = np.arange(N) * 10.0
    hours = HOURS * 1.1
    always = DequeSeries.from_arrays(
        "ring", hours, np.full(N, 240), maxlen_count=240, size_bytes=240 * 100.0, dropped_count=drops
    )
    (found,) = suggest_sizes([judge_deque(always)], headroom_bytes=1e9)
    assert found.maxlen_count is None
    assert "by design" in found.reason
    (found,) = suggested(
        np.minimum(HOURS * 60, 240), maxlen_count=240, expected_maxlen_count=240, size_bytes=240 * 100.0
    )
    assert found.maxlen_count is None
    assert "meant" in found.reason


def test_an_items_size_is_apart_from_the_empty_deque():
    """One item in an empty deque's blocks tells no size of an item; a full one's size is its blocks and its items."""
    few = judge_deque(one(np.ones(N), maxlen_count=500, size_bytes=788.0))
    assert few.bytes_per_item is None
    assert few.capacity_bytes is None
    told = judge_deque(replace(one(np.full(N, 480), maxlen_count=500, size_bytes=4456.0), item_bytes=8.0))
    assert told.bytes_per_item == pytest.approx(8.25)
    assert told.capacity_bytes == 232 + 528 * 9
