"""Forecasts of young leaks: level for hours, days or weeks, then a leak, and the limit to come.

    python -m benchmarks.detection.forecast_onsets [--cases 300] [--purpose evaluation|tuning] [--jobs 2]

Every case is a background without a trend of its own, level for 7 hours, 7 days or 21 days, which then leaks 10 to
50 MB/h; the limit is set where the leak's line, from the background's median, arrives 2 to 48 hours after the last
sample. It is judged 4, 6, 10 and 16 hours after the onset, as an operator would be told: the verdict, and the
forecast that continues it. Of those judged leaking it is counted how often the 80 % interval holds the first reading
at the limit; of the others how often `never` is said of a limit that will be reached.

A second table shows warm-ups that level off below their limit: how often a date is given for what never happens.
A third is about 24 hours of leaking history: the 90 % interval and the error of the middle.
"""

from __future__ import annotations

import argparse
import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from benchmarks.detection.forecast_accuracy import covered, one_case, wilson
from benchmarks.detection.simulator import BACKGROUNDS, SLOPE_IS_TRUE, Track, log_uniform, rng_for
from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.leak.detect import detect_leak
from memmon.units import MIB, SECONDS_PER_HOUR

FLAT_HOURS = (7.0, 168.0, 504.0)
AFTER_HOURS = (4.0, 6.0, 10.0, 16.0)
RATES = (10.0, 50.0)
AHEAD_HOURS = (2.0, 48.0)
LATEST_READING_HOURS = 1.0
"""How old the last reading may be at the hour that is judged: readings that stop before belong to an earlier hour."""


def onset_case(flat_hours, after_hours, purpose, index):
    """Return (verdict, forecast, true hours to the first reading at the limit); None if it can't be scored."""
    name = SLOPE_IS_TRUE[index % len(SLOPE_IS_TRUE)]
    rng = rng_for(purpose, f"onset/{name}/{flat_hours:g}", after_hours, index)
    rate, ahead = log_uniform(rng, *RATES), log_uniform(rng, *AHEAD_HOURS)
    end = flat_hours + after_hours
    track = BACKGROUNDS[name](rng, end + 3 * ahead + 6)
    limit_mb = float(np.median(track.mb)) + rate * (after_hours + ahead)
    track.mb = track.mb + rate * np.maximum(track.hours - flat_hours, 0.0)
    return _scored(track, end, limit_mb, level=0.8)


def plateau_case(purpose, index):
    """Return the same of a warm-up that ends below its limit; the truth is infinite."""
    rng = rng_for(purpose, "plateau", 0.0, index)
    tau, rise = log_uniform(rng, 0.5, 12.0), log_uniform(rng, 30.0, 600.0)
    name = SLOPE_IS_TRUE[index % len(SLOPE_IS_TRUE)]
    end = tau * rng.uniform(0.7, 6.0) + 2.0
    track = BACKGROUNDS[name](rng, end + 200.0)
    track.mb = track.mb + rise * (1.0 - np.exp(-track.hours / tau))
    limit_mb = float(track.mb.max()) + rise * log_uniform(rng, 0.08, 1.0)
    return _scored(track, end, limit_mb, level=0.8)


def _scored(track: Track, end_hours, limit_mb, *, level):
    history = track.history()
    cut = history.slice_time(None, float(history.at_seconds[0]) + end_hours * SECONDS_PER_HOUR)
    if len(cut) < 24 or (cut.rss_bytes >= limit_mb * MIB).any():
        return None
    if cut.duration_hours < end_hours - LATEST_READING_HOURS:
        return None  # nobody read what happened since the onset
    touched = np.flatnonzero(history.rss_bytes[len(cut) :] >= limit_mb * MIB)
    hours = (history.uptime_seconds - cut.uptime_seconds[-1]) / SECONDS_PER_HOUR
    # The limit was touched anywhere between two readings.
    truth = (
        float(hours[len(cut) + touched[0] - 1 : len(cut) + touched[0] + 1].mean())
        if touched.size
        else math.inf
    )
    finding = detect_leak(cut)
    return str(finding.verdict), forecast_limit(cut, limit_mb * MIB, level=level, finding=finding), truth


def holds(forecast, truth):
    """Tell whether the interval of a forecast holds the truth; what gives no date holds none."""
    if forecast.hours_to_limit_low is None:
        return False
    return forecast.hours_to_limit_low <= truth <= (forecast.hours_to_limit_high or math.inf)


def cases(function, count, jobs):
    if jobs == 1:
        return [case for case in map(function, range(count)) if case is not None]
    with ProcessPoolExecutor(jobs) as pool:
        return [case for case in pool.map(function, range(count), chunksize=10) if case is not None]


def score_onsets(count, purpose, jobs):
    """Print the table of onsets; return (pooled coverage, worst cell, median error at 6 h, wrong `never`)."""
    print(f"\nleaks that began hours ago, 80 % interval of the time to the limit ({purpose} seeds)")
    print(
        f"{'flat':>7s} {'after':>6s} {'cases':>5s} {'leaking':>8s} {'cover':>6s} {'early':>6s} {'late':>6s} "
        f"{'error':>7s} {'width':>6s} {'others: never':>14s}"
    )
    inside_all, worst, at_six, never_all, other_all = [], 1.0, [], 0, 0
    for flat in FLAT_HOURS:
        for after in AFTER_HOURS:
            found = cases(partial(onset_case, flat, after, purpose), count, jobs)
            leaking = [(forecast, truth) for verdict, forecast, truth in found if verdict == "leaking"]
            others = [forecast for verdict, forecast, truth in found if verdict != "leaking"]
            inside = [holds(forecast, truth) for forecast, truth in leaking]
            early = [truth < (forecast.hours_to_limit_low or math.inf) for forecast, truth in leaking]
            errors = [abs((f.hours_to_limit or 1e3) / truth - 1) for f, truth in leaking]
            widths = [((f.hours_to_limit_high or 1e3) - (f.hours_to_limit_low or 0)) / t for f, t in leaking]
            never = sum(forecast.state == "never" for forecast in others)
            inside_all += inside
            worst = min(worst, float(np.mean(inside)))
            at_six += errors if after == 6.0 else []
            never_all, other_all = never_all + never, other_all + len(others)
            print(
                f"{flat:6g}h {after:5g}h {len(found):5d} {len(leaking):8d} {np.mean(inside):6.2f} {np.mean(early):6.2f} "
                f"{1 - np.mean(inside) - np.mean(early):6.2f} {np.median(errors):7.1%} {np.median(widths):6.2f} "
                f"{never:6d} of {len(others):4d}"
            )
    low, high = wilson(sum(inside_all), len(inside_all))
    print(
        f"pooled: {np.mean(inside_all):.3f} ({low:.3f} to {high:.3f}) of {len(inside_all)}; worst cell {worst:.2f}; "
        f"median error at 6 h {np.median(at_six):.1%}; never of {never_all} of {other_all} others"
    )
    return float(np.mean(inside_all)), worst, float(np.median(at_six)), never_all / max(other_all, 1)


def score_plateaus(count, purpose, jobs):
    """Print and return the share of warm-ups below their limit for which a date is given."""
    found = cases(partial(plateau_case, purpose), count, jobs)
    free = [(verdict, forecast) for verdict, forecast, truth in found if math.isinf(truth)]
    dated = [verdict for verdict, forecast in free if forecast.state == "dated"]
    low, high = wilson(len(dated), len(free))
    print(
        f"\nwarm-ups that level off below the limit: dated {len(dated)} of {len(free)} = {len(dated) / len(free):.2%} "
        f"({low:.2%} to {high:.2%}); verdicts of the dated: {sorted(dated)}"
    )
    return len(dated) / len(free)


def score_day(count, purpose, jobs):
    """Print and return coverage and median error of the time to the limit after 24 h of a leak."""
    found = []
    for name in SLOPE_IS_TRUE:
        each = cases(partial(_day_case, name, purpose), count // len(SLOPE_IS_TRUE), jobs)
        found += each
    inside = [covered(forecast, first) for forecast, first, _ in found]
    errors = [abs((f.hours_to_limit or f.horizon_hours) / first - 1) for f, first, _ in found if first > 0.5]
    given = [
        hit for hit, (forecast, _, _) in zip(inside, found, strict=True) if forecast.state != "cannot_say"
    ]
    low, high = wilson(sum(given), len(given))
    print(
        f"\n24 h of a leak: the 90 % interval holds {np.mean(given):.3f} ({low:.3f} to {high:.3f}) of {len(given)}, "
        f"`never` counted as a miss; of {len(found) - len(given)} others nothing is said; counting these as misses "
        f"too {np.mean(inside):.3f}; median error {np.median(errors):.1%}"
    )
    return float(np.mean(inside)), float(np.median(errors))


def _day_case(name, purpose, index):
    return one_case(name, 24.0, index, purpose)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300, help="per flat time and hour")
    parser.add_argument("--purpose", choices=("evaluation", "tuning"), default="evaluation")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    score_onsets(options.cases, options.purpose, options.jobs)
    score_plateaus(options.cases, options.purpose, options.jobs)
    score_day(options.cases, options.purpose, options.jobs)


if __name__ == "__main__":
    main()
