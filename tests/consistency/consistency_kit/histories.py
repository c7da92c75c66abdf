"""The histories: what was recorded, and how it ended; every kind of verdict, limit, age and deque."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from memmon import DequeReading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[3]
TRACES = CHECKOUT / "tests" / "data" / "traces"
MB = 2**20
GB = 1024.0
HOST_MB = 16_000.0


Extent = Literal["often", "whole"]


@cache
def simulator() -> Any:
    """Return the benchmark's simulator, from the checkout."""
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    return importlib.import_module("benchmarks.detection.simulator")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a program runs: how full the host is, and the container's limit and use beside this program."""

    host_percent: float | None = 40.0
    limit_mb: float | None = None
    others_mb: float | None = 0.0
    """Charged to the container beside the program; None: what is used was not read."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One start to stop; `hours` count to the story's last moment, which is 0."""

    hours: np.ndarray
    mb: np.ndarray
    machine: Machine = Machine()
    end: str | None = None
    interval_seconds: float = 300.0
    work: np.ndarray | None = None
    deques: Callable[[int, int], Sequence[DequeReading]] = lambda _number, _count: ()
    parts_mb: Mapping[str, np.ndarray] = field(default_factory=dict)
    """What else was read, by the name of the snapshot's field."""
    counts: Mapping[str, np.ndarray] = field(default_factory=dict)
    """The same of what is counted; NaN: not read."""
    late_hours: float = 0.0
    """How far the clock of the very last row runs ahead."""
    host: str = ""
    """Where the program runs; empty: where all of the story's do."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """One source's history, `age_seconds` old at the fixed present."""

    name: str
    runs: tuple[Run, ...] = ()
    age_seconds: float = 60.0
    trace: Path | None = None
    """A file that is imported instead; it ends at the present."""
    was_high: bool = False
    """The recorder has told of high memory earlier, which is over."""

    @property
    def is_live(self) -> bool:
        """True while the recorder of the newest run is there to tell anything."""
        return (
            bool(self.runs)
            and self.runs[-1].end is None
            and self.age_seconds <= 1.5 * self.runs[-1].interval_seconds
        )


def runs_of(track: Any, **more: Any) -> tuple[Run, ...]:
    """Return the runs of a simulated track."""
    hours = track.hours - track.hours[-1]
    runs = []
    numbers = list(dict.fromkeys(track.run.tolist()))
    for number in numbers:
        rows = track.run == number
        values = dict(more)
        if number != numbers[-1]:
            values["end"] = "stopped"
        if track.deque_mb is not None:
            values["deques"] = _filling(track.deque_mb[rows], track.capacity_mb[rows])
        work = None if track.work is None else track.work[rows]
        runs.append(Run(hours=hours[rows], mb=np.maximum(track.mb[rows], 5.0), work=work, **values))
    return tuple(runs)


def _filling(sizes: np.ndarray, capacities: np.ndarray) -> Callable[[int, int], list[DequeReading]]:
    def readings(number: int, _count: int) -> list[DequeReading]:
        return [
            DequeReading(
                name="prices",
                length_count=int(sizes[number] * 100),
                maxlen_count=int(capacities[number] * 100),
                size_bytes=int(sizes[number] * MB),
            )
        ]

    return readings


def flat(hours: float, *, mb: float = 300.0, step_seconds: float = 300.0, seed: int = 1, **more: Any) -> Run:
    """Return a run that keeps its level."""
    count = round(hours * 3600 / step_seconds) + 1
    noise = np.random.default_rng(seed).normal(0, 0.3, count)
    return Run(
        hours=np.arange(1 - count, 1) * step_seconds / 3600,
        mb=mb + noise,
        interval_seconds=step_seconds,
        **more,
    )


def leak(hours: float, rate: float, *, mb: float = 300.0, **more: Any) -> Run:
    """Return a run that grows by `rate` MB/hour from its start on."""
    run = flat(hours, mb=mb, **more)
    return replace(run, mb=run.mb + rate * (run.hours - run.hours[0]))


NOTHING = Machine(host_percent=None)
HOST = Machine()
BOX = Machine(limit_mb=2_048.0)
MACHINES = (HOST, BOX, NOTHING)


def backgrounds() -> Iterator[Story]:
    """Yield a leak-free history of each class of the simulator."""
    names = [*simulator().BACKGROUNDS, "filling_deque"]
    for place, name in enumerate(names):
        track = simulator().background_case(name, (24.0, 30.0, 48.0)[place % 3], 70_001, "tuning")
        machine = (Machine(limit_mb=float(track.mb.max()) * 1.5), HOST, NOTHING)[place % 3]
        yield Story(name=f"free-{name}", runs=runs_of(track, machine=machine))


def classes() -> Iterator[Story]:
    """Yield the verdicts that are neither a leak nor a level, far from a limit and near one."""
    cases = (
        ("warm_up", 12.0, 70_001), ("warm_up", 24.0, 70_011), ("warm_up", 8.0, 70_004), ("mixed_service", 24.0, 70_006),
        ("steps", 24.0, 70_002), ("staircase", 12.0, 70_001), ("filling_deque", 12.0, 70_002),
        ("load_following", 24.0, 70_002),
    )  # fmt: skip
    for place, (name, hours, seed) in enumerate(cases):
        track = simulator().background_case(name, hours, seed, "tuning")
        span = float(np.ptp(track.mb))
        near = Machine(limit_mb=float(track.mb[-12:].mean()) + (0.1, 2.0)[place % 2] * span + 5.0)
        yield Story(name=f"class-{name}-{hours:g}-h", runs=runs_of(track, machine=near))


def leaks() -> Iterator[Story]:
    """Yield leaks of every shape, and growth below the threshold."""
    cases = (
        ("white", "linear", 20.0), ("ar_fast", "linear", 50.0), ("daily", "linear", 30.0),
        ("gc_sawtooth", "linear", 25.0), ("restarts", "linear", 40.0), ("mixed_service", "linear", 50.0),
        ("warm_up", "linear", 30.0), ("gaps", "linear", 20.0), ("ar_fast", "accelerating", 30.0),
        ("white", "stepwise", 25.0), ("ar_fast", "working_hours", 30.0), ("white", "late", 40.0),
        ("ar_slow", "late", 60.0), ("white", "linear", 5.0), ("ar_fast", "linear", 6.0), ("bursts", "linear", 7.0),
    )  # fmt: skip
    for place, (name, shape, rate) in enumerate(cases):
        track = simulator().leak_case(name, shape, rate, (24.0, 48.0)[place % 2], 70_002, "tuning")
        near = Machine(limit_mb=float(track.mb[-1]) + rate * (12.0, 100.0)[place % 2])
        yield Story(
            name=f"leak-{name}-{shape}-{rate:g}", runs=runs_of(track, machine=(near, HOST, BOX)[place % 3])
        )


def young() -> Iterator[Story]:
    """Yield histories that are too short for much, or empty but for a row or two."""
    box = Machine(limit_mb=1_000.0)
    yield Story(name="young-1-row", runs=(flat(0.0, machine=box),))
    yield Story(name="young-half-hour", runs=(flat(0.5, machine=HOST),))
    yield Story(name="young-3h-leak", runs=(leak(3.0, 80.0, machine=box),))
    yield Story(name="young-5h-leak", runs=(leak(5.0, 60.0, machine=box),))
    yield Story(name="young-6h-flat", runs=(flat(6.0, machine=NOTHING),))


def ages() -> Iterator[Story]:
    """Yield histories that are fresh, late, silent, ended, and ahead of the clock."""
    for minutes in (4, 10, 14, 16, 180, 3 * 1440, 10 * 1440):
        run = flat(12.0, machine=BOX) if minutes != 180 else leak(24.0, 25.0, machine=BOX)
        yield Story(name=f"silent-{minutes}-min", runs=(run,), age_seconds=60.0 * minutes)
    quick = flat(2.0, step_seconds=10.0, machine=HOST)
    yield Story(name="silent-2-min-of-10-s", runs=(quick,), age_seconds=120.0)
    slow = flat(72.0, step_seconds=3600.0, machine=HOST)
    yield Story(name="hourly-fresh", runs=(slow,), age_seconds=2_400.0)
    for reason, hours in (("stopped", 0.1), ("stopped", 30.0), ("exit", 5.0), ("oom", 2.0), ("sigterm", 1.0), ("lost", 3.0)):  # fmt: skip
        yield Story(
            name=f"ended-{reason}-{hours:g}-h",
            runs=(flat(12.0, machine=BOX, end=reason),),
            age_seconds=3600 * hours,
        )
    yield Story(name="ahead-last-row", runs=(flat(12.0, machine=BOX, late_hours=2.0),))
    yield Story(name="ahead-leak", runs=(leak(24.0, 25.0, machine=BOX, late_hours=5.0),))


def processes() -> Iterator[Story]:
    """Yield restarts and processes side by side."""
    first, second = flat(20.0, mb=300.0, machine=BOX), leak(20.0, 25.0, mb=200.0, machine=BOX)
    yield Story(name="beside-flat-and-leak", runs=(first, second))
    gone = replace(flat(10.0, mb=500.0, machine=BOX), end="oom")
    yield Story(name="beside-one-gone", runs=(replace(gone, hours=gone.hours - 4.0), flat(20.0, machine=BOX)))
    silent = flat(10.0, mb=500.0, machine=BOX, seed=3)
    yield Story(
        name="beside-one-silent", runs=(flat(20.0, machine=BOX), replace(silent, hours=silent.hours - 2.0))
    )
    many = [
        replace(flat(3.9, mb=250.0, seed=n), end=None if n == 0 else ("oom", "stopped")[n % 2])
        for n in range(6)
    ]
    yield Story(
        name="restart-each-4-h",
        runs=tuple(replace(run, hours=run.hours - 4.0 * n) for n, run in reversed(list(enumerate(many)))),
    )
    short = [
        replace(flat(0.05, step_seconds=60.0, seed=n, machine=HOST), end="oom" if n else None)
        for n in range(8)
    ]
    yield Story(
        name="restart-loop",
        runs=tuple(replace(run, hours=run.hours - 0.1 * n) for n, run in reversed(list(enumerate(short)))),
    )
    for name, rate, count in (("leak", 30.0, 1), ("leak-thrice", 30.0, 3), ("growth", 5.0, 1)):
        lives = [
            replace(leak(24.0, rate, machine=BOX, seed=n), end="oom" if n else None) for n in range(count + 1)
        ]
        placed = [replace(run, hours=run.hours - 24.2 * n) for n, run in enumerate(lives)]
        yield Story(name=f"restart-{name}-goes-on", runs=tuple(reversed(placed)))
    moved = replace(flat(10.0, mb=300.0, machine=BOX), end="sigterm")
    yield Story(
        name="restart-out-of-box",
        runs=(replace(moved, hours=moved.hours - 13.0), flat(12.9, mb=310.0, machine=HOST)),
    )
    boxed = replace(flat(10.0, mb=300.0, machine=HOST), end="sigterm")
    yield Story(
        name="restart-into-box",
        runs=(replace(boxed, hours=boxed.hours - 13.0), flat(12.9, mb=310.0, machine=BOX)),
    )
    gap = flat(30.0, machine=BOX)
    keep = (gap.hours < -20.0) | (gap.hours > -6.0)
    yield Story(name="gap-14-h", runs=(replace(gap, hours=gap.hours[keep], mb=gap.mb[keep]),))
    keep = (gap.hours < -8.0) | (gap.hours > -0.01)
    yield Story(name="gap-before-last-row", runs=(replace(gap, hours=gap.hours[keep], mb=gap.mb[keep]),))


def limits() -> Iterator[Story]:
    """Yield memory near its limit, and limits that are odd."""
    day = 24.0
    yield Story(name="limit-box-97", runs=(flat(day, mb=970.0, machine=Machine(host_percent=30.0, limit_mb=1_000.0)),))  # fmt: skip
    yield Story(name="limit-box-85", runs=(flat(day, mb=850.0, machine=Machine(limit_mb=1_000.0)),))
    yield Story(name="limit-box-over", runs=(flat(day, mb=1_040.0, machine=Machine(limit_mb=1_000.0)),))
    yield Story(name="limit-box-shared", runs=(flat(day, mb=200.0, machine=Machine(limit_mb=2_000.0, others_mb=1_500.0)),))  # fmt: skip
    yield Story(name="limit-box-use-unread", runs=(flat(day, machine=Machine(limit_mb=1_000.0, others_mb=None)),))  # fmt: skip
    yield Story(name="limit-box-16-gb", runs=(leak(day, 40.0, mb=9_000.0, machine=Machine(limit_mb=16 * GB)),))  # fmt: skip
    yield Story(name="limit-host-97", runs=(flat(day, machine=Machine(host_percent=97.0)),))
    yield Story(name="limit-host-82", runs=(leak(day, 20.0, machine=Machine(host_percent=82.0)),))
    yield Story(name="limit-host-78", runs=(flat(day, machine=Machine(host_percent=78.0)),))
    yield Story(name="limit-box-30-host-90", runs=(flat(day, machine=Machine(host_percent=90.0, limit_mb=1_000.0)),))  # fmt: skip
    yield Story(name="limit-leak-in-2-h", runs=(leak(day, 25.0, machine=Machine(limit_mb=950.0)),))
    yield Story(name="limit-leak-in-2-d", runs=(leak(day, 25.0, machine=Machine(limit_mb=2_100.0)),))
    yield Story(name="limit-slow-growth", runs=(leak(48.0, 6.0, machine=Machine(limit_mb=700.0)),))
    yield Story(name="was-high-is-over", runs=(flat(day, machine=HOST),), was_high=True)
    yield Story(
        name="was-high-still-is", runs=(flat(day, machine=Machine(host_percent=91.0)),), was_high=True
    )


_DEQUES: dict[str, dict[str, Any]] = {
    "ok": {"length_count": 40, "maxlen_count": 100},
    "full": {"length_count": 100, "maxlen_count": 100},
    "unbounded": {"length_count": 70, "maxlen_count": None},
    "above": {"length_count": 130, "maxlen_count": 100},
    "other-maxlen": {"length_count": 40, "maxlen_count": 100, "expected_maxlen_count": 50},
    "lost-maxlen": {"length_count": 40, "maxlen_count": None, "expected_maxlen_count": 50},
    "other-and-above": {"length_count": 130, "maxlen_count": 100, "expected_maxlen_count": 50},
    "other-and-full": {"length_count": 100, "maxlen_count": 100, "expected_maxlen_count": 50},
    "dead": {"length_count": None, "maxlen_count": 100, "is_alive": False},
    "unreadable": {"length_count": None, "maxlen_count": 100},
    "empty": {"length_count": 0, "maxlen_count": 100},
    "no-room": {"length_count": 0, "maxlen_count": 0},
    "nearly-full": {"length_count": 99_999, "maxlen_count": 100_000},
}


def deques() -> Iterator[Story]:
    """Yield deques of every state, alone, together and many."""
    made = {name: DequeReading(name=name, **values) for name, values in _DEQUES.items()}
    for name, reading in made.items():
        yield Story(
            name=f"deque-{name}", runs=(flat(3.0, deques=lambda _n, _c, one=reading: [one], machine=BOX),)
        )
    few = [made[name] for name in ("ok", "full", "unbounded", "above", "other-maxlen", "dead", "unreadable")]
    yield Story(name="deque-all", runs=(flat(12.0, deques=lambda _n, _c: few),))
    many = [replace(made["full"], name=f"d{n:02}", length_count=60 + n) for n in range(40)]
    yield Story(name="deque-40", runs=(flat(3.0, deques=lambda _n, _c: many),))
    yield _culprit()


def _culprit() -> Story:
    """Return a leak that is a deque's without a bound, for the most part, and whose pages are known."""
    grows = leak(24.0, 25.0, machine=BOX)
    nothing = np.zeros(grows.hours.size)
    pages = {"rss_anon_bytes": grows.mb - 40.0, "rss_file_bytes": nothing + 40.0}
    readings = [
        DequeReading(
            name="orders",
            length_count=1000 + 100 * number,
            maxlen_count=None,
            size_bytes=760 + round((1000 + 100 * number) * 17_500),
            item_bytes=17_500,
            item_low_bytes=17_000,
            item_high_bytes=18_000,
        )
        for number in range(grows.hours.size)
    ]
    whole = replace(
        grows,
        parts_mb={**pages, "rss_shmem_bytes": nothing, "swap_bytes": nothing},
        deques=lambda number, _count: [readings[number]],
    )
    return Story(name="deque-culprit", runs=(whole,))


def traces() -> Iterator[Story]:
    """Yield real programs' histories, imported."""
    for path in sorted(TRACES.glob("*.csv.gz")):
        yield Story(name=f"trace-{path.name.partition('.')[0]}", trace=path, age_seconds=0.0)


def _groups() -> dict[str, Callable[[], Iterator[Story]]]:
    from consistency_kit import generated
    from consistency_kit.resources import resources
    from consistency_kit.side_by_side import pools

    told = (backgrounds, classes, leaks, young, ages, processes, limits, deques, resources, traces)
    return {one.__name__: one for one in (*told, generated.kinds, generated.examples, pools)}


@cache
def stores(extent: Extent) -> dict[str, tuple[Story, ...]]:
    """Return the histories by the store that they go into.

    `often`: a part of each group; `whole`: all of them, and the simulated ones, in stores of a hundred.
    """
    made = {name: tuple(group()) for name, group in _groups().items()}
    if extent == "often":
        return {name: tuple(_often(stories)) for name, stories in made.items()}
    from consistency_kit import generated

    simulated = tuple(generated.simulated())
    parts = {f"simulated-{n}": simulated[n : n + 100] for n in range(0, len(simulated), 100)}
    return {**made, **parts}


ALWAYS = frozenset(
    {
        "kind-mapped-growth", "free-load_following", "free-filling_deque", "free-warm_up", "leak-white-late-40", "young-1-row",
        "silent-2-min-of-10-s", "ended-stopped-0.1-h", "ended-exit-5-h", "ahead-leak", "beside-flat-and-leak",
        "beside-one-silent", "restart-leak-goes-on", "restart-leak-thrice-goes-on", "restart-growth-goes-on", "limit-box-97", "limit-box-30-host-90", "limit-leak-in-2-h", "limit-host-82",
        "was-high-is-over", "deque-lost-maxlen", "deque-all", "deque-culprit", "pool-1-of-4-leaks", "pool-all-leak",
        "pool-1-of-8-leaks-no-limit", "pool-one-replaced", "rolling-restart", "pool-on-two-hosts", "pool-recycled",
        "resources-files-grow-near", "resources-and-memory-grow", "resources-threads-grow-late", "resources-young",
        "resources-steady", "resources-beside", "resources-unread", "pool-work-moves", "pool-of-different-age",
    }
)  # fmt: skip
"""Told in every run of the suite: each shows something that the others don't."""


def _often(stories: Sequence[Story]) -> Iterator[Story]:
    """Yield the stories that are told in every run, three of every seven of the others among them."""
    for place, story in enumerate(stories):
        if place % 7 in {0, 3, 5} or story.name in ALWAYS:
            yield story
