"""How often the guilty part is named first, how well shares and bytes per message are told: simulated days.

``python benchmarks/cause/culprits.py [--repeats 500]``
"""

from __future__ import annotations

import argparse

import numpy as np

from memmon.analysis.cause.attribution import attribute_growth
from memmon.analysis.cause.attribution_finding import AttributionSeries
from memmon.analysis.cause.per_work import WorkSeries, growth_per_work

MB = 2**20
KB = 1024
HOURS = np.arange(0, 24, 1 / 12)
N = HOURS.size


def remembering(rng, scale: float, root: float = 0.95):
    """Noise with a memory (first-order autoregression)."""
    value = np.zeros(N)
    for place in range(1, N):
        value[place] = root * value[place - 1] + rng.normal(0, scale)
    return value


def guilty_first(rng, root: float) -> bool:
    names = [f"part {number}" for number in range(8)]
    guilty = names[rng.integers(8)]
    parts = {}
    for name in names:
        noise = remembering(rng, rng.uniform(0.3, 2.0), root)
        parts[name] = noise - noise.min() + 1 + (rng.uniform(0.8, 12) * HOURS if name == guilty else 0)
    rss = 200 + rng.normal(0, 2, N) + sum(parts.values())
    series = AttributionSeries.from_arrays(HOURS, rss * MB, {name: part * MB for name, part in parts.items()})
    return attribute_growth(series).parts[0].name == guilty


def share_held(rng) -> bool:
    rss = 200 + 10.0 * HOURS + remembering(rng, 1.0) + rng.normal(0, 1, N)
    part = attribute_growth(AttributionSeries.from_arrays(HOURS, rss * MB, {"a": 6.0 * HOURS * MB})).parts[0]
    return part.share_low is not None and part.share_low <= 0.6 <= part.share_high


def per_message(rng, leak_bytes: float, load_bytes: float):
    rate = (
        4000.0 * (1 + 0.7 * np.sin(2 * np.pi * (HOURS - rng.uniform(0, 24)) / 24)) * rng.lognormal(0, 0.3, N)
    )
    done = np.concatenate([[0], np.cumsum(rate[1:] / 12)])
    rss = 200 * MB + leak_bytes * done + load_bytes * rate + remembering(rng, 0.5, 0.9) * MB
    return growth_per_work(WorkSeries.from_arrays(HOURS, rss, done))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=500)
    repeats = parser.parse_args().repeats
    generators = [np.random.default_rng(seed) for seed in range(repeats)]
    print(f"of {repeats} simulated days of 5-minute samples:")
    for root in (0.95, 0.99):
        first = sum(guilty_first(rng, root) for rng in generators)
        print(f"  one guilty of eight, the others noisy (memory {root}): named first {first}")
    print(f"  95 % interval of a share holds the truth: {sum(share_held(rng) for rng in generators)}")
    leaking = [per_message(rng, 12 * KB, 2 * KB) for rng in generators]
    errors = np.array([found.bytes_per_unit / KB - 12 for found in leaking])
    print(
        f"  12 KB per message: within 1 KB {int((np.abs(errors) <= 1).sum())}, called a leak "
        f"{sum(found.is_leak for found in leaking)}, root mean square error {np.sqrt((errors**2).mean()):.2f} KB"
    )
    following = [per_message(rng, 0.0, 20 * KB) for rng in generators]
    print(f"  memory in proportion to the load: called a leak {sum(found.is_leak for found in following)}")


if __name__ == "__main__":
    main()
