"""The rows of a run and of its source: found, or created with the run's first batch; and a run's end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from memmon.store.connect.links import first
from memmon.store.schema.moments import ms_from_datetime
from memmon.store.write import sql
from memmon.store.write.statements import insert_or_ignore, storable, storable_text
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from memmon.model import RunRecord
    from memmon.store.connect.link import Link
    from memmon.store.write.batch import RunEnd


class OpenedRun(NamedTuple):
    """The row of a run."""

    run_id: int
    source_id: int
    source: str
    is_new: bool
    newest_sequence: int | None
    """The number of its newest snapshot; None: it has none."""


def open_run(link: Link, run: RunRecord) -> OpenedRun:
    """Return the run's row, made where it is new."""
    found = first(link, sql.FIND_RUN, {"uuid": run.uuid})
    if found is not None:
        return OpenedRun(found["id"], found["source_id"], found["name"], False, found["newest_seq"])
    source_id, name = _find_or_create_source(link, run)
    values = {
        "uuid": run.uuid,
        "source_id": source_id,
        "host": run.host,
        "pid": run.pid,
        "process_started_ms": run.process_started_at and ms_from_datetime(run.process_started_at),
        "boot_id": run.boot_id,
        "parent_uuid": run.parent_uuid,
        "role": run.role,
        "script_path": run.script_path,
        "external_id": run.external_id,
        "release": run.release,
        "python_version": run.python_version,
        "memmon_version": run.memmon_version,
        "interval_ms": round(run.interval_seconds * MS_PER_SECOND),
        "started_ms": ms_from_datetime(run.started_at),
    }
    insert_or_ignore(link, sql.PUT_RUN, [storable(values)])
    (made,) = link.rows(sql.FIND_RUN, {"uuid": run.uuid})
    return OpenedRun(made["id"], source_id, name, True, None)


def _find_or_create_source(link: Link, run: RunRecord) -> tuple[int, str]:
    """Return (id, name) of the run's source, created when it is new.

    A default name that another script's runs hold gets the first free suffix (`bot-2`).
    """
    base = storable_text(run.source)
    script_path = None if run.script_path is None else storable_text(run.script_path)
    name, number = base, 1
    while True:
        found = first(link, sql.FIND_SOURCE, {"name": name})
        if found is None:
            row = {"name": name, "script_path": script_path, "created_ms": ms_from_datetime(run.started_at)}
            insert_or_ignore(link, sql.PUT_SOURCE, [row])
            (made,) = link.rows(sql.FIND_SOURCE, {"name": name})
            return made["id"], name
        if run.source_was_given or found["script_path"] in {None, script_path}:
            return found["id"], name
        number += 1
        name = f"{base}-{number}"


def end_run(link: Link, run_id: int, end: RunEnd) -> None:
    """Write how and when a run ended."""
    told = {
        "run_id": run_id,
        "ended_ms": ms_from_datetime(end.at),
        "end_reason": end.reason,
        "end_detail": None if end.detail is None else storable_text(end.detail),
    }
    link.run(sql.END_RUN, told)
