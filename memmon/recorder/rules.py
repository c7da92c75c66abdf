"""The alerts that need one snapshot only, and the memory that keeps them from being repeated."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.facts.deque_state import deque_fault
from memmon.model import Alert
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.model import DequeReading, Snapshot

REPEAT_HOURS = 24.0
"""How long an alert that tells of a lasting state (a leak, a wrong deque) is not repeated."""
_SHOWN_DEQUES = 20
_SEVERITIES = {"warning": 1, "error": 2}


def high_memory(snapshot: Snapshot, *, source: str, threshold_percent: float) -> Alert | None:
    """Return the alert that a snapshot with high system memory calls for, else None."""
    percent = snapshot.system_percent
    if percent is None or percent < threshold_percent:
        return None
    values: dict[str, object] = {"system_percent": percent, "threshold_percent": threshold_percent}
    parts = [f"system memory {percent:.1f} % used (threshold {threshold_percent:g} %)"]
    if snapshot.rss_bytes is not None:
        values["rss_mb"] = round(mb_from_bytes(snapshot.rss_bytes), 1)
        parts.append(f"this process {mb_from_bytes(snapshot.rss_bytes):.1f} MB resident")
    if snapshot.system_available_bytes is not None:
        values["available_mb"] = round(mb_from_bytes(snapshot.system_available_bytes), 1)
        parts.append(f"{mb_from_bytes(snapshot.system_available_bytes):.1f} MB available")
    return Alert(
        kind="high_memory",
        severity="warning",
        title="High memory usage",
        message="; ".join(parts),
        at=snapshot.at,
        source=source,
        values=values,
    )


def deque_limits(readings: Iterable[DequeReading], *, source: str, at: datetime) -> Alert | None:
    """Return the alert that lists every deque outside its limit, else None."""
    faults = {item.name: fault for item in readings if (fault := deque_fault(item)) is not None}
    if not faults:
        return None
    shown = [f"{name} {fault}" for name, fault in sorted(faults.items())[:_SHOWN_DEQUES]]
    if len(faults) > _SHOWN_DEQUES:
        shown.append(f"and {len(faults) - _SHOWN_DEQUES} more")
    return Alert(
        kind="deque",
        severity="error",
        title="Deque limits exceeded",
        message="; ".join(shown),
        at=at,
        source=source,
        values={"failed_count": len(faults), "failed": sorted(faults)},
    )


def fingerprint(alert: Alert) -> str:
    """Return what makes two alerts the same: the kind, and for deques which ones failed."""
    if alert.kind == "deque":
        failed = alert.values.get("failed")
        names = "\n".join(map(str, failed)) if isinstance(failed, list) else ""
        return f"deque:{hashlib.sha256(names.encode('utf-8', 'replace')).hexdigest()[:12]}"
    return alert.kind


def repeat_after(alert: Alert, cooldown: timedelta) -> timedelta:
    """Return how long the same alert is not repeated."""
    return cooldown if alert.kind == "high_memory" else max(cooldown, timedelta(hours=REPEAT_HOURS))


def may_repeat(alert: Alert, *, told_at: datetime, told_severity: str, cooldown: timedelta) -> bool:
    """Tell whether an alert that was told before may be told again: later, or when it got worse."""
    if _SEVERITIES.get(alert.severity, 0) > _SEVERITIES.get(told_severity, 0):
        return True
    passed = alert.at - told_at
    # A wall clock that was stepped back must not silence memmon for a year.
    return passed >= repeat_after(alert, cooldown) or passed < -timedelta(hours=REPEAT_HOURS)
