"""Which bound a deque should have: from what arrives, what an item takes, and what room there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.deques.finding import DequeSuggestion
from memmon.facts.deque_state import DequeState
from memmon.formatting import megabytes, span
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.deques.finding import DequeFinding

HEADROOM_SHARE = 0.25
"""So much of the free memory may be given to deques by suggestion, all together. Chosen: a quarter."""

MARGIN = 1.25
"""A suggested bound over what was needed. Chosen: a quarter of reserve."""
SPARE_FACTOR = 2.0
"""A bound this many times the suggestion may be made smaller. Chosen: less is not worth a change."""
LEAST_RATE_HOURS = 1.0
"""Hours of observation from which arrivals are told. Chosen: less is a burst."""
LEAST_OBSERVED_HOURS = 24.0
"""Hours of observation from which less is suggested. Chosen: a day, so that its peak was seen."""
MEANT_FULL_SHARE = 0.95
"""A deque that so many readings of a day found full is a window over the newest items: its bound is meant. Chosen: one in twenty may be of its filling."""
OWN_GROWTH_SHARE = 0.5
"""Part of the source's growth from which it is the deques' own. Chosen: half leads."""
WORTHWHILE_BYTES = 1.0 * MIB
"""Bytes that a smaller bound must save. Chosen: 1 MB."""


def suggest_sizes(
    findings: Sequence[DequeFinding],
    *,
    headroom_bytes: float | None,
    horizon_hours: float = 24.0,
    growth_mb_per_hour: float = 0.0,
) -> tuple[DequeSuggestion, ...]:
    """Suggest a bound for each deque that should have another one, with the reasoning.

    `headroom_bytes`: free memory under the limit (None: unknown; then only what needs no room is
    suggested). `horizon_hours`: how far back a deque should reach. `growth_mb_per_hour`: what the source leaks or
    grows by, 0.0 where it does neither; while that is not the deques' own, nothing is suggested but said why, and
    likewise where the present bound is meant. Raises ValueError when `horizon_hours` is not above zero.
    """
    if not horizon_hours > 0:
        raise ValueError(f"horizon_hours must be above zero, not {horizon_hours!r}")
    wanting = [finding for finding in findings if finding.state in {DequeState.UNBOUNDED, DequeState.FULL}]
    budget_bytes = None
    if headroom_bytes is not None:
        budget_bytes = max(0.0, headroom_bytes) * HEADROOM_SHARE / max(1, len(wanting))
    is_others = growth_mb_per_hour > 0.0 and _own_growth(findings) < OWN_GROWTH_SHARE * growth_mb_per_hour
    made = []
    for finding in findings:
        suggestion = _suggest(finding, budget_bytes, horizon_hours)
        if suggestion is None:
            continue
        why_not = _why_meant(finding) or (_beside_a_leak(finding, growth_mb_per_hour) if is_others else "")
        made.append(_told(finding, None, why_not) if why_not else suggestion)
    return tuple(made)


def _own_growth(findings: Sequence[DequeFinding]) -> float:
    """Return the MB an hour that deques without a bound grow by."""
    return sum(
        mb_from_bytes(one.growth_per_hour * (one.bytes_per_item or 0.0))
        for one in findings
        if one.state is DequeState.UNBOUNDED
    )


def _why_meant(finding: DequeFinding) -> str:
    """Return why a full deque's bound is meant; empty where it is not known to be."""
    if finding.state is not DequeState.FULL:
        return ""
    if finding.expected_maxlen_count == finding.maxlen_count:
        return f"it was registered with this bound of {finding.maxlen_count:,}: that is meant"
    is_always = (finding.full_share or 0.0) >= MEANT_FULL_SHARE
    if is_always and finding.observed_hours >= LEAST_OBSERVED_HOURS:
        return (
            f"it was full all the time for {span(finding.observed_hours)}: it holds the newest "
            f"{finding.maxlen_count:,} items by design"
        )
    return ""


def _beside_a_leak(finding: DequeFinding, growth_mb_per_hour: float) -> str:
    if finding.state is DequeState.UNEXPECTED_MAXLEN:
        return ""
    return (
        f"memory grows by {growth_mb_per_hour:.1f} MB/hour that is not in the deques: what is free now will not be; "
        "find that first"
    )


def _suggest(
    finding: DequeFinding, budget_bytes: float | None, horizon_hours: float
) -> DequeSuggestion | None:
    if finding.state is DequeState.UNEXPECTED_MAXLEN:
        return _told(finding, finding.expected_maxlen_count, "as expected when it was registered")
    if finding.state in {DequeState.UNBOUNDED, DequeState.FULL}:
        return _for_horizon(finding, budget_bytes, horizon_hours)
    if finding.state in {DequeState.OK, DequeState.FILLING}:
        return _smaller(finding)
    return None


def _for_horizon(
    finding: DequeFinding, budget_bytes: float | None, horizon_hours: float
) -> DequeSuggestion | None:
    """Reach back over the horizon at the present arrival rate, as far as the room allows."""
    arrival = finding.arrival_per_hour
    present = finding.maxlen_count
    if finding.observed_hours < LEAST_RATE_HOURS:
        seen = f"it was seen for {span(finding.observed_hours)} only: too short to tell what arrives"
        return _told(finding, None, seen) if present is None else None
    if not arrival:
        return _for_peak(finding, budget_bytes) if present is None else None
    wanted = arrival * horizon_hours
    if present is not None and wanted <= present:
        return None
    why = f"{arrival:,.0f} items/hour arrive; to reach back {span(horizon_hours)}"
    return _within_room(finding, budget_bytes, wanted, why)


def _for_peak(finding: DequeFinding, budget_bytes: float | None) -> DequeSuggestion | None:
    """Hold what it held at most, with a margin, where nothing arrives that a rate could be told from."""
    wanted = MARGIN * (finding.peak_length_count or 0)
    if wanted < 1:
        return _told(finding, None, "no item was seen yet: nothing tells how many it should hold")
    why = f"it held {finding.peak_length_count:,} items at most in {span(finding.observed_hours)}; with a margin"
    return _within_room(finding, budget_bytes, wanted, why)


def _within_room(
    finding: DequeFinding, budget_bytes: float | None, wanted: float, why: str
) -> DequeSuggestion | None:
    """Suggest the wanted number of items, or as many of them as the free memory affords."""
    present, size = finding.maxlen_count, finding.bytes_per_item
    if size is None or budget_bytes is None:
        return _told(finding, _rounded(wanted), f"{why} (what an item takes, or what is free, is not known)")
    added = 0.0 if present is None else float(present)
    affordable = added + budget_bytes / size
    why += f", at {size:,.0f} bytes an item"
    if wanted <= affordable:
        return _told(finding, _rounded(wanted), f"{why}: {megabytes(mb_from_bytes(wanted * size))} MB")
    if present is not None and affordable < MARGIN * present:
        return None
    return _told(
        finding,
        _rounded(affordable, up=False),
        f"{why} would take {megabytes(mb_from_bytes(wanted * size))} MB; its part of the free memory is "
        f"{megabytes(mb_from_bytes(budget_bytes))} MB",
    )


def _smaller(finding: DequeFinding) -> DequeSuggestion | None:
    """Suggest less where most of a large bound was never used."""
    present, peak, size = finding.maxlen_count, finding.peak_length_count, finding.bytes_per_item
    if finding.state is DequeState.FILLING or not present or not peak or size is None:
        return None
    wanted = MARGIN * peak
    is_worthwhile = (present - wanted) * size >= WORTHWHILE_BYTES and present >= SPARE_FACTOR * wanted
    if finding.observed_hours < LEAST_OBSERVED_HOURS or not is_worthwhile:
        return None
    return _told(
        finding,
        _rounded(wanted),
        f"at most {peak:,} of {present:,} were used in {span(finding.observed_hours)}; a full deque would "
        f"take {megabytes(mb_from_bytes(present * size))} MB",
    )


def _told(finding: DequeFinding, maxlen: int | None, reason: str) -> DequeSuggestion:
    return DequeSuggestion(
        name=finding.name, present_maxlen_count=finding.maxlen_count, maxlen_count=maxlen, reason=reason
    )


def _rounded(count: float, *, up: bool = True) -> int:
    """Return a count with two significant digits, at least 1."""
    unit: int = 10 ** max(0, len(str(int(count))) - 2)
    whole = int(count // unit)
    return max(1, (whole + (1 if up and whole * unit < count else 0)) * unit)
