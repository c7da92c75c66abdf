"""The sentences about an attribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.formatting import in_percent, megabytes
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.cause.attribution_finding import AttributedPart
    from memmon.analysis.cause.pooled import PooledSlope

MENTIONED_SHARE = 0.1
"""Share of the growth from which a part is named in the sentence. Chosen: keeps it short."""
MENTIONED_COUNT = 3
"""Parts named in the sentence at most. Chosen: keeps it short."""


def summary_of(
    total: PooledSlope,
    growth_mb: float,
    parts: Sequence[AttributedPart],
    unexplained_share: float | None,
) -> str:
    """Return one sentence: who grew how much, and what remains."""
    if not parts:
        return "Nothing is registered that growth could be attributed to."
    if unexplained_share is None or not math.isfinite(total.error) or growth_mb <= 0:
        return "Memory did not clearly grow: there is nothing to attribute."
    shares = {part.name: mb_from_bytes(part.explained_bytes) / growth_mb for part in parts}
    named = [
        f"{part.name} {in_percent(shares[part.name])}{_interval(part)}"
        for part in parts
        if shares[part.name] >= MENTIONED_SHARE
    ][:MENTIONED_COUNT]
    who = ", ".join(named) if named else "none of what is registered"
    growth = f"Of {megabytes(growth_mb)} MB growth"
    rest = f"unexplained {in_percent(min(1.0, max(0.0, 1.0 - sum(shares.values()))))}."
    return f"{growth}: {who}; {rest}" if named else f"{growth}, {who} explains a tenth; {rest}"


def details_of(parts: Sequence[AttributedPart]) -> tuple[str, ...]:
    """Return what limits the attribution, as sentences."""
    details = []
    told: set[str] = set()
    for part in parts:
        if part.in_step_with and part.name not in told:
            told.update((part.name, *part.in_step_with))
            details.append(
                f"{part.name} and {', '.join(part.in_step_with)} grow in step and claim more than grew: together "
                f"they explain {megabytes(mb_from_bytes(max(0.0, _joint_bytes(part, parts))))} MB, counted once."
            )
    return tuple(details)


def _joint_bytes(part: AttributedPart, parts: Sequence[AttributedPart]) -> float:
    group = {part.name, *part.in_step_with}
    return sum(one.explained_bytes for one in parts if one.name in group)


def _interval(part: AttributedPart) -> str:
    if part.share is None or part.share_low is None or part.share_high is None or part.in_step_with:
        return ""
    low, high = (min(1.0, max(0.0, one)) for one in (part.share_low, part.share_high))
    return f" ({in_percent(low)} to {in_percent(high)})"
