"""Resident memory that the recorder adds to a host, over psutil and sqlite3 alone.

    python benchmarks/recorder/added_memory.py

Each variant runs in fresh processes of its own; the median of five is shown, in MB of 2**20 bytes.
"""

from __future__ import annotations

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
recorder = Recorder(path, source="bench", gc_threshold_mb=0)
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


def resident_mb(host: str, body: str) -> float:
    found = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); path = {folder + '/b.db'!r}\n{host}\n{body}\n{MEASURE}"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            found.append(float(done.stdout))
    return statistics.median(found)


def main() -> None:
    for name, host in HOSTS.items():
        base, raw, ours = (resident_mb(host, body) for body in ("", RAW, MEMMON))
        print(
            f"{name}: {base:.1f} MB; psutil + sqlite3 add {raw - base:.1f} MB, memmon adds {ours - base:.1f} MB: "
            f"{ours - raw:.1f} MB over them, ratio {(ours - base) / (raw - base):.1f}"
        )


if __name__ == "__main__":
    main()
