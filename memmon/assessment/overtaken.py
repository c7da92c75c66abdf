"""Whether the limit's date can still come: a run that has ended reaches nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.assessment.freshness import FreshnessState
from memmon.formatting import span

if TYPE_CHECKING:
    from memmon.assessment.assessment import Assessment

_OVER = (FreshnessState.ENDED, FreshnessState.ENDED_BADLY)


def is_overtaken(assessed: Assessment | None) -> bool:
    """Tell whether the forecast's date can't come any more: no process goes on, or the date is past and nothing was heard since."""
    if assessed is None or assessed.forecast is None or assessed.forecast.hours_to_limit is None:
        return False
    is_over = assessed.freshness is not None and assessed.freshness.state in _OVER
    at, now = assessed.forecast.at, assessed.at
    return is_over or (at is not None and now is not None and at < now)


def overtaken_words(assessed: Assessment) -> str:
    """Return what is said of a date that was overtaken, as a clause; empty where none was."""
    if not is_overtaken(assessed) or assessed.forecast is None:
        return ""
    return (
        f"would have been reached about {span(assessed.forecast.hours_to_limit or 0.0)} after the last sample"
    )
