"""Readers of the lines that the commands print for people and for monitoring systems."""

from __future__ import annotations

import math
import re

from consistency_kit.before import before_says
from consistency_kit.said import (
    FAILING,
    HEADLINES,
    NOT_FAILING,
    SIZE,
    SPAN,
    Number,
    Said,
    Unknown,
    check_severity,
    deque_state,
    fill_state,
    forecast_says,
    grown_says,
    headline_says,
    known,
    moment_in,
    number,
    processes_say,
    resource_clauses,
    resources_say,
    size_bytes,
    slope_in,
    span_hours,
    told_rates,
)


def leaks(text: str) -> dict[str, Said]:
    """Read `memmon leaks`, by source: a paragraph each."""
    said = {}
    for paragraph in text.strip().split("\n\n"):
        name, _, headline = paragraph.splitlines()[0].partition(": ")
        rate = re.search(r"^  Growth rate: (.*)$", paragraph, re.MULTILINE)
        begun = headline_says(headline)
        said[name] = {
            **begun,
            **(told_rates(begun, rate[1]) if rate else {}),
            **processes_say(paragraph),
            **resources_say(paragraph),
            **grown_says(paragraph),
            **before_says(paragraph),
            "is_stale": "STALE" in paragraph.splitlines()[-1],
        }
    return said


def check(text: str) -> dict[str, Said]:
    """Read `memmon check`, by source: the plugin's performance data, and a line for each source."""
    first, *lines = text.strip().splitlines()
    said: dict[str, Said] = {}
    for line in lines[:-1]:
        found = re.fullmatch(r"(OK|WARNING|CRITICAL|UNKNOWN) (\S+): (.*)", line)
        if found is None:
            name, _, words = line.partition(": ")
            if name in said:  # of a single source nothing stands before it
                said[name].update(processes_say(words), **before_says(words))
            continue
        state, name, reasons = found.groups()
        said[name] = {**_reasons(reasons), **check_severity(state, is_silent="stale: last sample" in reasons)}
    for name, label, value in re.findall(r"'(\S+) (\w+)'=(\S+)", first.partition(" | ")[2]):
        _performance(said[name], label, value)
    return said


def _reasons(text: str) -> Said:
    said: Said = {"is_stale": "stale: last sample" in text}
    if found := re.search(r"leak of .*? \(confidence: (\w+)\)", text):
        said["verdict"], said["confidence"] = frozenset({"leaking"}), found[1]
    elif found := re.search(r"(?:^|; )([a-z ]+), (?:-?[\d.]+ MB/hour|no growth rate yet)", text):
        said["verdict"] = frozenset({found[1].replace(" ", "_")})
    said.update(known(slope_mb_per_hour=slope_in(text)), **processes_say(text), **resource_clauses(text))
    if found := re.search(rf"limit reached in {SPAN}", text):
        said["hours_to_limit"] = span_hours(found[1])
    if found := re.search(rf"{SIZE} of {SIZE} used \((\d+) %\)", text):
        said["limit_bytes"], said["used_percent"] = size_bytes(found[2]), number(found[3])
    return said


def _performance(said: Said, label: str, value: str) -> None:
    if label == "hours_to_limit":
        said["hours_to_limit"] = number(value.split(";", maxsplit=1)[0])
    elif label == "slope_mb_per_hour":
        said["slope_mb_per_hour"] = number(value.split(";", maxsplit=1)[0])
    elif label == "limit_used":
        used, limit = float(value.split("B;", maxsplit=1)[0]), float(value.rsplit(";", maxsplit=1)[-1])
        said["limit_bytes"], said["used_percent"] = Number(limit), Number(100 * used / limit)


def forecast(text: str) -> Said:
    """Read `memmon forecast`."""
    limit = re.search(rf"^  Limit: {SIZE} \(.*\), {SIZE} used \(([\d.]+) %\)", text, re.MULTILINE)
    reached = re.search(
        rf"^  Reached in: (?:{SPAN}|(never)|(now)|(cannot say yet|no date))", text, re.MULTILINE
    )
    hours = Number(math.inf) if reached[2] else Number(0.0) if reached[3] else Unknown()
    return {
        "hours_to_limit": span_hours(reached[1]) if reached[1] else hours,
        "limit_bytes": size_bytes(limit[1]),
        "used_percent": number(limit[3]),
        "is_stale": "STALE" in text.strip().splitlines()[-1],
    }


def forecast_sentence(text: str) -> Said:
    """Read the first line of `memmon forecast`."""
    return forecast_says(text.splitlines()[0])


def deques(text: str) -> Said:
    """Read the table of `memmon deques`."""
    states = {}
    for line in text.splitlines()[2:]:
        if re.match(r"\d+ deques, \d+ failing", line):
            break
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) > 1:
            states[cells[0]] = deque_state(cells[-1])
    return {"deques": states} if states else {}


STALE = frozenset({"silent", "ended_badly", "clock_ahead"})
NOT_STALE = frozenset({"live", "ended", "clock_ahead"})


def fleet(text: str) -> dict[str, Said]:
    """Read the table of `memmon fleet`, by source, in its order."""
    table = text.split("\n\n")[1].splitlines()[1:]
    rows = [re.split(r"\s{2,}", line.strip()) for line in table]
    told = [line.partition(": ") for line in "\n".join(text.split("\n\n")[2:]).splitlines()]
    beside = {name: before_says(words) for name, _, words in told}
    return {row[1]: {**_fleet_row(row), **beside.get(row[1], {})} for row in rows}


def _fleet_row(cells: list[str]) -> Said:
    state, _, _, used, _, growth, _, verdict, *rest = cells
    is_stale = verdict.endswith((", clock ahead", ", stale"))
    heading = verdict.removesuffix(", clock ahead").removesuffix(", stale").removesuffix(", new")
    said: Said = {
        "verdict": frozenset(HEADLINES[heading]),
        "freshness": STALE if is_stale else NOT_STALE,
        "urgency_words": state,
    }
    if said["verdict"] == {"leaking"}:
        said["confidence"] = rest[0]
        said.update(known(since=moment_in(rest[1])))
    if growth != "-":
        said["slope_mb_per_hour"] = number(growth)
    if used != "-":
        said["used_percent"] = number(used.removesuffix(" %"))
    return said


def watch(lines: list[str]) -> Said:
    """Read what `memmon watch` shows: the headline, and the lines under it."""
    headline, *rest = lines
    text = "\n".join(rest)
    growth = re.search(r"^growth (.*)$", text, re.MULTILINE)
    begun = headline_says(headline)
    said = {
        **begun,
        **told_rates(begun, growth[1]),
        **processes_say(text),
        **before_says(text),
    }
    if found := re.search(rf"^limit {SIZE} \(.*\), (\d+) % used", text, re.MULTILINE):
        said["limit_bytes"], said["used_percent"] = size_bytes(found[1]), number(found[2])
    if found := re.search(r"^state: (.*)$", text, re.MULTILINE):
        said["urgency_words"] = found[1]
    states = {}
    for mark, name, fill in re.findall(r"^  ([! ]) (\S+): (.*)$", text, re.MULTILINE):
        states[name] = _marked(fill_state(fill), is_failing=mark == "!")
    if states:
        said["deques"] = states
    return {**said, "is_stale": rest[-1].endswith("STALE")}


def watch_sentence(lines: list[str]) -> Said:
    """Read the forecast's line of `memmon watch`."""
    return forecast_says("\n".join(lines))


def _marked(states: frozenset[str], *, is_failing: bool) -> frozenset[str]:
    """Return what a state can mean beside a mark that says whether it fails."""
    return states & (FAILING if is_failing else NOT_FAILING)


def report(text: str) -> Said:
    """Read the text report."""
    parts = _sections(text)
    leak = parts["MEMORY LEAK DETECTION:"]
    said = headline_says(leak)
    if "Memory rose in a step, not steadily" in leak:
        said["verdict"] = frozenset({"stepped"})
    elif "Memory follows the load: no leak." in leak:
        said["verdict"] = frozenset({"load_driven"})
    elif said["verdict"] == frozenset({"stable", "stepped", "load_driven"}):
        said["verdict"] = frozenset({"stable"})
    said.update(told_rates(said, re.search(r"Growth rate: (.*)", leak)[1]))
    if found := re.search(r"Total growth: (-?[\d.,]+) MB", leak):
        said["growth_mb"] = number(found[1])
    if found := re.search(r"Growing since (\S+ \S+ \S+)", leak):
        said.update(known(since=moment_in(found[1])))
    said.update(before_says(leak))
    said.update(forecast_says(parts.get("FORECAST:", "")))
    said.update(processes_say(f"{parts['MEMORY USAGE:']} {leak}"))
    said.update(resources_say(parts.get("RESOURCES:", "")))
    said.update(grown_says(parts.get("EVIDENCE:", "")))
    if found := re.search(r"Footprint: ([\d.,]+ MB)", parts["MEMORY USAGE:"]):
        said["footprint_bytes"] = size_bytes(found[1])
    if states := _report_deques(text):
        said["deques"] = states
    return {**said, "is_stale": " Stale: the last sample" in parts["HISTORY:"]}


def growths(text: str) -> list[Said]:
    """Return the growth that each sentence of the report's cause begins with; the first is that of its parts."""
    cause = _sections(text).get("CAUSE:", "")
    return [{"growth_mb": number(found)} for found in re.findall(r"Of ([\d.,]+) MB growth", cause)]


def _sections(text: str) -> dict[str, str]:
    """Return the sections by their titles, each in one line."""
    found: dict[str, str] = {}
    title = ""
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z ]+:", line):
            title = line
        else:
            found[title] = f"{found.get(title, '')} {line.strip()}"
    return found


def _report_deques(text: str) -> dict[str, frozenset[str]]:
    section = text.partition("DEQUE SIZE LIMITS:\n")[2].partition("\n\n")[0]
    states = {}
    for line in section.splitlines()[1:]:
        if found := re.fullmatch(r"  (\S+) (\S+): (.*)", line):
            sign, name, fill = found.groups()
            states[name] = _marked(fill_state(fill), is_failing=sign == "❌")
    return states
