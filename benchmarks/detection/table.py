"""The benchmark's tables in Markdown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import budgets, experiments, fillings, left_out, real, simulator, weeks
from benchmarks.detection.counters_table import on_counters
from benchmarks.detection.experiments import FAST, NEAR, SMALL, Plan, Rates
from benchmarks.detection.markdown import markdown
from benchmarks.detection.rates import Rate, mean_of_classes, percent
from benchmarks.detection.rivals import RULES
from memmon.analysis.leak.detect import detect_leak

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER_SHAPES = ("accelerating", "stepwise", "working_hours", "late", "by_events")


def _means(rates: Rates, rule: str, hours: float, *, leave_out: tuple[str, ...] = ()) -> str:
    of = {name: rate for (r, h, name), rate in rates.items() if r == rule and h == hours}
    kept = {name: rate for name, rate in of.items() if name not in leave_out}
    return percent(mean_of_classes(kept)) if kept else "-"


def by_rule(title: str, rates: Rates, horizons: tuple[float, ...], *, leave_out: tuple[str, ...] = ()) -> str:
    """Return means over classes: a row per rule, a column per length of history."""
    rules = [rule for rule in RULES if any(key[0] == rule for key in rates)]
    rows = [
        [rule, *(_means(rates, rule, hours, leave_out=leave_out) for hours in horizons)] for rule in rules
    ]
    return f"### {title}\n\n" + markdown(["rule", *(f"{hours:g} h" for hours in horizons)], rows)


def by_class(title: str, rates: Rates, horizons: tuple[float, ...], rule: str = "memmon") -> str:
    """Return one rule's rates: a row per class, a column per length of history."""
    names = list(dict.fromkeys(name for (r, _, name) in rates if r == rule))
    rows = [
        [name, *(str(rates.get((rule, hours, name), Rate(0, 0))) for hours in horizons)] for name in names
    ]
    return f"### {title}\n\n" + markdown(["class", *(f"{hours:g} h" for hours in horizons)], rows)


def simulated(plan: Plan) -> Iterator[str]:
    """Yield the sections on simulated histories as they are ready."""
    horizons = plan.horizons
    free = experiments.leak_free(plan)
    yield by_rule("False alarms (%), mean over classes", free, horizons, leave_out=("filling_deque",))
    yield by_class("memmon: false alarms (%) per class", free, horizons)
    linear = experiments.leaks(plan, "linear", FAST)
    yield by_rule("Linear leaks of 20 to 50 MB/h found (%), mean over backgrounds", linear, horizons)
    yield by_class("memmon: linear leaks of 20 to 50 MB/h found (%) per background", linear, horizons)
    cover = experiments.coverage(plan)
    yield by_rule("Coverage (%) of the 95 % slope interval, mean over classes", cover, horizons)
    yield by_class("memmon: coverage (%) per class", cover, horizons)
    small = experiments.leaks(plan, "linear", SMALL)
    yield by_rule("Alarms (%) on leaks of half the threshold or less (0.5, 2, 5 MB/h)", small, horizons)
    for shape in OTHER_SHAPES:
        title = f"Leaks found (%), {shape.replace('_', ' ')}, 20 to 50 MB/h"
        yield by_rule(title, experiments.leaks(plan, shape, FAST), horizons)
    for rate in NEAR:
        found = experiments.leaks(plan, "linear", (rate,))
        yield by_rule(f"Linear leaks of {rate:g} MB/h found (%)", found, horizons)
    yield by_class('"Growing" said of trendless AR(1) 0.95 (%)', experiments.trendless(plan), horizons)


def sequential(plan: Plan) -> Iterator[str]:
    """Yield the sections on hourly checks as they are ready."""
    counts = experiments.month(plan)
    flat = [count for of in counts.values() for count in of]
    noisy = {name: of for name, of in counts.items() if any(of)}
    yield (
        f"### Hourly checks: false alarms\n\n{sum(flat)} in {len(flat)} process-months of 30 days: "
        f"{sum(flat) / max(len(flat), 1):.3f} per 30 process-days "
        f"(processes with any: {Rate(sum(1 for c in flat if c), len(flat))} %). By class: {noisy or 'none'}."
    )
    rows = []
    for healthy, label in ((0.0, "with the process"), (72.0, "after 72 healthy hours")):
        for rate in (20.0, 50.0):
            hours = np.array(
                [h for of in experiments.delays(plan, rate, healthy_hours=healthy).values() for h in of]
            )
            middle, late = np.quantile(hours, [0.5, 0.9], method="higher")
            missed = Rate(int(np.isinf(hours).sum()), hours.size)
            rows.append([label, f"{rate:g}", f"{middle:g}", f"{late:g}", str(missed)])
    header = ["leak begins", "MB/h", "median h", "90 % h", "not within 48 h (%)"]
    yield "### Hourly checks: delay to the confirmed alarm\n\n" + markdown(header, rows)
    rows = [[name, str(_filling_alarms(plan, name))] for name in fillings.SHAPES]
    yield "### Hourly checks: shapes that fill, confirmed alarms within 36 h (%)\n\n" + markdown(
        ["shape", "alarms"], rows
    )


def _filling_alarms(plan: Plan, name: str) -> Rate:
    tracks = [fillings.filling_case(name, index, plan.purpose) for index in range(8 * plan.processes)]
    return Rate(sum(bool(experiments.hourly_alarms(track)) for track in tracks), len(tracks))


def on_real_series(*, rivals: bool) -> Iterator[str]:
    """Yield the sections on real series, or the reason why they are missing."""
    folder = real.shared_folder()
    if folder is None:
        yield "### Real series\n\nSkipped: no traces found; point MEMMON_SHARED to their folder."
        return
    rows = []
    for entry, history in real.traces(folder):
        said = ", ".join(f"{h:.0f} h {verdict}" for h, verdict in real.trace_verdicts(history).items())
        rows.append([str(entry["name"]), f"{entry['true_leak_mb_per_hour']:g}", said])
    yield "### Real programs\n\n" + markdown(["trace", "true MB/h", "verdict after"], rows)
    rules = tuple(RULES) if rivals else ("memmon",)
    for name, lengths in (("nezha_pods", (12.0,)), ("bitbrains_vms", (24.0, 72.0, 168.0))):
        series = real.background_series(folder, name)
        columns: list[dict[str, Rate]] = []
        header = ["rule"]
        for hours in lengths:
            cases = list(real.windows(series, hours))
            for added in (0.0, 20.0, 50.0):
                columns.append(real.alarm_rates(cases, added, rules))
                header.append(f"{hours:g} h, {f'+{added:g} MB/h' if added else 'as recorded'}")
        body = [[rule, *(str(column[rule]) for column in columns)] for rule in rules]
        yield f"### Real backgrounds, {name}: alarms (%)\n\n" + markdown(header, body)


def speed(plan: Plan) -> list[str]:
    """Return the CPU time of one verdict: median and slowest of twenty histories of a kind."""
    rows = []
    for name in ("ar_fast", "mixed_service", "warm_up", "restarts"):
        row = [name]
        for hours in plan.horizons:
            spent = []
            for index in range(20):
                history = simulator.background_case(name, hours, 90_000 + index, plan.purpose).history()
                begun = time.process_time()
                detect_leak(history)
                spent.append(1000 * (time.process_time() - begun))
            row.append(f"{np.median(spent):.1f} / {max(spent):.1f}")
        rows.append(row)
    header = ["history", *(f"{hours:g} h" for hours in plan.horizons)]
    return ["### One verdict: CPU ms, median / slowest of 20\n\n" + markdown(header, rows)]


def by_the_hour(plan: Plan, parts: frozenset[str]) -> Iterator[str]:
    """Yield the sections on processes that are looked at every hour."""
    if "sequential" in parts:
        yield from sequential(plan)
    if "budget" in parts:
        yield from budgets.report(plan, real.shared_folder())
    if "weeks" in parts:
        yield from weeks.report(plan, markdown)


def report(plan: Plan, *, parts: frozenset[str], counters: Path | None = None) -> Iterator[str]:
    """Yield the benchmark's sections in Markdown as they are ready; `counters`: the folder of those recordings."""
    yield (
        f"# Detection benchmark: {plan.purpose} seeds\n\n"
        f"Threshold 10 MB/h, samples every 5 minutes, {len(simulator.BACKGROUNDS)} backgrounds that weigh the "
        f"same. {plan.cases} cases per class for memmon, {plan.rival_cases} for the rivals; "
        "per cent with Wilson 95 % bounds. Tuning never saw the evaluation seeds: the purpose is part "
        "of every seed."
    )
    if "simulated" in parts:
        yield from simulated(plan)
    if "real" in parts:
        yield from on_real_series(rivals=plan.rival_cases > 0)
    if "counters" in parts:
        shared = real.shared_folder()
        yield from on_counters(counters or (shared and shared / "counters"))
    yield from by_the_hour(plan, parts)
    if "left_out" in parts:
        shared = real.shared_folder()
        yield from left_out.report(plan.cases, shared, counters or (shared and shared / "counters"))
    if "speed" in parts:
        yield from speed(plan)
