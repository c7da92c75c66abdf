"""Keeping a database: is it whole, a copy of it, its room, what is in it. For `memmon db` and `doctor`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.errors import OutputError, StoreDamagedError, StoreError
from memmon.store.connect.access import beside, must_be_immutable, require_writable
from memmon.store.connect.engine import (
    BUSY_TIMEOUT_MS,
    create_private_file,
    refuse_foreign,
    sqlite_uri,
    write_engine,
)
from memmon.store.connect.error_translation import translated
from memmon.store.read.opening import open_gate
from memmon.store.read.sqlite_session import SqliteGate
from memmon.store.schema.digest import group_digest, row_digest, split_digest
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.new_file import new_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from memmon.config import Database
    from memmon.store.read.ports import Session

_MOST_PROBLEMS = 20
_TABLES = (
    "source",
    "run",
    "series",
    "snapshot",
    "reading",
    "rollup",
    "reading_rollup",
    "event",
    "report",
    "assessment",
)
_BATCH_ROW_COUNT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """Whether a database is whole."""

    problems: tuple[str, ...]
    """One sentence each, at most twenty; empty: all is well."""
    proved_count: int
    """Snapshots whose checksum agrees."""
    unproved_count: int
    """Snapshots without a checksum (imported ones)."""

    @property
    def is_ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """A copy that was made."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumReport:
    """What a vacuum gave back (None on a server)."""

    before_bytes: int | None
    after_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What is in a database, and how large it is (None on a server)."""

    revision: str
    row_count: Mapping[str, int]
    file_bytes: int | None
    free_bytes: int | None
    """Pages of the file that are free for what comes next."""
    wal_bytes: int | None
    aside_paths: tuple[Path, ...]
    """Damaged databases that were moved aside here: `memmon db salvage` reads them."""


def check(database: Database) -> CheckReport:
    """Check pages, keys and checksums; reads only, beside a running recorder."""
    if database.path is None:
        return open_gate(database).read(_check_rows)
    try:
        return SqliteGate(database.path).read(_check_file)
    except StoreDamagedError as error:
        return CheckReport(problems=(str(error),), proved_count=0, unproved_count=0)


def _check_file(session: Session) -> CheckReport:
    found = [str(row[0]) for row in session.rows(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
    problems = [f"page check: {line}" for line in found if line != "ok"]
    orphans = session.rows("PRAGMA foreign_key_check")
    problems += [f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in orphans]
    if problems:
        return CheckReport(problems=tuple(problems[:_MOST_PROBLEMS]), proved_count=0, unproved_count=0)
    return _check_rows(session)


def _check_rows(session: Session) -> CheckReport:
    revision = _revision(session)
    if revision != HEAD_REVISION:
        hint = f"the schema is {revision}, this memmon has {HEAD_REVISION}: checksums were not checked"
        return CheckReport(problems=(hint,), proved_count=0, unproved_count=0)
    problems: list[str] = []
    proved = unproved = 0
    names, _ = session.head("SELECT * FROM snapshot", row_count=0)
    for (run_id,) in session.rows("SELECT id FROM run ORDER BY id"):
        for row, readings in _snapshots(session, run_id, names):
            digest = row["digest"]
            if digest is None:
                unproved += 1
            elif split_digest(int(digest))[0] != row_digest(row):
                problems.append(f"snapshot {row['seq']} of run {run_id} is not as it was written")
            elif digest != group_digest(row, readings):
                problems.append(f"the readings of snapshot {row['seq']} of run {run_id} are not as written")
            else:
                proved += 1
    return CheckReport(
        problems=tuple(problems[:_MOST_PROBLEMS]), proved_count=proved, unproved_count=unproved
    )


def _snapshots(
    session: Session, run_id: int, names: Sequence[str]
) -> Iterator[tuple[dict[str, int | float | None], list[tuple[int, int | None]]]]:
    """Yield every snapshot of a run with the readings that were written with it."""
    last = -1
    while True:
        rows = session.rows(
            f"SELECT {', '.join(names)} FROM snapshot WHERE run_id = :run_id AND seq > :last "
            f"ORDER BY seq LIMIT {_BATCH_ROW_COUNT}",
            {"run_id": run_id, "last": last},
        )
        if not rows:
            return
        found = [dict(zip(names, row, strict=True)) for row in rows]
        first, last = found[0]["seq"], found[-1]["seq"]
        readings: dict[int, list[tuple[int, int | None]]] = {}
        for series_id, seq, value in session.rows(
            "SELECT r.series_id, r.seq, r.value FROM run x CROSS JOIN series s CROSS JOIN reading r "
            "WHERE x.id = :run_id AND s.source_id = x.source_id AND r.run_id = x.id AND r.series_id = s.id "
            "AND r.seq >= :first AND r.seq <= :last",
            {"run_id": run_id, "first": first, "last": last},
        ):
            readings.setdefault(seq, []).append((series_id, value))
        for row in found:
            yield row, readings.get(row["seq"], [])


def backup(database: Database, target: Path, *, file_mode: int = 0o600) -> BackupReport:
    """Copy a SQLite database as it is at this moment, beside a running recorder.

    The copy gets its name when it is complete and checked. Raises OutputError when `target`
    exists or can't be written, StoreError for a server (pg_dump copies those).
    """
    path = _file_of(database, "copy it with pg_dump")
    if target.exists():
        msg = f"{target} exists already: name a new file for the copy"
        raise OutputError(msg)
    try:
        with new_file(target) as part:
            create_private_file(part, file_mode=file_mode)
            with translated(database):
                _copy(path, part)
    except OSError as error:
        msg = f"{target} can't be written: {error.strerror or error}"
        raise OutputError(msg) from error
    return BackupReport(path=target, size_bytes=target.stat().st_size)


def _copy(path: Path, part: Path) -> None:
    SqliteGate(path).read(lambda session: session.rows("SELECT 1"))
    uri = sqlite_uri(path, mode="ro", immutable=must_be_immutable(path))
    with (
        closing(sqlite3.connect(uri, uri=True)) as old,
        closing(sqlite3.connect(part)) as new,
    ):
        refuse_foreign(old)
        old.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        old.backup(new)
        # One file that stands for itself: no side files are needed to read a copy.
        new.execute("PRAGMA journal_mode=DELETE")
        found = new.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            msg = f"{path} is damaged ({found}): `memmon db salvage` brings its rows into a new file"
            raise StoreDamagedError(msg)


def vacuum(database: Database) -> VacuumReport:
    """Rewrite a database without its free room; a recorder's writes wait meanwhile (it holds them)."""
    if database.path is None:
        with translated(database), write_engine(database).connect() as connection:
            automatic = connection.execution_options(isolation_level="AUTOCOMMIT")
            automatic.exec_driver_sql("VACUUM (ANALYZE)")
        return VacuumReport(before_bytes=None, after_bytes=None)
    path = database.path
    SqliteGate(path).read(lambda session: session.rows("SELECT 1"))
    require_writable(path)
    before = path.stat().st_size
    with (
        translated(database),
        closing(
            sqlite3.connect(
                sqlite_uri(path, mode="rw"), uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000
            )
        ) as connection,
    ):
        refuse_foreign(connection)
        # Later passes of retention can then give room back in small steps.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return VacuumReport(before_bytes=before, after_bytes=path.stat().st_size)


def status(database: Database) -> StatusReport:
    """Return what is in a database of this version's schema; raises StoreError and its kin."""
    path = database.path
    counts, free_bytes = open_gate(database).read(lambda session: _counts(session, is_file=path is not None))
    if path is None:
        return StatusReport(
            revision=HEAD_REVISION,
            row_count=counts,
            file_bytes=None,
            free_bytes=None,
            wal_bytes=None,
            aside_paths=(),
        )
    wal = beside(path, "-wal")
    return StatusReport(
        revision=HEAD_REVISION,
        row_count=counts,
        file_bytes=path.stat().st_size,
        free_bytes=free_bytes,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        aside_paths=list_aside(path),
    )


def _counts(session: Session, *, is_file: bool) -> tuple[dict[str, int], int | None]:
    counts = {name: int(session.rows(f"SELECT count(*) FROM {name}")[0][0]) for name in _TABLES}
    if not is_file:
        return counts, None
    ((page_bytes,),) = session.rows("PRAGMA page_size")
    ((free_count,),) = session.rows("PRAGMA freelist_count")
    return counts, int(free_count) * int(page_bytes)


def list_aside(path: Path) -> tuple[Path, ...]:
    """Return the damaged databases that a recorder moved aside from `path`, oldest first."""
    try:
        found = sorted(path.parent.glob(f"{path.name}.corrupt-*"))
    except OSError:
        return ()
    return tuple(one for one in found if not one.name.endswith(("-wal", "-shm", "-journal")))


def _revision(session: Session) -> str:
    try:
        rows = session.rows("SELECT version_num FROM alembic_version")
    except sqlite3.OperationalError:
        return "none"
    return str(rows[0][0]) if rows else "none"


def _file_of(database: Database, instead: str) -> Path:
    if database.path is None:
        msg = f"{database.shown} is a server's: {instead}"
        raise StoreError(msg)
    return database.path
