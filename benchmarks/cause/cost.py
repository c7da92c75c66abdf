"""What the cause counters and a whole sample cost: on a small heap, on a large one, with 56 deques.

``python benchmarks/cause/cost.py``
"""

from __future__ import annotations

import statistics
import time
from collections import deque

import psutil

from memmon.clock import SystemClock
from memmon.probe.process.cause import CauseProbe
from memmon.probe.process.container import LimitProbe
from memmon.probe.process.process import ProcessProbe
from memmon.probe.registered.components import ComponentRegistry
from memmon.probe.registered.deques import DequeRegistry
from memmon.probe.sampler import Sampler

REPEATS = 400


def microseconds(function) -> str:
    """Return the median and mean microseconds of a call."""
    function()
    durations = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        function()
        durations.append((time.perf_counter() - begun) * 1e6)
    return f"median {statistics.median(durations):8.1f} us, mean {statistics.mean(durations):8.1f} us"


def show(title: str) -> None:
    clock = SystemClock()
    deques = DequeRegistry()
    kept = [deque((float(i) for i in range(1000)), maxlen=1000) for _ in range(56)]
    for number, each in enumerate(kept):
        deques.register(f"deque {number}", each)
    sampler = Sampler(deques=deques, components=ComponentRegistry(), clock=clock)
    process = ProcessProbe()
    print(f"{title}, RSS {psutil.Process().memory_info().rss / 2**20:.0f} MB")
    print(f"  cause counters           {microseconds(CauseProbe(clock.monotonic).read)}")
    print(f"  process and its pages    {microseconds(process.read)}")
    print(f"  limit and what is used   {microseconds(LimitProbe().read)}")
    print(f"  56 deques                {microseconds(deques.read)}")
    print(
        f"  whole sample             {microseconds(lambda: sampler.sample(sequence=1, started_monotonic=0.0, work_count=None))}"
    )
    print(f"  baseline: psutil RSS     {microseconds(psutil.Process().memory_info)}")


def main() -> None:
    show("small heap")
    kept = [(str(i), float(i)) for i in range(2_000_000)]
    show(f"{len(kept):,} objects")


if __name__ == "__main__":
    main()
