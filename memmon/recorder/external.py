"""Recording another process, as long as it does not record itself (`memmon run`, `memmon record`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.facts.names import clean_name
from memmon.model import Snapshot
from memmon.probe.sampler import Sampler
from memmon.recorder.recorder import Recorder
from memmon.recorder.run_identity import new_run
from memmon.store.write.batch import RunEnd
from memmon.store.write.inside import end_inside_run, inside_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memmon.model import RunRecord
    from memmon.store.write.inside import InsideRun

BACK_AFTER_SECONDS = 10.0
"""A process that records itself no longer and lives is recorded from outside again after so long, or an interval: most end just then."""


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
        self._inside: InsideRun | None = None
        self._missed_at: float | None = None
        self._first: RunRecord | None = None
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
        """The first run's; None before it has begun."""
        return None if self._first is None else self._first.uuid

    def is_process_alive(self) -> bool:
        """Tell whether the process still runs (and is the one that recording began with)."""
        return self._sampler.process.is_alive()

    # -- a process that records itself ---------------------------------------------------------

    @property
    def inside(self) -> InsideRun | None:
        """The run that the process writes of itself, which is the better record: nothing is recorded from outside then."""
        return self._inside

    def find_inside(self, others: Iterable[ExternalRecorder] = ()) -> dict[int, InsideRun]:
        """Return by pid who of this process and others records itself into the same database."""
        known = (one._first for one in (self, *others))  # noqa: SLF001 -- of its own kind
        return inside_runs(self._database, [one for one in known if one is not None])

    def heed(self, inside: InsideRun | None) -> bool:
        """Give way to what the process records of itself, or come back once it does no longer; True when it gives way now."""
        now = self._clock.monotonic()
        if inside is not None:
            is_new, self._inside, self._missed_at = self._inside is None, inside, None
            if is_new:
                self._step_back(f"the process records itself: run {inside.run_id} of {inside.source}")
            return is_new
        if self._inside is None or not self.is_process_alive():
            return False
        self._missed_at = now if self._missed_at is None else self._missed_at
        if now - self._missed_at >= max(BACK_AFTER_SECONDS, self._schedule.interval_seconds):
            self._inside = self._missed_at = None
            self.start()
        return False

    def check_too(self) -> None:
        """Do the scheduled checks, as whoever did them for this one has given way."""
        self._dispatcher.is_scheduled = True

    @property
    def is_checking(self) -> bool:
        """Tell whether it does the scheduled checks."""
        return self._dispatcher.is_scheduled

    def tell_end_of_inside(self, reason: str, detail: str) -> None:
        """Write how the process ended where it could not tell itself."""
        if self._first is not None:
            end = RunEnd(at=self._clock.now(), reason=reason, detail=detail)
            end_inside_run(self._database, self._first, end)

    # ------------------------------------------------------------------------------------------

    def finish(self, reason: str, detail: str | None = None, *, timeout_seconds: float = 5.0) -> None:
        """End the run with how the process ended, such as `exit`, `sigkill`; `detail`: its exit code."""
        self._end(timeout_seconds, reason, detail)

    def expected_source(self) -> str:
        """Return the name given."""
        return self._labels.source or clean_name(f"pid-{self._pid}")

    def _recorded_pid(self) -> int:
        return self._pid

    def _new_record(self) -> RunRecord:
        record = new_run(
            source=self._labels.source,
            release=self._labels.release,
            interval_seconds=self._schedule.interval_seconds,
            started_at=self._clock.now(),
            role=self._labels.role,
            parent_uuid=self._run.parent_uuid,
            pid=self._pid,
        )
        self._first = self._first or record
        return record

    def _take_locked(self, *, allow_costly: bool) -> Snapshot:
        if not self.is_process_alive():
            return self._latest or Snapshot(at=self._clock.now())
        return super()._take_locked(allow_costly=allow_costly)
