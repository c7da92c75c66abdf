"""A calm word where all memory is too noisy for one, and all that the program uses of it is level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.leak.evidence import whole_evidence
from memmon.analysis.leak.judgement import Judgement
from memmon.analysis.leak.rules import ENOUGH_HOURS
from memmon.analysis.leak.states import judged_alone
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from memmon.analysis.leak.signals.known import Parts

MOST_OTHER_SHARE = 0.5
"""Slope of all memory, over the threshold, beside which what is in use may still speak. Chosen: a half."""


def level_in_use(judgement: Judgement, parts: Parts, threshold_mb_per_hour: float) -> Judgement | None:
    """Return `stable` where all memory is too noisy for a word, while both parts in use and their sum are level; else None.

    Neither part says so alone: each is blind to what the other counts.
    """
    whole = judgement.evidence
    if judgement.reason != "too_noisy" or whole.hours < ENOUGH_HOURS:
        return None
    if whole.slope >= MOST_OTHER_SHARE * threshold_mb_per_hour:
        return None
    found = {}
    for signal in (Signal.HEAP, Signal.BLOCKS, Signal.IN_USE):
        evidence = whole_evidence(parts[signal], threshold_mb_per_hour) if signal in parts else None
        if evidence is None or judged_alone(evidence, threshold_mb_per_hour).verdict is not Verdict.STABLE:
            return None
        found[signal] = evidence
    return Judgement(
        verdict=Verdict.STABLE,
        reason="in_use_level",
        evidence=found[Signal.IN_USE],
        signal=Signal.IN_USE,
        measured=Signal.IN_USE,
    )
