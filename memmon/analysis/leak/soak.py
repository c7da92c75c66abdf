"""The soak gate: PASS only where a leak of the size asked for would have been seen and was not.

Silence is no proof: a short or noisy run in which a leak could hide is INCONCLUSIVE.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.finding import LeakPolicy
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.history import History

Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE"]
DETECT_MB_PER_HOUR = 0.25
"""MB/h that a soak must be able to see. Chosen: a leak of 6 MB a day, 2 GB a year."""
KNOWN_SHARE = 0.5
"""Lower end of the slope's 95 % interval, over the slope, that a FAIL needs. Chosen: a rate known to a half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakVerdict:
    """What a soak run proves, and why."""

    outcome: Outcome
    detect_mb_per_hour: float
    """The leak that must not be there."""
    smallest_visible_slope_mb_per_hour: float | None
    """A slower leak than this could have been missed; None: nothing could be said."""
    summary: str
    finding: LeakFinding


def judge_soak(
    history: History, *, detect_mb_per_hour: float = DETECT_MB_PER_HOUR, min_duration_hours: float = 2.0
) -> SoakVerdict:
    """Judge a soak run: FAIL for a leak of `detect_mb_per_hour` or more, PASS where there surely is none.

    PASS is a test of equivalence: the whole 95 % interval of the slope, of the robust and of the
    least-squares line, lies within plus and minus the size asked for (a falling level could hide a leak).
    FAIL needs the verdict on the whole, a rate that is known to a half, and growth that is sure in its
    second half too: a slow warm-up has ended by then. Everything between is INCONCLUSIVE.
    """
    policy = LeakPolicy(
        threshold_mb_per_hour=detect_mb_per_hour,
        min_duration_hours=min_duration_hours,
        look_back_hours=max(history.duration_hours + 1.0, 1.0),
        warm_up_hours=min(1.0, history.duration_hours / 4),
    )
    finding = detect_leak(history, policy)
    visible = _smallest_visible(finding)
    outcome: Outcome = "INCONCLUSIVE"
    if finding.is_leak:
        is_sure = _is_rate_known(finding) and _still_grows(history, policy)
        outcome = "FAIL" if is_sure else "INCONCLUSIVE"
    elif _is_clean(finding, detect_mb_per_hour):
        outcome = "PASS"
    return SoakVerdict(
        outcome=outcome,
        detect_mb_per_hour=detect_mb_per_hour,
        smallest_visible_slope_mb_per_hour=visible,
        summary=_summary(outcome, finding, detect_mb_per_hour, visible),
        finding=finding,
    )


def _is_rate_known(finding: LeakFinding) -> bool:
    slope, low = finding.slope_mb_per_hour, finding.slope_low_mb_per_hour
    return slope is not None and low is not None and low >= KNOWN_SHARE * slope


def _is_clean(finding: LeakFinding, detect_mb_per_hour: float) -> bool:
    if finding.verdict is Verdict.CANNOT_SAY:
        return False
    ends = (
        finding.slope_low_mb_per_hour,
        finding.slope_high_mb_per_hour,
        finding.ols_slope_low_mb_per_hour,
        finding.ols_slope_high_mb_per_hour,
    )
    known = [abs(end) for end in ends if end is not None]
    return finding.slope_high_mb_per_hour is not None and max(known) < detect_mb_per_hour


def _still_grows(history: History, policy: LeakPolicy) -> bool:
    """Tell whether the second half grows by itself, surely."""
    assert history.first_at is not None
    assert history.last_at is not None
    middle = history.first_at + (history.last_at - history.first_at) / 2
    half = detect_leak(history.slice_time(middle, None), replace(policy, min_duration_hours=0.0))
    return half.slope_low_mb_per_hour is not None and half.slope_low_mb_per_hour > 0


def _smallest_visible(finding: LeakFinding) -> float | None:
    """Return the smallest slope that would have stood out: never less than the interval leaves open."""
    known = [
        value
        for value in (finding.smallest_visible_slope_mb_per_hour, finding.slope_high_mb_per_hour)
        if value is not None and value > 0
    ]
    return max(known) if known else None


def _summary(outcome: Outcome, finding: LeakFinding, detect: float, visible: float | None) -> str:
    if outcome == "PASS":
        return f"no leak of {detect:g} MB/hour or more: the slope is at most {visible or 0.0:.2f} MB/hour"
    if outcome == "FAIL":
        return f"leak: {finding.summary}"
    seen = "nothing could be seen" if visible is None else f"a leak below {visible:.2f} MB/hour could hide"
    return f"a leak of {detect:g} MB/hour can't be ruled out ({seen}); soak for longer: {finding.summary}"
