"""A comparison in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.compare.runs import FEWEST_BLOCKS, SHORTEST_COMPARED_HOURS, WARM_UP_HOURS
from memmon.formatting import counted

if TYPE_CHECKING:
    from memmon.analysis.compare.finding import Comparison, ReleaseEstimate

NEARLY_FLAT_SHARE = 0.2
"""Share of the old slope above which the new one still grows, in words. Chosen: a fifth."""

MOST_LISTED = 6
"""Runs whose lengths are told one by one. Chosen: what fits a line."""


def summary_of(found: Comparison) -> str:
    """Return the comparison in one sentence."""
    before, after = found.before, found.after
    names = f"{after.release} against {before.release}"
    if found.verdict == "cannot_say":
        short = " and ".join(one.release for one in (before, after) if one.used_run_count == 0) or "both"
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
    return f"with equal growth the plateau went from {before.plateau_mb:,.0f} to {after.plateau_mb:,.0f} MB"


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
    left_out = (
        f"Without the first hour of each run: {_hours_of(found.before)} of {found.before.release}, "
        f"{_hours_of(found.after)} of {found.after.release}."
    )
    if found.verdict == "cannot_say":
        return (left_out, *_lacking(found), *_what_is_known(found))
    sentences = [
        (
            f"Compared over the first {found.compared_hours:.1f} h of {counted(found.before.used_run_count, 'run')} and "
            f"{counted(found.after.used_run_count, 'run')}."
        ),
        left_out,
    ]
    if took_out_day:
        sentences.append("A daily cycle common to both releases was taken out.")
    if min(found.before.used_run_count, found.after.used_run_count) == 1:
        sentences.append(
            "One run shows nothing of how restarts differ: the usual difference of restarts was assumed for the plateau."
        )
    return tuple(sentences)


def _lacking(found: Comparison) -> tuple[str, ...]:
    """Say what a run needs to be compared, and how long the longest one of each release is that has none."""
    need = WARM_UP_HOURS + SHORTEST_COMPARED_HOURS
    longest = [
        f"the longest of {one.release} has {WARM_UP_HOURS + max(one.run_hours, default=0.0):.1f}"
        for one in (found.before, found.after)
        if one.used_run_count == 0 and max(one.run_hours, default=0.0) < SHORTEST_COMPARED_HOURS
    ]
    known = (
        f"; {' and '.join(longest)}" if longest else f", and {FEWEST_BLOCKS} quarters of an hour with samples"
    )
    return (f"A run is compared from {need:.1f} hours on, its start included{known}.",)


def _what_is_known(found: Comparison) -> tuple[str, ...]:
    """Say what a release does by itself, where the other has nothing to compare it with."""
    return tuple(
        f"{one.release} by itself: {one.slope_mb_per_hour:.2f} MB/hour."
        for one in (found.before, found.after)
        if one.slope_mb_per_hour is not None
    )


def _hours_of(one: ReleaseEstimate) -> str:
    if not one.run_hours:
        return "0 h"
    if len(one.run_hours) > MOST_LISTED:
        return f"{one.hours:.1f} h in {len(one.run_hours)} runs"
    return " + ".join(f"{hours:.1f}" for hours in one.run_hours) + " h"
