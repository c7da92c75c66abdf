"""How values read, for every face: untrusted text, times, spans, sizes, rates. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

MB_PER_GB = 1024.0
HOURS_PER_DAY = 24.0
HOURS_SHOWN_BELOW_HOURS = 48.0
_SECONDS_SHOWN_BELOW_HOURS = 2.0 / 60.0
_MINUTES_SHOWN_BELOW_HOURS = 2.0
_DAYS_SHOWN_FROM_HOURS = 2 * HOURS_SHOWN_BELOW_HOURS
_WHOLE_FROM_MB = 1_000.0
"""From here on a tenth of an MB is less than a person reads. Chosen: four figures, as below."""
_UNSHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shown(text: str) -> str:
    r"""Return `text` safe to print: control, bidi and other invisible characters as escapes.

    >>> shown("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if _is_shown(char) else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _is_shown(char: str) -> bool:
    if char.isprintable():
        return True
    from unicodedata import category  # little text needs it

    return category(char) not in _UNSHOWN_CATEGORIES


def local_time(at: datetime, *, tz: tzinfo | None = None) -> str:
    """Return `at` (aware) as local time with its UTC offset, to the minute; `tz` instead of local.

    >>> from datetime import UTC, datetime
    >>> local_time(datetime(2026, 3, 1, 12, 5, tzinfo=UTC), tz=UTC)
    '2026-03-01 12:05 +00:00'
    """
    text = at.astimezone(tz).isoformat(sep=" ", timespec="minutes")
    return f"{text[:16]} {text[16:]}"


def span(hours: float) -> str:
    """Return a length of time in the unit that reads best: two of a unit at least, but for seconds.

    >>> span(0.01), span(0.5), span(26.0), span(73.0)
    ('36 s', '30 min', '26.0 h', '3.0 d')
    """
    if hours < _SECONDS_SHOWN_BELOW_HOURS:
        return f"{hours * SECONDS_PER_HOUR:.0f} s"
    if hours < _MINUTES_SHOWN_BELOW_HOURS:
        return f"{hours * 60:.0f} min"
    if hours < HOURS_SHOWN_BELOW_HOURS:
        return f"{hours:.1f} h"
    return f"{hours / HOURS_PER_DAY:.1f} d"


def span_range(low_hours: float, high_hours: float | None, *, endless: str = "never") -> str:
    """Return two lengths of time, both in minutes, in hours or in days; None: without an end, in the word given.

    >>> span_range(43.7, 50.4), span_range(7.2, 800.0), span_range(30.0, None)
    ('43.7 to 50.4 h', '0.3 to 33.3 d', '30.0 h to never')
    >>> span_range(79.4, 80.3)  # in days both ends would read the same
    '79.4 to 80.3 h'
    """
    if high_hours is None:
        return f"{span(low_hours)} to {endless}"
    if high_hours < _MINUTES_SHOWN_BELOW_HOURS:
        return f"{low_hours * 60:.0f} to {high_hours * 60:.0f} min"
    low, high = (f"{each / HOURS_PER_DAY:.1f}" for each in (low_hours, high_hours))
    if (low_hours < HOURS_SHOWN_BELOW_HOURS and high_hours < _DAYS_SHOWN_FROM_HOURS) or low == high:
        return f"{low_hours:.1f} to {high_hours:.1f} h"
    return f"{low} to {high} d"


def counted(count: int, thing: str) -> str:
    """Return how many there are of something.

    >>> counted(1, "source"), counted(3, "source")
    ('1 source', '3 sources')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """Return how long ago something was, as spans read.

    >>> age(45), age(600)
    ('45 s', '10 min')
    """
    return span(seconds / SECONDS_PER_HOUR)


def size(size_mb: float | None) -> str:
    """Return a size in MB (2**20 bytes), whole and grouped from 1,000 MB on; in GB (2**30) from 10 GB on.

    >>> size(245.31), size(1536.0), size(20480.0), size(None)
    ('245.3 MB', '1,536 MB', '20.0 GB', 'unknown')
    """
    if size_mb is None:
        return "unknown"
    return f"{size_mb / MB_PER_GB:.1f} GB" if size_mb >= 10 * MB_PER_GB else f"{megabytes(size_mb)} MB"


def megabytes(size_mb: float) -> str:
    """Return the figure of a size in MB: with one decimal, from 1,000 on whole and grouped, as on a chart's axis.

    >>> megabytes(245.31), megabytes(999.96), megabytes(1205.5)
    ('245.3', '1,000', '1,206')
    """
    text = f"{size_mb:.1f}"
    return f"{size_mb:,.0f}" if abs(float(text)) >= _WHOLE_FROM_MB else text


def rate(slope_mb_per_hour: float | None) -> str:
    """Return a slope; tiny negative ones read as zero.

    >>> rate(2.154), rate(-0.001)
    ('2.15 MB/hour', '0.00 MB/hour')
    """
    return "unknown" if slope_mb_per_hour is None else f"{_unsigned_zero(slope_mb_per_hour)} MB/hour"


def in_percent(share: float) -> str:
    """Return a share (0 to 1) in percent, without digits after the point.

    >>> in_percent(0.894), in_percent(1.0)
    ('89 %', '100 %')
    """
    return f"{share:.0%}".replace("%", " %")


def per_hour(count: float) -> str:
    """Return how many an hour: small rates keep two digits.

    >>> per_hour(6.02), per_hour(1_250.0), per_hour(0.0417), per_hour(0.0)
    ('6.0', '1,250.0', '0.042', '0.0')
    """
    return f"{count:.2g}" if 0 < abs(count) < 0.095 else f"{count:,.1f}"  # noqa: PLR2004 - rounds to 0.1


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of slopes such as `1.90 to 2.41`."""
    return "unknown" if low is None or high is None else f"{_unsigned_zero(low)} to {_unsigned_zero(high)}"


def _unsigned_zero(value: float) -> str:
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text
