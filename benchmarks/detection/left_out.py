"""The demands of the verdict, chosen by leaving data sets out in turn: what is found on the one that the choice never saw.

A data set is a kind of the simulator (tuning seeds), or a real background with leaks of 20 MB/h added. Demands are
softened one step at a time, the step first that finds most on all sets but the one left out, as long as none of those
has more false alarms than are allowed. More allowed gives the curve of found against false on the set left out.

    python -m benchmarks.detection --parts left_out --cases 30 --counters FOLDER
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import counters, fillings, real, simulator, walks
from benchmarks.detection.looks import Looks, Setting
from benchmarks.detection.markdown import markdown
from memmon.analysis.leak.rules import Demands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memmon.history import History

THRESHOLD, ADDED, HALF = 10.0, 20.0, 5.0
SIMULATED_HOURS = (6.0, 12.0, 24.0, 72.0, 168.0)
SIMULATED_LEAKS = (
    ("linear", 24.0),
    ("by_events", 24.0),
    ("stepwise", 24.0),
    ("late", 24.0),
    ("linear", 72.0),
    ("linear", 6.0),
)
REAL_HOURS = {"nezha_pods": (6.0, 12.0), "bitbrains_vms": (24.0, 72.0)}
MOST_WINDOWS = 900
"""Of a real set's windows every so many-th is looked at."""
PROGRAM_HOURS = (6.0, 12.0, 18.0, 24.0)
FILLING_HOURS = (6.0, 12.0, 18.0, 24.0, 30.0)
WALK_HOURS = (24.0, 72.0)
UNTOLD = "backfill"
"""What fills at one pace: until it ends nothing tells it from a leak, whatever is demanded."""
LOAD = frozenset({"restarts", "load_following"})
"""Kinds whose verdict rests on more than looks: several runs, counted work."""
ALLOWED = (0.0025, 0.005, 0.01, 0.02, 0.05)
"""Shares of false alarms for which demands are chosen: the curve."""
CHOSEN = 0.01
"""The share for which the demands of the verdict were chosen."""
MOST_HALF = 0.02
"""Alarms on leaks of half the threshold that are allowed, in the mean over the simulator's kinds."""
LEAST_GAIN = 0.001
KINDS_TOGETHER = 4
"""Kinds of the simulator that are left out together."""

LEVELS: dict[str, tuple[float, ...]] = {
    "tail_share": (0.3, 0.25, 0.2, 0.15),
    "third_share": (0.1, 0.05, 0.0),
    "order": (0.62, 0.55, 0.5, 0.45, 0.4),
    "floor_share": (0.1, 0.05, 0.0),
    "widest_share": (1.0, 1.5, 2.0, np.inf),
    "bends_below": (-1.0, -1.5, -2.0),
    "ahead_share": (0.5, 0.35, 0.25),
    "clearly_bent": (-1.5, -2.0, -2.5),
    "lasting_share": (0.5, 0.35, 0.25, 0.0),
    "light_lasting_share": (np.inf, 0.5, 0.25, 0.0),
    "rising_share": (np.inf, 1.0, 0.9, 0.8, 0.7),
    "margin from 19.5 h": (0.75, 0.5, 0.25),
    "margin from 11.5 h": (2.0, 1.5, 1.0),
    "margin from 5.5 h": (3.5, 3.0, 2.5),
    "margin from 3.9 h": (5.0, 4.0, 3.0),
    "margin of the last 96 h": (1.0, 0.75, 0.5),
    "margin of the last 48 h": (1.0, 0.75, 0.5),
    "margin of the last 24 h": (1.0, 0.75, 0.5),
    "margin of the last 12 h": (2.0,),
    "margin of the last 6 h": (4.0,),
    "margin of floor 1": (np.inf, 5.0, 3.0, 2.0, 1.0),
    "margin of floor 2": (np.inf, 5.0, 3.0, 2.0, 1.0),
}
"""{demand: its values, the sternest first}; the shortest windows keep theirs: a working day's rise fills them."""

Levels = dict[str, int]


def setting_of(levels: Levels) -> Setting:
    """Return the demands at so many steps from the sternest."""
    value = {name: LEVELS[name][step] for name, step in levels.items()}
    since = {float(name.split()[2]): v for name, v in value.items() if name.startswith("margin from")}
    lately = {float(name.split()[4]): v for name, v in value.items() if name.startswith("margin of the last")}
    floors = tuple(v for name, v in value.items() if name.startswith("margin of floor"))
    demands = Demands(**{name: v for name, v in value.items() if not name.startswith("margin")})
    return Setting(demands, tuple(sorted(since.items(), reverse=True)), lately, floors)


@dataclass(slots=True)
class DataSet:
    """Histories with leaks that should be found, and by length those in which nothing leaks."""

    name: str
    is_simulated: bool
    leaking: list[Looks] = field(default_factory=list)
    free: dict[float, Looks] = field(default_factory=dict)
    half: Looks | None = None
    known: dict[tuple[tuple[str, int], ...], tuple[float, dict[float, float], float]] = field(
        default_factory=dict
    )

    def judged(self, levels: Levels) -> tuple[float, dict[float, float], float]:
        """Return (found, {hours: false}, alarms at half the threshold), as shares."""
        key = tuple(levels.items())
        if key not in self.known:
            setting = setting_of(levels)
            self.known[key] = (
                float(np.mean([looks.alarms(setting).mean() for looks in self.leaking] or [0.0])),
                {hours: float(looks.alarms(setting).mean()) for hours, looks in self.free.items()},
                0.0 if self.half is None else float(self.half.alarms(setting).mean()),
            )
        return self.known[key]


STERNEST: Levels = dict.fromkeys(LEVELS, 0)
FIRST_CHOICE: Levels = {
    **STERNEST,
    "order": 4,
    "floor_share": 2,
    "widest_share": 3,
    "clearly_bent": 1,
    "margin from 19.5 h": 2,
}
"""What was chosen before floors that rise, and lines beside an approach, were asked for."""


def is_allowed(sets: Sequence[DataSet], levels: Levels, allowed: float) -> bool:
    """Tell whether no more false alarms than allowed come of it; where the sternest have more, no more than those."""
    for one in sets:
        before, now = one.judged(STERNEST)[1], one.judged(levels)[1]
        # What fills alarms too often as it is: there so many more are allowed.
        ease = 0.0 if one.leaking else allowed
        if not one.is_simulated and any(now[h] > max(allowed, before[h] + ease) for h in now):
            return False
    kinds = [one for one in sets if one.is_simulated]
    if not kinds:
        return True
    for hours in SIMULATED_HOURS:
        limit = allowed / 4 if hours <= 24 else 0.0
        before, now = (float(np.mean([k.judged(at)[1][hours] for k in kinds])) for at in (STERNEST, levels))
        if now > max(limit, before):
            return False
    return float(np.mean([kind.judged(levels)[2] for kind in kinds])) <= MOST_HALF


def found(sets: Sequence[DataSet], levels: Levels) -> float:
    """Return the share found: all the simulator's kinds weigh as much as one real set."""
    kinds = [one.judged(levels)[0] for one in sets if one.is_simulated]
    each = [one.judged(levels)[0] for one in sets if not one.is_simulated and one.leaking]
    return float(np.mean([*each, np.mean(kinds)] if kinds else each))


def chosen(sets: Sequence[DataSet], allowed: float, begin: Levels = STERNEST) -> Levels:
    """Return the demands chosen on these sets from `begin` on: changed step by step while that finds more."""
    levels, best = dict(begin), found(sets, begin)
    while True:
        steps = [
            {**levels, name: step}
            for name, at in levels.items()
            for step in range(len(LEVELS[name]))
            if step != at
        ]
        better = [(share, step) for step in steps if (share := found(sets, step)) >= best + LEAST_GAIN]
        better.sort(key=lambda one: -one[0])
        taken = next((one for one in better if is_allowed(sets, one[1], allowed)), None)
        if taken is None:
            return levels
        best, levels = taken


def data_sets(cases: int, folder: Path | None, recordings: Path | None) -> Iterator[DataSet]:
    """Yield the data sets that there are: the simulator's kinds, real backgrounds, programs with truth."""
    for name in simulator.BACKGROUNDS:
        if name not in LOAD:
            yield _simulated(name, cases)
    yield _fillings(cases)
    yield _walks(cases)
    if folder is not None:
        yield from (_real(folder, name) for name in REAL_HOURS)
    if recordings is not None and (recordings / "manifest.json").is_file():
        yield _programs(recordings)


def _simulated(name: str, cases: int) -> DataSet:
    def leaks(shape: str, rate: float, hours: float) -> Iterator[History]:
        return (
            simulator.leak_case(name, shape, rate, hours, index, "tuning").history() for index in range(cases)
        )

    made = DataSet(name, is_simulated=True)
    made.leaking = [Looks(leaks(shape, ADDED, hours), THRESHOLD) for shape, hours in SIMULATED_LEAKS]
    made.half = Looks(leaks("linear", HALF, 24.0), THRESHOLD)
    for hours in SIMULATED_HOURS:
        free = (simulator.background_case(name, hours, i, "tuning").history() for i in range(2 * cases))
        made.free[hours] = Looks(free, THRESHOLD)
    return made


def _fillings(cases: int) -> DataSet:
    made = DataSet("shapes that fill", is_simulated=False)
    tracks = [
        fillings.filling_case(name, index, "tuning").history()
        for name in fillings.SHAPES
        if name != UNTOLD
        for index in range(2 * cases)
    ]
    for hours in FILLING_HOURS:
        parts = (one.slice_time(None, float(one.at_seconds[0]) + hours * 3600) for one in tracks)
        made.free[hours] = Looks(parts, THRESHOLD)
    return made


def _walks(cases: int) -> DataSet:
    made = DataSet("random walks", is_simulated=False)
    for hours in WALK_HOURS:
        tracks = (
            walks.walk_case(name, hours, i, "tuning") for name in walks.WALKS for i in range(10 * cases)
        )
        made.free[hours] = Looks((track.history() for track in tracks), THRESHOLD)
    return made


def _real(folder: Path, name: str) -> DataSet:
    made = DataSet(name, is_simulated=False)
    series = real.background_series(folder, name)
    for hours in REAL_HOURS[name]:
        cases = [history for _, history in real.windows(series, hours)]
        cases = cases[:: 1 + len(cases) // MOST_WINDOWS]
        made.free[hours] = Looks(cases, THRESHOLD)
        made.leaking.append(Looks((real.with_leak(one, ADDED) for one in cases), THRESHOLD))
    return made


def _programs(folder: Path) -> DataSet:
    made = DataSet("programs", is_simulated=False)
    known = counters.recordings(folder)
    threshold = known[0].threshold_mb_per_hour
    for hours in PROGRAM_HOURS:
        end = counters.BEGIN_SECONDS + hours * 3600
        leaking = (counters.one_signal(one.history).slice_time(None, end) for one in known if one.is_steady)
        free = (counters.one_signal(one.history).slice_time(None, end) for one in known if not one.leaks)
        made.leaking.append(Looks(leaking, threshold))
        made.free[hours] = Looks(free, threshold)
    return made


def report(cases: int, folder: Path | None, recordings: Path | None) -> list[tuple[str, str]]:
    """Return (title, table) of each table."""
    sets = list(data_sets(cases, folder, recordings))
    tables = [("Demands chosen by leaving data sets out in turn (%)", _left_out_table(sets))]
    tables += [
        (f"Found against false, {one.name} (%)", _curve(one, sets))
        for one in sets
        if not one.is_simulated and one.leaking
    ]
    tables.append(("Chosen from the first choice on, leaving data sets out in turn (%)", _second_table(sets)))
    levels = chosen(sets, CHOSEN, FIRST_CHOICE)
    rows = [[name, f"{LEVELS[name][0]:g}", f"{LEVELS[name][step]:g}"] for name, step in levels.items()]
    tables.append(("The demands chosen on all sets", markdown(["demand", "sternest", "chosen"], rows)))
    return tables


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _row(group: Sequence[DataSet], levels: Levels) -> list[str]:
    """Return what is found and what is false, a share for each leak and each length."""
    false = {h: float(np.mean([one.judged(levels)[1][h] for one in group])) for h in group[0].free}
    setting = setting_of(levels)
    found_of = [
        float(np.mean([one.leaking[place].alarms(setting).mean() for one in group]))
        for place in range(len(group[0].leaking))
    ]
    return [" / ".join(map(_percent, found_of)) or "-", " / ".join(map(_percent, false.values()))]


def _groups(sets: Sequence[DataSet]) -> Iterator[tuple[str, list[DataSet]]]:
    """Yield what is left out together: a few of the simulator's kinds, all of them, each other set."""
    kinds = [one for one in sets if one.is_simulated]
    for first in range(0, len(kinds), KINDS_TOGETHER):
        few = kinds[first : first + KINDS_TOGETHER]
        yield ", ".join(one.name for one in few), few
    yield "all simulated kinds", kinds
    yield from ((one.name, [one]) for one in sets if not one.is_simulated)


def _left_out_table(sets: Sequence[DataSet]) -> str:
    rows = []
    for name, group in _groups(sets):
        levels = chosen([other for other in sets if other not in group], CHOSEN)
        rows.append([name, *_row(group, STERNEST), *_row(group, levels)])
    header = ["left out", "found, sternest", "false", "found, chosen without it", "false"]
    return markdown(header, rows)


def _second_table(sets: Sequence[DataSet]) -> str:
    rows = []
    for name, group in _groups(sets):
        levels = chosen([other for other in sets if other not in group], CHOSEN, FIRST_CHOICE)
        steps = [f"{one} {LEVELS[one][at]:g}" for one, at in levels.items() if at != FIRST_CHOICE[one]]
        rows.append([name, *_row(group, FIRST_CHOICE), *_row(group, levels), ", ".join(steps) or "-"])
    return markdown(
        ["left out", "found, first choice", "false", "found, chosen anew", "false", "what changed"], rows
    )


def _curve(one: DataSet, sets: Sequence[DataSet]) -> str:
    others = [other for other in sets if other is not one]
    rows = [["first choice", *_row([one], FIRST_CHOICE), *_row([one], FIRST_CHOICE)]]
    rows += [
        [
            _percent(allowed),
            *_row([one], chosen(others, allowed, FIRST_CHOICE)),
            *_row([one], chosen([one], allowed)),
        ]
        for allowed in ALLOWED
    ]
    header = ["allowed", "chosen without it: found", "false", "chosen on it alone: found", "false"]
    return markdown(header, rows)
