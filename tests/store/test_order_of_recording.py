"""A source's present is its newest sample by the order of recording; what lies in the future is set aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import MB, START, deque_of, ticks

from memmon.alerts.policy import AlertPolicy
from memmon.assessment.freshness import freshness_of, set_aside, set_aside_sentence
from memmon.assessment.gather import assess_source
from memmon.assessment.newest import read_standings
from memmon.evaluator.observe import observe
from memmon.report.build import build_report
from memmon.report.text import render_text
from memmon.store.read import open_store
from memmon.store.retention.recorded_time import recorded_now
from memmon.store.write.writer import RunEnd

YEARS = timedelta(days=1500)
STEP = timedelta(minutes=5)
COUNT = 361
NOW = START + (COUNT - 1) * STEP
"""The moment of the last sample."""
MINUTE = timedelta(minutes=1)


def leaking(count=COUNT, *, start=START, moved=None):
    """Return samples of a leak of 24 MB/hour; `moved`: what the clock is off by at a number."""
    made = ticks(
        count, start=start, rss_mb=lambda n: 200 + 2 * n + n % 3, deques=lambda n: [deque_of("d", n)]
    )
    off = {} if moved is None else moved
    return [replace(one, at=one.at + off.get(number, timedelta())) for number, one in enumerate(made)]


def seen(store, now=NOW + MINUTE):
    return open_store(store.database.url).as_of(now)


SHAPES = {
    "first": {0: YEARS},
    "several": dict.fromkeys((0, 5, 6, 7, 100), YEARS),
    "in the middle": {180: YEARS},
    "set right": dict.fromkeys(range(50), YEARS),
    "slow, then right": dict.fromkeys(range(50), timedelta(days=-20_000)),
}


@pytest.mark.parametrize("moved", SHAPES.values(), ids=SHAPES)
def test_samples_of_a_wrong_clock_are_no_present(store, moved):
    """Whatever samples of a run a wrong clock dated, the last that is right is the present, and the leak is found."""
    store.add_run(leaking(moved=moved))
    reader = seen(store)
    found = assess_source(reader, now=NOW + MINUTE)
    assert reader.last_sample_at() == NOW
    assert (found.freshness.state, found.freshness.age_seconds) == ("live", 60.0)
    assert found.finding.is_leak
    assert found.finding.slope_mb_per_hour == pytest.approx(24, abs=0.5)
    assert found.rss_bytes == round((200 + 2 * 360) * MB)
    assert {one.length_count for one in reader.deque_status()} == {360}
    ahead = sum(off > timedelta() for off in moved.values())
    assert set_aside(reader.runs())[0] == ahead
    assert ("in the future" in render_text(build_report(reader, now=NOW + MINUTE))) is (ahead > 0)
    (standing,) = read_standings(reader, now=NOW + MINUTE)
    assert standing.present.rss_bytes == found.rss_bytes
    assert (standing.last_at, standing.freshness.state) == (NOW, "live")


def test_a_last_sample_of_the_future_is_set_aside_alone(store):
    """The sample before it is the present; it is told how many are set aside, and up to when."""
    store.add_run(leaking(moved={COUNT - 1: YEARS}))
    found = assess_source(seen(store), now=NOW + MINUTE)
    assert (found.freshness.last_at, found.freshness.is_stale) == (NOW - STEP, False)
    assert found.finding.is_leak
    assert set_aside_sentence(*set_aside(seen(store).runs())).startswith(
        "1 sample lies in the future (up to 2030"
    )


def test_minutes_of_skew_are_no_future(store):
    """Clocks of two machines differ: three minutes ahead of now is the present, of age 0."""
    store.add_run(leaking())
    fresh = freshness_of(seen(store, NOW - 3 * MINUTE).runs(), now=NOW - 3 * MINUTE)
    assert (fresh.last_at, fresh.age_seconds, fresh.is_stale) == (NOW, 0.0, False)


def test_a_run_ahead_gives_way_to_the_one_after_it(store):
    """A run under a clock that was ahead is not the present of a source that died after it, also years later."""
    store.add_run(leaking(60, start=START + YEARS), end=RunEnd(at=START + YEARS, reason="stopped"))
    store.add_run(leaking(), end=RunEnd(at=NOW, reason="killed"))
    for now in (NOW + timedelta(hours=1), START + 2 * YEARS):
        found = assess_source(seen(store), now=now)
        assert found.freshness.last_at == NOW
        assert found.freshness.state == "ended_badly"
        assert found.freshness.is_stale


@pytest.mark.parametrize(("reason", "is_told"), [(None, True), ("killed", True), ("stopped", False)])
def test_a_run_whose_clock_is_ahead_cannot_be_dated(store, reason, is_told):
    """Ten hours ahead its older samples look new: it is stale unless it was ended on purpose, and that is told."""
    ahead = timedelta(hours=10)
    end = None if reason is None else RunEnd(at=NOW + ahead, reason=reason)
    store.add_run(leaking(start=START + ahead), end=end)
    fresh = freshness_of(seen(store, NOW).runs(), now=NOW)
    assert (fresh.state, fresh.is_stale, fresh.ahead_until) == ("clock_ahead", is_told, NOW + ahead)
    assert fresh.age_seconds is not None
    assert fresh.age_seconds >= 0
    said, failed = observe(seen(store, NOW), now=NOW, policy=AlertPolicy())
    levels = {one.kind: (one.level, one.message) for one, _ in said}
    assert failed == []
    assert levels["silent"][0] == ("active" if is_told else "clear")
    if is_told:
        assert "lie in the future" in levels["silent"][1]


def test_a_source_of_the_future_alone_has_no_present(store):
    """Nothing is judged, nothing is fresh and no age is below zero; raw rows are still there for whoever asks."""
    store.add_run(leaking(start=START + YEARS))
    reader = seen(store)
    found = assess_source(reader, now=NOW)
    assert (found.finding.verdict, found.finding.sample_count) == ("cannot_say", 0)
    assert (found.freshness.state, found.freshness.age_seconds) == ("clock_ahead", None)
    assert found.freshness.is_stale
    assert reader.last_sample_at() is None
    assert reader.window_statistics().sample_count == 0
    assert len(reader.snapshots()) == COUNT


def test_a_clock_that_is_ahead_makes_no_history_old(store):
    """Retention counts from what was recorded until the new time has lasted for a day; a right clock counts at once."""
    store.add_run(leaking())
    assert recorded_now(store.database, NOW + timedelta(days=2)) == NOW + timedelta(days=2)
    ahead = NOW + YEARS
    store.add_run(leaking(12, start=ahead))
    assert recorded_now(store.database, ahead + timedelta(hours=1)) == NOW
    store.add_run(leaking(600, start=ahead))
    assert recorded_now(store.database, ahead + timedelta(hours=50)) == ahead + timedelta(hours=50)


def test_a_clock_set_ahead_inside_a_run_makes_no_history_old(store):
    """A run that began under another clock proves nothing of the new time."""
    store.add_run(leaking(600, moved=dict.fromkeys(range(590, 600), YEARS)))
    now = START + YEARS + 600 * STEP
    assert recorded_now(store.database, now) == START
