"""What a surface says of a fact, as read back from it, and when two such answers agree.

A surface that does not speak of a fact has no entry for it. One that speaks less exactly than
another gives the answers that it leaves open: two agree when something is left that both allow.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

MB = 2**20
VERDICTS = frozenset(
    {
        "leaking",
        "growing",
        "saturating",
        "filling",
        "stepped",
        "load_driven",
        "stable",
        "cannot_say",
        "mapped_files",
    }
)
NO_LEAK = frozenset({"stable", "stepped", "load_driven"})
FAILING = frozenset({"unbounded", "above", "unexpected_maxlen"})
NOT_FAILING = frozenset({"ok", "full", "dead", "unreadable"})
HEADLINES = {
    "LEAK DETECTED": {"leaking"},
    "Growing below the threshold": {"growing"},
    "Still warming up": {"saturating"},
    "Growth in mapped files": {"mapped_files"},
    "Deques still filling": {"filling"},
    "Cannot say yet": {"cannot_say"},
    "No leak detected": NO_LEAK,
    "No sample yet": {"cannot_say"},
}


@dataclass(frozen=True)
class Number:
    """A figure, and how far the true one may lie from what was printed."""

    value: float
    within: float = 0.0


@dataclass(frozen=True)
class Unknown:
    """The surface says that the fact is not known: not the same as saying nothing."""


Said = dict[str, object]


def agree(one: object, other: object) -> bool:
    """Tell whether two answers about one fact can both be true."""
    if isinstance(one, Number) and isinstance(other, Number):
        if math.isinf(one.value) or math.isinf(other.value):
            return one.value == other.value
        slack = 1e-6 * max(abs(one.value), abs(other.value)) + 1e-9
        return abs(one.value - other.value) <= one.within + other.within + slack
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return bool(one & other)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(agree(one[name], other[name]) for name in one.keys() & other.keys())
    return one == other


def headline_says(words: str) -> Said:
    """Return verdict and confidence of a headline such as `LEAK DETECTED (confidence: high)`."""
    said: Said = {}
    for begin, verdicts in HEADLINES.items():
        if begin in words:
            said["verdict"] = frozenset(verdicts)
    if found := re.search(r"confidence: (low|medium|high)", words):
        said["confidence"] = found[1]
    return said


def number(text: str) -> Number:
    """Return a printed number, exact to half of its last digit."""
    plain = text.replace(",", "")
    decimals = len(plain.partition(".")[2])
    return Number(float(plain), 0.5 * 10.0**-decimals)


SEEN_IN_RSS = ("filling", "mapped_files")
"""Verdicts on growth beside what is judged."""


def told_rate(said: Said) -> str:
    """Return which rate a page tells: of what is no part of what is judged resident memory's, as its picture draws it."""
    is_beside = said.get("verdict") in {frozenset({one}) for one in SEEN_IN_RSS}
    return "rss_slope_mb_per_hour" if is_beside else "slope_mb_per_hour"


def told_rates(said: Said, text: str) -> Said:
    """Read the rate that is told, and while deques fill the judged one beside it: what they leave at most."""
    beside = re.search(r"at most (-?[\d,.]+\d)", text) if told_rate(said) == "rss_slope_mb_per_hour" else None
    judged = known(slope_mb_per_hour=number(beside[1])) if beside else {}
    return {**judged, **known(**{told_rate(said): slope_in(text)})}


def slope_in(text: str) -> Number | None:
    """Return the first rate in MB/hour of a text."""
    found = re.search(r"(-?[\d,.]+\d) MB/hour", text)
    return number(found[1]) if found else None


def size_bytes(text: str) -> Number:
    """Return what `245.3 MB` or `20.0 GB` says, in bytes."""
    amount, unit = text.split()
    scale = {"MB": MB, "GB": 1024 * MB}[unit]
    read = number(amount)
    return Number(read.value * scale, read.within * scale)


def span_hours(text: str) -> Number:
    """Return what `45 s`, `30 min`, `13.3 h` or `3.0 d` says, in hours."""
    amount, unit = text.split()
    scale = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}[unit]
    read = number(amount)
    return Number(read.value * scale, read.within * scale)


SPAN = r"([\d,.]+ (?:s|min|h|d)\b)"
SIZE = r"([\d,.]+ (?:MB|GB))"
LIMIT_NAMES = r"(?:the container's limit|the machine's memory|the limit given)"


def forecast_says(words: str) -> Said:
    """Return limit and time of the forecast's sentence; nothing where there is no such sentence."""
    said: Said = {}
    if found := re.search(rf"the limit of {SIZE}", words):
        said["limit_bytes"] = size_bytes(found[1])
    if "has already reached the limit" in words:
        said["hours_to_limit"] = Number(0.0)
    elif "does not reach the limit" in words:
        said["hours_to_limit"] = Number(math.inf)
    elif found := re.search(rf"Memory reaches the limit of [\d,.]+ [MG]B in about {SPAN}", words):
        said["hours_to_limit"] = span_hours(found[1])
    elif (
        "Nothing grows towards the limit" in words
        or "Cannot say yet whe" in words
        or "Too little history to say" in words
    ):
        said["hours_to_limit"] = Unknown()
    return said


def processes_say(words: str) -> Said:
    """Return how many processes a text speaks of, what they hold together, and which is the worst."""
    said: Said = {}
    if found := re.search(rf"(\d+) processes hold (?:at most )?{SIZE} together", words):
        said["process_count"], said["footprint_bytes"] = int(found[1]), size_bytes(found[2])
    if found := re.search(r"(?:This is|in) (pid \d+)(?: on (\S+))?, the worst of (\d+) processes", words):
        said["process_count"], said["worst_process"] = int(found[3]), found[1]
    elif found := re.search(r"(?:in (\d+) processes together|of (\d+) processes side by side)", words):
        said["process_count"] = int(found[1] or found[2])
    return said


_PACE = r"by ([\d.,]*\d) an hour since (\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d)"
RESOURCE = re.compile(
    r"(Threads|Open files)(?: of (pid \d+)(?: \([^)]*\))?)?: ([\d,]*\d)(?: of ([\d,]*\d))?, "
    rf"(?:(steady)|(growth can't be told)|growing {_PACE}"
    rf"(?: \(95 % interval [\d.,]*\d to [\d.,]*\d\))?(?:; used up in about {SPAN})?)"
)


def resources_say(words: str) -> Said:
    """Return what a text says of each resource: count, limit, state, pace, since when, and until when."""
    said: Said = {}
    for name, pid, count, most, steady, unknown, pace, since, reached in RESOURCE.findall(words):
        state = "steady" if steady else "cannot_say" if unknown else "growing"
        said[f"resource_{name.lower().replace(' ', '_')}"] = known(
            state=state,
            count=number(count),
            limit=number(most) if most else None,
            slope=number(pace) if pace else None,
            since=moment_in(since),
            hours=span_hours(reached) if reached else None,
            pid=pid or None,
        )
    return said


def resource_clauses(words: str) -> Said:
    """Return the same of the clauses of a sentence, which tell only what grows."""
    said: Said = {}
    found = re.findall(
        rf"(threads|open files) grow {_PACE}(?: in (pid \d+)[^:]*)?: ([\d,]*\d)(?: of ([\d,]*\d))?"
        rf"(?:, used up in about {SPAN})?",
        words,
    )
    for name, pace, since, pid, count, most, reached in found:
        said[f"resource_{name.replace(' ', '_')}"] = known(
            state="growing",
            count=number(count),
            limit=number(most) if most else None,
            slope=number(pace),
            since=moment_in(since),
            hours=span_hours(reached) if reached else None,
            pid=pid or None,
        )
    return said


def resources_of(found: list[dict[str, object]], *, are_several: bool = False) -> Said:
    """Read the resources of an assessment in JSON."""
    return {
        f"resource_{one['name']}": known(
            state=one["state"],
            count=Number(one["count"]),
            limit=None if one["limit_count"] is None else Number(one["limit_count"]),
            slope=None if one["state"] != "growing" else Number(one["slope_per_hour"]),
            since=moment(one["since"]),
            hours=None if one["hours_to_limit"] is None else Number(one["hours_to_limit"]),
            pid=f"pid {one['pid']}" if are_several else None,
        )
        for one in found
    }


def processes_of(found: dict[str, object]) -> Said:
    """Return how many processes an assessment in JSON has, and whose its verdict is."""
    processes = found["processes"]
    worst = [one["pid"] for one in processes if one["run_id"] == found["finding_run_id"]]
    several = len(processes) > 1
    return known(
        process_count=len(processes) or None,
        worst_process=f"pid {worst[0]}" if worst and several else None,
    )


def moment_in(text: str) -> Number | None:
    """Return a printed local time, cut to its minute, as epoch seconds."""
    found = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d)(?: ([+-]\d\d:\d\d))?", text)
    if not found:
        return None
    begin = datetime.fromisoformat(found[1] + (found[2] or "")).timestamp()
    return Number(begin + 30.0, 30.0)


def moment(text: str | None) -> Number | None:
    """Return an ISO 8601 time as epoch seconds."""
    return None if text is None else Number(datetime.fromisoformat(text).timestamp(), 0.001)


CHECK_SEVERITIES = {
    "OK": frozenset({"ok", "notice"}),
    "WARNING": frozenset({"warning"}),
    "CRITICAL": frozenset({"critical"}),
    "UNKNOWN": frozenset({"ok", "notice"}),
}


def check_severity(state: str, *, is_silent: bool) -> Said:
    """Return the severity that a plugin's state means; of a silent source it tells only what is known for sure."""
    return {} if is_silent else {"severity": CHECK_SEVERITIES[state]}


def assessed(found: dict[str, object] | None) -> Said:
    """Read the fields of an assessment in JSON."""
    if found is None:
        return {}
    severity, fresh = found["severity"], found["freshness"]
    return known(
        severity=None if severity is None else frozenset({severity}),
        freshness=None if fresh is None else frozenset({fresh["state"]}),
        footprint_bytes=Number(found["footprint_bytes"], 0.5),
        **processes_of(found),
        **resources_of(found["resources"], are_several=len(found["processes"]) > 1),
        **grown_of(found["grown"]),
    )


def headline_facts(words: str) -> Said:
    """Read the headline: what it says must be what the fields beside it say."""
    said: Said = {}
    for begin, verdict in HEADLINE_VERDICTS.items():
        if words.startswith(begin):
            said["verdict"] = frozenset({verdict})
    if found := re.search(rf"{LIMIT_NAMES} \({SIZE}\)", words):
        said["limit_bytes"] = size_bytes(found[1])
    if found := re.search(REACHED, words):
        said["hours_to_limit"] = span_hours(found[1])
    if found := re.search(rf"; (\d+) % of {LIMIT_NAMES}", words):
        said["used_percent"] = number(found[1])
    return {
        **said,
        **processes_say(words),
        **resource_clauses(words),
        **known(slope_mb_per_hour=slope_in(words)),
    }


REACHED = rf"(?:is reached in|would have been reached) about {SPAN}"
"""Also of what can't come any more, for its run has ended."""

HEADLINE_VERDICTS = {
    "Memory leaks": "leaking",
    "Memory grows below": "growing",
    "Memory still warms up": "saturating",
    "Bounded containers are still filling": "filling",
    "Memory rose in a step": "stepped",
    "Memory follows the load": "load_driven",
    "Memory is stable": "stable",
    "Mapped files grow": "mapped_files",
    "No verdict": "cannot_say",
}


def plain_facts(words: str) -> Said:
    """Read what a page says first: what it says must be what the fields say."""
    said: Said = {}
    for begin, verdict in PLAIN_VERDICTS.items():
        if words.startswith(begin):
            said["verdict"] = frozenset({verdict})
    if found := re.search(rf"(?i:{LIMIT_NAMES})(?:, | \(){SIZE}", words):
        said["limit_bytes"] = size_bytes(found[1])
    if found := re.search(REACHED, words):
        said["hours_to_limit"] = span_hours(found[1])
    if found := re.search(rf"(\d+) % of {LIMIT_NAMES} \(", words):
        said["used_percent"] = number(found[1])
    return {
        **said,
        **processes_say(words),
        **resource_clauses(
            words[:1]
            + words[1:].replace("Threads grow", "threads grow").replace("Open files grow", "open files grow")
        ),
        **known(**{told_rate(said): slope_in(words)}),
    }


PLAIN_VERDICTS = {
    **HEADLINE_VERDICTS,
    "Leaking": "leaking",
    "Growing": "growing",
    "No leak so far: memory still warms up": "saturating",
    "No leak: bounded containers are still filling": "filling",
    "No leak: mapped files grow": "mapped_files",
    "No leak: memory rose in a step": "stepped",
    "No leak: memory follows the load": "load_driven",
    "No leak: memory is stable": "stable",
}


def fill_state(words: str) -> frozenset[str]:
    """Return the states that a deque's fill such as `8234/10000 (82.3% full)` can mean."""
    for begin, state in (
        ("gone", "dead"),
        ("could not be read", "unreadable"),
        ("above its limit", "above"),
        ("expected maxlen", "unexpected_maxlen"),
        ("no maxlen", "unbounded"),
    ):
        if begin in words:
            return frozenset({state})
    found = re.search(r"\(([\d.]+)% full\)", words)
    percent = float(found[1]) if found else 0.0
    if percent > 100.0:
        return frozenset({"above"})
    return frozenset({"ok", "full"}) if percent == 100.0 else frozenset({"ok"})


def deque_state(state: str) -> frozenset[str]:
    """Return a state by its name; one that still fills is within its limit."""
    name = state.replace(" ", "_")
    return frozenset({"ok" if name == "filling" else name})


GROWN = re.compile(r"(?i:(what grew most)|(confirmed by another look, it goes on growing)): (\S+) \(")


def grown_says(words: str) -> Said:
    """Return what a text says to grow, and whether that is confirmed."""
    found = GROWN.search(words)
    return {} if found is None else {"grown": ("confirmed" if found[2] else "suspect", found[3])}


def grown_of(found: dict[str, object] | None) -> Said:
    """Read the same of JSON."""
    return {} if found is None else {"grown": (found["state"], found["path"])}


def known(**facts: object) -> Said:
    """Return the facts that are said: those that are not None."""
    return {name: value for name, value in facts.items() if value is not None}
