"""The method in plain words, with the numbers that led to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.formatting import interval, rate, span

if TYPE_CHECKING:
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.report.data import LeakSection


def method_sentences(leak: LeakSection) -> list[str]:
    """Return how the verdict came about, one sentence per step."""
    finding = leak.finding
    if finding is None:
        return [
            (
                f"No verdict was computed: {leak.missing_reason or 'no reason was given'}. "
                "The memory and deque figures do not depend on it."
            )
        ]
    return [*_looked_at(finding), *_estimated(leak, finding), *_decided(finding)]


def _looked_at(finding: LeakFinding) -> list[str]:
    runs = finding.window.run_count
    return [
        (
            f"Looked back {span(finding.policy.look_back_hours)} at most and found {finding.sample_count:,} samples over "
            f"{span(finding.duration_hours)} in {runs} {'run' if runs == 1 else 'runs'}; trends are taken within each run, "
            "on its own uptime, never across a restart."
        ),
        (
            f"At least {finding.policy.min_sample_count} samples over {finding.policy.min_duration_hours:g} h are needed "
            "before anything is said."
        ),
    ]


def _estimated(leak: LeakSection, finding: LeakFinding) -> list[str]:
    if finding.slope_mb_per_hour is None:
        return []
    robust = interval(finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour)
    sentences = [
        (
            f"The robust slope is {rate(finding.slope_mb_per_hour)}: the median of the slopes between all pairs of points on "
            "the lower envelope of memory (Theil-Sen), which bursts and single steps don't move."
        ),
        (
            f"With 95 % confidence it lies within {robust} MB/hour; that interval allows for how each "
            "reading resembles the one before."
        ),
    ]
    if finding.ols_slope_mb_per_hour is not None:
        ols = interval(finding.ols_slope_low_mb_per_hour, finding.ols_slope_high_mb_per_hour)
        sentences.append(
            f"Least squares on the raw samples, with Newey-West errors, gives {rate(finding.ols_slope_mb_per_hour)} "
            f"({ols}). {leak.disagreement or ''}"
        )
    return sentences


def _decided(finding: LeakFinding) -> list[str]:
    sentences = [
        (
            f"The threshold is {rate(finding.policy.threshold_mb_per_hour)}. The verdict is “{finding.verdict.words}”: "
            f"{finding.verdict.row.meaning} (decided by: {finding.reason.replace('_', ' ')}; "
            f"confidence: {finding.confidence})."
        )
    ]
    if finding.smallest_visible_slope_mb_per_hour is not None:
        sentences.append(
            f"A growth below {rate(finding.smallest_visible_slope_mb_per_hour)} could have been missed in this history."
        )
    return sentences
