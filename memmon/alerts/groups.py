"""Alerts that many sources have in common: one message for a release that leaks in two hundred processes.

Sources belong together by the release that they run, or by their script where no release is known. Each keeps its own
memory of its alerts; while a group fires, its message stands for those of its members.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from memmon.alerts.findings import RunLike
from memmon.alerts.state_machine import SEVERITY_RANKS, AlertStep, Observation, step
from memmon.formatting import counted, shown
from memmon.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from memmon.alerts.policy import AlertPolicy
    from memmon.alerts.records import Watch
    from memmon.alerts.state_machine import Level, Rule

GROUP_FROM = 3
"""Sources that fire, from which on they are told together. Chosen: two are still read one by one."""
MOST_NAMED = 5
"""Sources that a group's message names besides the worst. Chosen: what fits a screen."""


class FleetRun(RunLike, Protocol):
    """A run among many, as the store knows it."""

    @property
    def script_path(self) -> str | None:
        """The script that it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What was seen of one source, or of a group, and what its step made of it."""

    seen: Observation
    run: FleetRun
    before: Watch | None
    done: AlertStep

    @property
    def is_firing(self) -> bool:
        """Tell whether the alert fires after the step."""
        return self.done.watch is not None and self.done.watch.state == "firing"


def grouped(
    members: Sequence[Stepped],
    known: Mapping[tuple[int, str], Watch],
    *,
    at: datetime,
    policy: AlertPolicy,
    silenced: Iterable[Observation] = (),
) -> list[Stepped]:
    """Return the members and, after them, their groups; a member of a group that fires tells nothing itself.

    Those that are silenced are in no group.
    """
    quiet = {(one.source_id, one.fingerprint) for one in silenced}
    of_group = {watch.fingerprint: watch for watch in known.values() if _is_of_group(watch)}
    told: list[Stepped] = []
    groups: list[Stepped] = []
    for name, parts in _by_group(members, quiet).items():
        before = of_group.get(name)
        group = _stepped_group(name, parts, before, at=at, policy=policy)
        if group is None:
            told += parts
            continue
        groups.append(group)
        stands = group.is_firing or (before is not None and before.state == "firing")
        told += [_withheld(one) for one in parts] if stands else parts
    alone = [one for one in members if group_name(one) is None or _key(one) in quiet]
    return [*alone, *told, *groups]


def group_name(member: Stepped) -> str | None:
    """Return the fingerprint of the group that a source belongs to with an alert; None: to none.

    What concerns a host is told once anyway.
    """
    if member.seen.scope is not None:
        return None
    if member.run.release:
        return f"{member.seen.kind}:release={member.run.release}"
    return f"{member.seen.kind}:script={member.run.script_path}" if member.run.script_path else None


def _is_of_group(watch: Watch) -> bool:
    return watch.fingerprint.startswith((f"{watch.kind}:release=", f"{watch.kind}:script="))


def _by_group(members: Sequence[Stepped], quiet: set[tuple[int, str]]) -> dict[str, list[Stepped]]:
    found: dict[str, list[Stepped]] = {}
    for one in members:
        name = group_name(one)
        if name is not None and _key(one) not in quiet:
            found.setdefault(name, []).append(one)
    return found


def _key(member: Stepped) -> tuple[int, str]:
    return member.seen.source_id, member.seen.fingerprint


def _withheld(member: Stepped) -> Stepped:
    return replace(member, done=replace(member.done, told=None))


def _stepped_group(
    name: str, parts: Sequence[Stepped], before: Watch | None, *, at: datetime, policy: AlertPolicy
) -> Stepped | None:
    """Return the group's step; None where there never was one, and too few fire."""
    firing = sorted((one for one in parts if one.is_firing), key=_worst_first)
    is_known = before is not None and before.state == "firing"
    if len(firing) < GROUP_FROM and not is_known:
        return None
    level: Level = "active" if len(firing) >= GROUP_FROM else "between" if firing else "clear"
    worst = (firing or list(parts))[0]
    seen = _of_group(name, worst, firing, level, before)
    done = step(before, seen, at=at, rule=_rule(policy.rule(seen.kind)))
    return Stepped(seen=seen, run=worst.run, before=before, done=done)


def _rule(rule: Rule) -> Rule:
    """Return how patient a group is: told once, then at most once a day; each member has waited by itself."""
    return replace(
        rule,
        for_seconds=0.0,
        clear_for_seconds=0.0,
        cooldown_seconds=SECONDS_PER_DAY,
        repeat_seconds=max(rule.repeat_seconds, SECONDS_PER_DAY),
    )


def _worst_first(member: Stepped) -> tuple[float, float, str]:
    rate = member.seen.values.get("growth_rate_mb_per_hour")
    severity = member.seen.severity if member.done.watch is None else member.done.watch.severity
    return -SEVERITY_RANKS.get(severity, 0), -(rate if isinstance(rate, float) else 0.0), member.seen.source


def _of_group(
    name: str, worst: Stepped, firing: Sequence[Stepped], level: Level, before: Watch | None
) -> Observation:
    """Return what is seen of a group: how many, the worst and what it shows, and on which hosts."""
    release = worst.run.release
    common = f"release {shown(release)}" if release else f"script {shown(worst.run.script_path or '')}"
    hosts = sorted({one.run.host or "unknown host" for one in firing})
    others = [shown(one.seen.source) for one in firing[1 : 1 + MOST_NAMED]]
    more = len(firing) - 1 - len(others)
    named = f" Also: {', '.join(others)}{f' and {more} more' if more else ''}." if others else ""
    return replace(
        worst.seen,
        source_id=worst.seen.source_id if before is None else before.source_id,
        fingerprint=name,
        level=level,
        severity=max((one.seen.severity for one in firing), key=_rank, default=worst.seen.severity),
        title=f"{worst.seen.title}: {counted(len(firing), 'source')} of {common}",
        message=(
            f"{counted(len(firing), 'source')} on {counted(len(hosts), 'host')} ({_some(hosts)}). "
            f"The worst, {shown(worst.seen.source)} on {shown(worst.run.host or 'unknown host')}: "
            f"{worst.seen.message}{named}"
        ),
        command=("fleet",),
        values={
            **worst.seen.values,
            "source_count": len(firing),
            "hosts": hosts,
            "worst": worst.seen.source,
            "sources": [one.seen.source for one in firing],
        },
        members=(),
        group=common,
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    listed = ", ".join(shown(name) for name in names[:MOST_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


def _rank(severity: str) -> int:
    return SEVERITY_RANKS.get(severity, 0)
