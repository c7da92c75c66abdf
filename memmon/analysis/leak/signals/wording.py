"""What is said of the part of memory that carries a verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time

if TYPE_CHECKING:
    from memmon.analysis.leak.judgement import Judgement

SHOWN_SHARE = 0.5
"""Share of the rate from which resident memory shows the growth. Chosen: a half."""
NOTABLE_HOLES_MB = 1.0
"""MB of holes worth a word. Chosen: 1 MB."""

_WHILE_WORKING = (
    "Memory leaks with the work done: {who} {grows} by {worked:.2f} MB/hour while it works{since}, at or above the "
    "threshold of {threshold}, on average by {rate}"
)


def opening_of(judgement: Judgement, since: datetime | None) -> str | None:
    """Return how the summary begins where the rate is that of a part, with `{rate}` and `{threshold}`; else None."""
    measured = judgement.measured
    if measured is Signal.FOOTPRINT:
        return None
    words = measured.words
    sentence = judgement.verdict.row.part_sentence
    if judgement.worked_slope is not None:
        sentence = _WHILE_WORKING
    if judgement.reason == "held":
        sentence += "; it {pause}"
    return sentence.format(
        who=words,
        Who=words[0].upper() + words[1:],
        grows=measured.verb,
        since=_since(since) if measured is judgement.signal else "",
        rate="{rate}",
        threshold="{threshold}",
        pause=pause_of(judgement),
        worked=judgement.worked_slope or 0.0,
    )


def pause_of(judgement: Judgement) -> str:
    """Return for how long what is held has paused, and why where the work tells; that it goes on with the work while some is done."""
    hours, pause = f"{judgement.paused_hours or 0.0:.0f} h", judgement.work_pause
    paused = f"has paused for {hours}"
    if pause is None:
        return f"paused for {hours} before it went on" if judgement.went_on else paused
    if pause.none_since_seconds is not None:
        return f"{paused}, because no work was done{_since(_utc(pause.none_since_seconds))}"
    if pause.hardly_any_since_seconds is not None:
        return f"{paused}, because hardly any work was done{_since(_utc(pause.hardly_any_since_seconds))}"
    return f"goes on with the work done, more slowly for {hours}"


def signal_clause(judgement: Judgement, since: datetime | None) -> str:
    """Return which part carries a verdict that has the rate of another, and how fast it grows since when; else nothing."""
    signal, carrier = judgement.signal, judgement.carrier
    if carrier is None or signal is judgement.measured:
        return ""
    return f"{signal.words} {signal.verb} by {carrier.slope:.2f} MB/hour{_since(since)}"


def unseen_clause(judgement: Judgement, *, resident: float | None, holes_mb: float | None) -> str:
    """Return that resident memory does not show growth of a part, and why; empty where it does."""
    if judgement.measured is Signal.FOOTPRINT or resident is None or judgement.verdict is Verdict.STABLE:
        return ""
    if resident >= SHOWN_SHARE * judgement.evidence.slope:
        return ""
    if holes_mb is None or holes_mb < NOTABLE_HOLES_MB:
        return "resident memory does not show it yet"
    return f"resident memory does not show it yet: it fills {holes_mb:,.0f} MB of holes"


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _since(since: datetime | None) -> str:
    return "" if since is None else f" since {local_time(since)}"
