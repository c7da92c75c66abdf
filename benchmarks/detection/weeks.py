"""What hourly checks say over weeks: false alarms after a weekend, leaks that pause, words that change, split runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, real, simulator
from benchmarks.detection.experiments import FAST, LOOK_BACK_HOURS, Plan
from benchmarks.detection.rates import Rate
from memmon.analysis.leak.detect import detect_leak
from memmon.history import History

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.detection.simulator import Track

FIRST_WEEK_HOURS = 168.0
WORDS_FROM_HOURS = 24.0
WORDS_UNTIL_HOURS = 192.0
SPLIT_LENGTHS_HOURS = (24.0, 72.0)
MACHINES, WEEKS_SEEN = "bitbrains_vms", 40
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

    def between(self, first: float, last: float) -> list[str]:
        return [word for hour, word in zip(self.hours, self.words, strict=True) if first <= hour < last]


def changes(words: list[str]) -> int:
    """Return how often the word is another than the one before."""
    return sum(1 for before, word in pairwise(words) if before != word)


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

    @property
    def rates(self) -> dict[str, Rate]:
        """Each by what it says."""
        return {
            "heard in the act": self.in_the_act,
            "`leaking` at 24 h": self.held,
            "never `stable`, days 10 to 14": self.never_calm,
            "checks of days 10 to 14 that say `leaking`": self.right,
        }


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
            changes(hourly(_leak_free(name, index, plan), WORDS_FROM_HOURS, WORDS_UNTIL_HOURS).words)
            for index in range(max(plan.cases // 12, 1))
        ]
        for name in simulator.BACKGROUNDS
    }


def _leak_free(name: str, index: int, plan: Plan) -> Track:
    return simulator.background_case(name, WORDS_UNTIL_HOURS, 60_000 + index, plan.purpose)


def words_of_machines(folder: Path, *, seen: bool) -> list[list[str]]:
    """Return the words said of real machines in their second to ninth day.

    Of the forty weeks that constants were chosen on (`seen`), or of every fourth of the others.
    """
    weeks = [
        history for _, history in real.windows(real.background_series(folder, MACHINES), WORDS_UNTIL_HOURS)
    ]
    weeks = weeks[:WEEKS_SEEN] if seen else weeks[WEEKS_SEEN + 1 :: 4]
    return [checks(week, np.arange(WORDS_FROM_HOURS, WORDS_UNTIL_HOURS)).words for week in weeks]


def words_of_pods(folder: Path) -> list[list[str]]:
    """Return the words said of real pods, from four hours on."""
    pods = [
        History.from_arrays(at_seconds=seconds, rss_bytes=sizes, source=name)
        for name, (seconds, sizes) in real.background_series(folder, PODS).items()
    ]
    return [checks(pod, np.arange(PODS_FROM_HOURS, pod.duration_hours)).words for pod in pods]


def transitions(said: Iterable[list[str]]) -> Counter[tuple[str, str]]:
    """Count which word followed which, where another did."""
    return Counter(pair for words in said for pair in pairwise(words) if pair[0] != pair[1])
