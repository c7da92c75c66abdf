"""Readers of what is told: by the evaluator outside, by the recorder inside its program, and by what is stored."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from consistency_kit.before import before_of, before_says
from consistency_kit.said import (
    FAILING,
    NOT_FAILING,
    VERDICTS,
    Number,
    Said,
    grown_of,
    grown_says,
    known,
)
from consistency_kit.said import moment as moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memmon.child.requests import Checked

NOTHING = frozenset({"none"})
CONFIRMED_OR_NOT = frozenset({"leaking", "growing"})


def evaluator(seen: Iterable[Any], deque_names: Sequence[str]) -> Said:
    """Read the observations of one source: what fires, and the figures behind it."""
    said: Said = {}
    for one in seen:
        if one.level != "between":
            is_active = one.level == "active"
            said[f"alert_{one.kind}"] = frozenset({one.severity}) if is_active else NOTHING
        severity = _severity_of(one)
        if severity:
            said["severity"] = severity & said.get("severity", severity)
        reader = _OF_KIND.get(one.kind)
        if reader is not None:
            said.update(reader(one, deque_names))
    return said


def _severity_of(one: Any) -> frozenset[str]:
    """Return the severities that an alert leaves open; empty where it says nothing of the source's own."""
    if one.level != "active" or one.kind not in {"leak", "deque", "high_memory"}:
        return frozenset()
    if one.kind == "leak":
        return frozenset({"critical" if one.severity == "error" else "warning"})
    if one.kind == "high_memory" and one.values["of"] == "host" and "container_percent" in one.values:
        return frozenset()
    is_full = one.kind == "high_memory" and one.severity == "error"
    return frozenset({"critical"}) if is_full else frozenset({"warning", "critical"})


def _silent(one: Any, _names: Sequence[str]) -> Said:
    return {} if one.level == "between" else {"is_stale": one.level == "active"}


def _deque(one: Any, names: Sequence[str]) -> Said:
    return {"deques": told_deques(one.message, one.values["failed"], names)} if names else {}


def _leak(one: Any, _names: Sequence[str]) -> Said:
    slope = one.values["growth_rate_mb_per_hour"]
    grown, said = grown_of(one.values.get("grown")), grown_says(one.message)
    assert grown == said, "an alert's message and its values name the same"
    before = before_of(one.values["before_restart"]) if "before_restart" in one.values else {}
    assert before.keys() == before_says(one.message).keys(), "so do they of the runs before"
    return (
        grown
        | before
        | known(
            verdict=_LEAK_LEVELS[one.level],
            slope_mb_per_hour=None if slope is None else Number(slope),
            confidence=one.values["confidence"],
            since=moment_of(one.values["since"]),
            hours_to_limit=None
            if one.values["hours_to_limit"] is None
            else Number(one.values["hours_to_limit"]),
        )
    )


_LEAK_LEVELS = {
    "active": frozenset({"leaking"}),
    "between": frozenset({"leaking", "cannot_say"}),
    "clear": VERDICTS - {"leaking"},
}


def _forecast(one: Any, _names: Sequence[str]) -> Said:
    if "verdict" not in one.values:
        return {}
    hours = one.values["hours_to_limit"]
    return known(
        verdict=frozenset({one.values["verdict"]}),
        hours_to_limit=Number(math.inf if hours is None else hours),
        limit_bytes=Number(one.values["limit_bytes"], 1.0),
    )


def _high_memory(one: Any, _names: Sequence[str]) -> Said:
    is_beside = one.values["of"] == "host" and "container_percent" in one.values
    # A machine that is full is told of beside the limit in force.
    # The machine tells its share to a tenth of a percent; the limit's comes of the bytes.
    within = 0.05 if one.values["of"] == "host" else 0.005
    return {} if is_beside else {"used_percent": Number(one.values["percent"], within)}


_OF_KIND = {
    "silent": _silent,
    "deque": _deque,
    "leak": _leak,
    "forecast": _forecast,
    "high_memory": _high_memory,
}


def told_deques(message: str, failed: Sequence[str], names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the states that an alert on deques means: what is not named is within its limit."""
    states = dict.fromkeys(names, NOT_FAILING)
    for name in failed:
        found = re.search(rf"\b{re.escape(name)} (has no maxlen|holds \d+, above|has maxlen)", message)
        states[name] = (
            _FAULTS[found[1].split()[1] if found[1].startswith("has") else "above"] if found else FAILING
        )
    return states


_FAULTS = {
    "no": frozenset({"unbounded"}),
    "above": frozenset({"above"}),
    "maxlen": frozenset({"unexpected_maxlen"}),
}


def hourly_check(answer: Checked) -> Said:
    """Read the answer of the hourly check: what it sees, and whether growth is suspected."""
    seen = [one for one in answer.seen if one.kind == "leak"]
    said = evaluator(seen, ())
    if not any(one.level == "active" for one in seen):
        suspected = answer.is_suspicious
        said["verdict"] = CONFIRMED_OR_NOT if suspected else VERDICTS - CONFIRMED_OR_NOT
    return said


def stored(alerts: Iterable[Any]) -> Said:
    """Read `Store.alerts()`: what fires and what does not."""
    return {
        f"alert_{one.kind}": frozenset({one.severity}) if one.state == "firing" else NOTHING for one in alerts
    }
