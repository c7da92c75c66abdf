"""How urgent a source is among others, and in which words: what the overview, `memmon fleet` and `memmon watch` show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.assessment.freshness import FreshnessState
from memmon.facts.severity import NEAR_HOURS, Severity
from memmon.facts.urgency import Urgency, place_of
from memmon.facts.verdicts import Verdict
from memmon.formatting import span
from memmon.units import MINUTES_PER_HOUR

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.freshness import Freshness

_REACHED_PERCENT = 100.0
"""By definition: a whole in per cent."""
_OF_THE_LIMIT = frozenset({"limit_use", "pace", "near_limit"})
_FAULTS = frozenset({"deques", "resources", "children"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A source among others.

    `words`: what is urgent about it; `time_words`: when its limit is reached, a dash where nothing is known of that;
    `hours_left`: until its limit, by the forecast or at the present pace; `place`: what to sort by.
    """

    urgency: Urgency
    words: str
    time_words: str
    hours_left: float | None
    place: tuple[object, ...]


def ranked(assessed: Assessment) -> Ranked:
    """Return how urgent a source is, by the first row of the table that holds."""
    urgency, finding, fresh = urgency_of(assessed), assessed.finding, assessed.freshness
    is_over = urgency is Urgency.SILENT
    hours = None if is_over else hours_left(assessed)
    return Ranked(
        urgency=urgency,
        words=_words(urgency, assessed),
        time_words="-" if is_over else _time_words(assessed),
        hours_left=hours,
        place=place_of(
            urgency,
            verdict=finding.verdict,
            confidence=finding.confidence,
            slope_mb_per_hour=finding.slope_mb_per_hour,
            hours_left=hours,
            used_percent=assessed.used_percent,
            last_at=None if fresh is None else fresh.last_at,
            name=assessed.source,
        ),
    )


def urgency_of(assessed: Assessment) -> Urgency:
    """Return the first that holds: a limit that is reached soon, silence, a limit that is near, a leak, a fault.

    Of a silent source only what counted against its limit is worse than its silence. One that ended as somebody meant
    asks for nothing, unless it leaked.
    """
    fresh = assessed.freshness
    reasons = {reason.kind: reason.severity for reason in assessed.severity_reasons}
    if fresh is not None and is_missed(fresh):
        return Urgency.CRITICAL if reasons.get("limit_use") is Severity.CRITICAL else Urgency.SILENT
    if Severity.CRITICAL in reasons.values():
        return Urgency.CRITICAL
    warned = {kind for kind, severity in reasons.items() if severity is Severity.WARNING}
    if warned & _OF_THE_LIMIT or "near_limit" in reasons:
        return Urgency.NEAR_LIMIT
    if assessed.finding.verdict is Verdict.LEAKING:
        return Urgency.LEAKING
    return Urgency.FAULTY if warned & _FAULTS else _of_the_rest(assessed)


def _of_the_rest(assessed: Assessment) -> Urgency:
    """Return what is said where nothing warns."""
    fresh, verdict = assessed.freshness, assessed.finding.verdict
    if fresh is not None and fresh.state is FreshnessState.ENDED:
        return Urgency.ENDED
    if verdict is Verdict.CANNOT_SAY:
        return Urgency.UNKNOWN
    if verdict.row.ends:
        return Urgency.SETTLING
    is_noticed = any(reason.severity is Severity.NOTICE for reason in assessed.severity_reasons)
    return Urgency.GROWING if is_noticed else Urgency.WELL


def is_missed(fresh: Freshness) -> bool:
    """Tell whether a source is missed: it fell silent, ended badly, never spoke, or nobody knows by its clock."""
    return fresh.is_stale or fresh.last_at is None


def unjudged(name: str, fresh: Freshness) -> Ranked:
    """Return the same of a source that was not judged: only whether it is silent is known."""
    urgency = Urgency.SILENT if is_missed(fresh) else Urgency.UNKNOWN
    return Ranked(
        urgency=urgency,
        words=silence_words(fresh) if urgency is Urgency.SILENT else "not judged yet",
        time_words="-",
        hours_left=None,
        place=place_of(
            urgency,
            verdict=Verdict.CANNOT_SAY,
            confidence=None,
            slope_mb_per_hour=None,
            hours_left=None,
            used_percent=None,
            last_at=fresh.last_at,
            name=name,
        ),
    )


def hours_left(assessed: Assessment) -> float | None:
    """Return when the first limit is reached: that of memory, or of what else a process can run out of; None: no date."""
    known = [one.hours_to_limit for one in assessed.growing_resources if one.hours_to_limit is not None]
    memory = _memory_hours(assessed)
    return min([*known, *([] if memory is None else [memory])], default=None)


def _memory_hours(assessed: Assessment) -> float | None:
    percent, forecast, pace = assessed.used_percent, assessed.forecast, assessed.pace
    if percent is not None and percent >= _REACHED_PERCENT:
        return 0.0
    if pace is not None:
        return pace.minutes_to_limit / MINUTES_PER_HOUR
    return forecast.hours_to_limit if forecast is not None and _may_date(assessed) else None


def _may_date(assessed: Assessment) -> bool:
    return assessed.finding.verdict is not Verdict.CANNOT_SAY


def _time_words(assessed: Assessment) -> str:
    """Return when the memory limit is reached, in a word or two."""
    hours, forecast = _memory_hours(assessed), assessed.forecast
    if hours is None:
        return "not in sight" if forecast is not None and forecast.state == "never" else "-"
    if hours <= 0:
        return "reached"
    return span(hours) if assessed.pace is None else f"{span(hours)} at the present pace"


def _words(urgency: Urgency, assessed: Assessment) -> str:
    if urgency in {Urgency.CRITICAL, Urgency.NEAR_LIMIT}:
        return _limit_words(assessed) or urgency.row.words
    if urgency is Urgency.SILENT and assessed.freshness is not None:
        return silence_words(assessed.freshness)
    if urgency is Urgency.FAULTY:
        kinds = [one.kind for one in assessed.severity_reasons if one.severity is Severity.WARNING]
        return _FAULT_WORDS.get(kinds[0], urgency.row.words)
    if urgency is Urgency.SETTLING:
        return "warms up" if assessed.finding.verdict is Verdict.SATURATING else "containers fill"
    return urgency.row.words


_FAULT_WORDS = {
    "deques": "deque at fault",
    "resources": "open files or threads",
    "children": "children not recorded",
}


def _limit_words(assessed: Assessment) -> str:
    """Return how near the limit is: by its date within a day, else by what is used of it."""
    reasons, percent, hours = assessed.severity_reasons, assessed.used_percent, _memory_hours(assessed)
    kinds = {one.kind for one in reasons if one.severity is reasons[0].severity}
    if percent is not None and percent >= _REACHED_PERCENT:
        return "limit reached"
    if hours is not None and hours <= NEAR_HOURS:
        return f"limit in {span(hours)}"
    if "limit_use" in kinds and percent is not None:
        return f"{percent:.0f} % of its limit"
    return next((words for kind, words in _FAULT_WORDS.items() if kind in kinds), "")


def silence_words(fresh: Freshness) -> str:
    """Return how a source that is missed went."""
    if fresh.ahead_until is not None:
        return "clock ahead"
    if fresh.last_at is None:
        return "no sample yet"
    return "ended badly" if fresh.state is FreshnessState.ENDED_BADLY else Urgency.SILENT.row.words
