"""The run that a recorder writes into: opened with the first thing that needs one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from memmon.store.write.open_run import OpenRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock
    from memmon.model import RunRecord
    from memmon.probe.process.container import LimitProbe


class CurrentRun:
    """Opens one run at a time; `new_record` says who is recorded, `on_open` follows a new run."""

    def __init__(
        self, *, new_record: Callable[[], RunRecord], on_open: Callable[[OpenRun], None], clock: Clock
    ) -> None:
        self._new_record = new_record
        self._on_open = on_open
        self._clock = clock
        self.state: OpenRun | None = None
        self.parent_uuid: str | None = None
        """In a forked child: the run of its parent."""
        self._make_lock()

    def _make_lock(self) -> None:
        # Re-entrant: a finaliser may annotate while the run is being opened.
        self._lock = threading.RLock()

    def ensure(self) -> OpenRun:
        """Return the open run; opens one where there is none."""
        state = self.state
        if state is not None:
            return state
        with self._lock:
            return self.state or self._open()

    def _open(self) -> OpenRun:
        record = self._new_record()
        if self.state is not None:  # a finaliser ran meanwhile, in this thread
            return self.state
        self.state = state = OpenRun(record, started_monotonic=self._clock.monotonic())
        self._on_open(state)
        return state

    def close(self) -> OpenRun | None:
        """Let go of the run, and return it; what comes next opens another."""
        state, self.state = self.state, None
        return state

    def after_fork_in_child(self) -> None:
        """Have no run: the child's own is opened when it asks for one."""
        state = self.close()
        if state is not None:  # else it had none yet itself, and the run of its own parent is the nearest
            self.parent_uuid = state.record.uuid
        self._make_lock()


def oom_kill_count(limit: LimitProbe) -> int | None:
    """Return how often the kernel has killed in this process's groups so far; None when it can't be read."""
    counts = [item.oom_kill_count for item in limit.memory_events()]
    known = [count for count in counts if count is not None]
    return max(known) if known else None


def start_data(record: RunRecord, *, notes_sigterm: bool) -> dict[str, object]:
    """Return what must be known to write this run's end later, if it can't be written by the run itself."""
    data: dict[str, object] = {"notes_sigterm": True} if notes_sigterm else {}
    if record.oom_kill_count is not None:
        data["oom_kill_count"] = record.oom_kill_count
    return data
