"""How urgent a source is, and what a monitoring system is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from assessed_values import forecast, history, run
from hypothesis import given
from hypothesis import strategies as st
from report_values import finding

from memmon.assessment.assess import assess_finding
from memmon.assessment.check_state import CheckState, check_state
from memmon.assessment.limits import Limit
from memmon.assessment.present import Present
from memmon.assessment.severity import Severity, severity_reasons
from memmon.facts.verdicts import Confidence, Verdict
from memmon.model import DequeReading

STABLE = finding(verdict="stable")
UNBOUNDED = DequeReading(name="q", length_count=3, maxlen_count=None)
WELL = DequeReading(name="q", length_count=3, maxlen_count=10)
SHORT_HISTORY = history(hours=1)


def severity_of(found, **known):
    return severity_reasons(found, **known)[0].severity


def leak(confidence):
    return finding(verdict="leaking", is_leak=True, confidence=confidence)


@pytest.mark.parametrize(
    ("found", "known", "severity"),
    [
        (leak("high"), {"forecast": forecast(20.0, 12.0, 40.0)}, "critical"),
        (leak("medium"), {"forecast": forecast(20.0, 12.0, 40.0)}, "warning"),
        (leak("high"), {"forecast": forecast(30.0, 20.0, 40.0)}, "warning"),
        (leak("low"), {"forecast": forecast(20.0, 12.0, 24.0)}, "critical"),
        (finding(verdict="growing"), {"forecast": forecast(20.0, 12.0, 23.0)}, "critical"),
        (finding(verdict="growing"), {"forecast": forecast(20.0, 12.0, None)}, "notice"),
        (STABLE, {"limit_share": 0.95}, "critical"),
        (STABLE, {"limit_share": 0.9499}, "warning"),
        (STABLE, {"limit_share": 0.80}, "warning"),
        (STABLE, {"limit_share": 0.7999}, "ok"),
        (leak("medium"), {}, "warning"),
        (leak("low"), {}, "notice"),
        (STABLE, {"deques": (WELL, UNBOUNDED)}, "warning"),
        (STABLE, {"deques": (WELL,)}, "ok"),
        (finding(verdict="cannot_say"), {}, "ok"),
        (finding(verdict="stepped"), {}, "ok"),
        (finding(verdict="load_driven"), {}, "ok"),
    ],
)
def test_the_first_row_that_holds_decides(found, known, severity):
    """Each row of the table gives its severity, at its edge and beyond, and without it the next one holds."""
    assert severity_of(found, **known) == severity


@pytest.mark.parametrize("verdict", ["saturating", "filling", "cannot_say"])
def test_growth_that_ends_by_itself_is_never_critical(verdict):
    """Warming up, filling and a verdict that can't be given yet are not critical for a near date; a full limit is."""
    soon = forecast(3.0, 2.0, 4.0)
    assert severity_of(finding(verdict=verdict), forecast=soon) in {Severity.NOTICE, Severity.OK}
    assert severity_of(finding(verdict=verdict), forecast=soon, limit_share=0.96) is Severity.CRITICAL


def test_a_level_above_the_limit_is_as_urgent_as_any_date():
    """Growth that levels off above the limit for sure reaches it: critical where that is surely within a day."""
    ends = {"plateau_bytes": 2**31, "plateau_high_bytes": 2**32}
    sure, soon = finding(verdict="saturating"), forecast(5.0, 4.0, 6.0)
    above = replace(soon, plateau_low_bytes=soon.limit_bytes + 1, **ends)
    assert severity_of(sure, forecast=above) is Severity.CRITICAL
    below = replace(soon, plateau_low_bytes=soon.limit_bytes, **ends)
    assert severity_of(sure, forecast=below) is Severity.NOTICE
    late = replace(above, hours_to_limit_high=30.0)
    assert severity_of(sure, forecast=late) is not Severity.CRITICAL
    assert severity_of(finding(verdict="cannot_say"), forecast=above) is not Severity.CRITICAL


hours = st.none() | st.floats(0.0, 500.0)


@given(
    verdict=st.sampled_from(Verdict),
    confidence=st.sampled_from(Confidence),
    middle=hours,
    high=hours,
    share=st.floats(0.0, 1.2),
    more=st.floats(0.0, 0.5),
    is_unbounded=st.booleans(),
)
def test_more_trouble_is_never_less_urgent(verdict, confidence, middle, high, share, more, is_unbounded):
    """A fuller limit, a deque's fault and a nearer date never make a source less urgent."""
    found = finding(verdict=verdict, is_leak=verdict is Verdict.LEAKING, confidence=confidence)
    far, near = forecast(middle, None, high), forecast(1.0, 0.5, 2.0)
    deques = (UNBOUNDED,) if is_unbounded else (WELL,)
    base = severity_of(found, forecast=far, limit_share=share, deques=deques)
    assert severity_of(found, forecast=far, limit_share=share + more, deques=deques).rank >= base.rank
    assert severity_of(found, forecast=far, limit_share=share, deques=(UNBOUNDED,)).rank >= base.rank
    assert severity_of(found, forecast=near, limit_share=share, deques=deques).rank >= base.rank


def checked(found, *, dated=None, used=0.5, deques=(), age_minutes=1.0, **options):
    limit = Limit(limit_bytes=1000, used_bytes=round(1000 * used), origin="cgroup v2 /x")
    last_at = SHORT_HISTORY.last_at
    present = Present(limit=limit, deques=deques, runs=(run(last_at=last_at),))
    now = last_at + timedelta(minutes=age_minutes)
    assessed = assess_finding(SHORT_HISTORY, found, present=present, now=now, is_brief=True)
    object.__setattr__(assessed, "forecast", dated)
    return check_state(assessed, **options)


@pytest.mark.parametrize(
    ("found", "known", "state", "kind"),
    [
        (leak("high"), {}, CheckState.WARNING, "verdict"),
        (leak("medium"), {}, CheckState.WARNING, "verdict"),
        (leak("low"), {}, CheckState.OK, "verdict"),
        (leak("high"), {"dated": forecast(20.0, 12.0, 40.0)}, CheckState.CRITICAL, "near_limit"),
        (leak("medium"), {"dated": forecast(20.0, 12.0, 40.0)}, CheckState.WARNING, "verdict"),
        (STABLE, {"dated": forecast(20.0, 12.0, 24.0)}, CheckState.CRITICAL, "near_limit"),
        (STABLE, {"dated": forecast(20.0, 12.0, 24.1)}, CheckState.OK, "verdict"),
        (STABLE, {"used": 0.95}, CheckState.CRITICAL, "limit_use"),
        (STABLE, {"used": 0.8}, CheckState.WARNING, "limit_use"),
        (STABLE, {"used": 0.799}, CheckState.OK, "verdict"),
        (STABLE, {"deques": (WELL, UNBOUNDED)}, CheckState.WARNING, "deques"),
    ],
)
def test_check_tells_the_severity_and_the_worst_reason_first(found, known, state, kind):
    """A sure leak warns, a limit that will be reached or is nearly used is critical, and what decides stands first."""
    answer, reasons = checked(found, **known)
    assert answer is state
    assert (reasons[0].kind, reasons[0].state) == (kind, state)
    assert {reason.kind for reason in reasons} >= {"verdict", "limit_use"}


@pytest.mark.parametrize(
    ("known", "state", "kind"),
    [
        ({}, CheckState.UNKNOWN, "verdict"),
        ({"dated": forecast(2.0, 1.0, 3.0)}, CheckState.UNKNOWN, "verdict"),
        ({"used": 0.96}, CheckState.CRITICAL, "limit_use"),
        ({"deques": (UNBOUNDED,)}, CheckState.WARNING, "deques"),
    ],
)
def test_without_a_verdict_check_knows_nothing_unless_it_is_worse(known, state, kind):
    """What can't be judged yet is UNKNOWN and never healthy; a full limit or a deque's fault is told all the same."""
    answer, reasons = checked(finding(verdict="cannot_say"), **known)
    assert (answer, reasons[0].kind) == (state, kind)


@pytest.mark.parametrize(
    ("known", "state", "kind"),
    [
        ({}, CheckState.UNKNOWN, "stale"),
        ({"dated": forecast(2.0, 1.0, 3.0), "deques": (UNBOUNDED,)}, CheckState.UNKNOWN, "stale"),
        ({"used": 0.96}, CheckState.CRITICAL, "limit_use"),
        ({"used": 0.81}, CheckState.WARNING, "limit_use"),
        ({"max_age_seconds": 1000.0}, CheckState.WARNING, "verdict"),
    ],
)
def test_a_silent_source_is_unknown_unless_its_limit_was_nearly_used(known, state, kind):
    """Three intervals without a sample: the verdict is one of the past, and only what filled the limit still counts."""
    answer, reasons = checked(leak("high"), age_minutes=16.0, **known)
    assert (answer, reasons[0].kind) == (state, kind)


def test_an_age_that_is_asked_for_counts_before_the_intervals():
    """A monitoring system that allows two minutes gets UNKNOWN after two, whatever the interval is."""
    assert checked(leak("high"), age_minutes=2.1, max_age_seconds=120.0)[0] is CheckState.UNKNOWN
    assert checked(leak("high"), age_minutes=1.9, max_age_seconds=120.0)[0] is CheckState.WARNING


def test_without_a_limit_only_the_verdict_counts():
    """A source whose limit is not known is judged by its growth alone."""
    assessed = assess_finding(SHORT_HISTORY, STABLE)
    assert [reason.kind for reason in check_state(assessed)[1]] == ["verdict"]
