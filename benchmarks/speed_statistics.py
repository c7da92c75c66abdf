"""Speed and memory of memmon's robust statistics beside scipy and pymannkendall, in one run.

    python benchmarks/speed_statistics.py [--quick]

CPU time (process_time, best of several for memmon, one for the rivals, after a warm-up of each), the peak that
tracemalloc saw, and whether the results are the same floats. `--quick` leaves out the year and the rivals'
slowest rows.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings

import numpy as np
import pymannkendall
from scipy import stats

from memmon.analysis.robust import hamed_rao, mann_kendall, theil_sen

MONTH_COUNT = 8_640  # 30 days at 5 minutes
YEAR_COUNT = 105_120
SEED = 20_250


def cpu_seconds(call, *, repeat_count):
    best, result = float("inf"), None
    for _ in range(repeat_count):
        start = time.process_time()
        result = call()
        best = min(best, time.process_time() - start)
    return best, result


def peak_mb(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def series(size):
    """Make readings of several kinds: without ties, in pages, in whole MB, of three values, of one."""
    rng = np.random.default_rng(SEED)
    walk = 250.0 + np.cumsum(rng.normal(size=size)) * 0.2
    hours = np.arange(size) / 12
    return {
        "random walk": walk,
        "noise and trend": 250.0 + 0.05 * hours + rng.normal(size=size),
        "pages of 4 KiB": np.round(walk * 256) * 4096.0,
        "whole MB (ties)": np.round(walk),
        "plateau (ties)": np.round(250.0 + 0.4 * rng.normal(size=size)),
        "constant (ties)": np.full(size, 250.0),
    }


def same_line(ours, theirs):
    expected = (theirs.slope, theirs.intercept, theirs.low_slope, theirs.high_slope)
    return (ours.slope, ours.intercept, ours.slope_low, ours.slope_high) == tuple(map(float, expected))


def row(name, ours_s, theirs_s, memory_mb, same):
    ratio = "" if theirs_s is None else f"{theirs_s / ours_s:7.0f} x"
    rival = "" if theirs_s is None else f"{theirs_s * 1e3:10.1f}"
    print(f"| {name:34s} | {ours_s * 1e3:9.2f} | {rival:>10s} | {ratio:>9s} | {memory_mb:8.1f} | {same:5s} |")


def compare_theil_sen(size):
    hours = np.arange(size) / 12
    for kind, values in series(size).items():
        theil_sen(hours, values)
        ours_s, ours = cpu_seconds(lambda v=values: theil_sen(hours, v), repeat_count=7)
        stats.theilslopes(values[:500], hours[:500])
        theirs_s, theirs = cpu_seconds(lambda v=values: stats.theilslopes(v, hours), repeat_count=2)
        memory = peak_mb(lambda v=values: theil_sen(hours, v))
        row(f"Theil-Sen, {kind}", ours_s, theirs_s, memory, str(same_line(ours, theirs)))


def compare_trend_tests(size):
    score = vars(pymannkendall.pymannkendall)["__mk_score"]
    for kind, values in series(size).items():
        mann_kendall(values)
        ours_s, ours = cpu_seconds(lambda v=values: mann_kendall(v), repeat_count=20)
        theirs_s, theirs = cpu_seconds(lambda v=values: score(v, size), repeat_count=3)
        row(
            f"S alone, {kind}",
            ours_s,
            theirs_s,
            peak_mb(lambda v=values: mann_kendall(v)),
            str(ours.s == theirs),
        )
        theirs_s, test = cpu_seconds(lambda v=values: pymannkendall.original_test(v), repeat_count=2)
        row(
            f"Mann-Kendall, {kind}",
            ours_s,
            theirs_s,
            0.0,
            str(ours.s == test.s and ours.variance == test.var_s),
        )
        hamed_rao(values)
        ours_s, ours = cpu_seconds(lambda v=values: hamed_rao(v), repeat_count=7)
        theirs_s, test = cpu_seconds(
            lambda v=values: pymannkendall.hamed_rao_modification_test(v), repeat_count=2
        )
        same = bool(np.isclose(ours.variance, test.var_s, rtol=1e-9) or np.isnan(test.var_s))
        row(f"Hamed-Rao, {kind}", ours_s, theirs_s, peak_mb(lambda v=values: hamed_rao(v)), str(same))


def show_year():
    hours = np.arange(YEAR_COUNT) / 12
    for kind, values in series(YEAR_COUNT).items():
        ours_s, _ = cpu_seconds(lambda v=values: theil_sen(hours, v), repeat_count=3)
        row(f"Theil-Sen, a year, {kind}", ours_s, None, peak_mb(lambda v=values: theil_sen(hours, v)), "")
        ours_s, _ = cpu_seconds(lambda v=values: mann_kendall(v), repeat_count=3)
        row(f"Mann-Kendall, a year, {kind}", ours_s, None, peak_mb(lambda v=values: mann_kendall(v)), "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller month, no year")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    size = 2_000 if quick else MONTH_COUNT
    print(f"{size} samples, then a year of {YEAR_COUNT}; numpy {np.__version__}; CPU in ms, memory in MB\n")
    print(f"| {'what':34s} | {'memmon':>9s} | {'rival':>10s} | {'ratio':>9s} | {'peak MB':>8s} | same  |")
    print("|" + "-" * 36 + "|" + "|".join("-" * width for width in (11, 12, 11, 10, 7)) + "|")
    compare_theil_sen(size)
    compare_trend_tests(size)
    if not quick:
        show_year()


if __name__ == "__main__":
    main()
