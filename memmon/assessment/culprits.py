"""What grew, and whose it is: the growth of a window explained; values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memmon.analysis.cause.attribution_finding import Attribution
    from memmon.analysis.cause.split_finding import CauseFinding, CauseSeries
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.present import GrowthReadings

EARLY_GROWTH_BYTES = 5 * MIB
"""Growth from which on a cause is told although no verdict can be given yet. Chosen: less is a start's own noise."""

SMALLEST_SHARE = 0.01
"""Share of the growth from which a part is told. Chosen: a hundredth."""
GUILTY_SHARE = 0.2
"""Share of the growth from which a part is named as what grows. Chosen: a fifth."""
UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """One named part of the growth (or the unexplained rest); `share` of the whole growth, 0 to 1."""

    name: str
    growth_bytes: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprits:
    """Whose the growth is: the parts, most guilty first, with the unexplained rest last, and sentences about them."""

    parts: tuple[Culprit, ...]
    sentences: tuple[str, ...]
    advice: tuple[str, ...] = ()
    """Those of the sentences that say what to do."""


def is_worth_explaining(finding: LeakFinding) -> bool:
    """Tell whether something grew by this verdict, or may have while none can be given yet."""
    return finding.verdict.row.is_explained or finding.verdict is Verdict.CANNOT_SAY


def explain(
    finding: LeakFinding, readings: GrowthReadings | None
) -> tuple[CauseFinding | None, Culprits | None]:
    """Return what the growth of the finding's window consists of, and whose it is; None where nothing can be said.

    Where no verdict can be given yet, growth of 5 MB or more is explained all the same. What did not grow from the
    first to the last sample is not: there is nothing that shares could be told of.
    """
    if readings is None or not is_worth_explaining(finding):
        return None, None
    growth_bytes = growth_of(finding, readings)
    if growth_bytes is not None and growth_bytes <= 0:
        return None, None
    from memmon.analysis.cause.split import split_cause  # most sources do not grow

    cause = split_cause(
        readings.counters,
        growth_bytes=growth_bytes,
        has_files=finding.verdict is Verdict.MAPPED_FILES,
        is_in_use=finding.slope_signal is not Signal.FOOTPRINT,
    )
    is_told = cause.cause != "unknown" and cause.growth_bytes >= EARLY_GROWTH_BYTES
    if finding.verdict is Verdict.CANNOT_SAY and not is_told:
        return None, None
    return cause, culprits_of(readings, growth_bytes=growth_bytes)


def growth_of(finding: LeakFinding, readings: GrowthReadings) -> float | None:
    """Return the growth that all shares are shares of: that of the finding, from its first to its last footprint.

    Where mapped files grew it is that of resident memory, likewise from the first to the last sample. None: not known.
    """
    if finding.verdict is Verdict.MAPPED_FILES:
        return _resident_growth(readings.counters)
    return None if finding.growth_mb is None else finding.growth_mb * MIB


def _resident_growth(runs: Sequence[CauseSeries]) -> float | None:
    """Return the last less the first resident memory, summed over the runs: a restart is no shrinking."""
    known = [rss[np.isfinite(rss)] for rss in (run.rss_bytes for run in runs)]
    grown = [float(rss[-1] - rss[0]) for rss in known if rss.size]
    return sum(grown) if grown else None


def culprits_of(readings: GrowthReadings, *, growth_bytes: float | None = None) -> Culprits | None:
    """Return whose the growth is; None where nothing is registered, or nothing grew clearly.

    `growth_bytes`: how much grew (default: along the line of memory); every share is one of that.
    """
    parts: tuple[Culprit, ...] = ()
    sentences: list[str] = []
    advice: tuple[str, ...] = ()
    if readings.parts:
        from memmon.analysis.cause.attribution import attribute_growth

        found = attribute_growth(readings.parts, growth_bytes=growth_bytes)
        if found.unexplained_share is not None and found.growth_bytes > 0:
            parts = _parts(found)
            advice = tuple(_to_bound(parts, readings))
            sentences = [found.summary, *found.details, *advice]
    from memmon.analysis.cause.per_work import growth_per_work

    worked = growth_per_work(readings.work, growth_bytes=growth_bytes)
    if worked is not None and worked.is_leak:
        sentences.append(worked.summary)
    return Culprits(parts=parts, sentences=tuple(sentences), advice=advice) if sentences else None


def _to_bound(parts: Sequence[Culprit], readings: GrowthReadings) -> Iterator[str]:
    """Yield what to do about the parts that a good part of the growth belongs to."""
    for part in parts:
        if part.share < GUILTY_SHARE or part.name == UNEXPLAINED:
            continue
        if part.name in readings.unbounded_names:
            yield f"Give {part.name} a maxlen, it has none (`memmon deques --suggest` says at what)."
        elif part.name not in readings.bounded_names:
            yield f"Bound or clear {part.name}: it holds what grows."


def _parts(found: Attribution) -> tuple[Culprit, ...]:
    """Return the parts that explain something, most guilty first, and the rest; each of the whole growth."""
    whole = found.growth_bytes
    parts = [
        Culprit(name=part.name, growth_bytes=part.explained_bytes, share=part.explained_bytes / whole)
        for part in found.parts
        if part.explained_bytes >= SMALLEST_SHARE * whole
    ]
    unexplained = min(max(0.0, found.unexplained_bytes), whole)
    rest = Culprit(name=UNEXPLAINED, growth_bytes=unexplained, share=unexplained / whole)
    return (*parts, rest)
