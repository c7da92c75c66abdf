"""Run endings: how a source's earlier runs ended, written by the next start.

A process that is killed, or ends by `os._exit`, can say nothing. The next run of its source looks: is the process gone
(on another host, or in another container: has it been silent for three intervals), did the
machine boot since, has the kernel's out-of-memory killer struck in its group, how close to the
limit was the last reading. From outside SIGTERM and SIGKILL look alike;
only the parent knows, and `memmon run` records it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memmon.facts.staleness import is_stale
from memmon.formatting import megabytes
from memmon.probe.process.machine import is_process_alive
from memmon.store.connect.links import first
from memmon.store.write import sql
from memmon.units import MS_PER_SECOND, mb_from_bytes

if TYPE_CHECKING:
    from memmon.model import RunRecord
    from memmon.store.connect.link import Link, Row

NEAR_LIMIT_SHARE = 0.95
"""Used of the limit in the last reading, from which a death without a word is put down to memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEnding:
    """How one run ended: `reason` as in `run.end_reason`, `detail` a sentence."""

    run_id: int
    reason: str
    detail: str
    ended_ms: int


def write_endings(link: Link, source_id: int, run_id: int, run: RunRecord) -> tuple[FoundEnding, ...]:
    """Write the end of earlier runs of the source that ended without a word; returns what was found."""
    found = []
    for row in link.rows(sql.OPEN_RUNS, {"source_id": source_id, "run_id": run_id}):
        if _is_told_by_its_recorder(row, run):
            continue
        ending = _ending_of(link, row, run)
        if ending is None:
            continue
        told = {
            "run_id": ending.run_id,
            "ended_ms": ending.ended_ms,
            "end_reason": ending.reason,
            "end_detail": ending.detail,
        }
        link.run(sql.END_RUN, told)
        found.append(ending)
    return tuple(found)


def _is_told_by_its_recorder(row: Row, run: RunRecord) -> bool:
    """Tell whether both are processes of one program that is recorded from outside: whoever records it says how each ends."""
    is_from_outside = run.python_version is None and run.parent_uuid is not None
    return is_from_outside and run.parent_uuid in {row["uuid"], row["parent_uuid"]}


def _ending_of(link: Link, row: Row, run: RunRecord) -> FoundEnding | None:
    """Return how the run `row` ended, seen from the start of `run`; None: it may still be alive."""
    last = first(link, sql.LAST_SNAPSHOT, {"run_id": row["id"]})
    last_ms = row["started_ms"] if last is None else last["at_ms"]
    now_ms = round(run.started_at.timestamp() * MS_PER_SECOND)
    is_same_host = row["host"] == run.host
    has_rebooted = (
        is_same_host and None not in {row["boot_id"], run.boot_id} and row["boot_id"] != run.boot_id
    )
    if has_rebooted:
        return FoundEnding(
            run_id=row["id"],
            reason="reboot",
            detail="the machine was started anew since its last reading"
            + _reading(last)
            + _told(link, row["id"]),
            ended_ms=last_ms,
        )
    age_seconds = (now_ms - last_ms) / MS_PER_SECOND
    is_fresh = age_seconds >= 0 and not is_stale(age_seconds, (row["interval_ms"] or 0) / MS_PER_SECOND)
    if is_same_host:
        is_alive = is_process_alive(row["pid"], row["process_started_ms"], trust_pid=is_fresh)
    else:
        is_alive = is_fresh
    if is_alive:
        return None
    reason, why = _killed(link, row, run, last)
    detail = why + _reading(last) + _told(link, row["id"])
    return FoundEnding(run_id=row["id"], reason=reason, detail=detail, ended_ms=last_ms)


def _killed(link: Link, row: Row, run: RunRecord, last: Row | None) -> tuple[str, str]:
    start = _start_data(link, row["id"])
    before = start.get("oom_kill_count")
    if isinstance(before, int) and run.oom_kill_count is not None and run.oom_kill_count > before:
        return "oom", "the kernel's out-of-memory killer struck in its group since its start"
    if last is not None and _share_of_limit(last) >= NEAR_LIMIT_SHARE:
        return "oom", "it ended without a word with its memory at the limit"
    if row["uuid"] == run.parent_uuid:
        return (
            "unknown",
            "a process that it forked goes on, as a daemon does: most likely it left by os._exit",
        )
    if start.get("notes_sigterm"):
        return "unknown", "it ended by os._exit, SIGKILL or a crash: SIGTERM it would have noted"
    return "unknown", "nothing tells which"


def _start_data(link: Link, run_id: int) -> dict[str, Any]:
    row = first(link, sql.START_DATA, {"run_id": run_id})
    return _plain(None if row is None else row["data"])


def _share_of_limit(last: Row) -> float:
    used = last["used_bytes"]
    return used / last["limit_bytes"] if used is not None and last["limit_bytes"] else 0.0


def _reading(last: Row | None) -> str:
    if last is None or last["rss_bytes"] is None:
        return ""
    limit = "" if not last["limit_bytes"] else f", limit {mb_from_bytes(last['limit_bytes']):,.0f} MB"
    return f" (last reading {megabytes(mb_from_bytes(last['rss_bytes']))} MB{limit})"


def _told(link: Link, run_id: int) -> str:
    """Return the last verdict that was told of the run while it lived, and what grew."""
    for row in link.rows(sql.NOTIFIED_ALERTS, {"run_id": run_id}):
        data = _plain(row["data"])
        if data.get("kind") == "leak":
            return f"; last verdict: {data.get('message', 'a leak')}" + _grown(link, run_id)
    return _grown(link, run_id)


def _grown(link: Link, run_id: int) -> str:
    """Return what was told to grow in the run while it lived."""
    rows = list(link.rows(sql.TOLD_GROWTH, {"run_id": run_id}))
    if not rows:
        return ""
    from memmon.facts.grown import GrowthTold, grown_of  # few programs need it at their start

    found = grown_of(
        GrowthTold(
            at=datetime.fromtimestamp(row["at_ms"] / MS_PER_SECOND, tz=UTC),
            run_id=run_id,
            data=_plain(row["data"]),
        )
        for row in rows
    )
    return "" if found is None else f"; {found.state.beginning}: {found.words}"


def _plain(text: str | None) -> dict[str, Any]:
    try:
        data = json.loads(text) if text else {}
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
