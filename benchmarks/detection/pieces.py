"""What is measured, piece by piece: each returns plain data that can be kept, and no piece needs another.

A piece is what is resumed, and what one process does at a time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.detection import (
    budgets,
    counters_table,
    covers,
    experiments,
    fillings,
    hourly,
    left_out,
    mended,
    onsets,
    pauses,
    real,
    simulator,
    speed,
    swapped,
    week_apart,
    weeks,
    working,
)
from benchmarks.detection.experiments import FAST, NEAR, SMALL, Plan, Rates
from benchmarks.detection.rates import Rate
from benchmarks.detection.rivals import RULES
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Data = Any
"""What json can keep."""
SHAPES = ("accelerating", "stepwise", "working_hours", "late", "by_events")
DELAYS = ((0.0, 20.0), (0.0, 50.0), (72.0, 20.0), (72.0, 50.0))
"""(healthy hours before, MB/h)."""
CURVES = {"nezha_pods": (12.0, 1), "bitbrains_vms": (24.0, 6)}
"""{real set: (hours of a window, of which every so many-th is looked at)}."""
REAL_HOURS = {"nezha_pods": (12.0,), "bitbrains_vms": (24.0, 72.0, 168.0)}
REAL_ADDED = (0.0, 20.0, 50.0)
MISSING = "missing"
"""What stands for a piece whose recordings are not there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to measure; `is_timed`: it measures time, so nothing is measured beside it."""

    measure: Callable[[Plan], Data]
    is_timed: bool = False


def packed(rates: Rates) -> Data:
    """Return rates as json keeps them."""
    return [[*key, *found.pair] for key, found in rates.items()]


def unpacked(data: Data) -> Rates:
    """Return the rates that were packed."""
    return {(rule, hours, name): Rate(hits, count) for rule, hours, name, hits, count in data}


def _free(plan: Plan) -> Data:
    return packed(experiments.leak_free(plan))


def _leaks(shape: str, rates: tuple[float, ...], plan: Plan) -> Data:
    return packed(experiments.leaks(plan, shape, rates))


def _coverage(plan: Plan) -> Data:
    return packed(experiments.coverage(plan))


def _trendless(plan: Plan) -> Data:
    return packed(experiments.trendless(plan))


def _covers(plan: Plan) -> Data:
    return [[name, hours, all_of.pair, told.pair] for name, hours, all_of, told in covers.measure(plan)]


def _onsets(hours: float, plan: Plan) -> Data:
    return {
        name: onsets.held(name, hours, max(plan.cases // 2, 1), plan.purpose) for name in onsets.BACKGROUNDS
    }


def _month(name: str, plan: Plan) -> Data:
    return hourly.month_of(plan, name)


def _delay(healthy_hours: float, per_hour: float, plan: Plan) -> Data:
    found = experiments.delays(plan, per_hour, healthy_hours=healthy_hours)
    return [hours if hours < float("inf") else None for of in found.values() for hours in of]


def _filling(name: str, plan: Plan) -> Data:
    count = max(8 * plan.processes, 2 * plan.cases // 3)
    tracks = (fillings.filling_case(name, index, plan.purpose) for index in range(count))
    return [fillings.alarmed(track, experiments.hourly_alarms(track)) for track in tracks]


def _registered(name: str, plan: Plan) -> Data:
    """Return of each case whether it alarmed, and in how many of how many checks while it filled `filling` was said."""
    said = []
    for index in range(max(8 * plan.processes, 2 * plan.cases // 3)):
        track = fillings.registered_case(name, index, plan.purpose)
        found = list(experiments.hourly_findings(track))
        is_alarm = any(experiments.confirmed([one, other]) for (_, one), (_, other) in pairwise(found))
        words = [finding.verdict for hours, finding in found if hours <= fillings.filled_at_hours(track)]
        said.append((is_alarm, words.count(Verdict.FILLING), len(words)))
    return said


def _budget(healthy_hours: float, plan: Plan) -> Data:
    found = budgets.leaking(plan, healthy_hours=healthy_hours)
    return {name: [asdict(one) for one in of] for name, of in found.items()}


def _swap(plan: Plan) -> Data:
    return [[hours, found.pair, calm.pair, free.pair] for hours, found, calm, free in swapped.measure(plan)]


def _pauses(plan: Plan) -> Data:
    return [[leak, stretch, told.pair, calm.pair] for leak, stretch, told, calm in pauses.measure(plan)]


def _mended(kind: str, plan: Plan) -> Data:
    found = mended.follow(kind, plan, max(plan.cases // 8, 1))
    return {
        "hours": found.hours,
        "worked hours": found.worked_hours,
        "called ended": None if found.called_ended is None else found.called_ended.pair,
    }


def _working(kind: str, plan: Plan) -> Data:
    cases = max(plan.cases // 4, 1)
    found = working.together(
        [working.told(kind, profile, cases, plan.purpose) for profile in working.PROFILES]
    )
    return [one.pair for one in (found.of_first_day, found.once_worked, found.at_a_day, found.at_two_days)]


def _deploy(plan: Plan) -> Data:
    found = {name: one.pair for name, one in weeks.after_a_weekend(plan).items()}
    late = weeks.leaks_after_a_weekend(plan)
    return {
        "free": found,
        "leaks": {name: [h if h < float("inf") else None for h in of] for name, of in late.items()},
    }


def _office(plan: Plan) -> Data:
    return {name: one.pair for name, one in weeks.office_hours(plan).rates.items()}


def _split(plan: Plan) -> Data:
    return {name: one.pair for name, one in weeks.split_runs(plan).items()}


def _apart(plan: Plan) -> Data:
    found = week_apart.leak_free(plan)
    found["office hours, 20 to 50 MB/h"] = week_apart.office(plan)
    return {name: [one.pair for one in both] for name, both in found.items()}


def _words(plan: Plan) -> Data:
    return weeks.word_changes(plan)


def _of_shared(measure: Callable[[Path], Data], _plan: Plan) -> Data:
    """Measure on the real series, where they are."""
    folder = real.shared_folder()
    return MISSING if folder is None else measure(folder)


def _of_counters(measure: Callable[[Path], Data], plan: Plan) -> Data:
    folder = plan.recordings
    return MISSING if folder is None else measure(folder)


def _programs(folder: Path) -> Data:
    return [
        [entry["name"], entry["true_leak_mb_per_hour"], list(real.trace_verdicts(history).items())]
        for entry, history in real.traces(folder)
    ]


def _background(name: str, hours: float, added: float, plan: Plan) -> Data:
    folder = real.shared_folder()
    if folder is None:
        return MISSING
    cases = list(real.windows(real.background_series(folder, name), hours))
    rules = tuple(RULES) if plan.rival_cases else ("memmon",)
    return {rule: one.pair for rule, one in real.alarm_rates(cases, added, rules).items()}


def _curve(name: str, folder: Path) -> Data:
    rows = real.curve(folder, name, *CURVES[name])
    return [[threshold, found.pair, false.pair] for threshold, found, false in rows]


def _watched(name: str, folder: Path) -> Data:
    return [asdict(one) for one in budgets.on_real(folder, name)]


def _words_of_machines(folder: Path, *, seen: bool) -> Data:
    return weeks.words_of_machines(folder, seen=seen)


def _week_apart(name: str, added: float, _folder: Path) -> Data:
    return [one.pair for one in week_apart.on_real(name, added)]


def _left_out(plan: Plan) -> Data:
    return left_out.report(max(plan.cases * 5 // 8, 1), real.shared_folder(), plan.recordings)


def _all_pieces() -> dict[str, Piece]:
    found: dict[str, Callable[[Plan], Data]] = {
        "deploy": _deploy,
        "left out": _left_out,
        **{f"month: {name}": partial(_month, name) for name in simulator.BACKGROUNDS},
        "free": _free,
        "linear": partial(_leaks, "linear", FAST),
        "coverage": _coverage,
        "slow": partial(_leaks, "linear", SMALL),
        **{shape: partial(_leaks, shape, FAST) for shape in SHAPES},
        **{f"{near:g} MB/h": partial(_leaks, "linear", (near,)) for near in NEAR},
        "trendless": _trendless,
        "covers": _covers,
        **{f"onsets: {hours:g} h": partial(_onsets, hours) for hours in onsets.HORIZONS},
        "programs": partial(_of_shared, _programs),
        **{
            f"{name}: {hours:g} h, +{added:g}": partial(_background, name, hours, added)
            for name, each in REAL_HOURS.items()
            for hours in each
            for added in REAL_ADDED
        },
        **{f"curve: {name}": partial(_of_shared, partial(_curve, name)) for name in CURVES},
        "counters": partial(_of_counters, counters_table.heard),
        "counters, late": partial(_of_counters, counters_table.late),
        **{f"delay: {healthy:g} h, {of:g}": partial(_delay, healthy, of) for healthy, of in DELAYS},
        **{f"fills: {name}": partial(_filling, name) for name in fillings.ALL},
        **{f"fills, registered: {name}": partial(_registered, name) for name in fillings.REGISTERED},
        **{f"budget: {healthy:g} h": partial(_budget, healthy) for healthy in (0.0, 72.0)},
        **{f"budget: {name}": partial(_of_shared, partial(_watched, name)) for name in budgets.REAL_SETS},
        "swap": _swap,
        "pauses": _pauses,
        **{f"mended: {kind}": partial(_mended, kind) for kind in mended.KINDS},
        **{f"work: {kind}": partial(_working, kind) for kind in (*working.KINDS, working.ANY)},
        "office": _office,
        "split": _split,
        "apart": _apart,
        **{
            f"apart: {name}, +{added:g}": partial(_of_shared, partial(_week_apart, name, added))
            for name in week_apart.REAL_SETS
            for added in week_apart.ADDED
        },
        "words": _words,
        "words: machines seen": partial(_of_shared, partial(_words_of_machines, seen=True)),
        "words: other machines": partial(_of_shared, partial(_words_of_machines, seen=False)),
        "words: pods": partial(_of_shared, weeks.words_of_pods),
    }
    timed = {
        "speed": speed.of_one_verdict,
        "speed: signals": partial(_of_counters, speed.of_signals),
    }
    return {name: Piece(measure) for name, measure in found.items()} | {
        name: Piece(measure, is_timed=True) for name, measure in timed.items()
    }


PIECES = _all_pieces()
"""{name: piece}, the longest first."""
