"""What a look for the living children of a program costs: processor and wall time of each look.

The children are forked and hold what their parent held; the first looks read their shares of memory, the later ones do not.

    python benchmarks/recorder/children.py [--children 200] [--looks 8] [--held-mb 50]
"""

from __future__ import annotations

import argparse
import os
import signal
import time

import psutil

from memmon.probe.process.children import LEAST_AGE_SECONDS, ChildrenProbe


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--children", type=int, default=200)
    options.add_argument("--looks", type=int, default=8)
    options.add_argument("--held-mb", type=int, default=50)
    chosen = options.parse_args()
    held = b"x" * (chosen.held_mb * 2**20)
    children = [_child() for _ in range(chosen.children)]
    try:
        time.sleep(LEAST_AGE_SECONDS + 0.2)
        _look(chosen.looks)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        del held


def _child() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    return pid


def _look(count: int) -> None:
    probe = ChildrenProbe(monotonic=time.monotonic, stopwatch=time.monotonic, mark="MEMMON_CHILD")
    print(f"{len(psutil.pids())} processes on this machine")
    for number in range(1, count + 1):
        begun, used = time.monotonic(), time.thread_time()
        found = probe.read()
        wall, processor = time.monotonic() - begun, time.thread_time() - used
        print(
            f"look {number}: {len(found)} children, {1000 * processor:.1f} ms of the processor, {1000 * wall:.1f} ms"
        )


if __name__ == "__main__":
    main()
