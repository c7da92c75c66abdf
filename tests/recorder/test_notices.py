"""What a snapshot gives rise to beside itself: each event once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from memmon.clock import ManualClock
from memmon.model import Snapshot
from memmon.recorder.notices import Notices


def test_why_a_component_is_not_measured_is_told_also_after_another_was_forgotten():
    """A component that fails later than one that has left meanwhile is told of, and none of them twice."""
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    components = SimpleNamespace(notes=())
    notices = Notices(
        clock=clock,
        deques=SimpleNamespace(untracked_count=0),
        components=components,
        sizes=SimpleNamespace(after_snapshot=lambda _snapshot: ()),
        own_cost=SimpleNamespace(begin_run=lambda: None, told=lambda _uptime_seconds: ()),
    )

    def told():
        return [text for _, text, _ in notices.of(Snapshot(at=clock.now()))]

    components.notes = ("first", "second")
    assert told() == ["first", "second"]
    components.notes = ("second", "third")
    assert told() == ["third"]
    assert told() == []
