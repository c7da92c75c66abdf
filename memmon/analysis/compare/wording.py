"""A comparison in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.analysis.compare.finding import Comparison, ReleaseEstimate

NEARLY_FLAT_SHARE = 0.2
"""Share of the old slope above which the new one still grows, in words. Chosen: a fifth."""


def summary_of(found: Comparison) -> str:
    """Return the comparison in one sentence."""
    before, after = found.before, found.after
    names = f"{after.release} against {before.release}"
    if found.verdict == "cannot_say":
        short = " and ".join(one.release for one in (before, after) if one.run_count == 0) or "both"
        return f"{names}: cannot say, too little history of {short} to compare."
    if found.verdict == "no_difference":
        return (
            f"{names}: no difference (smallest visible: {found.smallest_visible_slope_mb_per_hour:.2f} MB/hour, "
            f"{found.smallest_visible_plateau_mb:.0f} MB of plateau)."
        )
    word = "looks fixed" if found.verdict == "looks_fixed" else "worse"
    return f"{names}: {word}, {_change(found)}."


def _change(found: Comparison) -> str:
    before, after = found.before, found.after
    if found.decided_by == "slope":
        rest = " and still grows" if found.verdict == "looks_fixed" and _still_grows(before, after) else ""
        return (
            f"growth went from {before.slope_mb_per_hour:.2f} to {after.slope_mb_per_hour:.2f} MB/hour{rest}"
        )
    return f"with equal growth the plateau went from {before.plateau_mb:.0f} to {after.plateau_mb:.0f} MB"


def _still_grows(before: ReleaseEstimate, after: ReleaseEstimate) -> bool:
    low, slope, was = after.slope_low_mb_per_hour, after.slope_mb_per_hour, before.slope_mb_per_hour
    return (
        low is not None
        and low > 0
        and slope is not None
        and was is not None
        and slope > NEARLY_FLAT_SHARE * was
    )


def details_of(found: Comparison, *, took_out_day: bool) -> tuple[str, ...]:
    """Return what was compared and how, as sentences."""
    if found.verdict == "cannot_say":
        return ("At least one run of 1.5 hours or more of each release is needed.",)
    sentences = [
        (
            f"Compared over the first {found.compared_hours:.1f} h of {found.before.run_count} and "
            f"{found.after.run_count} runs, without their warm-up."
        ),
    ]
    if took_out_day:
        sentences.append("A daily cycle common to both releases was taken out.")
    if min(found.before.run_count, found.after.run_count) == 1:
        sentences.append(
            "One run shows nothing of how restarts differ: the usual difference of restarts was assumed for the plateau."
        )
    return tuple(sentences)
