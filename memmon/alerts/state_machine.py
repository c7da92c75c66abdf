"""The state machine of one alert: a pure function of its memory, what is seen, and the time.

Both tellers run it: the recorder in the program, and the evaluator outside.

clear → pending (seen, not yet for long enough) → firing → clear. Three things keep it quiet:
hysteresis (what lies between the two levels changes nothing), a cooldown from the last message
(recoveries count), and reminders that come rarely. Only a rise in severity, or a new member such
as one more deque, is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from memmon.alerts.records import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memmon.alerts.records import MessageEvent
    from memmon.model import AlertSeverity

Level = Literal["active", "between", "clear"]
"""`between`: neither bad enough to begin nor good enough to end."""

SEVERITY_RANKS: Mapping[str, int] = {"warning": 1, "error": 2}
_CLOCK_SLACK = timedelta(hours=24)
NOTE_EVERY = timedelta(hours=1)
"""How often it is written that a firing alert is still seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is seen of one possible alert at one moment."""

    source_id: int
    source: str
    fingerprint: str
    kind: str
    level: Level
    severity: AlertSeverity = "warning"
    title: str = ""
    message: str = ""
    """What, how sure, since when."""
    action: str = ""
    """What to do."""
    command: tuple[str, ...] = ("report",)
    """The memmon command that shows more."""
    values: Mapping[str, object] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    """What is affected, by name; a new one is told at once."""
    scope: str | None = None
    """What several sources have in common (their host): it is told once, by the first of them."""
    group: str | None = None
    """What sources that are told together have in common, in words; None: this is one source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How patient an alert is."""

    for_seconds: float = 0.0
    """How long it must be seen before it fires."""
    clear_for_seconds: float = 0.0
    """How long it must be gone before it is called resolved."""
    cooldown_seconds: float = 1_800.0
    repeat_seconds: float = 86_400.0
    """After how long an alert that still fires is told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """The memory after a step, and what is to be told of it (None: nothing)."""

    watch: Watch | None
    told: MessageEvent | None = None


def step(
    watch: Watch | None, seen: Observation, *, at: datetime, rule: Rule, is_silenced: bool = False
) -> AlertStep:
    """Return the next memory of an alert and what is told; `watch` None: it was never seen before."""
    if watch is None or watch.state == "clear":
        if seen.level != "active":
            return AlertStep(watch=watch)
        watch = _begun(watch, seen, at)
    if seen.level == "clear":
        return _ending(watch, at, rule, is_silenced=is_silenced)
    watch = replace(watch, clear_since=None, seen_at=at, title=seen.title or watch.title)
    if seen.level == "active":
        watch = replace(watch, severity=seen.severity)
    if watch.state == "pending" and _passed(watch.since, at) >= timedelta(seconds=rule.for_seconds):
        watch = replace(watch, state="firing")
    if watch.state != "firing" or is_silenced:
        return AlertStep(watch=watch)
    told = _to_tell(watch, seen, at, rule)
    return AlertStep(watch=watch if told is None else as_notified(watch, seen, at), told=told)


def _begun(watch: Watch | None, seen: Observation, at: datetime) -> Watch:
    fresh = Watch(
        source_id=seen.source_id,
        fingerprint=seen.fingerprint,
        kind=seen.kind,
        state="pending",
        severity=seen.severity,
        title=seen.title,
        since=at,
        seen_at=at,
    )
    if watch is None:
        return fresh
    return replace(
        fresh,
        told_at=watch.told_at,
        told_severity=watch.told_severity,
        told_members=watch.told_members,
    )


def _ending(watch: Watch, at: datetime, rule: Rule, *, is_silenced: bool) -> AlertStep:
    if watch.state == "pending":
        return AlertStep(watch=replace(watch, state="clear", since=at, seen_at=at))
    clear_since = watch.clear_since or at
    watch = replace(watch, clear_since=clear_since, seen_at=at)
    if _passed(clear_since, at) < timedelta(seconds=rule.clear_for_seconds):
        return AlertStep(watch=watch)
    was_told = watch.is_notified
    watch = ended(watch, at)
    if was_told and not is_silenced:
        return AlertStep(watch=replace(watch, told_at=at), told="resolved")
    return AlertStep(watch=watch)


def ended(watch: Watch, at: datetime) -> Watch:
    """Return the memory of an alert that is over: when it was last told stays known."""
    return replace(
        watch,
        state="clear",
        since=at,
        clear_since=None,
        told_since=None,
        acknowledged_at=None,
        acknowledged_by=None,
    )


def has_changed(before: Watch | None, after: Watch) -> bool:
    """Tell whether a memory is worth writing: that an alert is still seen is, once an hour."""
    if before is None or after.seen_at - before.seen_at >= NOTE_EVERY:
        return before != after
    return replace(before, seen_at=after.seen_at) != after


def _to_tell(watch: Watch, seen: Observation, at: datetime, rule: Rule) -> MessageEvent | None:
    rose = watch.told_severity is not None and _rank(watch.severity) > _rank(watch.told_severity)
    grown = bool(set(seen.members) - set(watch.told_members))
    quiet_for = None if watch.told_at is None else _passed(watch.told_at, at)
    is_over = quiet_for is None or quiet_for >= timedelta(seconds=rule.cooldown_seconds)
    if not watch.is_notified:
        return "firing" if is_over or rose or (grown and bool(watch.told_members)) else None
    if rose or grown:
        return "worse"
    if watch.acknowledged_at is not None or quiet_for is None:
        return None
    return "reminder" if is_over and quiet_for >= timedelta(seconds=rule.repeat_seconds) else None


def as_notified(watch: Watch, seen: Observation, at: datetime) -> Watch:
    """Return the memory of an alert that is told now."""
    worst = watch.severity
    if watch.is_notified and watch.told_severity is not None and _rank(watch.told_severity) > _rank(worst):
        worst = watch.told_severity
    members = set(seen.members) | (set(watch.told_members) if watch.is_notified else set())
    return replace(
        watch,
        told_at=at,
        told_severity=worst,
        told_members=tuple(sorted(members)),
        told_since=watch.since,
    )


def _passed(since: datetime, at: datetime) -> timedelta:
    """Return the time that passed; a clock that was set back by more than a day silences nothing."""
    passed = at - since
    return timedelta.max if passed < -_CLOCK_SLACK else passed


def _rank(severity: str) -> int:
    return SEVERITY_RANKS.get(severity, 0)
