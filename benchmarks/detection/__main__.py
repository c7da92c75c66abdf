"""Run the benchmark: `python -m benchmarks.detection [--full] [--purpose tuning] [--parts ...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from benchmarks.detection.experiments import Plan  # noqa: E402 - after the path, for `python benchmarks/detection`
from benchmarks.detection.table import report  # noqa: E402

PARTS = ("simulated", "real", "counters", "sequential", "budget", "weeks", "left_out", "speed")


def main() -> None:
    """Print the tables; without --full a reduced run of a few minutes."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    options.add_argument("--full", action="store_true", help="the sizes of the published tables")
    options.add_argument("--purpose", choices=("evaluation", "tuning"), default="evaluation")
    options.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options.add_argument("--cases", type=int, help="cases per class, instead of the preset")
    options.add_argument("--rival-cases", type=int, help="of which the rivals judge so many")
    options.add_argument("--processes", type=int, help="processes per class for hourly checks")
    options.add_argument("--counters", type=Path, help="the folder of the recordings with counters")
    chosen = options.parse_args()
    preset = (120, 24, 12) if chosen.full else (9, 3, 1)
    given = (chosen.cases, chosen.rival_cases, chosen.processes)
    cases, rival_cases, processes = (g if g is not None else p for g, p in zip(given, preset, strict=True))
    plan = Plan(chosen.purpose, cases, rival_cases, processes)
    for section in report(plan, parts=frozenset(chosen.parts), counters=chosen.counters):
        print(section, end="\n\n", flush=True)


if __name__ == "__main__":
    main()
