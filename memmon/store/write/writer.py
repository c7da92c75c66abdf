"""Writing a batch: one transaction, idempotent, acknowledged only when it lies in the file at that path.

A retry of a batch changes nothing: the run is known by its uuid, a snapshot by (run, seq), an
event by (run, seq). Readings are written on change only; what was written last is remembered
for as long as the store still holds this run's newest snapshot, else all is written again.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from memmon.errors import StoreNotFoundError
from memmon.facts.defaults import NEW_NAMES_PER_DAY
from memmon.facts.readings import READINGS
from memmon.facts.series_kinds import COMPONENT, DEQUE, WORK
from memmon.facts.staleness import stale_after_seconds
from memmon.store.connect.access import must_be_immutable
from memmon.store.connect.engine import file_identity, sqlite_uri
from memmon.store.connect.links import write_links
from memmon.store.connect.plain_sqlite import connect_sqlite, unadapted
from memmon.store.connect.wal import WalMark, require_whole_wal, truncate_wal, wal_bytes
from memmon.store.schema.digest import group_digest
from memmon.store.schema.moments import datetime_from_ms, ms_from_datetime
from memmon.store.schema.revision import require_head
from memmon.store.write import sql
from memmon.store.write.batch import Batch, RunEnd, StoredReport, Written
from memmon.store.write.known_series import KnownSeries, LastValues
from memmon.store.write.run_endings import write_endings
from memmon.store.write.run_rows import end_run, open_run
from memmon.store.write.statements import INSERTED, fitting, insert_or_ignore, storable_text
from memmon.store.write.watch_rows import end_recorder_watches, put_watch, recorder_watches
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from memmon.config import Database
    from memmon.model import DequeReading, EventRecord, Snapshot
    from memmon.store.connect.link import Link
    from memmon.store.write.known_series import Name, SeriesKey, Values

_WATCH_STALE_AFTER = timedelta(hours=3)
"""Whoever keeps an alert tells so every hour; after three it is given up, a slow recorder's later."""


__all__ = [
    "Batch",
    "RunEnd",
    "StoredReport",
    "Writer",
    "Written",
    "read_notified",
]


class Writer:
    """Writes batches of one run into one database. Not thread-safe: its owner holds a lock."""

    def __init__(self, database: Database, *, new_names_per_day: int = NEW_NAMES_PER_DAY) -> None:
        self.database = database
        self._links = write_links(database)
        self._run_uuid: str | None = None
        self._last_seq = 0
        self._last_values = LastValues()
        self._last_limit: tuple[int, int | None, str] | None = None
        self._told: dict[str, tuple[DequeReading, tuple[Name, Values]]] = {}
        self._last_deques: tuple[DequeReading, ...] | None = None
        """Those of the snapshot that `_last_values` knows; None: all are to be looked at."""
        self._last_others: AbstractSet[Name] = frozenset()
        self._series = KnownSeries(new_names_per_day)
        self._wal_mark: WalMark | None = None
        self._is_unverified = False

    def write(self, batch: Batch) -> Written:
        """Write `batch` durably; on return it is stored, on any error nothing of it is.

        Raises StoreNotFoundError when the file is not there or empty (or was removed or exchanged
        while writing), StoreDamagedError when its log was cut, StoreTooOldError, StoreTooNewError,
        ForeignStoreError, and the driver's errors.
        """
        identity = self._identity()
        known, mark, stored = self._last_values.mark(), self._series.mark(), (self._run_uuid, self._last_seq)
        try:
            with self._links.connect() as link:
                with link.begin():
                    require_head(link)
                    written = self._write(link, batch)
                self._verify(link)
        except BaseException:
            self._last_values.back_to(known)
            self._last_deques = None
            self._last_limit = None
            self._series.back_to(mark)
            self._series.forget()
            self._run_uuid, self._last_seq = stored
            raise
        if self._identity() != identity:
            # The transaction went into a file that is no longer at this path.
            self._run_uuid = None
            msg = f"{self.database.shown} was exchanged while memmon wrote to it; what was in memory is kept"
            raise StoreNotFoundError(msg)
        truncate_wal(self.database)
        return written

    def _identity(self) -> tuple[int, int] | None:
        path = self.database.path
        if path is None:
            return None
        try:
            found = path.stat()
        except OSError:
            found = None
        if found is None or not found.st_size:
            msg = f"{path}: there is no such database; it is created at the next write"
            raise StoreNotFoundError(msg)
        return found.st_dev, found.st_ino

    def _verify(self, link: Link) -> None:
        """Look at the write-ahead log when something was written, also by an attempt that could not look."""
        if link.info.get(INSERTED) or (self._is_unverified and wal_bytes(link)):
            self._is_unverified = True
            self._wal_mark = require_whole_wal(link, self._wal_mark)
        self._is_unverified = False

    def _write(self, link: Link, batch: Batch) -> Written:
        run_id, source_id, source, opened, newest = open_run(link, batch.run)
        stored = self._stored_already(link, batch, run_id, newest=newest)
        refused = self._write_snapshots(link, run_id, source_id, batch.snapshots, stored)
        self._write_events(link, run_id, source_id, batch.events)
        known = recorder_watches(link, source_id) if opened else {}
        found_endings = write_endings(link, source_id, run_id, batch.run) if opened else ()
        for item in batch.reports:
            _write_report(link, source_id, item)
        if batch.end is not None:
            end_run(link, run_id, batch.end)
        _write_watches(link, source_id, batch, opened_run_id=run_id if opened else None)
        if self._run_uuid != batch.run.uuid:
            self._run_uuid, self._last_seq = batch.run.uuid, 0
        if batch.snapshots:
            self._last_seq = max(self._last_seq, batch.snapshots[-1].sequence)
        return Written(
            run_id=run_id,
            source_id=source_id,
            source=source,
            opened_run=opened,
            watches=known,
            found_endings=found_endings,
            refused_names=refused,
        )

    def _stored_already(self, link: Link, batch: Batch, run_id: int, *, newest: int | None) -> set[int]:
        """Return which numbers of the batch are there: an attempt was stored whose answer got lost.

        `newest`: the number of the newest snapshot there. Unless it is the newest that we know of, all that was
        known is forgotten.
        """
        if self._run_uuid == batch.run.uuid and self._last_seq and newest == self._last_seq:
            return set()
        self._forget_written()
        self._last_limit = None
        self._series.forget()
        if not batch.snapshots:
            return set()
        number = batch.snapshots[0].sequence
        found = link.rows(sql.NUMBERS_FROM, {"run_id": run_id, "first": number})
        return {row["seq"] for row in found}

    def _write_snapshots(
        self,
        link: Link,
        run_id: int,
        source_id: int,
        snapshots: Sequence[Snapshot],
        stored: set[int],
    ) -> tuple[str, ...]:
        """Write what is not there yet; return the names that are refused for now."""
        if not snapshots:
            return ()
        changed = [self._change_to(item) for item in snapshots]
        # What is there stays as it is: its readings were written against what was known then.
        fresh = [pair for pair in zip(snapshots, changed, strict=True) if pair[0].sequence not in stored]
        refused = self._learn_series(link, source_id, fresh)
        rows: list[dict[str, Any]] = []
        readings: list[dict[str, int | None]] = []
        for item, changes in fresh:
            values = [
                (self._series.id_of(key), value) for key, value in changes.items() if key not in refused
            ]
            row = _snapshot_row(run_id, item)
            row["digest"] = group_digest(row, values)
            rows.append(row)
            readings.extend(
                {"run_id": run_id, "series_id": series_id, "seq": item.sequence, "value": value}
                for series_id, value in values
            )
        insert_or_ignore(link, sql.PUT_SNAPSHOT, rows)
        insert_or_ignore(link, sql.PUT_READING, readings)
        # What has left is told once more, as unknown.
        self._series.forget(
            key
            for changes in changed
            for key, value in changes.items()
            if value is None and not self._last_values.has(key)
        )
        self._write_limit(link, run_id, snapshots[-1])
        return self._series.newly_refused(refused)

    def _write_limit(self, link: Link, run_id: int, newest: Snapshot) -> None:
        """Write the limit in force into the run's row when it is another than before."""
        if newest.limit_origin is None:
            return
        limit = run_id, newest.limit_bytes, storable_text(newest.limit_origin)
        if limit != self._last_limit:
            link.run(sql.SET_LIMIT, dict(zip(("run_id", "limit_bytes", "limit_origin"), limit, strict=True)))
            self._last_limit = limit

    def _change_to(self, item: Snapshot) -> dict[SeriesKey, int | None]:
        """Return what is other in a snapshot than what was written last.

        A reading in which nothing changed is the same object as before, and is not even looked at.
        """
        last, self._last_deques = self._last_deques, item.deques
        others = {key[:2]: ((key, fitting(value)),) for key, value in _of_others(item)}
        if last is not None and len(last) == len(item.deques) and others.keys() == self._last_others:
            fresh = [(one, old) for one, old in zip(item.deques, last, strict=True) if one is not old]
            if all(one.name == old.name for one, old in fresh):
                present = dict(map(self._told_of, [one for one, _ in fresh]))
                return self._last_values.change_to(present | others, is_all=False)
        self._last_others = others.keys()
        present = dict(map(self._told_of, item.deques))
        self._told = {one.name: self._told[one.name] for one in item.deques}
        return self._last_values.change_to(present | others)

    def _told_of(self, one: DequeReading) -> tuple[Name, Values]:
        """Return the name and the values of a deque; those of the same reading as before are not made again."""
        known = self._told.get(one.name)
        if known is None or known[0] is not one:
            values = tuple(_of_deque(one))
            known = self._told[one.name] = one, (values[0][0][:2], values)
        return known[1]

    def _forget_written(self, keys: Iterable[SeriesKey] | None = None) -> None:
        """Forget what was not written after all; without `keys`: all, as the store may have been exchanged."""
        self._last_values.forget(keys)
        self._last_deques = None

    def _learn_series(
        self,
        link: Link,
        source_id: int,
        fresh: Sequence[tuple[Snapshot, Mapping[SeriesKey, int | None]]],
    ) -> set[SeriesKey]:
        """Learn the series of what is written; return those refused, of which all is told once they are not."""
        keys = dict.fromkeys(key for _, changes in fresh for key in changes)
        refused = self._series.learn(
            link,
            source_id,
            list(keys),
            free={key[:2] for item, changes in fresh if item.sequence == 1 for key in changes},
            uptime_seconds=fresh[-1][0].uptime_seconds if fresh else 0.0,
        )
        if refused:
            self._forget_written(refused)
        return refused

    @staticmethod
    def _write_events(link: Link, run_id: int, source_id: int, events: Sequence[EventRecord]) -> None:
        insert_or_ignore(link, sql.PUT_EVENT, [event_row(item, source_id, run_id) for item in events])


_COLUMNS = tuple(one.column for one in READINGS)
_fields_of = attrgetter(*(one.field for one in READINGS))
_ALWAYS_WRITTEN = frozenset({"length", "maxlen"})
"""Metrics of a deque that are told also when they are not known: it has no bound, or can't be read."""


def readings_of(item: Snapshot) -> Iterable[tuple[SeriesKey, int | None]]:
    """Yield ((kind, name, metric), value) for every series in a snapshot.

    A metric other than length and bound is yielded only when it is known: each makes a series.
    """
    for one in item.deques:
        yield from _of_deque(one)
    yield from _of_others(item)


def _of_deque(one: DequeReading) -> list[tuple[SeriesKey, int | None]]:
    name = storable_text(one.name)
    return [
        ((DEQUE, name, metric), fitting(value))
        for metric, value in _deque_values(one)
        if value is not None or metric in _ALWAYS_WRITTEN
    ]


def _of_others(item: Snapshot) -> Iterable[tuple[SeriesKey, int | None]]:
    for part in item.components:
        yield (COMPONENT, storable_text(part.name), "bytes"), part.size_bytes
    for name, count in item.work:
        yield (WORK, storable_text(name), "count"), count


def _deque_values(one: DequeReading) -> Iterable[tuple[str, int | None]]:
    return (
        ("length", one.length_count),
        ("maxlen", one.maxlen_count),
        ("bytes", one.size_bytes),
        ("item", one.item_bytes),
        ("item_low", one.item_low_bytes),
        ("item_high", one.item_high_bytes),
        ("dropped", one.dropped_count),
        ("expected_maxlen", one.expected_maxlen_count),
        ("dead", None if one.is_alive else 1),
        ("component", 1 if one.is_component else None),
        ("found", 1 if one.is_found else None),
    )


def event_row(item: EventRecord, source_id: int, run_id: int | None) -> dict[str, Any]:
    """Return the row of `event` for a record; `run_id` None for an event from outside any run."""
    return {
        "source_id": source_id,
        "run_id": run_id,
        "seq": item.sequence if run_id is not None else None,
        "at_ms": ms_from_datetime(item.at),
        "uptime_ms": None if item.uptime_seconds is None else round(item.uptime_seconds * MS_PER_SECOND),
        "kind": storable_text(item.kind),
        "text": storable_text(item.text),
        "data": json.dumps(dict(item.data), default=str) if item.data else None,
    }


def _snapshot_row(run_id: int, item: Snapshot) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run_id": run_id,
        "seq": item.sequence,
        "at_ms": ms_from_datetime(item.at),
        "uptime_ms": round(item.uptime_seconds * MS_PER_SECOND),
    }
    for column, value in zip(_COLUMNS, _fields_of(item), strict=True):
        row[column] = fitting(value) if isinstance(value, int) else value
    return row


def read_notified(database: Database, source: str) -> dict[str, datetime] | None:
    """Return when a source's recorders last told each alert, by one quick look that waits for nobody.

    None when it can't be told at once: no file, a server, a locked or unreadable database. It is
    asked before the database is brought forward, so that it reads what older ones have as well.
    """
    path = database.path
    if path is None or file_identity(path) is None:
        return None if path is None else {}
    query = (
        "SELECT fingerprint, notified_ms FROM alert_state a JOIN source s ON s.id = a.source_id "
        "WHERE s.name = ? AND notified_ms IS NOT NULL"
    )
    try:
        uri = sqlite_uri(path, mode="ro", immutable=must_be_immutable(path))
        with closing(connect_sqlite(uri, timeout_seconds=0)) as connection:
            rows = connection.execute(query, unadapted((storable_text(source),))).fetchall()
    except sqlite3.Error:
        return None
    return {row[0]: datetime_from_ms(row[1]) for row in rows}


def _write_watches(link: Link, source_id: int, batch: Batch, *, opened_run_id: int | None) -> None:
    """Write what a recorder remembers; what no run of the source keeps any more is over."""
    stale_for = _WATCH_STALE_AFTER + timedelta(seconds=stale_after_seconds(batch.run.interval_seconds))
    if opened_run_id is not None:
        at = batch.run.started_at
        end_recorder_watches(link, source_id, at=at, stale_for=stale_for, run_id=opened_run_id)
    for watch in batch.watches:
        if put_watch(link, watch, holder="recorder", source_id=source_id):
            link.info[INSERTED] = True
    if batch.watches or batch.end is not None:
        # The last alerts of a run may come after its end.
        at = batch.watches[-1].seen_at if batch.end is None else batch.end.at
        end_recorder_watches(link, source_id, at=at, stale_for=stale_for, run_id=None)


def _write_report(link: Link, source_id: int, item: StoredReport) -> None:
    row = {
        "source_id": source_id,
        "at_ms": ms_from_datetime(item.at),
        "window_ms": round(item.window_hours * 3600 * MS_PER_SECOND),
        "text": storable_text(item.text),
        "data": item.data,
    }
    insert_or_ignore(link, sql.PUT_REPORT, [row])
