"""What a recorder says to the database, as SQLAlchemy expressions: from them the statements' text is made.

A program that records has no SQLAlchemy loaded. `make_write_statements.py` renders these into
memmon/store/write/sql.py, one text with `:name` parameters for either kind of database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, literal_column, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from memmon.facts.suspicion import GROWTH_EVENTS
from memmon.store.schema.tables import (
    alert_watch,
    assessment,
    event,
    reading,
    report,
    run,
    series,
    snapshot,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Executable, Table

RUN_COLUMNS = (
    "uuid",
    "source_id",
    "host",
    "pid",
    "process_started_ms",
    "boot_id",
    "parent_uuid",
    "role",
    "script_path",
    "external_id",
    "release",
    "python_version",
    "memmon_version",
    "interval_ms",
    "started_ms",
)
WATCH_KEYS = ("source_id", "holder", "fingerprint")
WATCH_UNKNOWN = {*WATCH_KEYS, "data"}
"""What a memory of an alert does not change: its key, and what later versions may keep beside it."""
OLDEST_RUNS = 20
_NONE = literal_column("0")
"""Of rows left out: unsaid, SQLite's text would get one more parameter."""


def statements(dialect_name: str) -> dict[str, Executable]:
    """Return the expressions by the name that their text gets; the dialects differ in their class of INSERT."""
    insert = sqlite_insert if dialect_name == "sqlite" else postgresql_insert

    def put(table: Table, names: Sequence[str] = ()) -> Executable:
        names = names or [column.name for column in table.columns if column.name != "id"]
        return insert(table).values(_bound(names)).inline().on_conflict_do_nothing()

    return {
        "PUT_SOURCE": put(source, ("name", "script_path", "created_ms")),
        "PUT_RUN": put(run, RUN_COLUMNS),
        "PUT_SERIES": put(series),
        "PUT_SNAPSHOT": put(snapshot),
        "PUT_READING": put(reading),
        "PUT_EVENT": put(event),
        "PUT_REPORT": put(report),
        "PUT_WATCH": _put_watch(insert),
        "PUT_ASSESSMENT": _put_assessment(insert),
        **_of_runs(),
        **_of_snapshots(),
        **_of_earlier_runs(),
        **_of_watches(),
    }


def _bound(names: Iterable[str]) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


def _put_watch(insert: Any) -> Executable:
    names = [column.name for column in alert_watch.columns if column.name != "data"]
    made = insert(alert_watch).values(_bound(names)).inline()
    changed = {name: made.excluded[name] for name in names if name not in WATCH_KEYS}
    return made.on_conflict_do_update(index_elements=WATCH_KEYS, set_=changed)


def _put_assessment(insert: Any) -> Executable:
    """Of a source that is not there nothing is written."""
    names = [column.name for column in assessment.columns if column.name not in {"id", "source_id"}]
    values = select(source.c.id, *(bindparam(name) for name in names)).where(
        source.c.name == bindparam("source")
    )
    made = insert(assessment).from_select(["source_id", *names], values).inline()
    return made.on_conflict_do_nothing(index_elements=["source_id", "at_ms", "writer"])


def _of_runs() -> dict[str, Executable]:
    return {
        "FIND_RUN": select(
            run.c.id,
            run.c.source_id,
            source.c.name,
            select(func.max(snapshot.c.seq))
            .where(snapshot.c.run_id == run.c.id)
            .scalar_subquery()
            .label("newest_seq"),
        )
        .join_from(run, source)
        .where(run.c.uuid == bindparam("uuid")),
        "FIND_SOURCE": select(source.c.id, source.c.script_path).where(source.c.name == bindparam("name")),
        "END_RUN": update(run)
        .where(run.c.id == bindparam("run_id"))
        .values(_bound(("ended_ms", "end_reason", "end_detail"))),
        "SET_LIMIT": update(run)
        .where(run.c.id == bindparam("run_id"))
        .values(_bound(("limit_bytes", "limit_origin"))),
        "FIND_INSIDE_RUNS": select(run.c.id, run.c.process_started_ms, source.c.name)
        .join_from(run, source)
        .where(
            run.c.host == bindparam("host"),
            run.c.pid == bindparam("pid"),
            run.c.ended_ms.is_(None),
            run.c.python_version.is_not(None),  # of a process that is recorded from outside it is not known
        )
        .order_by(run.c.id.desc()),
    }


def _of_snapshots() -> dict[str, Executable]:
    return {
        "FIND_SERIES": select(series.c.id, series.c.name, series.c.metric).where(
            series.c.source_id == bindparam("source_id"),
            series.c.kind == bindparam("kind"),
            series.c.name.in_(bindparam("names", expanding=True)),
        ),
        "NUMBERS_FROM": select(snapshot.c.seq).where(
            snapshot.c.run_id == bindparam("run_id"), snapshot.c.seq >= bindparam("first")
        ),
    }


def _of_earlier_runs() -> dict[str, Executable]:
    used = func.coalesce(snapshot.c.charged_bytes, snapshot.c.limit_used_bytes, snapshot.c.rss_bytes)
    return {
        "OPEN_RUNS": select(run)
        .where(
            run.c.source_id == bindparam("source_id"),
            run.c.id != bindparam("run_id"),
            run.c.ended_ms.is_(None),
        )
        .order_by(run.c.id.desc())
        .limit(literal_column(str(OLDEST_RUNS)))
        .offset(_NONE),
        "LAST_SNAPSHOT": select(
            snapshot.c.at_ms, snapshot.c.rss_bytes, snapshot.c.limit_bytes, used.label("used_bytes")
        )
        .where(snapshot.c.run_id == bindparam("run_id"))
        .order_by(snapshot.c.seq.desc())
        .limit(literal_column("1"))
        .offset(_NONE),
        "START_DATA": select(event.c.data)
        .where(event.c.run_id == bindparam("run_id"), event.c.kind == literal_column("'run_start'"))
        .limit(literal_column("1"))
        .offset(_NONE),
        "NOTIFIED_ALERTS": select(event.c.data)
        .where(event.c.run_id == bindparam("run_id"), event.c.kind == literal_column("'alert'"))
        .order_by(event.c.id.desc()),
        "TOLD_GROWTH": select(event.c.at_ms, event.c.data)
        .where(
            event.c.run_id == bindparam("run_id"),
            event.c.kind.in_([literal_column(f"'{kind}'") for kind in GROWTH_EVENTS]),
        )
        .order_by(event.c.id),
    }


def _of_watches() -> dict[str, Executable]:
    names = [column.name for column in alert_watch.columns if column.name not in WATCH_UNKNOWN]
    keys = [alert_watch.c[name] == bindparam(name) for name in WATCH_KEYS]
    others = select(run.c.id).where(run.c.source_id == bindparam("source_id"), run.c.ended_ms.is_(None))
    return {
        "CHANGE_WATCH": update(alert_watch).where(*keys).values(_bound(names)),
        "RECORDER_WATCHES": select(alert_watch).where(
            alert_watch.c.source_id == bindparam("source_id"),
            alert_watch.c.holder == literal_column("'recorder'"),
        ),
        "END_WATCHES": _end_watches(others),
        "END_WATCHES_BESIDE": _end_watches(others.where(run.c.id != bindparam("run_id"))),
    }


def _end_watches(others: Any) -> Executable:
    """End the alerts of a source that no recorder keeps any more: `others` are its runs under way."""
    return (
        update(alert_watch)
        .where(
            alert_watch.c.source_id == bindparam("source_id"),
            alert_watch.c.holder == literal_column("'recorder'"),
            alert_watch.c.state != literal_column("'clear'"),
            or_(~exists(others), alert_watch.c.seen_ms < bindparam("stale_ms")),
        )
        .values(
            state=literal_column("'clear'"),
            since_ms=bindparam("at_ms"),
            clear_since_ms=null(),
            told_since_ms=null(),
            acknowledged_ms=null(),
            acknowledged_by=null(),
        )
    )
