"""The recorded start-ups, read at other speeds and against limits of many heights: how many are told of.

`python -m benchmarks.exhaustion.start_ups` prints the table of docs/how-memmon-judges.md.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from benchmarks.exhaustion.simulated import first_told

FILE = Path(__file__).with_name("start_ups.jsonl.gz")
LIMITS = (1.2, 1.5, 2.0, 4.0)
"""Limits, times the highest level that the program reaches."""
SPEEDS = {
    "their own": (0.1 / 60, 1),
    "50 times": (1 / 6, 2),
    "100 times": (1 / 6, 1),
    "300 times": (1.0, 2),
    "600 times": (1.0, 1),
    "1,000 times": (5.0, 3),
    "3,000 times": (5.0, 1),
}
"""Minutes that a reading is taken to be after the one before, and which of the recorded ones (each 0.1 s) is taken."""


def start_ups() -> list[tuple[str, list[float]]]:
    """Return (kind, MB each 0.1 s) of each recorded start-up."""
    with gzip.open(FILE, "rt", encoding="ascii") as file:
        read = [json.loads(line) for line in file]
    return [(one["kind"], [kb / 1024 for kb in one["held_kb"]]) for one in read]


def told_count(
    curves: list[list[float]], speed: str, *, limit_mb: float | None = None, times: float = 1.0
) -> int:
    """Return of how many start-ups anything is told, against a limit of `limit_mb` or so many times their height."""
    step_minutes, every = SPEEDS[speed]
    return sum(
        first_told(
            [(place * step_minutes, mb) for place, mb in enumerate(curve[::every])],
            limit_mb or times * max(curve),
            every_minutes=step_minutes,
        )
        is not None
        for curve in curves
    )


def main() -> None:
    """Print the table."""
    curves = [curve for _, curve in start_ups()]
    heads = [*(f"{times:g} x its level" for times in LIMITS), "512 MB", "1 GB"]
    print("| speed |", " | ".join(heads), "|")
    for speed in SPEEDS:
        found = [told_count(curves, speed, times=times) for times in LIMITS]
        found += [told_count(curves, speed, limit_mb=mb) for mb in (512.0, 1_024.0)]
        print(f"| {speed} |", " | ".join(f"{count} of {len(curves)}" for count in found), "|")


if __name__ == "__main__":
    main()
