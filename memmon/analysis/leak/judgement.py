"""A verdict, and the evidence that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.signals import Signal

if TYPE_CHECKING:
    from memmon.analysis.leak.evidence import Evidence
    from memmon.facts.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPause:
    """Why a leak pauses that follows the work: since when (seconds since 1970) none was done, or hardly any.

    Both are None while work goes on: then the leak does too, as slowly.
    """

    none_since_seconds: float | None = None
    hardly_any_since_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """A verdict with the evidence it rests on.

    `since_hours`: on the run's uptime, when known already; `resident`: the evidence on resident memory, where
    that alone grows; `paused_hours`: for how long what was seen in the act has paused,
    or did before it went on (`went_on`).
    `signal`: the one that carries the verdict, by `carrier` where that is a part of memory;
    `measured`: the one whose rate `evidence` is. `instead_of`: the word of the newest readings, which has not lasted yet.
    `work_pause`: what of the work resolves what is held, and why it pauses (None: hours do).
    `worked_slope`: MB in an hour at the pace of the work, where that is what reaches the threshold.
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
    work_pause: WorkPause | None = None
    went_on: bool = False
    worked_slope: float | None = None
