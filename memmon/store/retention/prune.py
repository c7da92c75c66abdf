"""Retention: old snapshots become hours, old hours become days, days stay for ever.

Each batch is one short transaction that writes the rollups and deletes what they stand for, so
that a sample lies in exactly one table whenever anyone looks. Reading and folding happen before
the lock is taken; between batches there is a pause long enough for a waiting recorder to get its
turn (SQLite's waiters poll, so that a pass without pauses would starve them).

Light on purpose: no numpy, so that a recorder's child can run it beside a bot.
"""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.facts.suspicion import GROWTH_EVENTS
from memmon.store.connect.session import maintenance
from memmon.store.retention.assessments import ASSESSMENT_DAYS, thin_assessments
from memmon.store.retention.free_space import Space, give_back, measure_space
from memmon.store.retention.gone_names import forget_gone_names
from memmon.store.retention.keep import Folder
from memmon.store.retention.rollup_columns import DAY_MS, HOUR_MS
from memmon.units import MIB, MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memmon.clock import Clock
    from memmon.config import Database, Settings
    from memmon.store.connect.session import Maintenance

PAUSE_SECONDS = 0.05
LONGEST_BATCH_SECONDS = 0.010
_CEILING_SHARE = 0.95
_SHRINK = 0.85
_LEAST_RAW_DAYS = 1.0
_LEAST_HOURLY_DAYS = 7.0
_OLDEST_RAW = (
    "SELECT min((SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq LIMIT 1)) FROM run r"
)
_OLDEST_HOURS = f"SELECT min(h.bucket_ms) FROM rollup h WHERE h.resolution_ms = {HOUR_MS}"
_BULK_EVENTS = ("gc", "trim", "dropped", *GROWTH_EVENTS)
_EVENT_BATCH_ROW_COUNT = 200
# Smaller batches hold the lock hardly shorter: on a busy machine the commit itself takes longest.
_LEAST_BATCH = {"_row_count": 24, "_day_count": 1}
_LARGEST_BATCH = {"_row_count": 576, "_day_count": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a pass did."""

    folded_snapshot_count: int = 0
    folded_hour_count: int = 0
    deleted_event_count: int = 0
    deleted_report_count: int = 0
    thinned_assessment_count: int = 0
    forgotten_name_count: int = 0
    """Names of deques, components and work that came and went within a day, long ago."""
    batch_count: int = 0
    longest_batch_seconds: float = 0.0
    """How long the longest transaction held the write lock."""
    raw_days: float = 0.0
    """The days of raw snapshots that were kept: fewer than asked for under the size ceiling."""
    hourly_days: float = 0.0
    used_bytes: int | None = None
    """What the file's pages hold after the pass; None on a server."""
    is_over_ceiling: bool = False
    """True: even the least detail does not fit the ceiling."""
    is_complete: bool = True
    """False: stopped before it was done."""


def apply(
    database: Database,
    settings: Settings,
    *,
    now: datetime,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
    pause_seconds: float = PAUSE_SECONDS,
) -> RetentionReport:
    """Fold and delete what is past its time, then whatever the size ceiling asks for.

    `stop`, once set, ends the pass after the present batch. Raises StoreError and its kin; what
    was done until then stays, and another pass goes on from there.
    """
    halt = stop or threading.Event()
    with maintenance(database) as session:
        work = _Pass(session, settings, now, halt, clock or SystemClock(), pause_seconds)
        work.keep(settings.raw_days, settings.hourly_days)
        work.respect_ceiling()
        return work.report()


class _Pass:
    """One pass over a database."""

    def __init__(
        self,
        session: Maintenance,
        settings: Settings,
        now: datetime,
        stop: threading.Event,
        clock: Clock,
        pause_seconds: float,
    ) -> None:
        self._session = session
        self._settings = settings
        self._now = now
        self._stop = stop
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._report = RetentionReport()
        self._row_count = 48
        self._day_count = 2

    def keep(self, raw_days: float, hourly_days: float) -> None:
        """Fold what is older than so many days; buckets are always folded whole."""
        self._report = replace(self._report, raw_days=raw_days, hourly_days=hourly_days)
        folder = Folder(self._session)
        cut_ms = self._cut_ms(raw_days, HOUR_MS)
        for run_id, source_id in folder.runs_with_raw_before(cut_ms):
            while folded := self._timed(
                lambda run=run_id, source=source_id: folder.fold_raw(  # type: ignore[misc] # bound now
                    run, source, cut_ms=cut_ms, row_count=self._row_count
                ),
                adapt="_row_count",
            ):
                self._add(folded_snapshot_count=folded)
        cut_ms = self._cut_ms(hourly_days, DAY_MS)
        for run_id, source_id in folder.runs_with_hours_before(cut_ms):
            while folded := self._timed(
                lambda run=run_id, source=source_id: folder.fold_hours(  # type: ignore[misc] # bound now
                    run, source, cut_ms=cut_ms, day_count=self._day_count
                ),
                adapt="_day_count",
            ):
                self._add(folded_hour_count=folded)
        self._delete_old(hourly_days)
        cut_ms = self._cut_ms(min(ASSESSMENT_DAYS, hourly_days), DAY_MS)
        while thinned := self._timed(lambda: thin_assessments(self._session, cut_ms), adapt=None):
            self._add(thinned_assessment_count=thinned)
        with closing(forget_gone_names(self._session)) as gone:
            while forgotten := self._timed(lambda: next(gone, 0), adapt=None):
                self._add(forgotten_name_count=forgotten)

    def respect_ceiling(self) -> None:
        """Keep less detail, oldest first, until the file's pages in use fit the ceiling."""
        ceiling_bytes = round(self._settings.size_ceiling_mb * MIB)
        space = measure_space(self._session)
        if space is None:
            return
        raw_days, hourly_days = self._settings.raw_days, self._settings.hourly_days
        while self._is_full(space, ceiling_bytes) and not self._stop.is_set():
            if raw_days <= _LEAST_RAW_DAYS and hourly_days <= _LEAST_HOURLY_DAYS:
                break
            # The oldest of both goes: neither all snapshots for old hours, nor the reverse.
            raw_days = max(_LEAST_RAW_DAYS, min(raw_days, self._oldest_days(_OLDEST_RAW)) * _SHRINK)
            hourly_days = max(
                _LEAST_HOURLY_DAYS, min(hourly_days, self._oldest_days(_OLDEST_HOURS)) * _SHRINK
            )
            self.keep(raw_days, max(raw_days, hourly_days))
            space = measure_space(self._session) or space
        give_back(
            self._session, ceiling_bytes=ceiling_bytes, batch=lambda work: self._timed(work, adapt=None)
        )
        space = measure_space(self._session) or space
        self._report = replace(
            self._report,
            used_bytes=space.used_bytes,
            is_over_ceiling=self._is_full(space, ceiling_bytes),
        )

    def report(self) -> RetentionReport:
        """Return what was done."""
        return replace(self._report, is_complete=not self._stop.is_set())

    @staticmethod
    def _is_full(space: Space, ceiling_bytes: int) -> bool:
        return space.used_bytes > ceiling_bytes * _CEILING_SHARE

    def _cut_ms(self, days: float, bucket_ms: int) -> int:
        moment = self._now - timedelta(days=days)
        return int(moment.timestamp() * MS_PER_SECOND) // bucket_ms * bucket_ms

    def _oldest_days(self, query: str) -> float:
        """Return the age of the oldest sample that a query finds: cuts before it would free nothing."""
        oldest_ms = self._session.read(query)[0][0]
        if oldest_ms is None:
            return 0.0
        return (self._now.timestamp() * MS_PER_SECOND - float(oldest_ms)) / DAY_MS

    def _delete_old(self, days: float) -> None:
        cut_ms = self._cut_ms(days, DAY_MS)
        kinds = ", ".join(f"'{kind}'" for kind in _BULK_EVENTS)
        for table, condition, counter in (
            ("event", f"at_ms < :cut_ms AND kind IN ({kinds})", "deleted_event_count"),
            ("report", "at_ms < :cut_ms", "deleted_report_count"),
        ):
            sql = (
                f"DELETE FROM {table} WHERE id IN "
                f"(SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT {_EVENT_BATCH_ROW_COUNT})"
            )
            while deleted := self._timed(lambda sql=sql: self._delete(sql, cut_ms), adapt=None):  # type: ignore[misc] # bound now
                self._add(**{counter: deleted})

    def _delete(self, sql: str, cut_ms: int) -> int:
        # Looked at first: most passes have nothing to delete, and take no lock for it.
        table = sql.split()[2]
        if not self._session.read(
            f"SELECT id FROM {table} WHERE at_ms < :cut_ms LIMIT 1", {"cut_ms": cut_ms}
        ):
            return 0
        with self._session.write() as transaction:
            return transaction.run(sql, {"cut_ms": cut_ms})

    def _add(self, **counts: int) -> None:
        values = {name: getattr(self._report, name) + count for name, count in counts.items()}
        self._report = replace(self._report, **values)

    def _timed(self, work: Callable[[], int], *, adapt: str | None) -> int:
        """Do one batch unless stopped, pause after it, and size the next by how long it took."""
        if self._stop.is_set():
            return 0
        done = work()
        held_seconds = self._session.take_held_seconds()
        if not held_seconds:
            return done
        self._report = replace(
            self._report,
            batch_count=self._report.batch_count + 1,
            longest_batch_seconds=max(self._report.longest_batch_seconds, held_seconds),
        )
        if adapt is not None:
            self._adapt(adapt, held_seconds)
        if self._pause_seconds:
            self._stop.wait(self._pause_seconds)
        return done

    def _adapt(self, name: str, held_seconds: float) -> None:
        size = getattr(self, name)
        if held_seconds > LONGEST_BATCH_SECONDS:
            size = max(_LEAST_BATCH[name], size // 2)
        elif held_seconds < LONGEST_BATCH_SECONDS / 3:
            size = min(_LARGEST_BATCH[name], size + max(1, size // 4))
        setattr(self, name, size)
