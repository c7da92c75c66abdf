"""What the child judges: the host's own snapshots, and every hour the stored history."""

from __future__ import annotations

import math
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memmon.errors import MemmonError
from memmon.facts.verdicts import Verdict
from memmon.model import DequeReading
from memmon.recorder.monitor_values import MemorySnapshot
from memmon.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from memmon.store.read import Store

REPORT_EVERY = timedelta(seconds=SECONDS_PER_DAY)
# A report that is due within minutes comes with this check and not an hour late.
_REPORT_SLACK = timedelta(minutes=20)
RETENTION_SECONDS = 60.0


def leak(request: dict[str, Any]) -> dict[str, Any]:
    """Judge the host's snapshots; returns the fields of MemoryLeakReport."""
    from memmon.analysis.leak import LeakPolicy
    from memmon.report.from_snapshots import judge_snapshots

    snapshots = held_snapshots(request["snapshots"])
    policy = LeakPolicy(
        threshold_mb_per_hour=request["threshold_mb_per_hour"],
        min_duration_hours=request["min_duration_hours"],
        min_sample_count=request["min_samples"],
    )
    finding = judge_snapshots(snapshots, policy=policy, source=request["source"])
    readable = [item.rss_mb for item in snapshots if math.isfinite(item.rss_mb)]
    report = {
        "leak_detected": finding.is_leak,
        "growth_rate_mb_per_hour": finding.slope_mb_per_hour or 0.0,
        "total_growth_mb": readable[-1] - readable[0] if readable else 0.0,
        "duration_hours": finding.duration_hours,
        "start_memory_mb": readable[0] if readable else 0.0,
        "end_memory_mb": readable[-1] if readable else 0.0,
        "confidence": finding.confidence,
        "details": ". ".join(text.rstrip(".") for text in (finding.summary, *finding.details)),
    }
    return {"leak": report}


def report(request: dict[str, Any]) -> dict[str, Any]:
    """Render the 24-hour report on the host's snapshots, with what the store adds."""
    from memmon.analysis.leak import LeakPolicy
    from memmon.report.from_snapshots import judge_snapshots, report_from_snapshots
    from memmon.report.text import render_text

    snapshots = held_snapshots(request["snapshots"])
    deques = [DequeReading(**item) for item in request["deques"]]
    policy = LeakPolicy(threshold_mb_per_hour=request["threshold_mb_per_hour"])
    now = datetime.fromisoformat(request["now"])
    options: dict[str, Any] = {}
    stored = _stored_sections(request, now)
    if stored is not None:
        options["stored"] = stored
    built = report_from_snapshots(
        snapshots,
        deques,
        source=request["source"],
        now=now,
        finding=judge_snapshots(snapshots, deques, policy=policy, source=request["source"]),
        threshold_mb_per_hour=request["threshold_mb_per_hour"],
        **options,
    )
    return {"text": render_text(built)}


def check(request: dict[str, Any]) -> dict[str, Any]:
    """Judge the stored history as every hour: alerts to tell, and the daily report when it is due.

    `look_at_all_pages`: first look for damage that no read or write has met; none is judged then.
    """
    from memmon.config import parse_database
    from memmon.store.condition import find_damage
    from memmon.store.read import open_store

    if request.get("look_at_all_pages"):
        damage = find_damage(parse_database(request["database"]), in_all_pages=True)
        if damage is not None:
            return {"damage": damage}
    now = datetime.fromisoformat(request["now"])
    answer: dict[str, Any] = {"alerts": [], "report": None, "is_suspicious": False}
    with open_store(request["database"]) as store:
        if request["leak_check"]:
            answer["alerts"], answer["is_suspicious"] = _seen(store, request, now)
        if request["daily_report"] and _is_report_due(store, request["source"], now):
            answer["report"] = _daily_report(store, request, now)
    _keep_small(request["database"], now)
    return answer


def _keep_small(url: str, now: datetime) -> None:
    """Fold and prune what the settings call old; what is not done in a minute is done the next time."""
    from memmon.config import load_settings, parse_database
    from memmon.store import retention

    stop = threading.Event()
    timer = threading.Timer(RETENTION_SECONDS, stop.set)
    timer.daemon = True
    timer.start()
    try:
        retention.apply(parse_database(url), load_settings(), now=now, stop=stop)
    except MemmonError as error:
        # The verdict must not be lost over it; `memmon doctor` and the log of `db prune` tell more.
        sys.stderr.write(f"retention: {error}\n")
    finally:
        timer.cancel()


def _seen(store: Store, request: dict[str, Any], now: datetime) -> tuple[list[dict[str, Any]], bool]:
    """Judge the history as of the newest snapshot and as of an hour before: a leak needs both to agree.

    Returns what is seen (also that no leak is), and whether evidence of the growth should be gathered.
    """
    from memmon.alerts.conditions import observe
    from memmon.alerts.policy import AlertPolicy
    from memmon.alerts.present import Present
    from memmon.notify.evaluate import judged, newest_run

    runs = store.runs(request["source"])
    last_at = newest_run(runs).last_at if runs else None
    if last_at is None:
        return [], False
    policy = AlertPolicy(leak_threshold_mb_per_hour=request["threshold_mb_per_hour"])
    known = Present(at=now, source=request["source"])
    present = judged(store, known, runs, at=last_at, policy=policy)
    finding = present.leak
    is_suspicious = finding is not None and (finding.is_leak or finding.verdict == Verdict.GROWING)
    return [asdict(seen) for seen in observe(present, policy, in_process=True)], is_suspicious


def _is_report_due(store: Store, source: str, now: datetime) -> bool:
    stored = store.reports(source)
    if stored:
        last = max(item.at for item in stored)
    else:
        starts = [run.started_at for run in store.runs(source)]
        if not starts:
            return False
        last = min(starts)
    return now - last >= REPORT_EVERY - _REPORT_SLACK


def _daily_report(store: Store, request: dict[str, Any], now: datetime) -> dict[str, Any]:
    from memmon.analysis.leak import LeakPolicy
    from memmon.report.build import build_report
    from memmon.report.render_json import render_json
    from memmon.report.text import headline, render_text

    policy = LeakPolicy(threshold_mb_per_hour=request["threshold_mb_per_hour"])
    built = build_report(store, request["source"], policy=policy, now=now)
    return {
        "window_hours": 24.0,
        "text": render_text(built),
        "data": render_json(built),
        "headline": headline(built),
    }


def _stored_sections(request: dict[str, Any], now: datetime) -> Any:
    """Return what the store adds to the report; None when it can't be read (the report comes anyway)."""
    try:
        from memmon.report.build import stored_sections
        from memmon.store.read import open_store

        with open_store(request["database"]) as store:
            return stored_sections(store, request["source"], now=now)
    except MemmonError:
        return None


def held_snapshots(columns: dict[str, Any]) -> list[MemorySnapshot]:
    """Return the host's snapshots from their columns, oldest first.

    Where all have their monotonic time, the times are laid out along it, back from the newest:
    then neither a stepped clock nor a change to summer time bends the trend.
    """
    times = [datetime.fromisoformat(text) for text in columns["timestamp"]]
    uptimes = columns["uptime_seconds"]
    if times and all(value is not None for value in uptimes) and sorted(uptimes) == uptimes:
        newest = times[-1].astimezone(UTC)
        times = [newest - timedelta(seconds=uptimes[-1] - value) for value in uptimes]
    last = len(times) - 1
    return [
        MemorySnapshot(
            timestamp=moment,
            rss_mb=_number(columns["rss_mb"][index]),
            vms_mb=_number(columns["vms_mb"][index]),
            percent=_number(columns["percent"][index]),
            available_mb=_number(columns["available_mb"][index]),
            deque_sizes=columns["deque_sizes"] if index == last else {},
            uptime_seconds=uptimes[index],
        )
        for index, moment in enumerate(times)
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
