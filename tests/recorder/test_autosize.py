"""A deque that is always full is asked to grow through the host's own callback."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

import pytest

from memmon import Recorder, open_store
from memmon.clock import ManualClock


def test_a_full_deque_is_doubled(tmp_path):
    """The callback gets old and new size, the getter follows, and the change is an event."""
    held = {"queue": deque(range(32), maxlen=32)}
    calls = []

    def resize(old, new):
        calls.append((old, new))
        held["queue"] = deque(held["queue"], maxlen=new)

    clock = ManualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    recorder = Recorder(tmp_path / "a.db", source="bot", clock=clock)
    recorder.register_deque("queue", lambda: held["queue"])
    recorder.autosize_deque("queue", resize, most_count=64)
    for _ in range(40):
        held["queue"].extend(range(100))
        snapshot = recorder.take_snapshot()
        clock.advance(300.0)
    recorder.stop()
    assert calls == [(32, 64)]
    assert snapshot.deques[0].maxlen_count == 64
    with open_store(tmp_path / "a.db") as store:
        assert "autosize" in {event.kind for event in store.events("bot")}


def test_wrong_bounds(tmp_path):
    """Bounds that are none, and a resize that can't be called, are refused at the call."""
    recorder = Recorder(tmp_path / "a.db", source="bot")
    with pytest.raises(ValueError):
        recorder.autosize_deque("queue", lambda old, new: None, least_count=9, most_count=3)
    with pytest.raises(TypeError):
        recorder.autosize_deque("queue", "bigger", most_count=3)
