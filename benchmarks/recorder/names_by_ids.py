"""What names that are ids cost: a deque, or a component, for each order, 20 alive, against 20 that stay.

Both in processes of their own, in turn, several rounds; processor time per snapshot (taking and
storing) after the first 110, and resident memory at the end, as ratios of the medians; then the rows of series,
readings and their rollups once the clock has passed the retention (a hundred days later). Snapshots are five minutes
apart by the recorder's clock, which is set; every name lives for `--lives` snapshots.

    python benchmarks/recorder/names_by_ids.py [--names 12000] [--rounds 5] [--kind deque|component|object] [--lives 1]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ALIVE = 20
WARM_UP = 110

HOST = """
import json, sys
from collections import deque
from datetime import UTC, datetime
import psutil
from memmon import Recorder
from memmon.clock import ManualClock

mode, kind, snapshots, alive_count, warm_up, lives = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
process = psutil.Process()
clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
recorder = Recorder(
    sys.argv[7], source="ids", interval_seconds=300.0, leak_check=False, daily_report=False, clock=clock
)
alive = deque(maxlen=alive_count)

class Order:
    def __init__(self):
        self.lines = []

    def append(self, item):
        self.lines.append(item)

def register(name):
    if kind == "deque":
        alive.append(deque(maxlen=10))
        recorder.register_deque(name, alive[-1])
    else:
        alive.append(Order() if kind == "component" else [])
        recorder.register_component(name, alive[-1])

for number in range(alive_count):
    register(f"order-{number:09d}")
for taken in range(snapshots):
    if taken == warm_up:
        begun = sum(process.cpu_times()[:2])
    for number in range(alive_count):
        if mode == "ids" and (taken + 1) % lives == number % lives:
            register(f"order-{(taken + 1) * alive_count + number:09d}")
        alive[number].append(taken)
    clock.advance(300.0)
    recorder.take_snapshot()
    recorder.flush(60)
seconds = sum(process.cpu_times()[:2]) - begun
print(json.dumps([1000 * seconds / (snapshots - warm_up), process.memory_info().rss / 2**20]))
recorder.stop(20)
"""


class Cost(NamedTuple):
    """What one process cost."""

    milliseconds: float
    """Of the processor, a snapshot."""
    resident_mb: float
    row_count: int
    """Of series, readings and rollups past the retention."""


def run(mode: str, options: argparse.Namespace) -> Cost:
    """Run a host of its own and return what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.db"
        numbers = (options.names * options.lives // ALIVE, ALIVE, WARM_UP, options.lives)
        arguments = [mode, options.kind, *map(str, numbers), str(path)]
        done = subprocess.run(
            [sys.executable, "-c", HOST, *arguments], check=True, capture_output=True, text=True
        )
        return Cost(*json.loads(done.stdout), row_count=_rows_past_retention(path))


def _rows_past_retention(path: Path) -> int:
    from datetime import UTC, datetime, timedelta

    from memmon import open_store
    from memmon.config import Settings, parse_database
    from memmon.store.retention import prune

    now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=130)
    prune.apply(parse_database(str(path)), Settings(), now=now, pause_seconds=0.0)
    with open_store(path) as store:
        tables = ("series", "reading", "reading_rollup")
        return sum(int(store.query(f"SELECT count(*) FROM {table}").rows[0][0]) for table in tables)


def main() -> None:
    """Run both in turn and print their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--names", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kind", choices=("deque", "component", "object"), default="deque")
    parser.add_argument("--lives", type=int, default=1, help="snapshots that a name lives for")
    options = parser.parse_args()
    found: dict[str, list[Cost]] = {"fixed": [], "ids": []}
    for _ in range(options.rounds):
        for mode, figures in found.items():
            figures.append(run(mode, options))
    fixed, ids = (
        Cost(*(statistics.median(column) for column in zip(*figures, strict=True)))
        for figures in found.values()
    )
    print(f"{ALIVE} names that stay: {_shown(fixed)}")
    print(f"{options.names:,} names, {ALIVE} alive: {_shown(ids)}")
    print(
        f"ratio: {ids.milliseconds / fixed.milliseconds:.2f} in time, {ids.resident_mb / fixed.resident_mb:.2f} in memory, "
        f"{ids.row_count / fixed.row_count:.2f} in rows past the retention"
    )


def _shown(cost: Cost) -> str:
    return f"{cost.milliseconds:.2f} ms of processor a snapshot, {cost.resident_mb:.1f} MB, {cost.row_count:,} rows past the retention"


if __name__ == "__main__":
    main()
