"""How sure memmon's alarms are, and how often they are right: what is counted beside each rate of alarms.

An alarm is right on a history that leaks at the threshold or more. Its interval's lower end is right where the leak is no
slower than that: where the true rate is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.verdicts import Confidence

if TYPE_CHECKING:
    from benchmarks.detection.rivals import Opinion

CONFIDENCES = tuple(str(one) for one in reversed(Confidence))
"""The surest first."""
ROUNDING = 1e-9
"""MB/h that an interval may miss the true rate by. Chosen: below any printed digit."""


def alarms_of(confidence: str) -> str:
    """Return what the alarms of a confidence are counted as, of all histories."""
    return f"alarms of {confidence} confidence"


def lower_ends_of(confidence: str) -> str:
    """Return what the alarms are counted as whose lower end is right, of those of known rate."""
    return f"right lower ends of {confidence} confidence"


def of(opinion: Opinion, true_rate: float | None) -> dict[str, bool]:
    """Return what counts of one opinion, and whether it is a hit; `true_rate` (MB/h): None where nobody knows it."""
    found = {alarms_of(one): opinion.alarm and opinion.confidence == one for one in CONFIDENCES}
    if opinion.alarm and opinion.low is not None and true_rate is not None:
        found[lower_ends_of(opinion.confidence)] = opinion.low <= true_rate + ROUNDING
    return found
