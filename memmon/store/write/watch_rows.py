"""What is remembered of each alert, as rows: one table, in which each holder has rows of its own.

The recorders' rows are written with their batches, the evaluator's by `memmon.store.alerts.store`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memmon.alerts.records import Watch
from memmon.store.schema.moments import datetime_from_ms, ms_from_datetime
from memmon.store.write import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from memmon.alerts.records import WatchHolder
    from memmon.store.connect.link import Link

_TIMES = ("since", "seen", "clear_since", "told", "told_since", "acknowledged")
_NOT_REMEMBERED = frozenset({"holder", "data"})


def put_watch(link: Link, watch: Watch, *, holder: WatchHolder, source_id: int | None = None) -> bool:
    """Write the memory of an alert; `source_id` where the watch does not know it. Return whether it is new."""
    values: dict[str, Any] = {
        "source_id": watch.source_id if source_id is None else source_id,
        "holder": holder,
        "fingerprint": watch.fingerprint,
        "kind": watch.kind,
        "state": watch.state,
        "severity": watch.severity,
        "title": watch.title,
        "told_severity": watch.told_severity,
        "told_members": json.dumps(watch.told_members) if watch.told_members else None,
        "acknowledged_by": watch.acknowledged_by,
    }
    for name in _TIMES:
        moment = getattr(watch, _field_of(name))
        values[f"{name}_ms"] = None if moment is None else ms_from_datetime(moment)
    if link.run(sql.CHANGE_WATCH, values):
        return False
    link.run(sql.PUT_WATCH, values)
    return True


def watch_of(row: Mapping[Any, Any]) -> Watch:
    """Return the memory that a row holds."""
    values = {
        name: value for name, value in row.items() if not name.endswith("_ms") and name not in _NOT_REMEMBERED
    }
    for name in _TIMES:
        at_ms = row[f"{name}_ms"]
        values[_field_of(name)] = None if at_ms is None else datetime_from_ms(at_ms)
    values["told_members"] = tuple(json.loads(row["told_members"])) if row["told_members"] else ()
    return Watch(**values)


def watch_row_of_state(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of `alert_watch` for one of `alert_state`, where a recorder's alerts stood once."""
    told_ms, since_ms = row.get("notified_ms"), row.get("since_ms")
    kept = ("source_id", "source", "fingerprint", "kind", "state", "severity", "since_ms", "data")
    return {name: row[name] for name in kept if row.get(name) is not None} | {
        "holder": "recorder",
        "title": "",
        "told_ms": told_ms,
        "told_severity": None if told_ms is None else row.get("severity"),
        "told_since_ms": None if told_ms is None else since_ms,
        "seen_ms": since_ms if told_ms is None else told_ms,
    }


def recorder_watches(link: Link, source_id: int) -> dict[str, Watch]:
    """Return what the recorders of a source remember, by fingerprint."""
    rows = link.rows(sql.RECORDER_WATCHES, {"source_id": source_id})
    return {row["fingerprint"]: watch_of(row) for row in rows}


def end_recorder_watches(
    link: Link, source_id: int, *, at: datetime, stale_for: timedelta, run_id: int | None
) -> None:
    """End the alerts that no recorder of the source keeps any more.

    Those are all of them when no run (other than `run_id`) is under way, and those that nobody has
    seen for `stale_for`: whoever saw one tells so every hour.
    """
    values = {
        "source_id": source_id,
        "at_ms": ms_from_datetime(at),
        "stale_ms": ms_from_datetime(at - stale_for),
    }
    if run_id is None:
        link.run(sql.END_WATCHES, values)
    else:
        link.run(sql.END_WATCHES_BESIDE, values | {"run_id": run_id})


def _field_of(name: str) -> str:
    return name if name.endswith("since") else f"{name}_at"
