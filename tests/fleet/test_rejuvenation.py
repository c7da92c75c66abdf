from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest

from memmon.model import Snapshot
from memmon.recorder.rejuvenation import Rejuvenation, RejuvenationPolicy, RejuvenationState, decide

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _snapshot(hours, percent, *, clock_hours=None) -> Snapshot:
    at = START + timedelta(hours=hours if clock_hours is None else clock_hours)
    return Snapshot(
        at=at,
        uptime_seconds=hours * 3600,
        limit_bytes=1000,
        limit_used_bytes=None if percent is None else percent * 10,
    )


def _play(script, policy):
    state, made = RejuvenationState(), []
    for hours, percent in script:
        state, decision = decide(state, _snapshot(hours, percent), policy, tz=UTC)
        made.append(decision)
    return made


def test_rejuvenation_drains_then_restarts_once():
    """Near the limit it drains, and after the drain time asks for the restart once."""
    policy = RejuvenationPolicy(drain_seconds=60)
    script = [(1, 50), (8, 89), (9, 91), (9 + 30 / 3600, 92), (9 + 60 / 3600, 93), (9.1, 94)]
    assert _play(script, policy) == ["wait", "wait", "drain", "wait", "restart", "wait"]


def test_rejuvenation_refuses_where_the_base_is_over():
    """A process that was as high soon after its start is not helped by a restart."""
    assert _play([(0.2, 85), (9, 91)], RejuvenationPolicy()) == ["wait", "base_over"]
    assert _play([(0.1, 95)], RejuvenationPolicy()) == ["base_over"]


def test_rejuvenation_is_limited_in_its_rate():
    """A process younger than the least gap is not restarted again."""
    assert _play([(0.5, 50), (5.9, 95), (6, 95)], RejuvenationPolicy()) == ["wait", "too_soon", "drain"]


def test_rejuvenation_waits_for_a_quiet_hour_unless_it_is_urgent():
    """It waits for the quiet hours (over midnight too), but not at the brink."""
    policy = RejuvenationPolicy(quiet_hours=((23, 3),), drain_seconds=0)
    assert _play([(1, 50), (8, 91), (11, 92)], policy) == ["wait", "not_quiet", "restart"]
    assert _play([(1, 50), (13, 92)], policy) == ["wait", "restart"]
    assert _play([(1, 50), (8, 98)], policy) == ["wait", "restart"]


def test_rejuvenation_says_nothing_without_a_limit():
    """Where nothing is known of the limit, nothing is asked for."""
    assert _play([(9, None)], RejuvenationPolicy()) == ["unknown"]


def test_rejuvenation_calls_the_host_and_survives_it(caplog, monkeypatch):
    """Callbacks are called once each, what they raise is logged; a signal goes to this process."""
    called = []
    hook = Rejuvenation(lambda: called.append("restart"), on_drain=lambda: 1 / 0)
    for hours, percent in ((1, 50), (9, 91), (9.1, 92), (9.2, 92)):
        hook.consider(_snapshot(hours, percent))
    assert called == ["restart"]
    assert "ZeroDivisionError" in caplog.text
    sent = []
    monkeypatch.setattr("memmon.recorder.rejuvenation.os.kill", lambda _pid, number: sent.append(number))
    hook = Rejuvenation(signal.SIGUSR1, policy=RejuvenationPolicy(drain_seconds=0))
    for hours, percent in ((1, 50), (9, 91), (9.1, 92)):
        hook.consider(_snapshot(hours, percent))
    assert sent == [signal.SIGUSR1]


def test_rejuvenation_refuses_wrong_arguments():
    """Contradicting percentages, impossible hours and what is no callback raise at the call."""
    for wrong in (
        {"at_percent": 99.0},
        {"base_percent": 0.0},
        {"drain_seconds": -1},
        {"quiet_hours": ((1, 25),)},
    ):
        with pytest.raises(ValueError):
            RejuvenationPolicy(**wrong)
    with pytest.raises(TypeError):
        Rejuvenation("SIGTERM")
