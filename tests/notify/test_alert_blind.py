from __future__ import annotations

from alert_kit import START, FlakyChannel

from memmon.alerts.wording import MessageWriter
from memmon.clock import ManualClock
from memmon.errors import StoreError
from memmon.evaluator.outage_watch import OutageWatch


def test_alert_evaluator_tells_that_it_is_blind():
    """Three failed rounds are told once past the database, and once when it can be read again; one is not told."""
    clock = ManualClock(START)
    one, other = FlakyChannel(clock), FlakyChannel(clock, name="other")
    outage = OutageWatch([one, other], writer=MessageWriter(place="/db"), clock=clock)
    outage.failed(StoreError("gone"))
    outage.failed(StoreError("gone"))
    outage.worked()
    assert one.sent == []
    other.is_down = True
    for _ in range(4):
        outage.failed(StoreError("the server is gone"))
    other.is_down = False
    outage.failed(StoreError("the server is gone"))
    outage.worked()
    outage.worked()
    assert [message.event for _, message in one.sent] == ["firing", "resolved"]
    assert [message.event for _, message in other.sent] == ["firing", "resolved"]
    assert "the server is gone" in one.sent[0][1].text
    assert "memmon db status --db /db" in one.sent[0][1].text
