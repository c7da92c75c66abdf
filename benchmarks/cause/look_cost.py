"""What the look for evidence costs its host: CPU, steps, collections, gaps of an event loop, memory, finalizers, calls.

``python benchmarks/cause/look_cost.py [--looks 20] [--objects 300000 1000000 3000000] [--shapes rows roots graph]
[--baseline FOLDER]``

Each heap is built in a fresh process: `rows` (one dict of small objects), `roots` (27,000 variables of modules, that
share the objects), `graph` (objects that refer to each other at random). `--baseline`: a checkout of another
version, measured after this one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from unittest.mock import MagicMock

HERE = Path(__file__).resolve()
STEPS = ("p50", "p99", "max")
ROOT_COUNT = 27_000
MODULE_COUNT = 270
COMING_AND_GOING = 10_000
TRAP_COUNT = 200
TRAPPED = (
    "__sizeof__",
    "__getattr__",
    "__eq__",
    "__hash__",
    "__len__",
    "__bool__",
    "__iter__",
    "__repr__",
    "__index__",
)
BEAT_SECONDS = 0.001
MS, MB = 1e3, 2**20


class Row:
    def __init__(self, number: int) -> None:
        self.name, self.values = f"row {number}", [number, number + 1]
        self.links = {"values": self.values}


class Ended:
    """An object of the program's whose end is noted with the thread in which it comes."""

    by_thread: dict[int, int] = {}  # noqa: RUF012 -- one for all

    def __init__(self) -> None:
        self.inner = [self.__class__.__name__]

    def __del__(self) -> None:
        me = threading.get_ident()
        Ended.by_thread[me] = Ended.by_thread.get(me, 0) + 1


def trapped(name: str):
    def method(*_):
        CALLED.append(name)
        raise AttributeError(name)

    return method


CALLED: list[str] = []
"""The trapped methods that anybody called."""

Trap = type(
    "Trap", (), {name: trapped(name) for name in TRAPPED} | {"__class__": property(trapped("__class__"))}
)


class TrapList(list):
    __len__, __iter__, __sizeof__, __getitem__ = map(
        trapped, ("__len__", "__iter__", "__sizeof__", "__getitem__")
    )


def calls(mocks: list[MagicMock]) -> int:
    """Return how many methods of traps and of mocks were called."""
    noted = [object.__getattribute__(one, "__dict__")["_mock_mock_calls"] for one in mocks]
    return len(CALLED) + sum(len(one) for one in noted)


def rows(objects: int) -> object:
    return {number: Row(number) for number in range(objects // 3)}


def roots(objects: int) -> object:
    """Make modules of the program's with as many variables together as a very large program has."""
    for number in range(MODULE_COUNT):
        module = types.ModuleType(f"part_{number}")
        module.__file__ = f"/srv/part_{number}.py"
        for name in range(ROOT_COUNT // MODULE_COUNT):
            count = objects // ROOT_COUNT // 3
            setattr(module, f"table_{name}", {key: Row(key) for key in range(count)})
        sys.modules[module.__name__] = module
    return None


def graph(objects: int) -> object:
    nodes = [Row(number) for number in range(objects // 3)]
    draw = random.Random(1)
    for node in nodes:
        node.links = {key: nodes[draw.randrange(len(nodes))] for key in ("left", "right", "up")}
    return nodes[0]


SHAPES = {"rows": rows, "roots": roots, "graph": graph}


def quantiles(values: list[float]) -> dict[str, float]:
    ranked = sorted(values)
    return {"p50": ranked[len(ranked) // 2], "p99": ranked[int(len(ranked) * 0.99)], "max": ranked[-1]}


def resident(field: str) -> int:
    """Return bytes of this process by a field of its status: VmRSS, or VmHWM for the most since the last reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


class Collections:
    """Counts the collector's runs by generation."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self.counts[info["generation"]] += 1


async def longest_gap(is_over: threading.Event, between) -> float:
    """Return by how much the event loop was late at most, until something is over."""
    longest = 0.0
    while not is_over.is_set():
        begun = time.perf_counter()
        await asyncio.sleep(BEAT_SECONDS)
        longest = max(longest, time.perf_counter() - begun - BEAT_SECONDS)
        between()
    return longest


def with_loop(work, between=lambda: None) -> float:
    """Do some work in another thread while an event loop runs in this one; return the loop's longest gap."""
    is_over = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            is_over.set()

    thread = threading.Thread(target=run)
    thread.start()
    found = asyncio.run(longest_gap(is_over, between))
    thread.join()
    return found


class Looks:
    """Looks in a thread of its own, and what each took."""

    def __init__(self, gather, count: int) -> None:
        self._gather, self._count = gather, count
        self.steps: list[float] = []
        self.cpu: list[float] = []
        self.thread_id = 0
        self._begun = 0.0

    def _pause(self, seconds: float) -> None:
        self.steps.append(time.thread_time() - self._begun)
        time.sleep(seconds)
        self._begun = time.thread_time()

    def run(self) -> None:
        self.thread_id = threading.get_ident()
        for _ in range(self._count):
            self._begun = cpu = time.thread_time()
            self._gather(pause=self._pause)
            self.steps.append(time.thread_time() - self._begun)
            self.cpu.append(time.thread_time() - cpu)


def measure(looks: int, objects: int, shape: str) -> dict[str, object]:
    """Look again and again in this process, which holds `objects` tracked objects, and does nothing else."""
    from memmon.probe.objects.evidence import gather

    kept = SHAPES[shape](objects)
    mocks = [MagicMock() for _ in range(TRAP_COUNT)]
    globals()["TRAPS"] = {"traps": [[Trap(), TrapList([Trap()])] for _ in range(TRAP_COUNT)], "mocks": mocks}
    gc.collect()
    Looks(gather, 1).run()  # what is imported at the first look
    gc.collect()
    collections = Collections()
    Path("/proc/self/clear_refs").write_text("5")
    resident_before, counts_before = resident("VmRSS"), list(collections.counts)
    found = Looks(gather, looks)
    started = time.perf_counter()
    gap = with_loop(found.run)
    seconds = time.perf_counter() - started
    peak, resident_after = resident("VmHWM"), resident("VmRSS")
    counts_after = list(collections.counts)
    idle_gap = with_loop(lambda: time.sleep(seconds))
    idle = [later - before for later, before in zip(collections.counts, counts_after, strict=True)]
    return {
        "tracked": len(gc.get_objects()),
        "held": kept is not None,
        "steps": quantiles(found.steps),
        "step_count": len(found.steps) // looks,
        "cpu": quantiles(found.cpu),
        "collections": [later - before for later, before in zip(counts_after, counts_before, strict=True)],
        "idle_collections": idle,
        "longest_gap": gap,
        "idle_gap": idle_gap,
        "peak": peak - resident_before,
        "left": resident_after - resident_before,
        "seconds": seconds / looks,
        "finalizers": finalizers(gather, looks),
        "calls": calls(mocks),
    }


def finalizers(gather, looks: int) -> dict[str, int]:
    """Let objects come and go while the program is looked at; count in whose thread they end."""
    waiting: list[Ended] = []
    made = [0]

    def turn_over() -> None:
        while made[0] < COMING_AND_GOING:
            waiting.append(Ended())
            made[0] += 1
            if len(waiting) > 50:
                del waiting[: len(waiting) // 2]
            if made[0] % 100 == 0:
                return

    globals()["WAITING"] = waiting
    Ended.by_thread.clear()
    found = Looks(gather, looks)
    with_loop(found.run, turn_over)
    while made[0] < COMING_AND_GOING:
        turn_over()
    waiting.clear()
    return {"all": sum(Ended.by_thread.values()), "by_look": Ended.by_thread.get(found.thread_id, 0)}


def run(folder: Path, looks: int, objects: int, shape: str) -> None:
    """Measure the version in `folder` in a fresh process, and show what was measured."""
    command = [sys.executable, str(HERE), "--looks", str(looks), "--objects", str(objects), "--shapes", shape]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([*command, "--here"], capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    steps = " ".join(f"{name} {found['steps'][name] * MS:.2f}" for name in STEPS)
    print(f"{shape}, {found['tracked']:,} tracked objects: {looks} looks, {found['seconds']:.2f} s each")
    print(
        f"  CPU of a look, ms  median {found['cpu']['p50'] * MS:.0f}, most {found['cpu']['max'] * MS:.0f}, "
        f"in {found['step_count']} steps: {steps}"
    )
    print(f"  collections (young to full) {found['collections']}, as long idle: {found['idle_collections']}")
    print(
        f"  longest gap of the loop, ms {found['longest_gap'] * MS:.1f}, idle: {found['idle_gap'] * MS:.1f}"
    )
    print(f"  memory, MB  at most {found['peak'] / MB:.1f} more, after it {found['left'] / MB:.1f} more")
    ended = found["finalizers"]
    print(f"  finalizers run  {ended['all']:,}, of them by the look's thread {ended['by_look']}")
    print(f"  methods of traps and mocks called  {found['calls']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--looks", type=int, default=20)
    parser.add_argument("--objects", type=int, nargs="+", default=[300_000, 1_000_000, 3_000_000])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.looks, options.objects[0], options.shapes[0])))
        return
    folders = {"this version": HERE.parents[2]}
    if options.baseline is not None:
        folders["baseline"] = options.baseline.resolve()
    for name, folder in folders.items():
        print(f"{name}:")
        for objects in options.objects:
            for shape in options.shapes:
                run(folder, options.looks, objects, shape)


if __name__ == "__main__":
    main()
