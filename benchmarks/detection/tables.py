"""The benchmark's tables: to which part each belongs, and of which pieces it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.detection import budgets, fillings, writers
from benchmarks.detection.experiments import NEAR
from benchmarks.detection.pieces import CURVES, DELAYS, MISSING, REAL_HOURS, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.writers import Known


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its part of the benchmark, its title, the pieces that it needs, and how it is written of them."""

    part: str
    title: str
    pieces: tuple[str, ...]
    write: Callable[[Known], str]

    def text(self, known: Known) -> str:
        """Return the table under its title, or the reason why it is missing."""
        skipped = all(known[name] == MISSING for name in self.pieces)
        return f"#### {self.title}\n\n" + (
            "Skipped: these recordings are not at hand." if skipped else self.write(known)
        )


def _on(write: Callable[..., str], piece: str, **options: Any) -> Callable[[Known], str]:
    return lambda known: write(piece, known, **options)


def _spoken(shape: str) -> str:
    return {"working_hours": "in working hours", "late": "begun late", "stepwise": "in steps"}.get(
        shape, shape.replace("_", " ")
    )


TABLES: tuple[Table, ...] = (
    Table(
        "simulated",
        "False alarms (%), mean over classes",
        ("free",),
        _on(writers.by_rule, "free", leave_out=("filling_deque",)),
    ),
    Table("simulated", "memmon: false alarms (%) per class", ("free",), _on(writers.by_class, "free")),
    Table(
        "simulated",
        "Linear leaks of 20 to 50 MB/h found (%), mean over backgrounds",
        ("linear",),
        _on(writers.by_rule, "linear"),
    ),
    Table(
        "simulated",
        "memmon: linear leaks of 20 to 50 MB/h found (%) per background",
        ("linear",),
        _on(writers.by_class, "linear"),
    ),
    *(
        Table(
            "simulated",
            f"Leaks of 20 to 50 MB/h found (%), {_spoken(shape)}",
            (shape,),
            _on(writers.by_rule, shape),
        )
        for shape in SHAPES
    ),
    *(
        Table(
            "simulated",
            f"Linear leaks of {near:g} MB/h found (%)",
            (f"{near:g} MB/h",),
            _on(writers.by_rule, f"{near:g} MB/h"),
        )
        for near in NEAR
    ),
    Table(
        "simulated",
        "Alarms (%) on leaks of half the threshold or less (0.5, 2, 5 MB/h)",
        ("slow",),
        _on(writers.by_rule, "slow"),
    ),
    Table(
        "simulated",
        '"Growing" said of trendless AR(1) 0.95 (%)',
        ("trendless",),
        _on(writers.by_class, "trendless"),
    ),
    Table("simulated", "memmon: alarms of each confidence that are right (%)", writers.SURE, writers.sure),
    Table("simulated", "Memory that is swapped out", ("swap",), writers.swap),
    Table(
        "intervals",
        "Coverage (%) of the 95 % slope interval, mean over classes",
        ("coverage",),
        _on(writers.by_rule, "coverage"),
    ),
    Table("intervals", "memmon: coverage (%) per class", ("coverage",), _on(writers.by_class, "coverage")),
    Table("intervals", "Leaks on a warm-up or below a high-water mark", ("covers",), writers.covers),
    *(
        Table(
            "intervals",
            f"Leaks that begin late, history of {hours} h",
            (f"onsets: {hours} h",),
            _on(writers.onsets, f"onsets: {hours} h"),
        )
        for hours in (24, 72)
    ),
    Table("real", "Real programs", ("programs",), writers.programs),
    *(
        Table(
            "real",
            f"Real backgrounds, {name}: alarms (%)",
            writers.background_pieces(name),
            _on(writers.backgrounds, name),
        )
        for name in REAL_HOURS
    ),
    *(
        Table(
            "real",
            f"Found against false, {name}: windows of {hours:g} h, the threshold moved",
            (f"curve: {name}",),
            _on(writers.curve, f"curve: {name}"),
        )
        for name, (hours, _) in CURVES.items()
    ),
    Table("counters", "Programs with counters: one signal and several", ("counters",), writers.counters),
    Table("counters", "Each recording", ("counters",), writers.each_of_counters),
    Table("counters", "Leaks that begin after 12 h", ("counters, late",), writers.late_counters),
    Table("sequential", "False alarms of hourly checks", writers.MONTHS, writers.false_alarms),
    Table(
        "sequential",
        "Delay to the confirmed alarm",
        tuple(f"delay: {h:g} h, {of:g}" for h, of in DELAYS),
        writers.delays,
    ),
    Table(
        "sequential",
        "Shapes that fill: confirmed alarms",
        (
            *(f"fills: {name}" for name in fillings.ALL),
            *(f"fills, registered: {name}" for name in fillings.REGISTERED),
        ),
        writers.shapes_that_fill,
    ),
    Table(
        "budget",
        "Budget: false alarms a month of 1,000 processes, and the delay at 20 MB/h",
        (*writers.MONTHS, "budget: 0 h", "budget: 72 h", *(f"budget: {name}" for name in budgets.REAL_SETS)),
        writers.budget,
    ),
    Table("work", "Programs that count their work", writers.WORKING, writers.follows_work),
    Table("weeks", "Deployed before a weekend, leak-free", ("deploy",), writers.deploy),
    Table("weeks", "The same with a leak of 20 to 50 MB/h", ("deploy",), writers.deploy_leaks),
    Table(
        "weeks",
        "Leaks from 9 to 17 h, Monday to Friday",
        ("office",),
        _on(writers.rates, "office", header=["", "%", "of"]),
    ),
    Table("weeks", "Leaks that pause", ("pauses",), writers.pauses),
    Table("weeks", "Growth that has ended, and growth that only pauses", writers.MENDED, writers.ended),
    Table(
        "weeks",
        "Leaks lost when runs are split every 6 h",
        ("split",),
        _on(writers.rates, "split", header=["history", "lost (%)", "of"]),
    ),
    Table("weeks", "Each hour beside the one a week before", ("apart", *writers.APART), writers.apart),
    Table("weeks", "Changes of word, leak-free", writers.WORDS, writers.word_changes),
    Table("left_out", "Demands chosen anew", ("left out",), writers.left_out),
    Table("speed", "One verdict: CPU ms, median / slowest of 20", ("speed",), writers.speed),
    Table(
        "speed",
        "Several signals: CPU ms of a verdict on a recorded day",
        ("speed: signals",),
        writers.by_signals,
    ),
)
PARTS = tuple(dict.fromkeys(table.part for table in TABLES))
