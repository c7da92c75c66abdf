from __future__ import annotations

from alert_kit import START, FlakyChannel

from memmon.alerts.wording import MessageWriter
from memmon.clock import ManualClock
from memmon.errors import StoreError
from memmon.evaluator.outage_watch import BlindWatch


def test_alert_evaluator_tells_that_it_is_blind():
    """Three failed rounds are told once past the database, and once when it can be read again; one is not told."""
    clock = ManualClock(START)
    one, other = FlakyChannel(clock), FlakyChannel(clock, name="other")
    blind = BlindWatch([one, other], writer=MessageWriter(place="/db"), clock=clock)
    blind.failed(StoreError("gone"))
    blind.failed(StoreError("gone"))
    blind.worked()
    assert one.sent == []
    other.is_down = True
    for _ in range(4):
        blind.failed(StoreError("the server is gone"))
    other.is_down = False
    blind.failed(StoreError("the server is gone"))
    blind.worked()
    blind.worked()
    assert [message.event for _, message in one.sent] == ["firing", "resolved"]
    assert [message.event for _, message in other.sent] == ["firing", "resolved"]
    assert "the server is gone" in one.sent[0][1].text
    assert "memmon db status --db /db" in one.sent[0][1].text
