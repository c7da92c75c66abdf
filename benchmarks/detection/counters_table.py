"""The rows of the recordings with counters: one signal and several, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import counters
from benchmarks.detection.counters import GARBAGE_TEETH, LATE_FROM_HOURS, Heard, Recording, hear
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

RULES = {"one signal": False, "several": True}
NEAR = 1.6
"""Threshold of which the leaks are 1.25 times."""
ADDED = (2.0, 5.0)
"""Rates of added leaks, in thresholds."""

Both = dict[str, list[Heard]]
Rows = list[list[str]]


def heard(folder: Path) -> dict[str, Rows]:
    """Return the rows of what was heard of the recordings: of all together, and of each."""
    known = counters.recordings(folder)
    both = {name: [hear(one, is_split=split) for one in known] for name, split in RULES.items()}
    counts = [["recordings; with a steady leak", f"{len(known)}; {sum(one.is_steady for one in known)}", ""]]
    return {"together": counts + _summary(known, both), "each": _each(both)}


def late(folder: Path) -> Rows:
    """Return the rows of leaks that begin in programs known to be healthy."""
    known = counters.recordings(folder)
    return _late([one for one in known if not one.leaks and one.program not in GARBAGE_TEETH])


def _of(heard: Sequence[Heard], wanted: Callable[[Recording], bool]) -> list[Heard]:
    return [one for one in heard if wanted(one.recording)]


def _summary(known: Sequence[Recording], heard: Both) -> Rows:
    near = {
        name: [hear(one, is_split=split, threshold_mb_per_hour=NEAR) for one in known if one.is_steady]
        for name, split in RULES.items()
    }
    columns = [_column(heard[name], near[name]) for name in RULES]
    return [[label, *(column[label] for column in columns)] for label in columns[0]]


def _column(heard: Sequence[Heard], near: Sequence[Heard]) -> dict[str, str]:
    clean = _of(heard, lambda one: not one.leaks and one.program not in GARBAGE_TEETH)
    garbage = _of(heard, lambda one: not one.leaks and one.program in GARBAGE_TEETH)
    steady = _of(heard, lambda one: one.is_steady)
    hours = _of(heard, lambda one: one.shape.startswith("active"))
    work = _of(heard, lambda one: one.shape.startswith("rate follows"))
    mapped = _of(heard, lambda one: one.leak_kind == "mmap")
    middle, most = counters.delays(steady)
    shares = {f"confirmed by {h:g} h": _percent(counters.confirmed_by(steady, h)) for h in (4, 6, 12, 24)}
    return {
        "alarms on programs without a leak": f"{_alarmed(clean)} of {len(clean)}",
        "alarms where garbage makes teeth": f"{_alarmed(garbage)} of {len(garbage)}",
        **shares,
        "delay, median / 90 %": f"{middle:g} / {most:g} h",
        "1.25 times the threshold, confirmed by 24 h": _percent(counters.confirmed_by(near, 24)),
        "checks of 4 to 24 h on steady leaks that said a calm word": _percent(counters.calm_share(steady)),
        "a calm word by 24 h without a leak": _percent(_calm_at_last(clean)),
        "in working hours only: confirmed by 8 h": _percent(counters.confirmed_by(hours, 8)),
        "follows counted work: alarms in checks from 6 h on": _percent(_alarm_share(work)),
        "grows in mapped files: named": _percent(_named(mapped)),
        "one verdict, CPU": f"{np.mean([one.milliseconds for one in heard]):.1f} ms",
    }


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.0f} %"


def _share(said: Sequence[bool]) -> float:
    return float(np.mean(said)) if said else float("nan")


def _alarmed(heard: Sequence[Heard]) -> int:
    return sum(bool(one.confirmed_at_hours) for one in heard)


def _calm_at_last(heard: Sequence[Heard]) -> float:
    return _share([one.verdicts[max(one.verdicts)].row.tone == "good" for one in heard])


def _alarm_share(heard: Sequence[Heard]) -> float:
    return _share([v is Verdict.LEAKING for one in heard for h, v in one.verdicts.items() if h >= 6])


def _named(heard: Sequence[Heard]) -> float:
    return _share([one.verdicts[max(one.verdicts)] is Verdict.MAPPED_FILES for one in heard])


def _each(heard: Both) -> Rows:
    """Return when each leak was confirmed, and each false alarm."""
    rows = []
    for pair in zip(*heard.values(), strict=True):
        told = [f"{one.delay_hours:g} h" if one.confirmed_at_hours else "-" for one in pair]
        last = [one.verdicts[max(one.verdicts)].value for one in pair]
        row = pair[0].recording
        rows.append([row.name, "leaks" if row.leaks else "", *told, *last])
    return rows


def _late(clean: Sequence[Recording]) -> Rows:
    """Return how late a leak is confirmed that begins in a program known to be healthy."""
    rows = []
    for kind in counters.KINDS_ADDED:
        for rate in ADDED:
            row = [kind, f"{rate:g}"]
            for split in RULES.values():
                heard = [
                    hear(counters.with_late_leak(one, kind, rate * one.threshold_mb_per_hour), is_split=split)
                    for one in clean
                ]
                middle, most = counters.delays(heard, LATE_FROM_HOURS)
                row.append(f"{middle:g} / {most:g} h")
            rows.append(row)
    return rows
