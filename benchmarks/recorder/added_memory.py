"""Resident memory that the recorder adds to a host, over psutil and sqlite3 alone.

    python benchmarks/recorder/added_memory.py

Each variant runs in fresh processes of its own; the median of five is shown, in MB of 2**20 bytes. With
`--baseline CHECKOUT` an earlier version stands beside it in the same run, turn by turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 5
HOSTS = {"bare host": "", "asyncio + ssl host": "import asyncio, ssl; ssl.create_default_context()"}
RAW = """
import psutil, sqlite3
connection = sqlite3.connect(path, isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL")
connection.execute("CREATE TABLE snapshot (at REAL, rss INTEGER)")
for _ in range(50):
    connection.execute("INSERT INTO snapshot VALUES (1, ?)", (psutil.Process().memory_info().rss,))
connection.close()
"""
MEMMON = """
from collections import deque
from memmon import Recorder
kept = {f"d{n}": deque(maxlen=9) for n in range(56)}
recorder = Recorder(path, source="bench", gc_threshold_mb=0, **options)
recorder.register_deques(kept)
for n in range(50):
    for one in kept.values():
        one.append(n)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
"""
MEASURE = """
import gc; gc.collect()
print(int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20)
import os; os._exit(0)
"""


def resident_mb(host: str, body: str, *, checkout: Path = ROOT, options: str = "{}") -> float:
    environment = {
        name: value
        for name, value in os.environ.items()
        # Else what is compiled anew each time would be measured as well.
        if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("MEMMON_")
    }
    with tempfile.TemporaryDirectory() as folder:
        code = (
            f"import sys; sys.path.insert(0, {str(checkout)!r}); path = {folder + '/b.db'!r}; options = {options}\n"
            f"{host}\n{body}\n{MEASURE}"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", type=Path, help="a checkout of an earlier version")
    baseline = parser.parse_args().baseline
    variants = {"memmon": {}, "memmon with writer='sqlalchemy'": {"options": "{'writer': 'sqlalchemy'}"}}
    if baseline is not None:
        variants["the earlier memmon"] = {"checkout": baseline.resolve()}
    for name, host in HOSTS.items():
        found: dict[str, list[float]] = {one: [] for one in ("nothing", "raw", *variants)}
        for number in range(REPEATS + 1):
            turn = {"nothing": resident_mb(host, ""), "raw": resident_mb(host, RAW)}
            turn |= {one: resident_mb(host, MEMMON, **options) for one, options in variants.items()}
            for one, value in turn.items() if number else ():  # the first writes the bytecode
                found[one].append(value)
        base, raw = (statistics.median(found.pop(one)) for one in ("nothing", "raw"))
        print(f"{name}: {base:.1f} MB; psutil + sqlite3 add {raw - base:.1f} MB")
        for one, values in found.items():
            ours = statistics.median(values)
            print(
                f"  {one} adds {ours - base:.1f} MB: {ours - raw:.1f} MB over them, ratio {(ours - base) / (raw - base):.1f}"
            )


if __name__ == "__main__":
    main()
