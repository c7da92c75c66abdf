from __future__ import annotations

import itertools
from datetime import timedelta

from alert_kit import START, minutes
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.alerts.state_machine import Observation, Rule, step

RULE = Rule()


def _seen(level, *, severity="warning", members=()):
    return Observation(
        source_id=1, source="bot", fingerprint="x", kind="x", level=level, severity=severity, members=members
    )


def _play(script, *, rule=RULE, silenced=()):
    """Run (minute, level or observation) pairs; returns [(minute, told)] of what was told."""
    watch, told = None, []
    for minute, what in script:
        seen = _seen(what) if isinstance(what, str) else what
        done = step(watch, seen, at=START + minutes(minute), rule=rule, is_silenced=minute in silenced)
        watch = done.watch
        if done.told:
            told.append((minute, done.told))
    return told, watch


def test_alert_fires_once_and_resolves_once():
    """What is seen and then gone is told once, and its end is told once."""
    script = [(0, "clear"), (5, "active"), (10, "active"), (15, "active"), (20, "clear"), (25, "clear")]
    assert _play(script)[0] == [(5, "firing"), (20, "resolved")]


def test_alert_hysteresis_changes_nothing_between_the_levels():
    """Between the two levels an alert neither begins nor ends."""
    assert _play([(0, "between"), (5, "between")])[0] == []
    script = [(0, "active"), (5, "between"), (10, "active"), (15, "between"), (20, "clear")]
    assert _play(script)[0] == [(0, "firing"), (20, "resolved")]


def test_alert_waits_for_as_long_as_its_rule_says():
    """With `for`, what passes sooner is never told; what lasts is told when the time is up."""
    rule = Rule(for_seconds=600)
    assert _play([(0, "active"), (5, "active"), (8, "clear")], rule=rule)[0] == []
    told, watch = _play([(0, "active"), (5, "between"), (10, "active")], rule=rule)
    assert told == [(10, "firing")]
    assert watch.since == START


def test_alert_ends_only_after_its_clear_time():
    """With `clear_for`, a short relief does not end an alert, and the relief that lasts does."""
    rule = Rule(clear_for_seconds=3600)
    script = [(0, "active"), (10, "clear"), (30, "active"), (40, "clear"), (90, "clear"), (100, "clear")]
    assert _play(script, rule=rule)[0] == [(0, "firing"), (100, "resolved")]


def test_alert_cooldown_holds_a_second_episode_back():
    """A second episode within the cooldown is told when the cooldown is over, if it still lasts."""
    script = [(0, "active"), (5, "clear"), (10, "active"), (20, "active"), (34, "active"), (35, "active")]
    assert _play(script)[0] == [(0, "firing"), (5, "resolved"), (35, "firing")]
    assert _play([(0, "active"), (5, "clear"), (10, "active"), (20, "clear")])[0] == [
        (0, "firing"),
        (5, "resolved"),
    ]


def test_alert_rise_in_severity_is_told_at_once():
    """A rise in severity is not held back by the cooldown, nor by an acknowledgement; a fall is not told."""
    script = [
        (0, "active"),
        (1, _seen("active", severity="error")),
        (2, _seen("active")),
        (3, _seen("active", severity="error")),
    ]
    assert _play(script)[0] == [(0, "firing"), (1, "worse")]
    second = [(0, "active"), (1, "clear"), (2, _seen("active", severity="error"))]
    assert _play(second)[0] == [(0, "firing"), (1, "resolved"), (2, "firing")]


def test_alert_tells_of_a_new_member_at_once():
    """One more failing deque is news; one fewer is not."""
    script = [
        (0, _seen("active", members=("a",))),
        (1, _seen("active", members=("a", "b"))),
        (2, _seen("active", members=("b",))),
        (3, _seen("active", members=("a", "b"))),
    ]
    assert _play(script)[0] == [(0, "firing"), (1, "worse")]


def test_alert_reminds_rarely_and_not_once_acknowledged():
    """A lasting alert is told again after its repeat time, unless somebody has acknowledged it."""
    script = [(hour * 60, "active") for hour in range(49)]
    assert _play(script)[0] == [(0, "firing"), (1440, "reminder"), (2880, "reminder")]
    from dataclasses import replace

    watch = step(None, _seen("active"), at=START, rule=RULE).watch
    watch = replace(watch, acknowledged_at=START)
    assert step(watch, _seen("active"), at=START + timedelta(hours=30), rule=RULE).told is None


def test_alert_that_was_silenced_is_told_when_the_silence_ends():
    """A silence holds everything back; what still lasts afterwards is told, what passed is not."""
    script = [(0, "active"), (10, "active"), (20, "active")]
    assert _play(script, silenced={0, 10})[0] == [(20, "firing")]
    assert _play([(0, "active"), (10, "clear"), (20, "clear")], silenced={0})[0] == []


def test_alert_survives_a_clock_that_was_set_back():
    """A wall clock that is set back by a year silences nothing."""
    watch = step(None, _seen("active"), at=START + timedelta(days=365), rule=RULE).watch
    assert step(watch, _seen("active"), at=START, rule=RULE).told == "reminder"


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 40),
            st.sampled_from(["active", "between", "clear"]),
            st.sampled_from(["warning", "error"]),
        ),
        max_size=60,
    )
)
def test_alert_machine_keeps_its_promises_on_any_course(course):
    """On any course: equal messages are 30 min apart, recoveries follow alerts, and what lasts is told."""
    watch, minute, told = None, 0, []
    for gap, level, severity in course:
        minute += gap
        done = step(watch, _seen(level, severity=severity), at=START + minutes(minute), rule=RULE)
        watch = done.watch
        if done.told:
            told.append((minute, done.told, watch.severity))
    for first, second in itertools.pairwise(told):
        rose = (first[2], second[2]) == ("warning", "error")
        assert second[1] == "resolved" or rose or second[0] - first[0] >= 30
    open_count = 0
    for _, event, _ in told:
        open_count += {"firing": 1, "resolved": -1}.get(event, 0)
        assert open_count in {0, 1}
    if watch is not None and watch.state == "firing" and not watch.is_notified:
        assert START + minutes(minute) - watch.told_at < minutes(30)
