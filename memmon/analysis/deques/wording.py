"""The sentence about a deque."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.facts.deque_state import DequeState
from memmon.formatting import span
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.analysis.deques.finding import DequeFinding


def message_for(finding: DequeFinding) -> DequeFinding:
    """Return the finding with its message."""
    return replace(finding, message=_SENTENCES[finding.state](finding))


def _dead(_: DequeFinding) -> str:
    return "nothing refers to it any more: register the deque that took its place, or unregister the name"


def _unreadable(_: DequeFinding) -> str:
    return "its length can't be read: its getter or __len__ fails"


def _above(finding: DequeFinding) -> str:
    return f"{finding.length_count} items, above its bound of {finding.maxlen_count}"


def _unexpected(finding: DequeFinding) -> str:
    return f"maxlen {finding.maxlen_count}, expected {finding.expected_maxlen_count}"


def _unbounded(finding: DequeFinding) -> str:
    bound = "no maxlen"
    if finding.expected_maxlen_count is not None:
        bound += f", expected {finding.expected_maxlen_count}"
    if finding.growth_per_hour <= 0:
        return f"{bound}; {finding.length_count} items, not growing"
    size = ""
    if finding.bytes_per_item is not None:
        size = f" ({mb_from_bytes(finding.growth_per_hour * finding.bytes_per_item):.2f} MB/hour)"
    return f"{bound}, and it grows by {finding.growth_per_hour:,.0f} items/hour{size}"


def _full(finding: DequeFinding) -> str:
    if finding.drop_per_hour is not None:
        return f"full: drops {finding.drop_per_hour:,.0f} items/hour"
    if finding.arrival_per_hour:
        kept = (finding.maxlen_count or 0) / finding.arrival_per_hour
        return f"full: every new item drops the oldest one; it holds about {span(kept)} of data"
    return "full: every new item drops the oldest one"


def _filling(finding: DequeFinding) -> str:
    when = span(finding.hours_to_full) if finding.hours_to_full is not None else "an unknown time"
    return f"filling by {finding.growth_per_hour:,.0f} items/hour, full in {when}"


def _ok(_: DequeFinding) -> str:
    return "within its bound, not growing"


_SENTENCES: dict[DequeState, Callable[[DequeFinding], str]] = {
    DequeState.DEAD: _dead,
    DequeState.UNREADABLE: _unreadable,
    DequeState.ABOVE: _above,
    DequeState.UNEXPECTED_MAXLEN: _unexpected,
    DequeState.UNBOUNDED: _unbounded,
    DequeState.FULL: _full,
    DequeState.FILLING: _filling,
    DequeState.OK: _ok,
}
