"""The cards at the top of the page: one figure each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.assessment.overtaken import overtaken_words
from memmon.assessment.plainly import told_growth
from memmon.facts.defaults import HIGH_MEMORY_PERCENT
from memmon.facts.limit_names import limit_name
from memmon.formatting import in_percent, interval, rate, size, span, span_range
from memmon.report.html.view_model import Card
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.report.data import Report

SOON_HOURS = 24.0
_PLANNED_HOURS = 168.0
"""Chosen: what comes within a week is worth a warning colour, whatever brings it."""


def cards_of(report: Report) -> tuple[Card, ...]:
    """Return the cards: memory, leak, limit, resources, deques, system, runs."""
    return tuple(_cards(report))


def _cards(report: Report) -> Iterator[Card]:
    for card in (_memory(report), _growth(report), _limit(report)):
        yield replace(card, is_first=True)
    yield from _resources(report)
    yield _deques(report)
    yield from _system(report)
    yield from _runs(report)


def _memory(report: Report) -> Card:
    memory = report.memory
    value, unit = _split_unit(size(memory.current_mb))
    return Card(
        title="Memory now",
        value=value,
        unit=unit,
        lines=(
            f"average {size(memory.average_mb)}{_of_window(report)}",
            f"{size(memory.min_mb)} to {size(memory.max_mb)}",
            *(
                (f"resident memory of {memory.process_count} processes, added",)
                if memory.process_count > 1
                else ()
            ),
        ),
    )


def _of_window(report: Report) -> str:
    """Return what an average is of, where the window is full: the picture beside it may show more."""
    first = None if report.history is None else report.history.first_at
    if report.since is None or report.until is None or first is None or first > report.since:
        return ""
    return f" in {span((report.until - report.since).total_seconds() / SECONDS_PER_HOUR)}"


def _growth(report: Report) -> Card:
    finding = report.leak.finding
    if finding is None or finding.slope_mb_per_hour is None:
        return Card(title="Growth", value="not known yet", mood="wait", lines=_threshold(report))
    bounds = interval(finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour)
    told = told_growth(finding)[0]
    value, unit = _split_unit(rate(told))
    is_seen = told == finding.slope_mb_per_hour
    judged = (
        f"95 % interval {bounds}"
        if is_seen
        else f"at most {rate(finding.slope_mb_per_hour)} beside containers"
    )
    return Card(
        title="Growth",
        value=value,
        unit=unit,
        lines=(judged, *_threshold(report)),
        mood="warn" if finding.is_leak else "plain",
    )


def _threshold(report: Report) -> tuple[str, ...]:
    """Return from where on it is a leak, and how sure it is that it grows; of what does not grow that says nothing."""
    finding = report.leak.finding
    words = f"a leak is {report.leak.threshold_mb_per_hour:g} or more"
    grows = finding is not None and finding.verdict.row.grows
    return (f"{words}, confidence {finding.confidence}" if finding is not None and grows else words,)


def _limit(report: Report) -> Card:
    forecast, system = report.forecast, report.system
    limit_mb = (forecast.limit_mb if forecast else None) or (system.limit_mb if system else None)
    if limit_mb is None:
        return Card(title="Limit", value="none known", lines=("no container limit was recorded",))
    origin = (forecast.limit_origin if forecast else None) or (system.limit_origin if system else None)
    used = (forecast.used_mb if forecast else None) or (system.limit_used_mb if system else None)
    lines = [f"of {size(limit_mb)} ({limit_name(origin)})"]
    if used is not None:
        lines.append(f"{size(used)} used ({in_percent(used / limit_mb)})")
    if forecast is None:
        return Card(
            title="Limit",
            value=size(limit_mb).split()[0],
            unit=size(limit_mb).split()[1],
            lines=(*lines[1:], limit_name(origin)),
        )
    hours = forecast.hours_to_limit
    if hours is None:
        is_level = report.assessment is not None and report.assessment.is_level
        unsaid = "no date" if is_level else "cannot say yet"
        value = unsaid if forecast.state == "cannot_say" else "not in sight"
        return Card(title="Limit", value=value, lines=tuple(lines))
    overtaken = "" if report.assessment is None else overtaken_words(report.assessment)
    if overtaken:
        return Card(title="Limit", value="no date", lines=(*lines, overtaken))
    low, high = forecast.hours_to_limit_low, forecast.hours_to_limit_high
    level = f"{in_percent(forecast.level)} interval " if forecast.level else ""
    lines.append(f"{level}{span_range(low or 0.0, high, endless='later')}")
    return Card(
        title="Limit",
        value=f"in {span(hours)}",
        lines=tuple(lines),
        mood=_mood_of(report, hours),
    )


def _mood_of(report: Report, hours: float) -> str:
    """Return the colour of a date: what no leak reaches, and not soon, is none to be warned of."""
    finding = report.leak.finding
    is_warned = hours <= _PLANNED_HOURS or (finding is not None and finding.is_leak)
    return "bad" if hours <= SOON_HOURS else "warn" if is_warned else "plain"


def _resources(report: Report) -> Iterator[Card]:
    found = report.assessment
    for one in () if found is None else found.resources:
        assert found is not None
        whose = found.label_of(one.run_id)
        yield Card(
            title=one.words.capitalize(),
            value=f"{one.count:,}",
            unit="" if one.limit_count is None else f"of {one.limit_count:,}",
            lines=tuple(filter(None, (whose, one.state_words, one.interval_words, one.reached))),
            mood="warn" if one.is_growing else "plain",
        )


def _deques(report: Report) -> Card:
    deques = report.deques
    count = len(deques.rows)
    if not count:
        return Card(title="Deques", value="0", unit="registered")
    full = sum(row.state == "full" for row in deques.rows)
    lines = [f"{full} full" if full else "none full"]
    if deques.failing_count:
        return Card(
            title="Deques",
            value=str(deques.failing_count),
            unit=f"of {count} failing",
            lines=("limit exceeded, or none", *lines),
            mood="bad",
        )
    return Card(title="Deques", value=str(count), unit="within limits", lines=tuple(lines), mood="good")


def _system(report: Report) -> Iterator[Card]:
    system = report.system
    if system is None or system.system_percent is None:
        return
    high = system.system_percent >= HIGH_MEMORY_PERCENT
    yield Card(
        title="System",
        value=f"{system.system_percent:.0f} %",
        unit="in use",
        lines=(f"{size(system.available_mb)} available",) if system.available_mb is not None else (),
        mood="warn" if high else "plain",
    )


def _runs(report: Report) -> Iterator[Card]:
    history = report.history
    if history is None or history.missing_reason:
        return
    restarts = history.restart_count
    lines = [f"{restarts} {'restart' if restarts == 1 else 'restarts'}"]
    if history.process_count > 1:
        lines.insert(0, f"{history.process_count} processes")
    if history.max_mb is not None:
        of_one = " of one process" if history.process_count > 1 else ""
        lines.append(f"highest ever {size(history.max_mb)}{of_one}")
    yield Card(title="Runs", value=str(history.run_count), lines=tuple(lines))


def _split_unit(words: str) -> tuple[str, str]:
    value, _, unit = words.partition(" ")
    return value, unit
