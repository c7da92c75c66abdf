"""A snapshot beside threads that compute: how long it takes in a host that never lets go of the interpreter.

Every call into the kernel gives the interpreter away, and a computing thread gives it back 5 ms
later at the earliest. Beside it, in the same run, what psutil's two plain readings take.

    python benchmarks/recorder/busy_host.py [--threads 1] [--seconds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from memmon import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable


def compute(stop: threading.Event) -> None:
    """Keep the interpreter."""
    while not stop.is_set():
        sum(range(200))


def median_ms(work: Callable[[], object], seconds: float) -> float:
    """Return the median milliseconds of a call, over some seconds."""
    took = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder, "b.db"), source="bot", gc_threshold_mb=0)
        recorder.take_snapshot()
        recorder.flush(30.0)
        process, stop = psutil.Process(), threading.Event()
        threads = [threading.Thread(target=compute, args=(stop,)) for _ in range(options.threads)]
        for thread in threads:
            thread.start()
        plain = median_ms(lambda: (process.memory_info(), psutil.virtual_memory()), options.seconds)
        ours = median_ms(recorder.take_snapshot, options.seconds)
        stop.set()
        for thread in threads:
            thread.join()
        recorder.stop()
    print(
        f"beside {options.threads} computing threads: memmon {ours:.0f} ms, psutil's two readings {plain:.0f} ms"
    )
    print(f"memmon / psutil: {ours / plain:.2f}")


if __name__ == "__main__":
    main()
