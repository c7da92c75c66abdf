"""How values read: times, spans, sizes, verdicts. Shared by the text and the HTML report; stdlib only."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from memmon.facts.deque_state import DequeState
from memmon.facts.verdicts import Tone
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from memmon.report.data import CauseShare, LeakSection
    from memmon.report.deque_row import DequeRow

Mood = Tone

MB_PER_GB = 1024.0
HOURS_PER_DAY = 24.0
_MINUTES_SHOWN_BELOW_HOURS = 2.0
_HOURS_SHOWN_BELOW_HOURS = 48.0
_UNSHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shown(text: str) -> str:
    r"""Return `text` safe to print: control, bidi and other invisible characters as escapes.

    >>> shown("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _UNSHOWN_CATEGORIES
        else char
        for char in text
    )


def local_time(at: datetime, *, tz: tzinfo | None = None) -> str:
    """Return `at` (aware) as local time with its UTC offset, to the minute; `tz` instead of local.

    >>> from datetime import UTC, datetime
    >>> local_time(datetime(2026, 3, 1, 12, 5, tzinfo=UTC), tz=UTC)
    '2026-03-01 12:05 +00:00'
    """
    text = at.astimezone(tz).isoformat(sep=" ", timespec="minutes")
    return f"{text[:16]} {text[16:]}"


def span(hours: float) -> str:
    """Return a length of time in the unit that reads best.

    >>> span(0.5), span(26.0), span(73.0)
    ('30 min', '26.0 h', '3.0 d')
    """
    if hours < _MINUTES_SHOWN_BELOW_HOURS:
        return f"{hours * 60:.0f} min"
    if hours < _HOURS_SHOWN_BELOW_HOURS:
        return f"{hours:.1f} h"
    return f"{hours / HOURS_PER_DAY:.1f} d"


def age(seconds: float) -> str:
    """Return how long ago something was; seconds below two minutes.

    >>> age(45), age(600)
    ('45 s', '10 min')
    """
    return f"{seconds:.0f} s" if seconds < 120 else span(seconds / SECONDS_PER_HOUR)  # noqa: PLR2004 - two minutes


def size(size_mb: float | None) -> str:
    """Return a size in MB, in GB from 10 GB on.

    >>> size(245.31), size(20480.0), size(None)
    ('245.3 MB', '20.0 GB', 'unknown')
    """
    if size_mb is None:
        return "unknown"
    return f"{size_mb / MB_PER_GB:.1f} GB" if size_mb >= 10 * MB_PER_GB else f"{size_mb:.1f} MB"


def rate(slope_mb_per_hour: float | None) -> str:
    """Return a slope; tiny negative ones read as zero.

    >>> rate(2.154), rate(-0.001)
    ('2.15 MB/hour', '0.00 MB/hour')
    """
    return "unknown" if slope_mb_per_hour is None else f"{_unsigned_zero(slope_mb_per_hour)} MB/hour"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of slopes such as `1.90 to 2.41`."""
    return "unknown" if low is None or high is None else f"{_unsigned_zero(low)} to {_unsigned_zero(high)}"


def _unsigned_zero(value: float) -> str:
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def share_words(share: CauseShare) -> str:
    """Return what is known of a part of the growth: its rate or size, and its share."""
    words = []
    if share.slope_mb_per_hour is not None:
        words.append(rate(share.slope_mb_per_hour))
    elif share.growth_mb is not None:
        words.append(f"{share.growth_mb:+.1f} MB")
    if share.share is not None:
        words.append(f"{share.share:.0%} of the growth")
    return ", ".join(words) or "unknown"


def window_title(hours: float | None) -> str:
    """Return the report's title for a window: `24-HOUR MEMORY USAGE REPORT`, in days from two on.

    >>> window_title(24.0), window_title(24 * 7.0)
    ('24-HOUR MEMORY USAGE REPORT', '7-DAY MEMORY USAGE REPORT')
    """
    if hours is None:
        return "MEMORY USAGE REPORT"
    days = hours / HOURS_PER_DAY
    if hours >= _HOURS_SHOWN_BELOW_HOURS and abs(days - round(days)) < 0.05:  # noqa: PLR2004 - about an hour
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
