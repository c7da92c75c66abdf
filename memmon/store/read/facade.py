"""`open_store`: the read side of a history, for reports, notebooks and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.config import resolve_database
from memmon.errors import NoDataError, UnknownSourceError
from memmon.store.read import histories, queries, statistics
from memmon.store.read.opening import open_gate
from memmon.store.read.present_parts import read_deque_status
from memmon.store.read.samples import fetch_whole
from memmon.store.read.seen import SeenStore

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from typing import Literal

    import pandas as pd

    from memmon.config import Database
    from memmon.history import History
    from memmon.model import AlertInfo
    from memmon.store.read.answers import (
        DequeStatus,
        EventInfo,
        ReportInfo,
        RunInfo,
        SourceInfo,
        WindowStatistics,
    )
    from memmon.store.read.sql import QueryResult
    from memmon.store.read.window_answers import Buckets, DequeMatrix, PartMatrix, ReadingStatistics


def open_store(database_url: str | os.PathLike[str] | None = None) -> Store:
    """Open a history to read it; it is never created, migrated or changed.

    `database_url`: an SQLAlchemy URL or a path; without it `MEMMON_DATABASE_URL`, the
    configuration file, the default file. Raises StoreNotFoundError (with the place tried and what else
    there is), StorePermissionError, ForeignStoreError, StoreTooOldError, StoreTooNewError,
    StoreDamagedError, StoreBusyError.
    """
    database = resolve_database(database_url)
    return Store(database, open_gate(database))


class Store(SeenStore):
    """The histories in one database. Every method reads one consistent state and keeps nothing open.

    `source` may be left out (None) where the database has only one. `since` and `until` are
    aware datetimes, both included; None: no bound. `run_id` narrows to one run. What is judged or summed up
    without an `until` reaches to the source's present, its newest sample by the order of recording: what a wrong
    clock has dated later than now is set aside, and stands in the DataFrames alone.
    """

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is monitored, by name."""
        until_ms = self._latest_ms()
        return self._gate.read(lambda session: queries.read_sources(session, latest_ms=until_ms))

    def resolve_source(self, name: str | None = None) -> SourceInfo:
        """Return the source of that name, or the only one; raises UnknownSourceError, NoDataError."""
        if name is not None:
            # Without a look at all the others: a fleet has thousands.
            until_ms = self._latest_ms()
            found = self._gate.read(
                lambda session: queries.read_sources(session, latest_ms=until_ms, name=name)
            )
            if found:
                return found[0]
        return _only(self.database, name, self.sources())

    def runs(self, source: str | None = None) -> tuple[RunInfo, ...]:
        """Return the runs of a source, oldest first."""
        found, until_ms = self._identified(source), self._latest_ms()
        return self._gate.read(
            lambda session: queries.read_runs(session, found.source_id, source=found.name, latest_ms=until_ms)
        )

    def last_sample_at(self, source: str | None = None) -> datetime | None:
        """Return when the newest sample was taken; None: there is none."""
        return self.resolve_source(source).last_at

    def snapshots(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> pd.DataFrame:
        """Return a row per sample, oldest first: raw snapshots, and rollups where raw is past its time.

        Index `at` (UTC); columns `run_id, uptime_seconds`, every measured column (`rss_bytes,
        vms_bytes, ...`; NaN: not read), `sample_count`, `resolution_seconds` (0: a snapshot; 3600, 86400: a
        rollup, whose values are means and whose peaks are in `max_rss_bytes`, `min_rss_bytes`,
        `max_vms_bytes` and the like; in a snapshot these equal the value itself).
        """
        from memmon.store.read import frames

        window = self._all_of(source, since, until, run_id)
        return self._gate.read(lambda session: frames.snapshots_frame(session, window))

    def deque_readings(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        value: Literal["length", "maxlen", "peak_length"] = "length",
        run_id: int | None = None,
    ) -> pd.DataFrame:
        """Return one row a sample and one column a deque, filled forward (NaN: no reading).

        Where samples are rollups, `length` is the time-weighted mean and `peak_length` the peak.
        """
        from memmon.store.read import frames

        window = self._all_of(source, since, until, run_id)
        return self._gate.read(lambda session: frames.deque_frame(session, window, value=value))

    def deque_matrix(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> DequeMatrix:
        """Return lengths, bounds and peaks of all deques as arrays (without pandas)."""
        window = self._window(source, since, until, run_id)
        return self._gate.read(lambda session: histories.read_deque_matrix(session, window))

    def part_matrix(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> PartMatrix:
        """Return RSS, work and the bytes of every deque and component as arrays (without pandas)."""
        from memmon.store.read import named_bytes

        window = self._window(source, since, until, run_id)
        return self._gate.read(lambda session: named_bytes.read_part_matrix(session, window))

    def component_readings(
        self, source: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Return one row a sample and one column a component, in bytes, filled forward."""
        from memmon.store.read import frames

        window = self._all_of(source, since, until, None)
        return self._gate.read(lambda session: frames.component_frame(session, window))

    def work_readings(
        self, source: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Return one row a sample and one column a name given to `count_work`: units so far in the run.

        The total over all names is `work_count` of `snapshots`; without any name that is all there is.
        """
        from memmon.store.read import frames

        window = self._all_of(source, since, until, None)
        return self._gate.read(lambda session: frames.work_frame(session, window))

    def history(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> History:
        """Return the History that the analysis judges: runs, uptime, deque bytes, work (without pandas)."""
        found = self._source_of(source, until)
        window = self._samples_of(found, since, until, run_id)
        return self._gate.read(lambda session: histories.read_history(session, window, source=found.name))

    def histories(
        self,
        sources: Sequence[SourceInfo],
        *,
        look_back: timedelta | None = None,
        since: datetime | None = None,
    ) -> tuple[History, ...]:
        """Return the histories of several sources, read over one connection: for a fleet of them.

        `look_back` counts from each source's own last sample; `since` is a moment for all.
        """
        windows = [(one.name, self._look_back(one, look_back, since)) for one in sources]
        return self._gate.read(lambda session: histories.read_histories(session, windows))

    def window_statistics(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> WindowStatistics:
        """Return last, mean, least and largest of a window, computed in SQL."""
        window = self._window(source, since, until, run_id)
        return self._gate.read(lambda session: statistics.window_statistics(session, window))

    def reading_statistics(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> tuple[ReadingStatistics, ...]:
        """Return last, mean, least and largest of every reading of a window."""
        window = self._window(source, since, until, run_id)
        points = self._gate.read(lambda session: fetch_whole(session, window))
        return statistics.reading_statistics_of(points)

    def buckets(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        bucket_seconds: float,
        run_id: int | None = None,
    ) -> Buckets:
        """Return the samples gathered into spans of `bucket_seconds`, per run; no peak is hidden."""
        window = self._window(source, since, until, run_id)
        points = self._gate.read(lambda session: fetch_whole(session, window))
        return statistics.buckets_of(points, bucket_seconds=bucket_seconds)

    def deque_status(
        self, source: str | None = None, *, run_id: int | None = None
    ) -> tuple[DequeStatus, ...]:
        """Return the newest values of each deque of a run (default: the one that reported last)."""
        found, until_ms = self._identified(source), self._latest_ms()
        return self._gate.read(
            lambda session: read_deque_status(session, found.source_id, latest_ms=until_ms, run_id=run_id)
        )

    def events(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        kinds: Sequence[str] | None = None,
        limit: int | None = None,
        run_id: int | None = None,
    ) -> tuple[EventInfo, ...]:
        """Return the events of a window, oldest first; with `limit` the newest that many."""
        window = self._all_of(source, since, until, run_id)
        return self._gate.read(lambda session: queries.read_events(session, window, kinds=kinds, limit=limit))

    def reports(self, source: str | None = None, *, limit: int | None = None) -> tuple[ReportInfo, ...]:
        """Return the stored reports, newest first."""
        found = self._identified(source)
        return self._gate.read(lambda session: queries.read_reports(session, found.source_id, limit=limit))

    def alerts(self, source: str | None = None, *, holder: str | None = "recorder") -> tuple[AlertInfo, ...]:
        """Return the state of every alert, newest first, as the program's recorder sees them.

        `holder`: `evaluator` for what `memmon alerts run` sees, None for both.
        """
        found = self._identified(source)
        return self._gate.read(lambda session: queries.read_alerts(session, found.source_id, holder=holder))

    def assessments(
        self, source: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Return a row per assessment that an hourly check has kept, oldest first.

        Index `at` (UTC): when it was made; columns `last_at` (the newest sample judged), `writer` (`child` of the
        program, or `evaluator`), `severity`, `verdict`, `confidence`, `slope_mb_per_hour`, `rss_bytes`,
        `footprint_bytes`, `charged_bytes`, `limit_bytes`, `limit_share` (0 to 1), `version` and `data`: the whole as
        JSON, in the form of that version. NaN: not known. After 90 days one a day is left, and each change.
        """
        from memmon.store.read import assessments

        window = self._all_of(source, since, until, None)
        return self._gate.read(lambda session: assessments.assessments_frame(session, window))

    def query(self, statement: str, *, row_limit: int = 1000) -> QueryResult:
        """Run one read-only SQL statement (`memmon sql`); the views are described in docs/sql.md."""
        from memmon.store.read import sql

        return sql.run_sql(self._gate, statement, row_limit=row_limit)


def _only(database: Database, name: str | None, known: tuple[SourceInfo, ...]) -> SourceInfo:
    """Return the only source where none was named; else say what there is."""
    if not known:
        msg = f"{database.shown} has no source yet: nothing was recorded into it"
        raise NoDataError(msg)
    names = ", ".join(one.name for one in known)
    if name is None:
        if len(known) == 1:
            return known[0]
        msg = f"{database.shown} has {len(known)} sources, name one with --source: {names}"
        raise UnknownSourceError(msg)
    msg = f"no source {name!r} in {database.shown}; known: {names}"
    raise UnknownSourceError(msg)
