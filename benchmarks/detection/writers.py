"""How each table of the benchmark is written, from the data of the pieces that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.detection import budgets, fillings, mended, simulator, sureness, working
from benchmarks.detection.experiments import HORIZONS, NEAR, Rates, episodes
from benchmarks.detection.hourly import MONTH_HOURS, PROCESS_COUNT, HourlyEvidence
from benchmarks.detection.markdown import markdown
from benchmarks.detection.pieces import DELAYS, MISSING, REAL_ADDED, REAL_HOURS, SHAPES, unpacked
from benchmarks.detection.rates import Rate, mean_of_classes, percent, rate
from benchmarks.detection.rivals import RULES
from benchmarks.detection.weeks import changes, transitions

Known = Mapping[str, Any]
"""{piece: its data}."""
BY_LENGTH = [f"{hours:g} h" for hours in HORIZONS]
MOST_TRANSITIONS = 6


def hours_of(values: list[float | None]) -> str:
    """Return `median / 90 %; not within the time` of hours, None where it never was."""
    hours = [np.inf if one is None else one for one in values]
    middle, most = np.quantile(hours, [0.5, 0.9], method="higher")
    return f"{middle:.3g} / {most:.3g}"


def never(values: list[float | None]) -> str:
    return str(Rate(sum(one is None for one in values), len(values)))


def mean_of(rates: Rates, rule: str, hours: float, *, leave_out: tuple[str, ...] = ()) -> str:
    """Return the mean over classes in per cent, with bounds."""
    of = {name: found for (r, h, name), found in rates.items() if r == rule and h == hours}
    kept = {name: found for name, found in of.items() if name not in leave_out}
    return percent(mean_of_classes(kept)) if kept else "-"


def by_rule(piece: str, known: Known, *, leave_out: tuple[str, ...] = ()) -> str:
    """Return means over classes: a row per rule, a column per length of history."""
    rates = unpacked(known[piece])
    rules = [rule for rule in RULES if any(key[0] == rule for key in rates)]
    rows = [
        [rule, *(mean_of(rates, rule, hours, leave_out=leave_out) for hours in HORIZONS)] for rule in rules
    ]
    return markdown(["rule", *BY_LENGTH], rows)


def by_class(piece: str, known: Known, rule: str = "memmon") -> str:
    """Return one rule's rates: a row per class, a column per length of history."""
    rates = unpacked(known[piece])
    names = list(dict.fromkeys(name for (r, _, name) in rates if r == rule))
    rows = [
        [name, *(str(rates.get((rule, hours, name), Rate(0, 0))) for hours in HORIZONS)] for name in names
    ]
    return markdown(["class", *BY_LENGTH], rows)


AT_THRESHOLD = ("linear", *SHAPES, *(f"{near:g} MB/h" for near in NEAR))
"""The pieces whose histories leak at the threshold or more."""
BELOW_THRESHOLD = ("free", "slow")
SURE = (*BELOW_THRESHOLD, *AT_THRESHOLD)
SURE_HOURS = (6.0, 24.0, 72.0)


def right_of(known: Known, confidence: str, hours: float | None = None) -> Rate:
    """Return how many of memmon's alarms of a confidence are on histories that leak at the threshold or more.

    Of one length, or of `SURE_HOURS` together.
    """
    name = sureness.alarms_of(confidence)
    right = _counted(known, AT_THRESHOLD, name, hours).hits
    return Rate(right, right + _counted(known, BELOW_THRESHOLD, name, hours).hits)


def right_lower_ends(known: Known, confidence: str) -> Rate:
    """Return how many lower ends of such alarms are no higher than the true rate, where that is known."""
    return _counted(known, SURE, sureness.lower_ends_of(confidence), None)


def _counted(known: Known, pieces: tuple[str, ...], name: str, hours: float | None) -> Rate:
    chosen = [
        one
        for piece in pieces
        for (told, at, _), one in unpacked(known[piece]).items()
        if told == name and (at == hours if hours is not None else at in SURE_HOURS)
    ]
    return Rate(sum(one.hits for one in chosen), sum(one.count for one in chosen))


def share(one: Rate) -> str:
    """Return a rate in per cent, a dash where there was nothing to count."""
    return str(one) if one.count else "-"


def sure(known: Known) -> str:
    """Return how often alarms of each confidence are right: a row per confidence."""
    rows = []
    for name in sureness.CONFIDENCES:
        each = [right_of(known, name, hours) for hours in SURE_HOURS]
        together, free = right_of(known, name), _counted(known, ("free",), sureness.alarms_of(name), None)
        figures = [share(one) for one in (*each, together, right_lower_ends(known, name), free)]
        rows.append([name, *figures, f"{together.count}"])
    header = [*(f"right at {hours:g} h (%)" for hours in SURE_HOURS), "at these together"]
    return markdown(["confidence", *header, "lower end right", "leak-free histories told so", "alarms"], rows)


def covers(known: Known) -> str:
    rows = [
        [name, f"{h:g} h", str(rate(all_of)), str(rate(told))] for name, h, all_of, told in known["covers"]
    ]
    return markdown(["leak", "history", "interval holds the rate (%)", "of those told as leaks (%)"], rows)


def onsets(piece: str, known: Known) -> str:
    of = dict(known[piece])
    of["all"] = [one for each in of.values() for one in each]
    rows = [
        [
            name,
            str(Rate(sum(one[0] for one in each), len(each))),
            f"{np.median([one[2] for one in each]):.1f}",
            str(Rate(sum(one[1] for one in each), len(each))),
            f"{len(each)}",
        ]
        for name, each in of.items()
        if each
    ]
    return markdown(["background", "onset held (%)", "median width, h", "slope held (%)", "found"], rows)


def programs(known: Known) -> str:
    rows = [
        [name, f"{true:g}", ", ".join(f"{hours:.0f} h {verdict}" for hours, verdict in said)]
        for name, true, said in known["programs"]
    ]
    return markdown(["trace", "true MB/h", "verdict after"], rows)


def background_pieces(name: str) -> tuple[str, ...]:
    return tuple(f"{name}: {hours:g} h, +{added:g}" for hours in REAL_HOURS[name] for added in REAL_ADDED)


def backgrounds(name: str, known: Known) -> str:
    columns = [known[piece] for piece in background_pieces(name)]
    header = [
        f"{hours:g} h, {f'+{added:g} MB/h' if added else 'as recorded'}"
        for hours in REAL_HOURS[name]
        for added in REAL_ADDED
    ]
    rows = [[rule, *(str(rate(column[rule])) for column in columns)] for rule in columns[0]]
    return markdown(["rule", *header], rows)


def curve(piece: str, known: Known) -> str:
    rows = [[f"{at:g}", str(rate(found)), str(rate(false))] for at, found, false in known[piece]]
    return markdown(["threshold, MB/h", "+20 MB/h found (%)", "as recorded: alarms (%)"], rows)


def counters(known: Known) -> str:
    return markdown(["", "one signal", "several"], known["counters"]["together"])


def each_of_counters(known: Known) -> str:
    header = ["recording", "", "one signal: confirmed", "several: confirmed", "one signal: at 24 h"]
    return markdown([*header, "several: at 24 h"], known["counters"]["each"])


def late_counters(known: Known) -> str:
    header = ["a leak of", "thresholds", "one signal: median / 90 %", "several: median / 90 %"]
    return markdown(header, known["counters, late"])


MONTHS = tuple(f"month: {name}" for name in simulator.BACKGROUNDS)


def months(known: Known, leave_out: str = "") -> list[HourlyEvidence]:
    return [
        HourlyEvidence(**one) for name in MONTHS if not name.endswith(leave_out or "-") for one in known[name]
    ]


def false_alarms_a_month(known: Known) -> str:
    """Return confirmed false alarms per 30 process-days, with the bounds of a Poisson mean."""
    counts = [episodes(one.confirmed_hours) for one in months(known)]
    low, high = budgets.poisson_bounds(sum(counts))
    return (
        f"{sum(counts) / len(counts):.3f} ({low / len(counts):.3f}-{high / len(counts):.3f}); "
        f"{sum(counts)} in {len(counts)} process-months"
    )


def false_alarms(known: Known) -> str:
    by_kind = {
        name.removeprefix("month: "): sum(episodes(one["confirmed_hours"]) for one in known[name])
        for name in MONTHS
    }
    noisy = ", ".join(f"{name} {count}" for name, count in by_kind.items() if count)
    return f"Per 30 process-days: {false_alarms_a_month(known)}. By kind: {noisy or 'none'}."


def delays(known: Known) -> str:
    rows = []
    for healthy, of in DELAYS:
        hours = known[f"delay: {healthy:g} h, {of:g}"]
        begins = f"after {healthy:g} healthy hours" if healthy else "with the process"
        rows.append([begins, f"{of:g}", hours_of(hours), never(hours)])
    return markdown(["leak begins", "MB/h", "median / 90 % h", "not within 48 h (%)"], rows)


def shapes_that_fill(known: Known) -> str:
    rows = []
    for name in fillings.ALL:
        said, words = known[f"fills: {name}"], name.replace("_", " ")
        is_restarting = name == fillings.RESTARTING
        hours = fillings.RESTARTING_HOURS if is_restarting else fillings.HOURS
        rows.append([words, f"{hours:g} h", str(Rate(sum(any_of for any_of, _ in said), len(said))), "-"])
        if is_restarting:
            late = Rate(sum(later for _, later in said), len(said))
            rows.append([f"{words}: from the third run on", f"{hours:g} h", str(late), "-"])
    for name in fillings.REGISTERED:
        words = f"{name.replace('_', ' ')}, its container registered"
        rows.append([words, f"{fillings.HOURS:g} h", *map(str, registered(known, name))])
    return markdown(
        ["shape", "watched for", "alarms (%)", "checks while it fills that say `filling` (%)"], rows
    )


def registered(known: Known, name: str) -> tuple[Rate, Rate]:
    """Return how many registered containers of a shape alarmed, and how many checks said `filling` while they filled."""
    said = known[f"fills, registered: {name}"]
    alarms = Rate(sum(is_alarm for is_alarm, _, _ in said), len(said))
    return alarms, Rate(sum(count for _, count, _ in said), sum(of for _, _, of in said))


def per_month(of: list[HourlyEvidence], budget: float | None) -> str:
    """Return the alarms of a thousand such processes in 30 days, with the bounds of a Poisson mean."""
    months = sum(one.watched_hours for one in of) / MONTH_HOURS
    counts = [episodes(one.alarms(budget)) for one in of]
    total, noisy = sum(counts), sum(1 for count in counts if count)
    low, high = budgets.poisson_bounds(total)
    scale = PROCESS_COUNT / max(months, 1e-9)
    return f"{total * scale:.1f} ({low * scale:.1f}-{high * scale:.1f}); {total} in {noisy} of {len(of)}"


def budget_delay(known: Known, healthy_hours: float, budget: float | None) -> str:
    """Return the hours until a leak is an alarm, and how many are none in the time."""
    each = [HourlyEvidence(**one) for of in known[f"budget: {healthy_hours:g} h"].values() for one in of]
    first = [next(iter(one.alarms(budget)), None) for one in each]
    return f"{hours_of(first)}; {never(first)}"


def budget(known: Known) -> str:
    every, noise = months(known), months(known, budgets.FILLS)
    real = {name: known[f"budget: {name}"] for name in budgets.REAL_SETS}
    real = {name: [HourlyEvidence(**one) for one in of] for name, of in real.items() if of != MISSING}
    rows = [
        [
            "none" if budget is None else f"{budget:g}",
            per_month(every, budget),
            per_month(noise, budget),
            *(per_month(of, budget) for of in real.values()),
            budget_delay(known, 0.0, budget),
            budget_delay(known, 72.0, budget),
        ]
        for budget in budgets.BUDGETS
    ]
    header = ["budget", "all kinds", f"without {budgets.FILLS}", *real]
    header += ["delay from a start, median / 90 % h; not within 96 h (%)", "the same after 72 healthy hours"]
    return markdown(header, rows)


def swap(known: Known) -> str:
    rows = [[f"{h:g} h", *(str(rate(one)) for one in rates)] for h, *rates in known["swap"]]
    return markdown(["history", "leaks found (%)", "leaks called calm (%)", "no leak: alarms (%)"], rows)


def pauses(known: Known) -> str:
    rows = [[leak, at, str(rate(told)), str(rate(calm))] for leak, at, told, calm in known["pauses"]]
    return markdown(["leak", "checks in", "say `leaking` (%)", "leaks ever called calm then (%)"], rows)


MENDED = tuple(f"mended: {kind}" for kind in mended.KINDS)


def ended(known: Known) -> str:
    rows = []
    for piece in MENDED:
        found = known[piece]
        hours, called = found["hours"], found["called ended"]
        spans = [hours_of(hours), hours_of(found["worked hours"]), never(hours), f"{len(hours)}"]
        is_paused = ["-", "-"] if called is None else [str(rate(called)), f"{called[1]}"]
        rows.append([piece.removeprefix("mended: "), *spans, *is_paused])
    header = ["leak", "mended: resolved after, median / 90 % h", "of work"]
    header += ["not within a week (%)", "of", "over a weekend: called ended (%)", "of"]
    return markdown(header, rows)


WORKING = tuple(f"work: {kind}" for kind in (*working.KINDS, working.ANY))


def follows_work(known: Known) -> str:
    rows = [[piece.removeprefix("work: "), *(str(rate(pair)) for pair in known[piece])] for piece in WORKING]
    header = ["kind", "checks of 6 to 24 h that said `leaking` (%)"]
    return markdown(
        [*header, f"the same once {working.HEARD_HOURS:g} h of work were done", "at 24 h", "at 48 h"], rows
    )


def deploy(known: Known) -> str:
    rows = [[name, str(rate(pair))] for name, pair in known["deploy"]["free"].items()]
    return markdown(["load on working days", "an alert in the first week (%)"], rows)


def deploy_leaks(known: Known) -> str:
    rows = [[name, hours_of(hours), never(hours)] for name, hours in known["deploy"]["leaks"].items()]
    return markdown(["leak", "median / 90 % h", "not within 48 h (%)"], rows)


def rates(piece: str, known: Known, *, header: list[str]) -> str:
    return markdown(header, [[name, str(rate(pair)), f"{pair[1]}"] for name, pair in known[piece].items()])


APART = tuple(f"apart: bitbrains_vms, +{added:g}" for added in (0.0, 12.0, 20.0))


def apart(known: Known) -> str:
    rows = [
        [name, *(str(rate(pair)) for pair in both), f"{both[1][1]}"] for name, both in known["apart"].items()
    ]
    for piece in APART:
        if known[piece] != MISSING:
            both = known[piece]
            name = piece.removeprefix("apart: ").replace("+0", "as recorded")
            rows.append([name, *(str(rate(pair)) for pair in both), f"{both[1][1]}"])
    return markdown(
        ["from day 10 on", "alarms without the week before (%)", "with it (%)", "of checks"], rows
    )


WORDS = ("words", "words: machines seen", "words: other machines", "words: pods")


def words_of(known: Known, piece: str) -> list[int]:
    """Return the changes of word of each series."""
    if piece == "words":
        return [count for of in known[piece].values() for count in of]
    return [changes(words) for words in known[piece]]


def word_changes(known: Known) -> str:
    rows = [_spread("all simulated", words_of(known, "words"))]
    rows += [_spread(name, counts) for name, counts in known["words"].items() if any(counts)]
    for piece in WORDS[1:]:
        if known[piece] != MISSING:
            most = transitions(known[piece]).most_common(MOST_TRANSITIONS)
            which = ", ".join(f"`{a}` to `{b}` {count}" for (a, b), count in most)
            rows.append(_spread(piece.removeprefix("words: "), words_of(known, piece), which))
    header = ["series", "changes", "of series", "mean", "median", "most", "which"]
    return markdown(header, rows)


def _spread(name: str, counts: list[int], which: str = "") -> list[str]:
    figures = [f"{np.mean(counts):.2f}", f"{np.median(counts):g}", f"{max(counts)}"]
    return [name, f"{sum(counts)}", f"{len(counts)}", *figures, which]


def left_out(known: Known) -> str:
    return "\n\n".join(f"**{title}**\n\n{table}" for title, table in known["left out"])


def speed(known: Known) -> str:
    rows = [
        [name, *(f"{np.median(spent):.1f} / {max(spent):.1f}" for spent in of)]
        for name, of in known["speed"].items()
    ]
    return markdown(["history", *BY_LENGTH], rows)


def signals_ratio(known: Known) -> str:
    """Return how often as long a verdict on several signals takes: in the median, and at most."""
    pairs = zip(known["speed: signals"]["several"], known["speed: signals"]["one"], strict=True)
    ratios = [several / one for several, one in pairs]
    return f"{np.median(ratios):.2f}, at most {max(ratios):.2f} (of {len(ratios)})"


def by_signals(known: Known) -> str:
    rows = [
        [name, f"{np.median(spent):.2f}", f"{max(spent):.2f}"]
        for name, spent in known["speed: signals"].items()
    ]
    return markdown(["signals", "median ms", "most ms"], rows) + (
        f"\n\nSeveral over one, on the same day of the same program: {signals_ratio(known)}."
    )
