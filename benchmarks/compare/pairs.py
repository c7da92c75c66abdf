"""Simulated pairs of releases with known truth, and how often `compare_histories` is right.

Run: python benchmarks/compare/pairs.py [pairs] [seed]
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from memmon.analysis.compare.releases import compare_histories
from memmon.history import History
from memmon.units import MIB, SECONDS_PER_HOUR

ORIGIN_SECONDS = 1_767_225_600.0
CHANGES = {
    "equal": (0.0, 0.0),
    "+3 MB/h": (3.0, 0.0),
    "-3 MB/h": (-3.0, 0.0),
    "+50 MB": (0.0, 50.0),
    "-50 MB": (0.0, -50.0),
}


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def program(rng):
    """Return what is the same in both releases: level, warm-up, daily cycle, garbage, noise, scatter of restarts."""
    return {
        "level": log_uniform(rng, 80, 600),
        "warm_mb": log_uniform(rng, 5, 150),
        "warm_hours": log_uniform(rng, 0.1, 2.5),
        "day_mb": log_uniform(rng, 1, 60) if rng.random() < 0.6 else 0.0,
        "day_phase": rng.uniform(0, 24),
        "saw_mb": log_uniform(rng, 2, 60) if rng.random() < 0.5 else 0.0,
        "saw_hours": log_uniform(rng, 0.3, 4),
        "ar_mb": log_uniform(rng, 0.3, 8),
        "ar_root": rng.uniform(0.3, 0.97),
        "scatter_share": log_uniform(rng, 0.001, 0.015),
        "leak": log_uniform(rng, 0.5, 20) if rng.random() < 0.3 else 0.0,
    }


def release(rng, one, *, start_hours, days, run_count, slope, level):
    """Return one release's history: runs of unequal length, one after the other."""
    edges = np.sort(rng.uniform(0.1, 0.9, run_count - 1)) if run_count > 1 else np.array([])
    cuts = np.concatenate([[0.0], edges, [1.0]]) * days * 24
    at, mb, ids, uptime = [], [], [], []
    for number, (begin, end) in enumerate(itertools.pairwise(cuts)):
        hours = np.arange(0, max(end - begin, 0.5), 1 / 12)
        n = hours.size
        wall = start_hours + begin + hours
        shocks = rng.normal(0, one["ar_mb"] * np.sqrt(1 - one["ar_root"] ** 2), n)
        noise = np.empty(n)
        value = rng.normal(0, one["ar_mb"])
        for i in range(n):
            value = one["ar_root"] * value + shocks[i]
            noise[i] = value
        y = one["level"] + level + rng.normal(0, one["scatter_share"] * one["level"])
        y = y + one["warm_mb"] * (1 - np.exp(-hours / one["warm_hours"]))
        y = y + one["day_mb"] * (1 + np.cos(2 * np.pi * (wall - one["day_phase"]) / 24)) / 2
        if one["saw_mb"]:
            y = y + one["saw_mb"] * np.mod(hours / one["saw_hours"] + rng.random(), 1)
        y = y + noise + (one["leak"] + slope) * hours
        at.append(ORIGIN_SECONDS + wall * SECONDS_PER_HOUR)
        mb.append(y)
        ids.append(np.full(n, number))
        uptime.append(hours * SECONDS_PER_HOUR)
    return History.from_arrays(
        at_seconds=np.concatenate(at),
        rss_bytes=np.maximum(np.concatenate(mb), 1) * MIB,
        run_id=np.concatenate(ids),
        uptime_seconds=np.concatenate(uptime),
        source="simulated",
    )


def pair(seed, change, *, least_days=2.0, most_days=7.0, most_runs=4):
    """Return (before, after) of one simulated program; `change` = (MB/h, MB) of the later release."""
    rng = np.random.default_rng([seed, 77])
    one = program(rng)
    slope, level = change
    if slope < 0:
        one["leak"] = max(one["leak"], -slope)
    if level < 0:
        one["level"] += -level
    days = rng.uniform(least_days, most_days, 2)
    counts = rng.integers(1, most_runs + 1, 2)
    before = release(rng, one, start_hours=0.0, days=days[0], run_count=int(counts[0]), slope=0.0, level=0.0)
    after = release(
        rng,
        one,
        start_hours=days[0] * 24 + 1,
        days=days[1],
        run_count=int(counts[1]),
        slope=slope,
        level=level,
    )
    return before, after


def rates(pairs, seed, **lengths):
    """Return, for each change, how many of `pairs` were called a difference, and how many in the right direction."""
    table = {}
    for name, change in CHANGES.items():
        called = right = 0
        for index in range(pairs):
            found = compare_histories(*pair(seed * 100_000 + index, change, **lengths))
            called += found.verdict in {"looks_fixed", "worse"}
            right += found.verdict == ("worse" if sum(change) > 0 else "looks_fixed")
        table[name] = (called, right)
    return table


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for words, lengths in (
        ("2 to 7 days, 1 to 4 runs each", {}),
        ("1 to 2 days, 1 or 2 runs each", {"least_days": 1.0, "most_days": 2.0, "most_runs": 2}),
        ("3 to 7 days, up to 20 runs each", {"least_days": 3.0, "most_runs": 20}),
    ):
        print(words)
        for name, (called, right) in rates(count, seed, **lengths).items():
            print(f"  {name:8}  called {called:4} of {count}, in the right direction {right:4}")
