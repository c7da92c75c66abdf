"""Readers of what `--json` prints, one for each command."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from consistency_kit.before import before_of, before_says
from consistency_kit.said import (
    MB,
    SEEN_IN_RSS,
    Number,
    Said,
    Unknown,
    assessed,
    check_severity,
    deque_state,
    grown_of,
    headline_facts,
    known,
    moment,
    resources_of,
)

GROWING = frozenset({"leaking", "growing"})
LEVEL = frozenset({"never", "unknown"})
RISING = frozenset({"dated", "never", "unknown"})
OUTLOOK = {
    "leaking": RISING,
    "growing": RISING,
    "filling": RISING,
    "saturating": RISING,
    "cannot_say": frozenset({"unknown"}),
}
"""What a forecast may say beside a verdict; a curve that bends has a date where its plateau lies above the limit."""
_OUTLOOKS = {
    "dated": frozenset({"dated"}),
    "never": frozenset({"never"}),
    "cannot_say": frozenset({"unknown"}),
}


def finding(found: dict[str, Any]) -> Said:
    """Read the fields of a leak finding."""
    slope = found["slope_mb_per_hour"]
    return known(
        verdict=frozenset({found["verdict"]}),
        confidence=found["confidence"],
        slope_mb_per_hour=None if slope is None else Number(slope),
        rss_slope_mb_per_hour=_seen_in_rss(found),
        since=moment(found["since"]),
    )


def _seen_in_rss(found: dict[str, Any]) -> Number | None:
    """Return the rate that pages tell of growth beside what is judged; of other verdicts it is no fact of its own."""
    slope = found.get("rss_slope_mb_per_hour") if found["verdict"] in SEEN_IN_RSS else None
    return None if slope is None else Number(slope)


def limit(found: dict[str, Any] | None) -> Said:
    """Read a limit as `check` and `forecast` print it."""
    if found is None:
        return {}
    return {"limit_bytes": Number(found["limit_bytes"], 1.0), "used_percent": Number(found["used_percent"])}


def hours(found: dict[str, Any]) -> Number | Unknown:
    """Read the time to the limit of a forecast."""
    if found["state"] == "cannot_say":
        return Unknown()
    time = found["hours_to_limit"]
    return Number(math.inf if time is None else time)


def leaks(answer: dict[str, Any]) -> dict[str, Said]:
    """Read `memmon leaks --json`, by source."""
    said = {one["source"]: {**finding(one), **_what_lies_ahead(one)} for one in answer["findings"]}
    for one in answer["sources"]:
        said[one["source"]]["is_stale"] = one["is_stale"]
        said[one["source"]].update(resources_of(one["resources"]))
        said[one["source"]].update(grown_of(one["grown"]), **before_of(one["before_restart"]))
    return said


def _what_lies_ahead(found: dict[str, Any]) -> Said:
    """Return what a verdict lets a forecast say: whether a limit can have a date, and how fast it comes."""
    verdict = found["verdict"]
    said: Said = {"outlook": OUTLOOK.get(verdict, LEVEL)}
    low, high = found["slope_low_mb_per_hour"], found["slope_high_mb_per_hour"]
    if verdict in GROWING and low is not None and high is not None:
        share = _active_share(found)
        said["growth_ahead"] = Number(share * (low + high) / 2, (high - low) / 2)
    return said


def _active_share(found: dict[str, Any]) -> float:
    """Return for how much of the time since its onset memory grew: what has paused goes on at the pace of both together."""
    if found["paused_hours"] is None:
        return 1.0
    begin, end = (datetime.fromisoformat(at) for at in (found["since"], found["window"]["end"]))
    active = (end - begin).total_seconds() / 3600
    return active / (active + found["paused_hours"])


def check(answer: dict[str, Any]) -> dict[str, Said]:
    """Read `memmon check --json`, by source; its null hours mean both never and unknown."""
    said = {one["source"]: finding(one) for one in answer["findings"]}
    for one in answer["sources"]:
        here = said.setdefault(one["source"], {})
        here.update(limit(one["limit"]))
        here.update(assessed(one["assessment"]))
        if one["assessment"] is not None:
            here.update(before_of(one["assessment"]["before_restart"]))
            is_silent = one["reasons"][0].startswith("stale") or one["is_stale"]
            here["severity"] = here["severity"] & check_severity(one["state"], is_silent=is_silent).get(
                "severity", here["severity"]
            )
        if one["hours_to_limit"] is not None:
            here["hours_to_limit"] = Number(one["hours_to_limit"])
        if "is_stale" in one:
            here["is_stale"] = one["is_stale"]
    return said


def headlines(answer: dict[str, Any]) -> dict[str, Said]:
    """Read the one sentence on each source, as `memmon check --json` carries it."""
    return {
        one["source"]: {
            **headline_facts(one["assessment"]["headline"]),
            **before_says(one["assessment"]["headline"]),
        }
        for one in answer["sources"]
        if one["assessment"] is not None
    }


def forecast(answer: dict[str, Any]) -> Said:
    """Read `memmon forecast --json`."""
    (found,) = answer["findings"]
    slope = found["slope_mb_per_hour"]
    if any("of them leak" in detail for detail in found["details"]):
        slope = None  # of several together, where the verdict is the worst one's
    return {
        **limit(answer["limit"]),
        **known(
            hours_to_limit=hours(found),
            outlook=_OUTLOOKS.get(found["state"]),
            growth_ahead=None if slope is None or found["state"] == "cannot_say" else Number(slope, 0.01),
        ),
        "is_stale": answer["staleness"]["is_stale"],
    }


def deques(answer: dict[str, Any]) -> Said:
    """Read `memmon deques --json`."""
    states = {one["name"]: deque_state(one["state"]) for one in answer["findings"]}
    return {"deques": states, "is_stale": answer["staleness"]["is_stale"]}


def fleet(answer: dict[str, Any]) -> dict[str, Said]:
    """Read `memmon fleet --json`, by source."""
    return {
        one["source"]: {
            **finding(one),
            **before_of(one["before_restart"]),
            **known(
                process_count=one["process_count"],
                used_percent=None if one["used_percent"] is None else Number(one["used_percent"]),
            ),
            "urgency": one["urgency"],
            "urgency_words": one["urgency_words"],
        }
        for one in answer["findings"]
    }


def report(answer: dict[str, Any]) -> Said:
    """Read `memmon report --format json`."""
    said = {} if not answer["findings"] else finding(answer["findings"][0])
    body = answer["report"]
    if answer["findings"] and answer["findings"][0]["verdict"] != "mapped_files":
        said["growth_mb"] = Number(answer["findings"][0]["growth_mb"])
    if body["deques"]["rows"]:
        said["deques"] = {one["name"]: deque_state(one["state"]) for one in body["deques"]["rows"]}
    said = {**assessed(answer["assessment"]), **said, "is_stale": body["staleness"]["is_stale"]}
    if answer["assessment"] is not None:
        said.update(before_of(answer["assessment"]["before_restart"]))
    ahead, system = body["forecast"], body["system"]
    if ahead is not None:
        said["limit_bytes"] = Number(ahead["limit_mb"] * MB, 1.0)
        said["used_percent"] = Number(100 * ahead["used_mb"] / ahead["limit_mb"])
        said["hours_to_limit"] = hours(ahead)
    elif system["limit_mb"] is not None:
        said["limit_bytes"] = Number(system["limit_mb"] * MB, 1.0)
        if system["limit_used_mb"] is not None:
            said["used_percent"] = Number(100 * system["limit_used_mb"] / system["limit_mb"])
    return said


def growth(answer: dict[str, Any]) -> Said:
    """Read what the shares of the growth are shares of; its parts add up to it, and none is larger."""
    found, finding = answer["assessment"], answer["findings"][0] if answer["findings"] else None
    if finding is None or finding["verdict"] == "mapped_files" or not found["culprits"]:
        return {}
    parts = found["culprits"]["parts"]
    assert all(0.0 <= part["share"] <= 1.0 for part in parts)
    return {"growth_mb": Number(sum(part["growth_bytes"] for part in parts) / MB, 0.05)} if parts else {}


def watch(answer: dict[str, Any]) -> Said:
    """Read the finding of `memmon watch --json`; what the terminal shows stands in its lines."""
    (found,) = answer["findings"]
    return finding(found)
