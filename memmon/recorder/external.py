"""Recording another process: one that embeds nothing (`memmon run`, `memmon record`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.facts.names import clean_name
from memmon.model import Snapshot
from memmon.probe.sampler import Sampler
from memmon.recorder.identity import new_run
from memmon.recorder.recorder import Recorder

if TYPE_CHECKING:
    from memmon.model import RunRecord


class ExternalRecorder(Recorder):
    """Records the process `pid` as `source`; its deques and causes can't be seen from outside.

    Further `options` are those of Recorder. Snapshots end when the process does; say how it
    ended with `finish`. `parent`: who records the program that this process is a part of; it checks for all of them.
    """

    def __init__(
        self, *args: Any, pid: int, source: str, parent: ExternalRecorder | None = None, **options: Any
    ) -> None:
        options["gc_threshold_mb"] = 0.0
        super().__init__(*args, source=source, **options)
        self._pid = pid
        if parent is not None:
            self._run.parent_uuid = parent.run_uuid
            self._dispatcher.is_scheduled = False
        self._dispatcher.child_watch.follow(pid)
        self._sampler = Sampler(pid=pid, deques=self._deques, components=self._components, clock=self._clock)

    @property
    def pid(self) -> int:
        """The process that is recorded."""
        return self._pid

    @property
    def is_inert(self) -> bool:
        """Tell whether it records nothing: memmon started this process for itself."""
        return self._is_inert

    @property
    def run_uuid(self) -> str | None:
        """The run's; None before it has begun, and once it has ended."""
        state = self._run.state
        return None if state is None else state.record.uuid

    def is_process_alive(self) -> bool:
        """Tell whether the process still runs (and is the one that recording began with)."""
        return self._sampler.process.is_alive()

    def finish(self, reason: str, detail: str | None = None, *, timeout_seconds: float = 5.0) -> None:
        """End the run with how the process ended, such as `exit`, `sigkill`; `detail`: its exit code."""
        self._end(timeout_seconds, reason, detail)

    def expected_source(self) -> str:
        """Return the name given."""
        return self._labels.source or clean_name(f"pid-{self._pid}")

    def _recorded_pid(self) -> int:
        return self._pid

    def _new_record(self) -> RunRecord:
        return new_run(
            source=self._labels.source,
            release=self._labels.release,
            interval_seconds=self._schedule.interval_seconds,
            started_at=self._clock.now(),
            role=self._labels.role,
            parent_uuid=self._run.parent_uuid,
            pid=self._pid,
        )

    def _take_locked(self, *, allow_costly: bool) -> Snapshot:
        if not self.is_process_alive():
            return self._latest or Snapshot(at=self._clock.now())
        return super()._take_locked(allow_costly=allow_costly)
