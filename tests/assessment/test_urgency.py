"""The one order of sources by urgency, and its words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from assessed_values import START, forecast
from hypothesis import given
from hypothesis import strategies as st
from report_values import finding

from memmon.assessment.assessment import Assessment
from memmon.assessment.freshness import freshness
from memmon.assessment.urgency import ranked, unjudged
from memmon.facts.urgency import Urgency, counted_states
from memmon.model import DequeReading

UNBOUNDED = DequeReading(name="q", length_count=3, maxlen_count=None)
LEAK = finding(verdict="leaking", is_leak=True, confidence="high")
STABLE = finding(verdict="stable")


def assessed(name="bot", found=STABLE, *, share=None, age_hours=0.0, end_reason=None, **more):
    """An assessment whose limit is 1 GB, `share` of it used."""
    fresh = freshness(
        START, now=START + timedelta(hours=age_hours), interval_seconds=300.0, end_reason=end_reason
    )
    limit = {}
    if share is not None:
        limit = {
            "limit_bytes": 2**30,
            "charged_bytes": round(share * 2**30),
            "limit_share": round(share * 2**30) / 2**30,
            "limit_origin": "cgroup2",
        }
    return Assessment(
        source=name, at=START, freshness=fresh, rss_bytes=2**28, finding=found, **limit, **more
    ).rated()


BUILT = [
    assessed("reached", share=2.5),
    assessed("dies in 4 h", LEAK, share=0.5, forecast=forecast(4.0, 3.0, 6.0)),
    assessed("dies in 20 h", LEAK, share=0.9, forecast=forecast(20.0, 16.0, 30.0)),
    assessed("nearly full", share=0.97),
    assessed("silent leak", LEAK, age_hours=9.0),
    assessed("killed", age_hours=1.0, end_reason="sigkill"),
    assessed("silent", age_hours=9.0),
    assessed("86 %", share=0.86),
    assessed("82 %", share=0.82),
    assessed("leak with a date", LEAK, share=0.5, forecast=forecast(50.0, 40.0, 80.0)),
    assessed("leak", LEAK),
    assessed("deque", deques=(UNBOUNDED,)),
    assessed("growing", finding(verdict="growing")),
    assessed("too short", finding(verdict="cannot_say")),
    assessed("warming up", finding(verdict="saturating")),
    assessed("healthy", share=0.2),
    assessed("stopped", age_hours=50.0, end_reason="stopped"),
]
SAID = [
    "limit reached", "limit in 4.0 h", "limit in 20.0 h", "97 % of its limit", "silent", "ended badly", "silent",
    "86 % of its limit", "82 % of its limit", "leaks", "leaks", "deque at fault", "grows", "cannot say yet", "warms up",
    "well", "ended",
]  # fmt: skip


@given(st.permutations(BUILT))
def test_what_dies_first_stands_first_then_silence_then_what_is_near_its_limit(mixed):
    """Whatever the order in which sources are read, the table is the same, and tells of each what is urgent about it."""
    found = sorted((ranked(one) for one in mixed), key=lambda one: one.place)
    assert [one.place[-1] for one in found] == [one.source for one in BUILT]
    assert [one.words for one in found] == SAID
    assert [one.urgency.rank for one in found] == sorted(one.urgency.rank for one in found)


@given(
    st.lists(st.floats(-3.0, 3.0), min_size=4, max_size=4),
    st.lists(st.floats(0.0, 0.2), min_size=4, max_size=4),
)
def test_what_is_alike_does_not_change_places_from_look_to_look(slopes, ages):
    """Of sources that are well, or can't be judged yet, neither a slope that is noise nor the last sample tells which is first."""
    for verdict in ("stable", "cannot_say"):
        found = [
            ranked(assessed(name, finding(verdict=verdict, slope_mb_per_hour=slope), age_hours=age))
            for name, slope, age in zip("abcd", slopes, ages, strict=True)
        ]
        assert [one.place[-1] for one in sorted(found, key=lambda one: one.place)] == list("abcd")


def test_a_silent_source_is_never_well():
    """Neither with the best verdict, nor judged, nor without a sample does silence look like health."""
    silent = assessed(age_hours=9.0)
    never = freshness(None, now=START, interval_seconds=None)
    for one in (ranked(silent), unjudged("bot", silent.freshness), unjudged("bot", never)):
        assert one.urgency is Urgency.SILENT
        assert one.urgency.row.tone == "bad"
    assert unjudged("bot", never).words == "no sample yet"


def test_a_silent_source_whose_limit_was_reached_died_of_it():
    """What counted against the limit at the last sample is worse than the silence after it."""
    assert ranked(assessed(share=0.99, age_hours=9.0)).urgency is Urgency.CRITICAL
    assert ranked(assessed(share=0.9, age_hours=9.0)).urgency is Urgency.SILENT


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (assessed(share=2.5), "reached"),
        (assessed(found=LEAK, share=0.5, forecast=forecast(50.0, 40.0, 80.0)), "2.1 d"),
        (assessed(share=0.5, forecast=forecast(state="never")), "not in sight"),
        (assessed(share=0.5, forecast=forecast(state="cannot_say")), "-"),
        (assessed(found=LEAK, share=0.5, age_hours=9.0, forecast=forecast(4.0, 3.0, 6.0)), "-"),
        (assessed(), "-"),
    ],
)
def test_the_time_to_the_limit_is_told_where_there_is_one(one, words):
    """A date, that there is none in sight, or a dash: also for what is silent, of which nothing is ahead."""
    assert ranked(one).time_words == words


def test_every_state_is_counted_once_the_most_urgent_first():
    """The sentence over a table has every source in it."""
    assert counted_states(ranked(one).urgency for one in BUILT) == (
        "4 critical, 3 silent, 2 near the limit, 2 leaking, 1 at fault, 1 growing, 1 not known yet, "
        "1 settling, 1 well, 1 ended"
    )
