"""How the parts of a report read: headlines, titles, deques, shares. Shared by the text and the HTML report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.deque_state import DequeState
from memmon.facts.run_endings import END_WORDS
from memmon.facts.severity import Severity
from memmon.facts.verdicts import Tone, Verdict
from memmon.formatting import HOURS_PER_DAY, HOURS_SHOWN_BELOW_HOURS, in_percent, interval, megabytes, rate

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.assessment import Assessment
    from memmon.report.data import CauseShare, HistorySection, LeakSection, Report, RunRow
    from memmon.report.deque_row import DequeRow

Mood = Tone


def share_words(share: CauseShare) -> str:
    """Return what is known of a part of the growth: its rate or size, and its share."""
    words = []
    if share.slope_mb_per_hour is not None:
        words.append(rate(share.slope_mb_per_hour))
    elif share.growth_mb is not None:
        words.append(f"{'+' if share.growth_mb >= 0 else ''}{megabytes(share.growth_mb)} MB")
    if share.share is not None:
        words.append(f"{in_percent(share.share)} of the growth")
    return ", ".join(words) or "unknown"


def evidence_told(report: Report) -> tuple[tuple[datetime, str], ...]:
    """Return what looks at the objects have found, with the time of each: what grows, and the newest event of the window."""
    event = report.evidence
    told = () if event is None else ((event.at, event.text),)
    grown = None if report.assessment is None else report.assessment.grown
    if grown is None or (event is not None and grown.words in event.text):
        return told
    return ((grown.at, grown.sentence), *told)


def window_title(hours: float | None) -> str:
    """Return the report's title for a window: `24-HOUR MEMORY USAGE REPORT`, in days from two on.

    >>> window_title(24.0), window_title(24 * 7.0)
    ('24-HOUR MEMORY USAGE REPORT', '7-DAY MEMORY USAGE REPORT')
    """
    if hours is None:
        return "MEMORY USAGE REPORT"
    days = hours / HOURS_PER_DAY
    if hours >= HOURS_SHOWN_BELOW_HOURS and abs(days - round(days)) < 0.05:  # noqa: PLR2004 - about an hour
        return f"{round(days)}-DAY MEMORY USAGE REPORT"
    return f"{max(round(hours), 1)}-HOUR MEMORY USAGE REPORT"


def leak_headline(leak: LeakSection) -> tuple[Mood, str]:
    """Return the mood and the headline of the leak section, as the verdict has it."""
    finding = leak.finding
    if finding is None:
        return "wait", "Cannot say yet (the analysis could not run)"
    row = finding.verdict.row
    smallest = rate(finding.smallest_visible_slope_mb_per_hour)
    return row.tone, row.headline.format(confidence=finding.confidence, smallest=smallest)


_MOODS: dict[Severity, Mood] = {
    Severity.OK: "good",
    Severity.NOTICE: "wait",
    Severity.WARNING: "warn",
    Severity.CRITICAL: "bad",
}


def mood_of(assessed: Assessment) -> Mood:
    """Return how a source looks: by its severity; what is silent or can't be judged yet never looks healthy."""
    severity, fresh = assessed.severity, assessed.freshness
    is_missed = fresh is not None and fresh.is_stale
    mood: Mood = "wait" if severity is None else _MOODS[severity]
    is_known = not is_missed and assessed.finding.verdict is not Verdict.CANNOT_SAY
    return mood if is_known or mood != "good" else "wait"


def counted_runs(history: HistorySection) -> str:
    """Return how many runs there were, and what they were: processes side by side, and restarts."""
    restarts = f"{history.restart_count} {'restart' if history.restart_count == 1 else 'restarts'}"
    beside = f"{history.process_count} processes, " if history.process_count > 1 else ""
    return f"{history.run_count} ({beside}{restarts})"


def end_words(run: RunRow) -> str:
    """Return how a run ended; one that goes on is running, and only of one that fell silent no end is known."""
    if run.end_reason is None:
        return "running" if run.is_running else "no end recorded"
    return END_WORDS.get(run.end_reason, run.end_reason)


def fill(row: DequeRow) -> str:
    """Return a deque's fill such as `8234/10000 (82.3% full)`."""
    if row.state is DequeState.DEAD:
        return "gone (the deque no longer exists)"
    if row.length_count is None:
        return "could not be read"
    if row.maxlen_count is None:
        return f"{row.length_count} (no maxlen)"
    percent = 100.0 if row.percent_full is None else row.percent_full
    text = f"{row.length_count}/{row.maxlen_count} ({percent:.1f}% full)"
    if row.state is DequeState.UNEXPECTED_MAXLEN:
        text += f" (expected maxlen {row.expected_maxlen_count})"
    return text


def growth_words(finding: LeakFinding) -> str:
    """Return by how much memory grows as people see it, and what is judged of that where it is a part only."""
    from memmon.assessment.plainly import told_growth  # whoever has a verdict has loaded what this needs

    told = told_growth(finding)[0]
    if told == finding.slope_mb_per_hour:
        return rate(told)
    return f"{rate(told)}, {finding.verdict.row.apart} {rate(finding.slope_mb_per_hour).split()[0]}"


def slope_line(label: str, slope: float | None, low: float | None, high: float | None) -> str:
    """Return the line of one of the two slopes in MB/hour with its 95 % interval; it stands there always."""
    if slope is None:
        return f"  {label}: unknown"
    return f"  {label}: {rate(slope)} (95 %: {interval(low, high)})"


def slope_lines(finding: LeakFinding) -> tuple[str, str]:
    """Return the lines of both slopes: the robust one, and that of least squares."""
    low, high = finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour
    ols_low, ols_high = finding.ols_slope_low_mb_per_hour, finding.ols_slope_high_mb_per_hour
    return (
        slope_line("Robust slope", finding.slope_mb_per_hour, low, high),
        slope_line("Least squares", finding.ols_slope_mb_per_hour, ols_low, ols_high),
    )
