"""The benchmark in short: one line for each question, with what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.detection import fillings, mended, sureness, writers
from benchmarks.detection.markdown import markdown
from benchmarks.detection.pieces import MISSING, SHAPES, unpacked
from benchmarks.detection.rates import Rate, mean_of_classes, rate

if TYPE_CHECKING:
    from benchmarks.detection.experiments import Plan

Known = Mapping[str, Any]
Write = Callable[[Known], str]


def sizes_of(plan: Plan, commit: str) -> str:
    """Return the line that says what a part was measured on."""
    return (
        f"Measured at `{commit}`, {plan.purpose} seeds, {plan.cases} cases a class for memmon, {plan.rival_cases} for the "
        f"rivals, {plan.processes} {'process' if plan.processes == 1 else 'processes'} a class for a month of hourly checks; "
        "per cent with 95 % bounds."
    )


def _figure(found: tuple[float, float, float]) -> str:
    return f"{100 * found[0]:.1f} ({100 * found[1]:.1f}-{100 * found[2]:.1f})"


def _mean(known: Known, piece: str, hours: float, leave_out: str = "") -> str:
    of = {
        name: one
        for (rule, at, name), one in unpacked(known[piece]).items()
        if rule == "memmon" and at == hours and name != leave_out
    }
    return _figure(mean_of_classes(of))


def _means(piece: str, *hours: float, leave_out: str = "") -> Write:
    return lambda known: " / ".join(_mean(known, piece, at, leave_out) for at in hours)


def _class(piece: str, name: str, *hours: float) -> Write:
    return lambda known: " / ".join(str(unpacked(known[piece])["memmon", at, name]) for at in hours)


def _worst(piece: str, hours: float) -> Write:
    def write(known: Known) -> str:
        of = {
            n: one
            for (rule, at, n), one in unpacked(known[piece]).items()
            if rule == "memmon" and at == hours
        }
        name, least = min(of.items(), key=lambda one: one[1].share)
        return f"{least} ({name})"

    return write


def _all_shapes(hours: float) -> Write:
    def write(known: Known) -> str:
        of = {
            (piece, name): one
            for piece in ("linear", *SHAPES)
            for (rule, at, name), one in unpacked(known[piece]).items()
            if rule == "memmon" and at == hours
        }
        return _figure(mean_of_classes(of))

    return write


def _onset(place: int, hours: int) -> Write:
    def write(known: Known) -> str:
        of = known[f"onsets: {hours} h"]
        each = [bool(one[place]) for found in of.values() for one in found]
        worst = min((name for name in of if of[name]), key=lambda name: np.mean([o[place] for o in of[name]]))
        least = [bool(one[place]) for one in of[worst]]
        return f"{Rate(sum(each), len(each))}; worst {Rate(sum(least), len(least))} ({worst})"

    return write


def _covered(kind: str, hours: float) -> Write:
    def write(known: Known) -> str:
        return next(
            str(rate(all_of)) for name, at, all_of, _ in known["covers"] if (name, at) == (kind, hours)
        )

    return write


def _real(name: str, hours: float, *added: float) -> Write:
    return lambda known: " / ".join(
        str(rate(known[f"{name}: {hours:g} h, +{of:g}"]["memmon"])) for of in added
    )


def _counters(label: str) -> Write:
    def write(known: Known) -> str:
        row = next(row for row in known["counters"]["together"] if row[0] == label)
        return f"{row[2]} (by all memory alone {row[1]})"

    return write


def _late_counters(known: Known) -> str:
    return "; ".join(
        f"{kind}, {at} times the threshold: {several}" for kind, at, _, several in known["counters, late"]
    )


def _sure(right: Callable[[Known, str], Rate]) -> Write:
    return lambda known: " / ".join(writers.share(right(known, name)) for name in sureness.CONFIDENCES)


def _delay(healthy: float, of: float) -> Write:
    def write(known: Known) -> str:
        hours = known[f"delay: {healthy:g} h, {of:g}"]
        return f"{writers.hours_of(hours)} h; not within 48 h {writers.never(hours)} %"

    return write


def _filling(name: str) -> Write:
    def write(known: Known) -> str:
        said = known[f"fills: {name}"]
        found = str(Rate(sum(any_of for any_of, _ in said), len(said)))
        late = Rate(sum(later for _, later in said), len(said))
        return found + (f"; from the third run on {late}" if name == fillings.RESTARTING else "")

    return write


def _registered(name: str) -> Write:
    def write(known: Known) -> str:
        alarms, words = writers.registered(known, name)
        return f"{alarms}; checks while it fills that say `filling` {words}"

    return write


def _words(piece: str) -> Write:
    def write(known: Known) -> str:
        counts = writers.words_of(known, piece)
        return f"{np.mean(counts):.2f} ({sum(counts)} in {len(counts)})"

    return write


def _pair(piece: str, name: str) -> Write:
    return lambda known: str(rate(known[piece][name]))


def _deployed(known: Known) -> str:
    return str(rate(known["deploy"]["free"]["deployed on a Friday evening"]))


def _pauses(known: Known) -> str:
    return "; ".join(f"{leak}, {at}: {rate(calm)}" for leak, at, _, calm in known["pauses"])


def _mended(kind: str) -> Write:
    def write(known: Known) -> str:
        found = known[f"mended: {kind}"]
        called = found["called ended"]
        paused = "" if called is None else f"; called ended over a weekend {rate(called)} %"
        return f"{writers.hours_of(found['hours'])} h ({writers.hours_of(found['worked hours'])} of work){paused}"

    return write


def _swap(known: Known) -> str:
    return "; ".join(
        f"{h:g} h: found {rate(found)}, called calm {rate(calm)}, alarms without a leak {rate(free)}"
        for h, found, calm, free in known["swap"]
    )


def _split(known: Known) -> str:
    return "; ".join(f"{hours}: {pair[0]} of {pair[1]}" for hours, pair in known["split"].items())


def _budget(known: Known) -> str:
    every = writers.per_month(writers.months(known), 3.0)
    noise = writers.per_month(writers.months(known, "cache_fill"), 3.0)
    return f"{every}; without caches that fill in a straight line {noise}"


def _speed(known: Known) -> str:
    middles = [[float(np.median(spent)) for spent in of] for of in known["speed"].values()]
    return " / ".join(
        f"{min(m[i] for m in middles):.1f} to {max(m[i] for m in middles):.1f} ms" for i in (1, 3)
    )


ROWS: tuple[tuple[str, tuple[str, ...], Write], ...] = (
    (
        "false alarms, leak-free histories of 6 h / 24 h / 72 h / 7 d",
        ("free",),
        _means("free", 6.0, 24.0, 72.0, 168.0, leave_out="filling_deque"),
    ),
    ("registered deque still filling, 24 h: alarms", ("free",), _class("free", "filling_deque", 24.0)),
    (
        "linear leaks of 20 to 50 MB/h found at 6 h / 24 h / 72 h / 7 d",
        ("linear",),
        _means("linear", 6.0, 24.0, 72.0, 168.0),
    ),
    ("all shapes of leaks found at 24 h", ("linear", *SHAPES), _all_shapes(24.0)),
    ("all shapes of leaks found at 72 h", ("linear", *SHAPES), _all_shapes(72.0)),
    ("accelerating, 6 h / 24 h / 72 h", ("accelerating",), _means("accelerating", 6.0, 24.0, 72.0)),
    ("in steps, 6 h / 24 h / 72 h", ("stepwise",), _means("stepwise", 6.0, 24.0, 72.0)),
    ("by events, 6 h / 24 h / 72 h", ("by_events",), _means("by_events", 6.0, 24.0, 72.0)),
    ("begun late, 24 h / 72 h", ("late",), _means("late", 24.0, 72.0)),
    ("in working hours, 24 h / 72 h", ("working_hours",), _means("working_hours", 24.0, 72.0)),
    ("leaks of 12 MB/h found at 24 h / 72 h / 7 d", ("12 MB/h",), _means("12 MB/h", 24.0, 72.0, 168.0)),
    ("leaks of 15 MB/h found at 24 h / 72 h / 7 d", ("15 MB/h",), _means("15 MB/h", 24.0, 72.0, 168.0)),
    (
        "linear leaks across restarts found at 24 h / 72 h / 7 d",
        ("linear",),
        _class("linear", "restarts", 24.0, 72.0, 168.0),
    ),
    ("alarms on leaks of half the threshold or less, 6 h / 24 h", ("slow",), _means("slow", 6.0, 24.0)),
    ('"growing" said of trendless AR(1) 0.95, 24 h', ("trendless",), _class("trendless", "AR(1) 0.95", 24.0)),
    (
        "alarms of high / medium / low confidence that are right, 6 to 72 h",
        writers.SURE,
        _sure(writers.right_of),
    ),
    (
        "the same: the rate's lower end is right, where the rate is known",
        writers.SURE,
        _sure(writers.right_lower_ends),
    ),
    ("swapped out: leaks and leak-free", ("swap",), _swap),
    ("slope interval at 24 h, all classes", ("coverage",), _means("coverage", 24.0)),
    ("slope interval at 24 h, worst class", ("coverage",), _worst("coverage", 24.0)),
    ("slope interval of leaks that begin late, 24 h", ("onsets: 24 h",), _onset(1, 24)),
    ("slope interval of leaks that begin late, 72 h", ("onsets: 72 h",), _onset(1, 72)),
    ("slope interval of leaks on a warm-up, 24 h", ("covers",), _covered("on a warm-up", 24.0)),
    (
        "slope interval of leaks below a high-water mark, 24 h",
        ("covers",),
        _covered("below a high-water mark", 24.0),
    ),
    ("onset interval of leaks that begin late, 24 h", ("onsets: 24 h",), _onset(0, 24)),
    ("onset interval of leaks that begin late, 72 h", ("onsets: 72 h",), _onset(0, 72)),
    (
        "Nezha pods, 12 h: as recorded / +20 / +50 MB/h",
        ("nezha_pods: 12 h, +0", "nezha_pods: 12 h, +20", "nezha_pods: 12 h, +50"),
        _real("nezha_pods", 12.0, 0.0, 20.0, 50.0),
    ),
    (
        "Bitbrains machines, 24 h: as recorded / +20 / +50 MB/h",
        ("bitbrains_vms: 24 h, +0", "bitbrains_vms: 24 h, +20", "bitbrains_vms: 24 h, +50"),
        _real("bitbrains_vms", 24.0, 0.0, 20.0, 50.0),
    ),
    *(
        (f"programs with counters: {label}", ("counters",), _counters(label))
        for label in (
            "alarms on programs without a leak",
            "alarms where garbage makes teeth",
            "confirmed by 4 h",
            "confirmed by 6 h",
            "confirmed by 12 h",
            "delay, median / 90 %",
            "1.25 times the threshold, confirmed by 24 h",
            "checks of 4 to 24 h on steady leaks that said a calm word",
            "a calm word by 24 h without a leak",
            "follows counted work: alarms in checks from 6 h on",
        )
    ),
    ("programs with counters: leaks added at 12 h, median / 90 %", ("counters, late",), _late_counters),
    ("hourly checks: false alarms per 30 process-days", writers.MONTHS, writers.false_alarms_a_month),
    ("delay at 20 MB/h from a start, median / 90 %", ("delay: 0 h, 20",), _delay(0.0, 20.0)),
    ("delay at 50 MB/h from a start, median / 90 %", ("delay: 0 h, 50",), _delay(0.0, 50.0)),
    ("delay at 20 MB/h in a healthy process, median / 90 %", ("delay: 72 h, 20",), _delay(72.0, 20.0)),
    ("delay at 50 MB/h in a healthy process, median / 90 %", ("delay: 72 h, 50",), _delay(72.0, 50.0)),
    *(
        (f"shapes that fill, alarms: {name.replace('_', ' ')}", (f"fills: {name}",), _filling(name))
        for name in fillings.ALL
    ),
    *(
        (
            f"the same, its container registered: {name.replace('_', ' ')}",
            (f"fills, registered: {name}",),
            _registered(name),
        )
        for name in fillings.REGISTERED
    ),
    ("a budget of 3 a month for 1,000 processes: false alarms a month", writers.MONTHS, _budget),
    (
        "the same: delay at 20 MB/h from a start, median / 90 %; not within 96 h",
        ("budget: 0 h",),
        lambda known: writers.budget_delay(known, 0.0, 3.0),
    ),
    ("deployed on a Friday evening, leak-free: an alert in the first week", ("deploy",), _deployed),
    (
        "leaks from 9 to 17 h, Monday to Friday: heard in the act",
        ("office",),
        _pair("office", "heard in the act"),
    ),
    ("the same: `leaking` at 24 h", ("office",), _pair("office", "`leaking` at 24 h")),
    (
        "the same: never `stable`, days 10 to 14",
        ("office",),
        _pair("office", "never `stable`, days 10 to 14"),
    ),
    ("leaks ever called calm while they pause", ("pauses",), _pauses),
    *(
        (
            f"a leak {kind}, mended while it runs: resolved after, median / 90 %",
            (f"mended: {kind}",),
            _mended(kind),
        )
        for kind in mended.KINDS
    ),
    (
        "leaks that follow counted work: checks of 6 to 24 h that say `leaking`, from 5 h of work on",
        ("work: leaks with the work",),
        lambda known: str(rate(known["work: leaks with the work"][1])),
    ),
    (
        "caches that fill with counted work, straight: the same",
        ("work: a cache, straight with the work",),
        lambda known: str(rate(known["work: a cache, straight with the work"][1])),
    ),
    ("leaks lost when runs are split every 6 h", ("split",), _split),
    ("changes of word a week, leak-free, simulated", ("words",), _words("words")),
    (
        "changes of word a week, Bitbrains, 40 weeks that constants were chosen on",
        ("words: machines seen",),
        _words("words: machines seen"),
    ),
    (
        "changes of word a week, Bitbrains, every fourth other week",
        ("words: other machines",),
        _words("words: other machines"),
    ),
    ("changes of word in 12 to 20 h, Nezha", ("words: pods",), _words("words: pods")),
    ("CPU of a verdict on 24 h / 7 d of history, medians of four kinds", ("speed",), _speed),
    ("CPU of several signals over one, a recorded day", ("speed: signals",), writers.signals_ratio),
)
"""(question, the pieces that answer it, how)."""


def table(known: Known) -> str:
    """Return the table; what needs recordings that are not at hand says so."""
    rows = [
        [question, "not at hand" if any(known[name] == MISSING for name in names) else write(known)]
        for question, names, write in ROWS
    ]
    return markdown(["", "found"], rows)
