"""What is urgent of many sources: the one order in which every table of sources has them, and its words.

What dies first stands first, then what fell silent, what is near its limit, what leaks; then what only asks for a look,
what nothing can be said of, and last what is well.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.facts.verdicts import Confidence, Tone


class Urgency(StrEnum):
    """What a source asks of its operator, the most urgent first."""

    CRITICAL = "critical"
    SILENT = "silent"
    NEAR_LIMIT = "near_limit"
    LEAKING = "leaking"
    FAULTY = "faulty"
    GROWING = "growing"
    UNKNOWN = "unknown"
    SETTLING = "settling"
    WELL = "well"
    ENDED = "ended"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def rank(self) -> int:
        """Its place, the most urgent first."""
        return tuple(Urgency).index(self)

    @property
    def row(self) -> UrgencyRow:
        """What is known of it."""
        return _row(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgencyRow:
    """`words` of one source; `counted`: behind a number of them; `meaning`: when it holds."""

    words: str
    counted: str
    meaning: str
    tone: Tone


_CRITICAL = UrgencyRow(
    words="critical", counted="critical", meaning="a limit is reached, or will be within a day", tone="bad"
)
_SILENT = UrgencyRow(
    words="silent",
    counted="silent",
    meaning="no sample for three intervals, and not ended as somebody meant",
    tone="bad",
)
_NEAR_LIMIT = UrgencyRow(
    words="near its limit",
    counted="near the limit",
    meaning="much of the limit is used, or it may be reached within a day",
    tone="warn",
)
_LEAKING = UrgencyRow(
    words="leaks", counted="leaking", meaning="memory leaks, and no limit is near", tone="warn"
)
_FAULTY = UrgencyRow(
    words="at fault",
    counted="at fault",
    meaning="a deque, open files, threads or children that nobody records ask for a look",
    tone="warn",
)
_GROWING = UrgencyRow(
    words="grows", counted="growing", meaning="something grows, and is no leak", tone="wait"
)
_UNKNOWN = UrgencyRow(
    words="cannot say yet", counted="not known yet", meaning="no verdict can be given yet", tone="wait"
)
_SETTLING = UrgencyRow(
    words="settles", counted="settling", meaning="it warms up, or containers still fill", tone="wait"
)
_WELL = UrgencyRow(words="well", counted="well", meaning="nothing asks for a look", tone="good")
_ENDED = UrgencyRow(words="ended", counted="ended", meaning="its run ended as somebody meant", tone="wait")


def _row(urgency: Urgency) -> UrgencyRow:  # noqa: C901 -- one line for each, held whole by mypy
    match urgency:
        case Urgency.CRITICAL:
            return _CRITICAL
        case Urgency.SILENT:
            return _SILENT
        case Urgency.NEAR_LIMIT:
            return _NEAR_LIMIT
        case Urgency.LEAKING:
            return _LEAKING
        case Urgency.FAULTY:
            return _FAULTY
        case Urgency.GROWING:
            return _GROWING
        case Urgency.UNKNOWN:
            return _UNKNOWN
        case Urgency.SETTLING:
            return _SETTLING
        case Urgency.WELL:
            return _WELL
        case Urgency.ENDED:
            return _ENDED
        case _:
            assert_never(urgency)


_OF_LIMITS = frozenset({Urgency.CRITICAL, Urgency.NEAR_LIMIT})
_ARE_OVER = frozenset({Urgency.SILENT, Urgency.ENDED})


def place_of(
    urgency: Urgency,
    *,
    verdict: Verdict,
    confidence: Confidence | None,
    slope_mb_per_hour: float | None,
    hours_left: float | None,
    used_percent: float | None,
    last_at: datetime | None,
    name: str,
) -> tuple[object, ...]:
    """Return a key to sort by, the most urgent first.

    Among the same: whose limit is reached first, of those near it who uses most of it; then by the verdict, of what
    grows the more certain and the steeper first; of what is silent or has ended what spoke last. Else by name: a slope that is noise
    and the last sample's moment are others at each look.
    """
    return (
        urgency.rank,
        math.inf if hours_left is None else hours_left,
        -(used_percent or 0.0) if urgency in _OF_LIMITS else 0.0,
        verdict.rank,
        -confidence.rank if confidence is not None and verdict is Verdict.LEAKING else 0,
        -(slope_mb_per_hour or 0.0) if verdict.row.grows else 0.0,
        (math.inf if last_at is None else -last_at.timestamp()) if urgency in _ARE_OVER else 0.0,
        name,
    )


def counted_states(found: Iterable[Urgency | None]) -> str:
    """Return how many sources are of each state, the most urgent first.

    >>> counted_states([Urgency.WELL, Urgency.SILENT, Urgency.WELL])
    '1 silent, 2 well'
    """
    counts = Counter(found)
    return ", ".join(f"{counts[state]:,} {state.row.counted}" for state in Urgency if counts[state])
