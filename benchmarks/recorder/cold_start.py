"""A cold start on a new database: from `import memmon` to the first snapshot that lies on the disk.

Each start is a fresh interpreter and a database that is not there yet; its processor time is that
of the program and of every process that it started. An earlier version stands beside it in the
same run, turn by turn, so that what else the machine does meets both:

    git worktree add ../earlier REVISION
    python benchmarks/recorder/cold_start.py --baseline ../earlier [--rounds 20]

"Taken to stored" is the part of it from the return of `take_snapshot` until the snapshot lies in the new file, by the
clock; what the disk needs for it stands beside it: a few bytes written and synced, just before each start.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
SOON_SECONDS = 0.05
"""So soon after it is taken the first snapshot shall be stored on a quiet disk."""

PROGRAM = """
import json, resource, sys, time

def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [one.ru_utime + one.ru_stime for one in used]

before, begun = cpu(), time.perf_counter()
from memmon import Recorder
recorder = Recorder(sys.argv[1], source="bot")
recorder.take_snapshot()
taken = time.perf_counter()
assert recorder.flush(60.0), recorder.status
stored = time.perf_counter()
wall, after = stored - begun, cpu()
import memmon
print(json.dumps({"wall": wall, "own": after[0] - before[0], "children": after[1] - before[1],
                  "taken_to_stored": stored - taken, "file": memmon.__file__}))
recorder.stop()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What one start took."""

    wall_seconds: float
    own_cpu_seconds: float
    children_cpu_seconds: float
    taken_to_stored_seconds: float
    sync_seconds: float
    """One sync of the disk just before."""

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the program and its children."""
        return self.own_cpu_seconds + self.children_cpu_seconds


def start(checkout: Path, folder: Path, name: str) -> Start:
    """Start a program on `checkout` with a database that is not there; its bytecode is cached."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    for unwanted in ("PYTHONDONTWRITEBYTECODE", "MEMMON_CONFIG", "MEMMON_DATABASE_URL"):
        environment.pop(unwanted, None)
    sync_seconds = one_sync(folder / "sync")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / f"{name}.db")],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=environment,
    )
    found = json.loads(done.stdout)
    assert Path(found["file"]).is_relative_to(checkout), f"{found['file']} is not of {checkout}"
    return Start(
        wall_seconds=found["wall"],
        own_cpu_seconds=found["own"],
        children_cpu_seconds=found["children"],
        taken_to_stored_seconds=found["taken_to_stored"],
        sync_seconds=sync_seconds,
    )


def one_sync(path: Path) -> float:
    """Return how long it takes to have a few bytes on the disk."""
    with path.open("wb") as file:
        begun = time.perf_counter()
        file.write(b"sync")
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", type=Path, help="a checkout of an earlier version")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    checkouts = {"this": HERE}
    if arguments.baseline is not None:
        checkouts["earlier"] = arguments.baseline.resolve()
    found: dict[str, list[Start]] = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory(prefix="memmon-cold-") as folder:
        for number in range(arguments.rounds + 1):
            for name, checkout in checkouts.items():
                one = start(checkout, Path(folder), f"{name}-{number}")
                if number:  # the first writes the bytecode
                    found[name].append(one)
    for name, starts in found.items():
        print(
            f"{name:>8}: wall {figures([one.wall_seconds for one in starts])}, "
            f"CPU {figures([one.cpu_seconds for one in starts])}, "
            f"of it children {figures([one.children_cpu_seconds for one in starts])}"
        )
        waits = [one.taken_to_stored_seconds for one in starts]
        print(
            f"          taken to stored {figures(waits)}, longest {max(waits) * 1000:.0f} ms, "
            f"{sum(one <= SOON_SECONDS for one in waits)} of {len(waits)} within {SOON_SECONDS * 1000:.0f} ms; "
            f"one sync {figures([one.sync_seconds for one in starts])}"
        )
    if "earlier" in found:
        print(f"   ratio: wall {ratios(found, 'wall_seconds')}, CPU {ratios(found, 'cpu_seconds')}")


def figures(values: list[float]) -> str:
    """Return the least and the median, in milliseconds."""
    return f"{min(values) * 1000:.0f} ms (median {statistics.median(values) * 1000:.0f})"


def ratios(found: dict[str, list[Start]], field: str) -> str:
    """Return this version's figure by the earlier one's: of the least, and of the medians."""
    mine, theirs = ([getattr(one, field) for one in found[name]] for name in ("this", "earlier"))
    least, middle = min(mine) / min(theirs), statistics.median(mine) / statistics.median(theirs)
    return f"{least:.2f} (median {middle:.2f})"


if __name__ == "__main__":
    main()
