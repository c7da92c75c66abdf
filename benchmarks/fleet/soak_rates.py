"""How often the soak gate says what: plateaus of many kinds, and a leak of 0.48 MB/h on them, 24 simulated hours.

python benchmarks/fleet/soak_rates.py [cases per kind]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "detection"))
from simulator import background_case, leak_case

from memmon.analysis.leak.soak import judge_soak

PLATEAUS = (
    "white",
    "heavy_tails",
    "ar_fast",
    "ar_slow",
    "gc_sawtooth",
    "warm_up",
    "cache_fill",
    "steps",
    "bursts",
    "gaps",
)
LEAKY = (
    "white",
    "heavy_tails",
    "ar_fast",
    "ar_slow",
    "gc_sawtooth",
    "warm_up",
    "cache_fill",
    "steps",
    "bursts",
    "gaps",
)
HOURS = 24.0
LEAK_MB_PER_HOUR = 0.48


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for title, kinds, make in (
        ("plateaus", PLATEAUS, lambda kind, index: background_case(kind, HOURS, index, "evaluation")),
        (
            f"leak of {LEAK_MB_PER_HOUR} MB/h",
            LEAKY,
            lambda kind, index: leak_case(kind, "linear", LEAK_MB_PER_HOUR, HOURS, index, "evaluation"),
        ),
    ):
        total: Counter[str] = Counter()
        for kind in kinds:
            found = Counter(judge_soak(make(kind, index).history()).outcome for index in range(count))
            total += found
            print(f"{title:20s} {kind:12s} {dict(found)}", flush=True)
        shares = {name: f"{100 * number / total.total():.2f} %" for name, number in total.items()}
        print(f"{title:20s} {'all':12s} {shares} of {total.total()}\n", flush=True)


if __name__ == "__main__":
    main()
