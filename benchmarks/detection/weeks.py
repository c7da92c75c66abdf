"""What hourly checks say over weeks: false alarms after a weekend, leaks that pause, words that change, split runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, real, simulator, week_apart
from benchmarks.detection.experiments import FAST, LOOK_BACK_HOURS, Plan
from benchmarks.detection.rates import Rate
from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.detection.simulator import Track

FIRST_WEEK_HOURS = 168.0
WORDS_FROM_HOURS = 24.0
WORDS_UNTIL_HOURS = 192.0
SPLIT_LENGTHS_HOURS = (24.0, 72.0)
REAL_SETS = ("bitbrains_vms",)
MOST_TRANSITIONS = 12
PODS, PODS_FROM_HOURS = "nezha_pods", 4.0


@dataclass(frozen=True, slots=True)
class Checks:
    """The words of hourly checks, by hours since the history's beginning."""

    hours: list[float]
    words: list[str]

    @property
    def alarms(self) -> list[float]:
        """The hours at which two checks in a row say `leaking`."""
        return [
            hour
            for hour, (before, word) in zip(self.hours[1:], pairwise(self.words), strict=True)
            if before == word == "leaking"
        ]

    @property
    def changes(self) -> int:
        return sum(1 for before, word in pairwise(self.words) if before != word)

    def between(self, first: float, last: float) -> list[str]:
        return [word for hour, word in zip(self.hours, self.words, strict=True) if first <= hour < last]


def checks(history: History, moments: Iterable[float]) -> Checks:
    """Judge a history as of each moment (hours since its first sample), as much known as a check reads."""
    hours = [float(moment) for moment in moments]
    first = float(history.at_seconds[0])
    seen = ((first + (hour - READ_BACK_HOURS) * 3600, first + hour * 3600) for hour in hours)
    return Checks(hours, [str(detect_leak(history.slice_time(*part)).verdict) for part in seen])


READ_BACK_HOURS = LOOK_BACK_HOURS


def hourly(track: Track, first: float, last: float) -> Checks:
    return checks(track.history(), np.arange(first, last + 1e-6))


def after_a_weekend(plan: Plan) -> dict[str, Rate]:
    """Count what is alarmed on in its first week, deployed on a Friday evening."""
    tracks = (calendars.weekend_deploy(index, plan.purpose) for index in range(2 * plan.cases))
    counts = [bool(hourly(track, 2, FIRST_WEEK_HOURS).alarms) for track in tracks]
    other = (simulator.background_case("weekly", 168.0, 70_000 + i, plan.purpose) for i in range(plan.cases))
    found = [bool(hourly(track, 2, FIRST_WEEK_HOURS).alarms) for track in other]
    return {
        "deployed on a Friday evening": Rate(sum(counts), len(counts)),
        "weeks of any phase": Rate(sum(found), len(found)),
    }


def leaks_after_a_weekend(plan: Plan) -> dict[str, list[float]]:
    """Measure the hours to the confirmed alarm of leaks in what is deployed on a Friday evening."""
    found: dict[str, list[float]] = {}
    for leak in ("straight", "monday"):
        for index in range(plan.cases):
            track = calendars.weekend_deploy(index, plan.purpose, leak=leak)
            begin = track.leak_hours
            alarms = hourly(track, begin + 2, begin + 48).alarms
            found.setdefault(leak, []).append(alarms[0] - begin if alarms else np.inf)
    return found


@dataclass(frozen=True, slots=True)
class Office:
    """What became of leaks of office hours."""

    in_the_act: Rate
    held: Rate
    never_calm: Rate
    right: Rate


def office_hours(plan: Plan) -> Office:
    """Follow leaks of office hours: found on the first day, held a day after, never called calm from day 10 to 14."""
    act, held, calm, right, count = 0, 0, 0, [0, 0], 0
    for name in calendars.QUIET:
        for index in range(max(plan.cases // 4, 1)):
            track = calendars.office_leak(index, plan.purpose, background=name)
            first = hourly(track, 2, 24)
            act += bool(first.alarms)
            held += first.words[-1] == "leaking"
            later = checks(track.history(), np.arange(216, 336, 3.0)).words
            calm += "stable" in later
            right[0] += later.count("leaking")
            right[1] += len(later)
            count += 1
    return Office(Rate(act, count), Rate(held, count), Rate(count - calm, count), Rate(*right))


def split_runs(plan: Plan) -> dict[str, Rate]:
    """Count the leaks that are lost when the run's number changes every six hours, of those found without."""
    found: dict[str, Rate] = {}
    for hours in SPLIT_LENGTHS_HOURS:
        lost, known = 0, 0
        for name in (n for n in simulator.BACKGROUNDS if n != "restarts"):
            for index in range(max(plan.cases // 6, 1)):
                rate = FAST[index % len(FAST)]
                track = simulator.leak_case(name, "linear", rate, hours, 80_000 + index, plan.purpose)
                if detect_leak(track.history()).is_leak:
                    known += 1
                    lost += not detect_leak(calendars.split(track).history()).is_leak
        found[f"{hours:g} h"] = Rate(lost, known)
    return found


def word_changes(plan: Plan) -> dict[str, list[int]]:
    """Count the changes of word in a week of hourly checks, from the second day on, of leak-free backgrounds."""
    return {
        name: [
            hourly(_leak_free(name, index, plan), WORDS_FROM_HOURS, WORDS_UNTIL_HOURS).changes
            for index in range(max(plan.cases // 12, 1))
        ]
        for name in simulator.BACKGROUNDS
    }


def _leak_free(name: str, index: int, plan: Plan) -> Track:
    return simulator.background_case(name, WORDS_UNTIL_HOURS, 60_000 + index, plan.purpose)


def real_words(folder: Path) -> dict[str, list[Checks]]:
    """Return the words said of real series: of machines in their second to ninth day, of pods from four hours on."""
    found = {
        name: [
            checks(history, np.arange(WORDS_FROM_HOURS, WORDS_UNTIL_HOURS))
            for _, history in real.windows(real.background_series(folder, name), WORDS_UNTIL_HOURS)
        ][:40]
        for name in REAL_SETS
    }
    pods = [
        History.from_arrays(at_seconds=seconds, rss_bytes=sizes, source=name)
        for name, (seconds, sizes) in real.background_series(folder, PODS).items()
    ]
    found[PODS] = [checks(pod, np.arange(PODS_FROM_HOURS, pod.duration_hours)) for pod in pods]
    return found


def transitions(said: Iterable[Checks]) -> Counter[tuple[str, str]]:
    """Count which word followed which, where another did."""
    return Counter(pair for one in said for pair in pairwise(one.words) if pair[0] != pair[1])


def _spread(counts: list[int]) -> list[str]:
    return [f"{np.mean(counts):.2f}", f"{np.median(counts):g}", f"{max(counts)}", f"{len(counts)}"]


def report(plan: Plan, markdown: Callable[[list[str], list[list[str]]], str]) -> Iterator[str]:
    """Yield the sections in Markdown as they are ready."""
    rows = [[name, str(rate)] for name, rate in after_a_weekend(plan).items()]
    yield "### Alerts in the first week, leak-free (%)\n\n" + markdown(
        ["load on working days", "alerts"], rows
    )
    rows = []
    for name, hours in leaks_after_a_weekend(plan).items():
        middle, late = np.quantile(hours, [0.5, 0.9], method="higher")
        missed = Rate(int(np.isinf(hours).sum()), len(hours))
        rows.append([name, f"{middle:g}", f"{late:g}", str(missed)])
    header = ["leak", "median h", "90 % h", "not within 48 h (%)"]
    yield "### Leaks of 20 to 50 MB/h in what is deployed on a Friday evening\n\n" + markdown(header, rows)
    yield from week_apart.report(plan, markdown)
    office = office_hours(plan)
    header = ["in the act (%)", "leaking at 24 h (%)", "never stable, days 10 to 14 (%)", "leaking then (%)"]
    row = [str(office.in_the_act), str(office.held), str(office.never_calm), str(office.right)]
    yield "### Leaks from 9 to 17 h, Monday to Friday\n\n" + markdown(header, [row])
    rows = [[name, f"{rate.hits} of {rate.count}", str(rate)] for name, rate in split_runs(plan).items()]
    header = ["history", "lost", "%"]
    yield "### Leaks lost when runs are split every 6 h\n\n" + markdown(header, rows)
    found = word_changes(plan)
    rows = [["all simulated", *_spread([count for of in found.values() for count in of])]]
    rows += [[name, *_spread(counts)] for name, counts in found.items()]
    folder = real.shared_folder()
    said = {} if folder is None else real_words(folder)
    rows += [[name, *_spread([one.changes for one in of])] for name, of in said.items()]
    header = ["background", "mean", "median", "most", "weeks (pods: series)"]
    yield "### Changes of word a week, leak-free\n\n" + markdown(header, rows)
    for name, of in said.items():
        rows = [[*pair, f"{count}"] for pair, count in transitions(of).most_common(MOST_TRANSITIONS)]
        yield f"### Which word follows which, {name}\n\n" + markdown(["from", "to", "times"], rows)
