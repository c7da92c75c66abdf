"""MemoryMonitor: the interface that bots embed already, on top of the recorder."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from memmon.alerts import conditions
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import Memory, PresentState
from memmon.alerts.state_machine import SEVERITY_RANKS
from memmon.child.requests import JudgeLeak, RenderReport
from memmon.errors import ChildError
from memmon.facts import defaults
from memmon.facts.deque_state import deque_fault
from memmon.guest.shielding import log_safely
from memmon.monitor.judge import (
    ask,
    columns_of,
    leak_of,
    report_of,
    report_without_child,
    too_little,
    unavailable,
)
from memmon.monitor.recorder import MonitorRecorder
from memmon.monitor.values import MemoryLeakReport, MemorySnapshot, local_time, memory_snapshot
from memmon.monitor.window import MonitorWindow
from memmon.recorder import validation
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from memmon.alerts.state_machine import Observation
    from memmon.clock import Clock
    from memmon.model import Alert, AlertSeverity, RecorderStatus, Snapshot

log = logging.getLogger("memmon")

NO_DATA = "No memory data available"


class MemoryMonitor:
    """Memory snapshots, leak detection, deque checks and the 24-hour report of this process.

    Times are naive local `datetime`s and sizes MB of 2**20 bytes. All that is taken is also
    persisted to `database_url` (default: as for Recorder), so that the report's HISTORY section
    reaches over restarts. `detect_memory_leak` and `generate_24h_report` compute in a child
    process and may wait up to 30 s: from an event loop call them through `asyncio.to_thread`.
    """

    def __init__(  # noqa: PLR0913 -- the first four are what bots pass already
        self,
        snapshot_interval_seconds: float = defaults.INTERVAL_SECONDS,
        max_snapshots: int = 288,
        leak_threshold_mb_per_hour: float = defaults.LEAK_THRESHOLD_MB_PER_HOUR,
        high_memory_threshold_percent: float = defaults.HIGH_MEMORY_PERCENT,
        *,
        database_url: str | os.PathLike[str] | None = None,
        source: str | None = None,
        release: str | None = None,
        on_alert: Callable[[Alert], None] | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        """Further `options` are those of Recorder (`gc_threshold_mb`, `daily_report`, ...)."""
        if isinstance(max_snapshots, bool) or not isinstance(max_snapshots, int):
            msg = f"max_snapshots must be an int, not {type(max_snapshots).__name__}"
            raise TypeError(msg)
        if max_snapshots < 1:
            msg = f"max_snapshots must be at least 1, not {max_snapshots}"
            raise ValueError(msg)
        self.leak_threshold = validation.number(
            leak_threshold_mb_per_hour, "leak_threshold_mb_per_hour", low=0.0
        )
        self.high_memory_threshold = validation.number(
            high_memory_threshold_percent, "high_memory_threshold_percent", low=0.0, high=100.0
        )
        validation.number(
            snapshot_interval_seconds,
            "snapshot_interval_seconds",
            low=0.0,
            high=validation.LONGEST_INTERVAL_SECONDS,
        )
        self._snapshots: MonitorWindow[MemorySnapshot] = MonitorWindow(maxlen=max_snapshots)
        self._recorder = MonitorRecorder(
            database_url,
            on_taken=self._on_taken,
            source=source,
            release=release,
            interval_seconds=snapshot_interval_seconds,
            on_alert=on_alert,
            clock=clock,
            leak_threshold_mb_per_hour=leak_threshold_mb_per_hour,
            high_memory_percent=high_memory_threshold_percent,
            **options,
        )
        self._clock = self._recorder.clock
        told = self._recorder.notified_before("high_memory")
        self._high_memory_told_at: datetime | None = told
        self._high_memory_severity: AlertSeverity | None = None
        self._knows_cooldown = self._recorder.knows_alerts

    # -- attributes that programs read and set -----------------------------------------------------

    @property
    def snapshot_interval(self) -> float:
        """Seconds between snapshots."""
        return self._recorder.interval_seconds

    @snapshot_interval.setter
    def snapshot_interval(self, seconds: float) -> None:
        self._recorder.interval_seconds = seconds

    @property
    def max_snapshots(self) -> int:
        """How many snapshots are kept in memory."""
        return self._snapshots.maxlen

    @max_snapshots.setter
    def max_snapshots(self, count: int) -> None:
        self._snapshots = MonitorWindow(self._snapshots, maxlen=max(int(count), 1))

    @property
    def snapshots(self) -> MonitorWindow[MemorySnapshot]:
        """The newest snapshots of this process; what the program appends counts."""
        return self._snapshots

    @snapshots.setter
    def snapshots(self, items: Iterable[MemorySnapshot]) -> None:
        self._snapshots = MonitorWindow(items, maxlen=self._snapshots.maxlen)

    @property
    def alert_cooldown_minutes(self) -> float:
        """Minutes before the high-memory alert is repeated."""
        return self._recorder.alert_cooldown_minutes

    @alert_cooldown_minutes.setter
    def alert_cooldown_minutes(self, minutes: float) -> None:
        self._recorder.alert_cooldown_minutes = minutes

    @property
    def last_snapshot_time(self) -> datetime | None:
        """When the last snapshot was taken; None before the first."""
        at = self._recorder.last_taken_at
        return None if at is None else local_time(at)

    @last_snapshot_time.setter
    def last_snapshot_time(self, moment: datetime | None) -> None:
        self._recorder.last_taken_at = None if moment is None else validation.aware(moment)

    @property
    def last_high_memory_alert(self) -> datetime | None:
        """When high memory was last told, by this run or an earlier one."""
        return None if self._high_memory_told_at is None else local_time(self._high_memory_told_at)

    @last_high_memory_alert.setter
    def last_high_memory_alert(self, moment: datetime | None) -> None:
        self._high_memory_told_at = None if moment is None else validation.aware(moment)
        self._high_memory_severity = None
        self._knows_cooldown = True

    @property
    def tracked_deques(self) -> Mapping[str, Any]:
        """The registered deques that are alive, by name."""
        return self._recorder.tracked_deques

    @property
    def status(self) -> RecorderStatus:
        """What was taken, stored, held and dropped."""
        return self._recorder.status

    # -- snapshots -------------------------------------------------------------------------------

    def should_take_snapshot(self) -> bool:
        """Tell whether the interval has passed (True before the first snapshot)."""
        return self._recorder.should_take_snapshot()

    def take_snapshot(self) -> MemorySnapshot:
        """Take a snapshot now; it is kept in `snapshots` and persisted."""
        return memory_snapshot(self._recorder.take_snapshot())

    def _on_taken(self, snapshot: Snapshot) -> None:
        self._snapshots.append(memory_snapshot(snapshot))
        seen = conditions.high_memory(
            self._present(snapshot.at, memory=Memory.of_snapshot(snapshot)), self._policy
        )
        if seen is None:
            return
        if seen.level != "active" or self._is_quiet(seen, snapshot.at):
            self._recorder.submit(seen, at=snapshot.at, telling="never")
            return
        self._high_memory_told_at, self._high_memory_severity = snapshot.at, seen.severity
        self._recorder.submit(seen, at=snapshot.at, telling="at once" if self._knows_cooldown else "by rule")
        self._knows_cooldown = True

    def _is_quiet(self, seen: Observation, at: datetime) -> bool:
        """Tell whether high memory was told just now, and not as less severe than it is."""
        told, severity = self._high_memory_told_at, self._high_memory_severity
        if severity is not None and SEVERITY_RANKS[seen.severity] > SEVERITY_RANKS[severity]:
            return False
        cooldown = timedelta(minutes=self.alert_cooldown_minutes)
        return told is not None and timedelta(0) <= at - told < cooldown

    @property
    def _policy(self) -> AlertPolicy:
        return AlertPolicy().with_high_memory(self.high_memory_threshold)

    def _present(self, at: datetime, **known: Any) -> PresentState:
        return PresentState(at=at, source=self._recorder.source, **known)

    def get_snapshot_history(self, hours: float | None = None) -> list[MemorySnapshot]:
        """Return the snapshots, or those not older than `hours`."""
        items = list(self._snapshots)
        if hours is None:
            return items
        since = local_time(self._clock.now()) - timedelta(hours=hours)
        return [item for item in items if local_time(item.timestamp) >= since]

    def get_current_memory_mb(self) -> float:
        """Return this process's resident memory now, in MB (NaN when it can't be read)."""
        rss_bytes = self._recorder.read_rss_bytes()
        return math.nan if rss_bytes is None else mb_from_bytes(rss_bytes)

    def get_memory_stats(self) -> dict[str, float | int]:
        """Return `current_mb`, `min_mb`, `max_mb`, `avg_mb` and `samples` of the snapshots."""
        values = [item.rss_mb for item in list(self._snapshots) if math.isfinite(item.rss_mb)]
        if not values:
            current = self.get_current_memory_mb()
            return {"current_mb": current, "min_mb": 0.0, "max_mb": 0.0, "avg_mb": 0.0, "samples": 0}
        return {
            "current_mb": values[-1],
            "min_mb": min(values),
            "max_mb": max(values),
            "avg_mb": sum(values) / len(values),
            "samples": len(values),
        }

    # -- deques ----------------------------------------------------------------------------------

    def register_deque(self, name: str, dq: object, *, expected_maxlen: int | None = None) -> None:
        """Track a deque (or what a getter returns); it is never kept alive."""
        self._recorder.register_deque(name, dq, expected_maxlen=expected_maxlen)

    def register_deques(self, mapping: Mapping[str, object], *, prefix: str = "") -> None:
        """Track every deque of a mapping, each under `prefix` + its key."""
        self._recorder.register_deques(mapping, prefix=prefix)

    def unregister_deque(self, name: str) -> None:
        """Stop tracking a deque."""
        self._recorder.unregister_deque(name)

    def check_deque_limits(self) -> dict[str, bool]:
        """Return per deque whether it has a maxlen and holds no more than that.

        A deque without maxlen is logged as a warning, one above it as an error; failures raise
        the deque alert.
        """
        readings = [
            one for one in self._recorder.read_deques() if one.is_alive and one.length_count is not None
        ]
        faults = {one.name: deque_fault(one) for one in readings}
        for one in readings:
            fault = faults[one.name]
            if fault is not None:
                level = logging.WARNING if one.maxlen_count is None else logging.ERROR
                log_safely(log, level, "memmon: deque %s %s", one.name, fault)
        now = self._clock.now()
        self._submit(conditions.deque(self._present(now, deques=readings), self._policy), now)
        return {name: fault is None for name, fault in faults.items()}

    def get_deque_stats(self) -> dict[str, dict[str, float | int]]:
        """Return per deque `current_size`, `max_size` (0: none) and `utilization_pct`."""
        stats: dict[str, dict[str, float | int]] = {}
        for one in self._recorder.read_deques():
            if not one.is_alive or one.length_count is None:
                continue
            bound = one.maxlen_count or 0
            share = 100.0 * one.length_count / bound if bound else 0.0
            stats[one.name] = {"current_size": one.length_count, "max_size": bound, "utilization_pct": share}
        return stats

    # -- judging ---------------------------------------------------------------------------------

    def detect_memory_leak(
        self, min_duration_hours: float = defaults.LEAK_HOURS, min_samples: int = defaults.LEAK_SAMPLE_COUNT
    ) -> MemoryLeakReport:
        """Judge `snapshots`: is there a leak, how fast, how sure. Waits up to 30 s (a child computes)."""
        items = list(self._snapshots)
        short = too_little(items, min_duration_hours=min_duration_hours, min_samples=min_samples)
        if short is not None:
            return short
        request = JudgeLeak(
            snapshots=columns_of(items),
            min_duration_hours=min_duration_hours,
            min_samples=int(min_samples),
            threshold_mb_per_hour=self.leak_threshold,
            source=self._recorder.source,
        )
        try:
            answer = ask(request, self._recorder.latest, self._recorder.children)
        except ChildError as error:
            log_safely(log, logging.WARNING, "memmon: the leak detection could not run: %s", error)
            return unavailable(items, error)
        report = report_of(answer.leak)
        if report.leak_detected:
            self._submit_leak(report)
        return report

    def _submit_leak(self, report: MemoryLeakReport) -> None:
        now = self._clock.now()
        present = self._present(now, leak=leak_of(report), is_leak_confirmed=True)
        self._submit(conditions.leak(present, self._policy), now)

    def _submit(self, seen: Observation | None, at: datetime) -> None:
        if seen is not None:
            self._recorder.submit(seen, at=at)

    def generate_24h_report(self) -> str:
        """Return the 24-hour report as text. Waits up to 30 s (a child computes and renders it)."""
        items = list(self._snapshots)
        if not items:
            return NO_DATA
        self._recorder.flush(timeout_seconds=2.0)
        readings = self._recorder.read_deques()
        request = RenderReport(
            snapshots=columns_of(items),
            deques=readings,
            threshold_mb_per_hour=self.leak_threshold,
            source=self._recorder.source,
            database=self._recorder.database_url,
            now=self._clock.now(),
        )
        try:
            return ask(request, self._recorder.latest, self._recorder.children).text
        except ChildError as error:
            log_safely(
                log, logging.WARNING, "memmon: the report's leak section could not be computed: %s", error
            )
            return report_without_child(
                items,
                readings,
                source=self._recorder.source,
                now=self._clock.now(),
                threshold_mb_per_hour=self.leak_threshold,
                reason=str(error),
            )

    def force_garbage_collection(self) -> tuple[int, float]:
        """Collect garbage now; returns (objects collected, MB of resident memory freed)."""
        done = self._recorder.collect_garbage()
        if done is None:
            return 0, 0.0
        return done.objects_count, mb_from_bytes(done.freed_bytes or 0)

    # -- as Recorder -----------------------------------------------------------------------------

    def register_component(self, name: str, measure: object) -> None:
        """Track a component's size: see Recorder.register_component."""
        self._recorder.register_component(name, measure)

    def count_work(self, amount: int = 1, *, name: str = "work") -> None:
        """Count units of work done: see Recorder.count_work."""
        self._recorder.count_work(amount, name=name)

    def annotate(self, text: str) -> None:
        """Put an event on the time axis: see Recorder.annotate."""
        self._recorder.annotate(text)

    def start(self) -> None:
        """Take snapshots in a thread of memmon's own, instead of the program's heartbeat."""
        self._recorder.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """End the run and store what is held."""
        self._recorder.stop(timeout_seconds)

    def close(self) -> None:
        """Do what `stop` does."""
        self.stop()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Store all that was taken; True when it is durably stored."""
        return self._recorder.flush(timeout_seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.__exit__(kind, error, trace)
