"""What names that are ids cost a snapshot: a deque for each order, 20 alive, against 20 that stay.

Both in processes of their own, in turn, several rounds; processor time per snapshot (taking and
storing) after the first 110, and resident memory at the end, as ratios of the medians.

    python benchmarks/recorder/names_by_ids.py [--names 12000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ALIVE = 20
WARM_UP = 110

HOST = """
import json, sys
from collections import deque
import psutil
from memmon import Recorder

mode, snapshots, alive_count, warm_up = sys.argv[1], *map(int, sys.argv[2:5])
process = psutil.Process()
recorder = Recorder(sys.argv[5], source="ids", leak_check=False, daily_report=False)
alive = deque(maxlen=alive_count)

def register(name):
    alive.append(deque(maxlen=10))
    recorder.register_deque(name, alive[-1])

for number in range(alive_count):
    register(f"order-{number:09d}")
for taken in range(snapshots):
    if taken == warm_up:
        begun = sum(process.cpu_times()[:2])
    for number in range(alive_count):
        if mode == "ids":
            register(f"order-{(taken + 1) * alive_count + number:09d}")
        alive[number].append(taken)
    recorder.take_snapshot()
    recorder.flush(60)
seconds = sum(process.cpu_times()[:2]) - begun
print(json.dumps([1000 * seconds / (snapshots - warm_up), process.memory_info().rss / 2**20]))
recorder.stop(20)
"""


def run(mode: str, name_count: int) -> tuple[float, float]:
    """Return (processor milliseconds per snapshot, resident MB at the end)."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [mode, str(name_count // ALIVE), str(ALIVE), str(WARM_UP), str(Path(folder) / "m.db")]
        done = subprocess.run(
            [sys.executable, "-c", HOST, *arguments], check=True, capture_output=True, text=True
        )
    milliseconds, resident_mb = json.loads(done.stdout)
    return milliseconds, resident_mb


def main() -> None:
    """Run both in turn and print their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--names", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"fixed": [], "ids": []}
    for _ in range(options.rounds):
        for mode, figures in found.items():
            figures.append(run(mode, options.names))
    (fixed_ms, fixed_mb), (ids_ms, ids_mb) = (
        tuple(statistics.median(column) for column in zip(*figures, strict=True))
        for figures in found.values()
    )
    print(f"{ALIVE} names that stay: {fixed_ms:.1f} ms of processor a snapshot, {fixed_mb:.1f} MB")
    print(f"{options.names:,} names, {ALIVE} alive: {ids_ms:.1f} ms, {ids_mb:.1f} MB")
    print(f"ratio: {ids_ms / fixed_ms:.2f} in time, {ids_mb / fixed_mb:.2f} in memory")


if __name__ == "__main__":
    main()
