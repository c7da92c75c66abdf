"""What is said of the part of memory that carries a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak.judgement import Judgement

SHOWN_SHARE = 0.5
"""Share of the rate from which resident memory shows the growth. Chosen: a half."""
NOTABLE_HOLES_MB = 1.0
"""MB of holes worth a word. Chosen: 1 MB."""


def opening_of(judgement: Judgement, since: datetime | None) -> str | None:
    """Return how the summary begins where the rate is that of a part, with `{rate}` and `{threshold}`; else None."""
    measured = judgement.measured
    if measured is Signal.FOOTPRINT:
        return None
    words = measured.words
    sentence = judgement.verdict.row.part_sentence
    if judgement.reason == "held":
        sentence += "; it has paused for {paused:.0f} h"
    return sentence.format(
        who=words,
        Who=words[0].upper() + words[1:],
        grows=measured.verb,
        since=_since(since) if measured is judgement.signal else "",
        rate="{rate}",
        threshold="{threshold}",
        paused=judgement.paused_hours or 0.0,
    )


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


def _since(since: datetime | None) -> str:
    return "" if since is None else f" since {local_time(since)}"
