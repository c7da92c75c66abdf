"""What is going on with a source, in the words of whoever is woken by it: sentences that need no statistics."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from memmon.assessment.freshness import FreshnessState
from memmon.assessment.headline import chief_culprit, where_of
from memmon.assessment.overtaken import overtaken_words
from memmon.facts.deque_state import state_of
from memmon.facts.limit_names import limit_name
from memmon.facts.run_endings import END_WORDS
from memmon.facts.signals import Signal
from memmon.facts.verdicts import Verdict
from memmon.formatting import counted, in_percent, rate, shown, size, span
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.assessment import Assessment

_HUNDRED_PERCENT = 100.0
"""By definition: a whole in per cent."""
WEEKDAY_DAYS = 6
"""What lies no further from a day is told by its day of the week. By definition: the same day comes again on the seventh."""

EDGE_SLACK = timedelta(hours=1)
"""What begins so soon after the beginning of what was looked at may have begun before it. Chosen: a sample an hour is common."""

_TIME_WITH_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2} [+-]\d{2}:\d{2}")
"""What `local_time` writes."""

_LEAST_MAIN_SHARE = 0.5
"""Share of the growth from which one part is said to have it. Chosen: half leads."""


def plainly(assessed: Assessment, *, tz: tzinfo | None = None) -> tuple[str, ...]:
    """Return the sentences: what it does, how fast and since when; whose it is; when it ends. What is not known is left out.

    Times are local, or in `tz`, and told from the day of the assessment on.
    """
    return tuple(
        filter(
            None,
            [
                _what(assessed, tz),
                _whose(assessed),
                _full(assessed, tz),
                _end(assessed, tz),
                *_beside(assessed),
                _ended(assessed, tz),
            ],
        )
    )


def day_and_time(at: datetime, *, now: datetime | None, tz: tzinfo | None = None) -> str:
    """Return a moment as people tell it, and as it can still be read from a picture that was taken days ago.

    The year is said where it is not that of `now`.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    >>> day_and_time(datetime(2026, 3, 3, 14, 5, tzinfo=UTC), now=now, tz=UTC)
    'Tuesday 3 March 14:05'
    >>> day_and_time(datetime(2025, 12, 30, 14, 5, tzinfo=UTC), now=now, tz=UTC)
    'Tuesday 30 December 2025 14:05'
    """
    local = at.astimezone(tz)
    year = "" if now is not None and local.year == now.astimezone(tz).year else f" {local.year}"
    return f"{local:%A} {local.day} {local:%B}{year} {local:%H:%M}"


def time_beside(at: datetime, other: datetime, *, tz: tzinfo | None = None) -> str:
    """Return a moment beside another that is told in full: what is clear from that one is left out.

    >>> from datetime import UTC, datetime
    >>> full = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
    >>> [time_beside(datetime(2026, 3, day, 9, 0, tzinfo=UTC), full, tz=UTC) for day in (3, 6, 20)]
    ['09:00', 'Friday 09:00', 'Friday 20 March 09:00']
    """
    local, told = at.astimezone(tz), other.astimezone(tz)
    days = abs((local.date() - told.date()).days)
    if days > WEEKDAY_DAYS:
        return day_and_time(at, now=other, tz=tz)
    return f"{local:%A %H:%M}" if days else f"{local:%H:%M}"


def told_growth(finding: LeakFinding) -> tuple[float | None, float | None, float | None]:
    """Return by how many MB/hour memory grows as people see it, with its interval.

    While bounded deques fill, or mapped files grow, what is judged is the rest: resident memory is what grows, and of
    it no interval is known.
    """
    if finding.verdict.row.apart and finding.rss_slope_mb_per_hour is not None:
        return finding.rss_slope_mb_per_hour, None, None
    return finding.slope_mb_per_hour, finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour


def _what(assessed: Assessment, tz: tzinfo | None) -> str:
    finding = assessed.finding
    row, slope = finding.verdict.row, told_growth(finding)[0]
    if finding.verdict is Verdict.CANNOT_SAY:
        waits = f": {_waits(assessed, tz)}" if assessed.waits_for else ""
        return f"{row.beginning}{waits}."
    if row.plain and slope is not None:
        words = row.plain.format(rate=rate(slope))
    else:
        words = row.beginning if slope is None or not row.grows else f"{row.beginning}: {rate(slope)}"
    if row.grows and finding.since is not None:
        words += f" since {_since(assessed, finding.since, tz)}"
    if finding.verdict is Verdict.STEPPED and finding.since is not None:
        words += f" on {day_and_time(finding.since, now=assessed.at, tz=tz)}"
    words += row.plain_end.format(threshold=rate(finding.policy.threshold_mb_per_hour))
    return f"{words}{where_of(assessed)}{_told_by(finding)}{_before(assessed, tz)}."


def _since(assessed: Assessment, since: datetime, tz: tzinfo | None) -> str:
    """Return when the growth began; where it goes on over a restart, that this is the run's start."""
    at = day_and_time(since, now=assessed.at, tz=tz)
    if assessed.before_restart is not None:
        return f"it started on {at}"
    release = f", with release {shown(assessed.since_release)}" if assessed.since_release else ""
    return f"{at}{_or_earlier(assessed.finding)}{release}"


def _before(assessed: Assessment, tz: tzinfo | None) -> str:
    """Return since when the runs before grew alike, as the end of a sentence."""
    before = assessed.before_restart
    return "" if before is None else f"; {before.clause(partial(day_and_time, now=assessed.at, tz=tz))}"


def _waits(assessed: Assessment, tz: tzinfo | None) -> str:
    """Return what is waited for, and in brackets what is missing; the time in it is told as every other here.

    The words were made elsewhere, maybe in another zone.
    """
    at, now = assessed.ready_at, assessed.at
    if at is None:
        return assessed.waits_for
    told = day_and_time(at, now=now, tz=tz) if now is None else _time_or_day(at, now, tz)
    opening, _, what = _TIME_WITH_OFFSET.sub(told, assessed.waits_for).partition(": ")
    return f"{what} ({opening})" if what else opening


def _time_or_day(at: datetime, now: datetime, tz: tzinfo | None) -> str:
    """Return when something is expected: of this very day the time is enough."""
    is_today = at.astimezone(tz).date() == now.astimezone(tz).date()
    return f"{at.astimezone(tz):%H:%M}" if is_today else day_and_time(at, now=now, tz=tz)


def _or_earlier(finding: LeakFinding) -> str:
    """Return what is said of growth that goes on since before what was looked at."""
    start, end = finding.window.start, finding.window.end
    if start is None or end is None or finding.since is None:
        return ""
    is_cut = end - start >= timedelta(hours=finding.policy.look_back_hours) - EDGE_SLACK
    return " or earlier" if is_cut and finding.since - start <= EDGE_SLACK else ""


def _told_by(finding: LeakFinding) -> str:
    return "" if finding.signal is Signal.FOOTPRINT else f", told by {finding.signal.words}"


def _whose(assessed: Assessment) -> str:
    """Return who holds what grew: what the operator named, else what kind of memory it is."""
    if not assessed.finding.verdict.row.is_explained:
        return ""
    found = chief_culprit(assessed.culprits)
    if found is not None:
        return f"{shown(found.name)} holds {in_percent(found.share)} of the growth."
    if assessed.finding.verdict is Verdict.FILLING:
        return ""  # the deques that fill are named as what grows
    main = next(iter(() if assessed.cause is None else assessed.cause.parts), None)
    unnamed = (
        "nothing that is registered explains it"
        if assessed.culprits is not None and assessed.culprits.parts
        else "no owner is known by name"
    )
    if main is None or main.share < _LEAST_MAIN_SHARE:
        return f"{unnamed[0].upper()}{unnamed[1:]}."
    return f"{in_percent(main.share)} of the growth is {main.label}; {unnamed}."


def _end(assessed: Assessment, tz: tzinfo | None) -> str:
    limit_bytes, percent, forecast = assessed.limit_bytes, assessed.used_percent, assessed.forecast
    if limit_bytes is None or percent is None:
        return "No limit is known." if assessed.finding.verdict.row.grows else ""
    name = limit_name(assessed.limit_origin)
    whole = f"{name[0].upper()}{name[1:]}, {size(mb_from_bytes(limit_bytes))},"
    label = assessed.label_of(assessed.limited_run_id)
    by = f" by {label}" if label else ""
    used = f"{percent:.0f} % of {name} ({size(mb_from_bytes(limit_bytes))}) is used{by}"
    if percent >= _HUNDRED_PERCENT:
        return f"{whole} is reached{by}."
    if assessed.pace is not None:
        return f"{used}; at the present pace it is reached {assessed.pace.span_words}."
    hours = None if forecast is None else forecast.hours_to_limit
    if hours is None or forecast is None or assessed.finding.verdict is Verdict.CANNOT_SAY:
        level = f", and nothing grows towards it{' so far' if assessed.ready_at is not None else ''}"
        return f"{used}{level if assessed.is_level else ''}."
    when = (
        ""
        if forecast.at is None
        else f", {_dated(forecast.at, forecast.at_low, forecast.at_high, assessed.at, tz)}"
    )
    reached = overtaken_words(assessed) or f"is reached in about {span(hours)}"
    return f"{whole} {reached}{by}{when}."


def _full(assessed: Assessment, tz: tzinfo | None) -> str:
    """Return when deques that still fill are full, and what memory is then."""
    forecast = assessed.forecast
    if assessed.finding.verdict is not Verdict.FILLING or forecast is None or not forecast.deques_full_hours:
        return ""
    level = (
        "" if forecast.plateau_bytes is None else f", at about {size(mb_from_bytes(forecast.plateau_bytes))}"
    )
    full = None if forecast.as_of is None else forecast.as_of + timedelta(hours=forecast.deques_full_hours)
    when = "" if full is None else f", on {day_and_time(full, now=assessed.at, tz=tz)}"
    return f"The containers are full in about {span(forecast.deques_full_hours)}{when}{level}."


def _ended(assessed: Assessment, tz: tzinfo | None) -> str:
    """Return when the run ended, where somebody meant it: of a page on it nothing else says that it goes on no more."""
    fresh = assessed.freshness
    if fresh is None or fresh.state is not FreshnessState.ENDED or fresh.last_at is None:
        return ""
    how = END_WORDS.get(fresh.end_reason or "", fresh.end_reason or "")
    return (
        f"Its run ended on {day_and_time(fresh.last_at, now=assessed.at, tz=tz)}{f' ({how})' if how else ''}."
    )


def _dated(
    at: datetime, low: datetime | None, high: datetime | None, now: datetime | None, tz: tzinfo | None
) -> str:
    """Return when, with the interval: `on Friday 6 March 03:00 (Thursday 22:30 to Friday 04:10)`."""
    words = f"on {day_and_time(at, now=now, tz=tz)}"
    if low is None:
        return words
    first = time_beside(low, at, tz=tz)
    if high is None:
        return f"{words} ({first} or later)"
    # Beside the first end's day a time alone would be read as of that day.
    begins, told, ends = (moment.astimezone(tz) for moment in (low, at, high))
    is_back = ends.date() == told.date() != begins.date()
    last = f"{ends:%A %H:%M}" if is_back else time_beside(high, at, tz=tz)
    return f"{words} ({first} to {last})"


def _beside(assessed: Assessment) -> Iterator[str]:
    """Yield what else there is to know at once."""
    resident = assessed.finding.resident_clause
    if resident:
        yield f"{resident[0].upper()}{resident[1:]}."
    for one in assessed.growing_resources:
        words = one.clause(assessed.label_of(one.run_id))
        yield f"{words[0].upper()}{words[1:]}."
    if assessed.unrecorded is not None:
        yield f"{assessed.unrecorded.words}."
    failing = [one.name for one in assessed.deques if state_of(one).is_failing]
    if failing:
        more = f" and {len(failing) - 1} more" if len(failing) > 1 else ""
        which = f"{len(failing)} of {counted(len(assessed.deques), 'deque')}"
        where = "is outside its limit" if len(failing) == 1 else "are outside their limits"
        yield f"{which} {where}: {shown(failing[0])}{more}."
