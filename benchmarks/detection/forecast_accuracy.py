"""Accuracy of the forecast of the time to a limit, on simulated leaks whose future is known.

    python -m benchmarks.detection.forecast_accuracy [--cases 40] [--purpose evaluation|tuning]

Every background without a trend of its own gets a linear leak of 5 to 50 MB/h; the limit is set where the leak's
line, from the background's median, arrives 0.25 to 2 times the history's length after its end. Two truths are
scored: `first reading`, the moment at which a reading first touches the limit (what kills), and `line`, the moment
of the leak's line itself. Each class weighs equally. Bounds are Wilson's 95 % bounds over all cases.

A second table shows predictive intervals of single readings at fixed hours ahead; a third how often a leak-free
history is said to reach a limit within 24 h that it does not reach.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from benchmarks.detection.simulator import (
    BACKGROUNDS,
    SLOPE_IS_TRUE,
    background_case,
    leak_case,
    log_uniform,
    rng_for,
)
from memmon.analysis.forecast.limit import forecast_limit, forecast_readings
from memmon.units import MIB, SECONDS_PER_HOUR

HISTORY_HOURS = (24.0, 72.0)
LEVEL = 0.9
AHEAD_HOURS = (6.0, 24.0, 72.0)


def wilson(hits, count):
    """Return the 95 % bounds of a share."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return centre - half, centre + half


def one_case(name, history_hours, index, purpose):
    """Return (forecast, true hours to the first reading, true hours of the line), None if it can't be scored."""
    rng = rng_for(purpose, f"forecast/{name}", history_hours, index)
    rate = log_uniform(rng, 5.0, 50.0)
    ahead = history_hours * log_uniform(rng, 0.25, 2.0)
    whole = leak_case(name, "linear", rate, history_hours + 3 * ahead, index, purpose)
    background = whole.mb - rate * whole.hours
    limit_mb = float(np.median(background)) + rate * (history_hours + ahead)
    seen = whole.hours <= history_hours
    if (whole.mb[seen] >= limit_mb).any():
        return None
    history = whole.history()
    cut = history.slice_time(None, float(history.at_seconds[0]) + history_hours * SECONDS_PER_HOUR)
    last_hours = float(cut.uptime_seconds[-1]) / SECONDS_PER_HOUR
    readings = history.rss_bytes[len(cut) :]
    touched = np.flatnonzero(readings >= limit_mb * MIB)
    if not touched.size:
        return None
    hours = history.uptime_seconds / SECONDS_PER_HOUR - last_hours
    first = float(hours[len(cut) + touched[0]])
    # In a gap nobody sees the limit touched: any moment since the reading before is as good.
    earliest = float(hours[len(cut) + touched[0] - 1])
    line = (limit_mb - float(np.median(background))) / rate - last_hours
    forecast = forecast_limit(cut, limit_mb * MIB, level=LEVEL)
    said = forecast.horizon_hours if forecast.hours_to_limit is None else forecast.hours_to_limit
    return forecast, min(max(said, earliest), first) if earliest < said < first else first, line


def covered(forecast, truth):
    low = math.inf if forecast.hours_to_limit_low is None else forecast.hours_to_limit_low
    high = math.inf if forecast.hours_to_limit_high is None else forecast.hours_to_limit_high
    # Readings come every five minutes: the truth is not known more finely.
    return low - 1 / 12 <= truth <= high + 1 / 12


def score(history_hours, case_count, purpose):
    print(
        f"\n{history_hours:g} h of history, {LEVEL:.0%} interval of the time to the limit ({purpose} seeds)"
    )
    print(
        f"{'class':16s} {'cases':>5s} {'cover':>6s} {'cover line':>10s} {'median error':>13s} {'line':>7s} {'width':>6s}"
    )
    rows, hits, total, every_error = [], 0, 0, []
    for name in SLOPE_IS_TRUE:
        found = [one_case(name, history_hours, index, purpose) for index in range(case_count)]
        found = [case for case in found if case is not None]
        inside = [covered(forecast, first) for forecast, first, _ in found]
        inside_line = [covered(forecast, line) for forecast, _, line in found]
        errors = [
            abs((f.hours_to_limit or f.horizon_hours) / first - 1) for f, first, _ in found if first > 0.5
        ]
        every_error += errors
        line_errors = [abs((f.hours_to_limit or f.horizon_hours) / line - 1) for f, _, line in found]
        widths = [
            ((f.hours_to_limit_high or f.horizon_hours) - (f.hours_to_limit_low or f.horizon_hours)) / first
            for f, first, _ in found
            if first > 0.5
        ]
        row = [
            np.mean(inside),
            np.mean(inside_line),
            np.median(errors),
            np.median(line_errors),
            np.median(widths),
        ]
        rows.append(row)
        hits, total = hits + sum(inside), total + len(inside)
        print(
            f"{name:16s} {len(found):5d} {row[0]:6.2f} {row[1]:10.2f} {row[2]:12.1%} {row[3]:7.1%} {row[4]:6.2f}"
        )
    means = np.mean(rows, axis=0)
    medians = np.median(rows, axis=0)
    low, high = wilson(hits, total)
    print(
        f"{'all classes':16s} {total:5d} {means[0]:6.3f} {means[1]:10.3f} mean of medians {means[2]:.1%} "
        f"(line {means[3]:.1%}), of classes {medians[2]:.1%}, of all cases {np.median(every_error):.1%}; "
        f"coverage {low:.3f} to {high:.3f}"
    )


def score_readings(history_hours, case_count, purpose):
    """Print the coverage of predictive intervals of single readings."""
    hits = {hours: [0, 0, []] for hours in AHEAD_HOURS}
    for name in SLOPE_IS_TRUE:
        for index in range(case_count):
            rng = rng_for(purpose, f"readings/{name}", history_hours, index)
            rate = 0.0 if rng.random() < 0.5 else log_uniform(rng, 5.0, 50.0)
            whole = leak_case(name, "linear", rate, history_hours + max(AHEAD_HOURS) + 1, index, purpose)
            history = whole.history()
            cut = history.slice_time(None, float(history.at_seconds[0]) + history_hours * SECONDS_PER_HOUR)
            end = float(cut.uptime_seconds[-1]) / SECONDS_PER_HOUR
            curve = forecast_readings(cut, AHEAD_HOURS, level=LEVEL)
            if curve is None:  # nearly all lost in gaps
                continue
            hours = history.uptime_seconds / SECONDS_PER_HOUR
            for place, ahead in enumerate(AHEAD_HOURS):
                later = int(np.argmin(np.abs(hours - end - ahead)))
                actual = float(history.rss_bytes[later]) / MIB
                tally = hits[ahead]
                tally[0] += curve.low_mb[place] - 0.01 <= actual <= curve.high_mb[place] + 0.01
                tally[1] += 1
                tally[2].append(curve.high_mb[place] - curve.low_mb[place])
    print(f"\n{history_hours:g} h of history, {LEVEL:.0%} interval of a reading ({purpose} seeds)")
    for ahead, (inside, count, widths) in hits.items():
        low, high = wilson(inside, count)
        print(
            f"  {ahead:4g} h ahead: {inside / count:.3f} ({low:.3f} to {high:.3f}), median width {np.median(widths):.0f} MB"
        )


def score_leak_free(history_hours, case_count, purpose):
    """Print how often a leak-free history is said to reach a limit within 24 h that it does not reach in 24 h."""
    print(
        f"\n{history_hours:g} h of leak-free history: the limit said to be within 24 h, wrongly ({purpose} seeds)"
    )
    total = [0, 0]
    for name in (*BACKGROUNDS, "filling_deque"):
        wrong = said = 0
        for index in range(case_count):
            whole = background_case(name, history_hours + 24.0, index, purpose)
            rng = rng_for(purpose, f"headroom/{name}", history_hours, index)
            history = whole.history()
            cut = history.slice_time(None, float(history.at_seconds[0]) + history_hours * SECONDS_PER_HOUR)
            limit_bytes = float(cut.rss_bytes.max()) + log_uniform(rng, 20.0, 1000.0) * MIB
            forecast = forecast_limit(cut, limit_bytes, level=LEVEL)
            near = forecast.hours_to_limit is not None and forecast.hours_to_limit <= 24.0
            same_run = history.run_id == cut.run_id[-1]
            wrong += near and not (history.rss_bytes[same_run] >= limit_bytes).any()
            said += near
        total = [total[0] + wrong, total[1] + case_count]
        print(f"  {name:16s} {wrong:3d} of {case_count} ({said} said)")
    low, high = wilson(*total)
    print(f"  all classes: {total[0] / total[1]:.3%} ({low:.2%} to {high:.2%})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=40, help="per class and length of history")
    parser.add_argument("--purpose", choices=("evaluation", "tuning"), default="evaluation")
    options = parser.parse_args()
    for history_hours in HISTORY_HOURS:
        score(history_hours, options.cases, options.purpose)
    for history_hours in HISTORY_HOURS:
        score_readings(history_hours, options.cases, options.purpose)
    for history_hours in HISTORY_HOURS:
        score_leak_free(history_hours, options.cases, options.purpose)


if __name__ == "__main__":
    main()
