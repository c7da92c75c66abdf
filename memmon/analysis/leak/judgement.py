"""A verdict, and the evidence that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.signals import Signal

if TYPE_CHECKING:
    from memmon.analysis.leak.evidence import Evidence
    from memmon.facts.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """A verdict with the evidence it rests on.

    `since_hours`: on the run's uptime, when known already; `resident`: the evidence on resident memory, where
    that alone grows; `paused_hours`: for how long what was seen in the act has paused.
    `signal`: the one that carries the verdict, by `carrier` where that is a part of memory;
    `measured`: the one whose rate `evidence` is. `instead_of`: the word of the newest readings, which has not lasted yet.
    """

    verdict: Verdict
    reason: str
    evidence: Evidence
    since_hours: float | None = None
    resident: Evidence | None = None
    paused_hours: float | None = None
    signal: Signal = Signal.FOOTPRINT
    measured: Signal = Signal.FOOTPRINT
    carrier: Evidence | None = None
    instead_of: Verdict | None = None
