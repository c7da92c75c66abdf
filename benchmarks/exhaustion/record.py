"""Start many small programs, and record how the memory of each rises: `python -m benchmarks.exhaustion.record FILE`.

The file (gzipped JSON Lines) has a line for each program: its kind, the seconds between two readings, and the
readings in kB: anonymous, shared and swapped memory, what the process can't give back.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.exhaustion.programs import programs

EVERY_SECONDS = 0.1
LONGEST_SECONDS = 20.0
TOGETHER = 2


def record(kind: str, source: str) -> dict[str, object]:
    """Run one program and return what its memory did."""
    held: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < LONGEST_SECONDS:
            reading = _held_kb(process.pid)
            if reading:
                held.append(reading)
            time.sleep(EVERY_SECONDS)
        process.kill()
        assert process.stderr is not None
        error = process.stderr.read().decode()[-300:]
    # The last reading may be of a process that is ending.
    return {"kind": kind, "every_seconds": EVERY_SECONDS, "held_kb": held[:-1], "error": error}


def _held_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    wanted = ("RssAnon:", "RssShmem:", "VmSwap:")
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted))


def main(path: str, count: int = 330) -> None:
    """Record `count` programs into a file."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        recorded = list(pool.map(lambda one: record(*one), programs(count=count)))
    with gzip.open(path, "wt", encoding="ascii") as file:
        for one in recorded:
            error = one.pop("error")
            if error:
                sys.stderr.write(f"{one['kind']}: {error}\n")
            file.write(json.dumps(one, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(text) for text in sys.argv[2:3]))
