"""How urgent a source is, and what a monitoring system is told of it."""

from __future__ import annotations

import pytest
from assessed_values import forecast, history
from hypothesis import given
from hypothesis import strategies as st
from report_values import finding

from memmon.assessment.assess import assess_finding
from memmon.assessment.check_state import CheckState, check_state
from memmon.assessment.limits import Limit
from memmon.assessment.present import Present
from memmon.assessment.severity import Severity, severity_of
from memmon.facts.verdicts import Confidence, Verdict
from memmon.model import DequeReading

STABLE = finding(verdict="stable")
UNBOUNDED = DequeReading(name="q", length_count=3, maxlen_count=None)
WELL = DequeReading(name="q", length_count=3, maxlen_count=10)
SHORT_HISTORY = history(hours=1)


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
        (finding(verdict="mapped_files"), {}, "notice"),
        (finding(verdict="saturating"), {}, "notice"),
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


def checked(found, *, dated=None, used=0.5):
    limit = Limit(limit_bytes=1000, used_bytes=round(1000 * used), origin="cgroup v2 /x")
    assessed = assess_finding(SHORT_HISTORY, found, present=Present(limit=limit), is_brief=True)
    object.__setattr__(assessed, "forecast", dated)
    return check_state(assessed)


@pytest.mark.parametrize(
    ("found", "dated", "used", "state", "kind"),
    [
        (leak("high"), None, 0.5, CheckState.WARNING, "verdict"),
        (leak("high"), forecast(23.0, 12.0, 40.0), 0.5, CheckState.CRITICAL, "near_limit"),
        (leak("medium"), None, 0.5, CheckState.WARNING, "verdict"),
        (leak("medium"), forecast(12.0, 5.0, 30.0), 0.5, CheckState.WARNING, "verdict"),
        (leak("low"), None, 0.5, CheckState.OK, "verdict"),
        (STABLE, forecast(0.0, 0.0, 0.0, state="reached"), 0.5, CheckState.CRITICAL, "near_limit"),
        (STABLE, None, 0.8, CheckState.WARNING, "limit_use"),
        (STABLE, None, 0.95, CheckState.CRITICAL, "limit_use"),
        (STABLE, None, 0.799, CheckState.OK, "verdict"),
        (finding(verdict="mapped_files"), None, 0.5, CheckState.OK, "verdict"),
        (finding(verdict="cannot_say"), None, 0.5, CheckState.UNKNOWN, "verdict"),
        (finding(verdict="cannot_say"), None, 0.85, CheckState.WARNING, "limit_use"),
    ],
)
def test_check_tells_the_worst_reason_first(found, dated, used, state, kind):
    """A leak warns until its limit is near, a used limit from 80 %, doubt is no health: the worst one leads."""
    answer, reasons = checked(found, dated=dated, used=used)
    assert answer is state
    assert (reasons[0].kind, reasons[0].state) == (kind, state)
    assert {reason.kind for reason in reasons} >= {"verdict", "limit_use"}


def test_without_a_limit_only_the_verdict_counts():
    """A source whose limit is not known is judged by its growth alone."""
    assessed = assess_finding(SHORT_HISTORY, STABLE)
    assert [reason.kind for reason in check_state(assessed)[1]] == ["verdict"]
