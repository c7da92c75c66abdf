"""The state of a deque's bound: every surface has it from one rule."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memmon.alerts import conditions
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import PresentState
from memmon.analysis.deques.finding import DequeSeries
from memmon.analysis.deques.judge import judge_deque
from memmon.analysis.deques.wording import _SENTENCES
from memmon.facts.deque_state import DEQUE_WORDS, DequeState, deque_fault, state_of
from memmon.facts.plain import as_plain
from memmon.model import DequeReading
from memmon.report.sections import deque_section

AT = datetime(2026, 3, 1, tzinfo=UTC)
COUNTS = st.none() | st.integers(0, 4)


def reading(length=3, maxlen=None, expected=None, *, is_alive=True):
    return DequeReading(
        name="d",
        length_count=length,
        maxlen_count=maxlen,
        expected_maxlen_count=expected,
        is_alive=is_alive,
    )


def row_state(one):
    """Return the state that `memmon deques` shows of a deque that stays as it is."""
    lengths = np.full(8, np.nan if one.length_count is None else one.length_count)
    series = DequeSeries.from_arrays(
        one.name,
        np.arange(8.0),
        lengths,
        maxlen_count=one.maxlen_count,
        expected_maxlen_count=one.expected_maxlen_count,
        is_alive=one.is_alive,
    )
    return judge_deque(series).state


def alerts_words(one):
    """Return what the alert says, the bot's and the evaluator's alike; None without one."""
    seen = conditions.deque(PresentState(at=AT, source="bot", deques=[one]), AlertPolicy())
    return seen.message if seen.level == "active" else None


@given(length=COUNTS, maxlen=COUNTS, expected=COUNTS, is_alive=st.booleans())
@example(length=3, maxlen=None, expected=2, is_alive=True)
@example(length=3, maxlen=2, expected=4, is_alive=True)
def test_all_surfaces_say_the_same_state(length, maxlen, expected, is_alive):
    """The row of `memmon deques`, the report's JSON and the alert agree on every deque that there can be."""
    one = reading(length, maxlen, expected, is_alive=is_alive)
    state = state_of(one)
    assert row_state(one) == state
    (shown,) = as_plain(deque_section([one]))["rows"]
    assert shown["state"] == state.value
    fault = deque_fault(one)
    assert (fault is not None) == state.is_failing
    alert = alerts_words(one)
    assert (alert is not None) == state.is_failing
    assert fault is None or fault in alert


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (reading(3, None, 2), "unbounded"),
        (reading(3, 2, 4), "above"),
        (reading(1, 2, 4), "unexpected_maxlen"),
        (reading(2, 2, 4), "unexpected_maxlen"),
        (reading(2, 2, 2), "full"),
        (reading(0, 0), "full"),
        (reading(1, 2), "ok"),
        (reading(None, 2, 4), "unreadable"),
        (reading(None, None, 4, is_alive=False), "dead"),
    ],
)
def test_where_two_states_hold_the_harm_of_now_is_told(one, state):
    """No maxlen before an unexpected one, above its limit before that too; what is not read is not judged."""
    assert state_of(one) == state


def test_each_state_has_its_words():
    """No state is without its meaning and its sentence, and the failing ones come first."""
    assert set(DEQUE_WORDS) == set(_SENTENCES) == set(DequeState)
    failing = [one.is_failing for one in DequeState]
    assert failing == sorted(failing, reverse=True)
    assert any(failing)
