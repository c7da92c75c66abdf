"""What the look for evidence costs its host: CPU between two pauses, collections caused, gaps in another thread.

``python benchmarks/cause/look_cost.py [--looks 20] [--objects 350000] [--baseline FOLDER]``

`--baseline`: a checkout of another version, measured in the same run, in turn with this one.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve()
STEPS = ("p50", "p99", "max")


class Row:
    def __init__(self, number: int) -> None:
        self.name, self.values = f"row {number}", [number, number + 1]
        self.links = {"values": self.values}


def quantiles(values: list[float]) -> dict[str, float]:
    ranked = sorted(values)
    return {"p50": ranked[len(ranked) // 2], "p99": ranked[int(len(ranked) * 0.99)], "max": ranked[-1]}


class Collections:
    """Counts the collector's runs by generation."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self.counts[info["generation"]] += 1

    def during(self, work) -> list[int]:
        before = list(self.counts)
        work()
        return [after - earlier for after, earlier in zip(self.counts, before, strict=True)]


class Beat:
    """Another thread of the host's: notes the longest time between two of its turns."""

    def __init__(self) -> None:
        self.longest_seconds = 0.0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        last = time.perf_counter()
        while True:
            time.sleep(0.0005)
            now = time.perf_counter()
            self.longest_seconds = max(self.longest_seconds, now - last)
            last = now

    def longest_during(self, work) -> float:
        self.longest_seconds = 0.0
        work()
        return self.longest_seconds


def measure(looks: int, objects: int) -> dict[str, object]:
    """Look again and again in this process, which holds `objects` tracked objects, and does nothing else."""
    from memmon.probe.objects.evidence import gather

    kept = {number: Row(number) for number in range(objects // 3)}
    gc.collect()
    steps: list[float] = []
    look_cpu: list[float] = []
    begun = [0.0]

    def pause(seconds: float) -> None:
        steps.append(time.thread_time() - begun[0])
        time.sleep(seconds)
        begun[0] = time.thread_time()

    def look_often() -> None:
        for _ in range(looks):
            begun[0] = cpu = time.thread_time()
            gather(pause=pause)
            steps.append(time.thread_time() - begun[0])
            look_cpu.append(time.thread_time() - cpu)

    gather()  # what is imported at the first look
    collections, beat = Collections(), Beat()
    started = time.perf_counter()
    gaps: list[float] = []
    caused = collections.during(lambda: gaps.append(beat.longest_during(look_often)))
    seconds = time.perf_counter() - started
    idle = collections.during(lambda: gaps.append(beat.longest_during(lambda: time.sleep(seconds))))
    return {
        "tracked": len(gc.get_objects()),
        "rows": len(kept),
        "steps": quantiles(steps),
        "step_count": len(steps) // looks,
        "cpu": quantiles(look_cpu),
        "collections": caused,
        "idle_collections": idle,
        "longest_gap": gaps[0],
        "idle_gap": gaps[1],
        "seconds": seconds / looks,
    }


def run(folder: Path, looks: int, objects: int) -> None:
    """Measure the version in `folder` in a fresh process, and show what was measured."""
    command = [sys.executable, str(HERE), "--looks", str(looks), "--objects", str(objects), "--here"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = json.loads(answer)
    steps = " ".join(f"{name} {found['steps'][name] * 1e3:.2f}" for name in STEPS)
    print(f"  {looks} looks at {found['tracked']:,} tracked objects, {found['seconds']:.2f} s each")
    print(
        f"  CPU of a look, ms        {found['cpu']['p50'] * 1e3:.0f}, in {found['step_count']} steps: {steps}"
    )
    print(f"  collections (young to full) {found['collections']}, as long idle: {found['idle_collections']}")
    print(
        f"  longest gap of a thread, ms {found['longest_gap'] * 1e3:.1f}, idle: {found['idle_gap'] * 1e3:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--looks", type=int, default=20)
    parser.add_argument("--objects", type=int, default=350_000)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.looks, options.objects)))
        return
    print("this version:")
    run(HERE.parents[2], options.looks, options.objects)
    if options.baseline is not None:
        print("baseline:")
        run(options.baseline.resolve(), options.looks, options.objects)


if __name__ == "__main__":
    main()
