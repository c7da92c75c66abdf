"""How often each cause of growth is named rightly, in fresh processes, and what a sample costs.

``python benchmarks/cause/causes.py [--repeats 20] [--seed 1]``
"""

from __future__ import annotations

import argparse
import collections
import json
import statistics
import subprocess
import sys
from pathlib import Path

from memmon.analysis.cause.split import split_cause
from memmon.analysis.cause.split_finding import CauseSeries

PROGRAMS = Path(__file__).with_name("programs.py")


def run_program(cause: str, seed: int) -> tuple[CauseSeries, list[float]]:
    """Run one program in a fresh process; return its counters and what each sample cost in seconds."""
    command = [sys.executable, str(PROGRAMS), cause, str(seed)]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    columns = {
        name: [float("nan") if v is None else v for v in column] for name, column in answer["columns"].items()
    }
    return CauseSeries.from_columns(answer["hours"], columns), answer["cost_seconds"]


def main() -> None:
    from programs import EXPECTED

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=EXPECTED)
    options = parser.parse_args()
    right_total = count_total = 0
    costs: list[float] = []
    for cause, expected in EXPECTED.items():
        if options.only and cause != options.only:
            continue
        named: collections.Counter[str] = collections.Counter()
        shares = []
        for seed in range(options.seed, options.seed + options.repeats):
            series, cost_seconds = run_program(cause, seed)
            finding = split_cause(series)
            named[finding.cause] += 1
            shares.append(finding.share_of(expected))
            costs += cost_seconds[1:]
            if finding.cause != expected:
                print(f"  {cause} seed {seed}: {finding.summary}")
        right_total += named[expected]
        count_total += options.repeats
        print(
            f"{cause:16} {named[expected]:3} of {options.repeats} named {expected} "
            f"(share: smallest {min(shares):.2f}, median {statistics.median(shares):.2f}) {dict(named)}"
        )
    print(f"{right_total} of {count_total} named rightly")
    print(
        f"cost of a whole sample: median {statistics.median(costs) * 1e3:.3f} ms, mean {statistics.mean(costs) * 1e3:.3f} ms"
    )


if __name__ == "__main__":
    main()
