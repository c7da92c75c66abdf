"""From a report and its charts to what the page's template places."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING

from memmon.assessment.advice import advice_of, advice_without_samples
from memmon.assessment.culprits import UNEXPLAINED
from memmon.assessment.freshness import FreshnessState
from memmon.assessment.plainly import WEEKDAY_DAYS, day_and_time, plainly
from memmon.facts.run_endings import OUT_OF_MEMORY
from memmon.facts.severity import Severity
from memmon.facts.verdicts import Verdict
from memmon.formatting import age, local_time, shown, span
from memmon.report.html.cards import cards_of
from memmon.report.html.figures import deque_item, growth_bars, memory_figure
from memmon.report.html.method import method_sentences
from memmon.report.html.stacks import parts_figure, split_figure
from memmon.report.html.tables import tables_of
from memmon.report.html.view_model import NextStep, Page, Zoom
from memmon.report.words import evidence_told, leak_headline, mood_of
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

    from memmon.assessment.assessment import Assessment
    from memmon.report.chart_values import Charts
    from memmon.report.data import CauseSection, DequeSection, HistorySection, Report
    from memmon.report.html.view_model import PageLink

_EVIDENCE = frozenset({"windows"})
"""Tables that belong to how it was judged."""

_ZOOMS = (
    Zoom(seconds=86_400, label="24 h"),
    Zoom(seconds=7 * 86_400, label="7 d"),
    Zoom(seconds=30 * 86_400, label="30 d"),
)


def page_of(
    report: Report, charts: Charts | None, *, tz: tzinfo | None = None, navigation: tuple[PageLink, ...] = ()
) -> Page:
    """Return the page for `report`; one fixed UTC offset (or `tz`) serves every time on it."""
    zone = tz or fixed_offset(report.until or report.generated_at)
    mood, headline = leak_headline(report.leak)
    if report.assessment is not None:
        mood = mood_of(report.assessment)
    empty = report.is_empty or charts is None
    base = Page(
        source=report.source,
        headline="No memory data available" if empty else headline,
        mood="wait" if empty else mood,
        plain=_plain(report, zone),
        steps=_steps(report, zone),
        verdict_sentences=_verdict_sentences(report),
        stale_words=_stale_words(report, zone),
        set_aside=report.history.set_aside if report.history is not None else "",
        sub=tuple(_sub(report, zone)),
        made_seconds=round(report.generated_at.timestamp()),
        database=report.database or "",
        own_cost=report.own_cost.text if report.own_cost is not None else "",
        is_empty=empty,
        empty_words=_empty_words(report, zone),
        navigation=navigation,
    )
    return base if charts is None or empty else _with_content(base, report, charts, zone)


def _with_content(base: Page, report: Report, charts: Charts, zone: tzinfo) -> Page:
    cause, tables = report.cause, tables_of(report, charts, zone)
    return replace(
        base,
        cards=cards_of(report),
        zooms=tuple(zoom for zoom in _ZOOMS if zoom.seconds < charts.until_seconds - charts.since_seconds),
        memory=memory_figure(charts, zone),
        parts=parts_figure(charts, charts.parts, zone) if charts.parts else None,
        split=split_figure(charts, charts.split, zone) if charts.split else None,
        cause_words=" ".join([cause.summary, *cause.details]) if cause else "",
        evidence_words=_evidence_words(report, zone),
        cause_bars=growth_bars(cause.shares) if cause else (),
        bars=growth_bars(cause.attributions) if cause and _names_a_part(cause) else (),
        deques=tuple(deque_item(chart, index, charts) for index, chart in enumerate(charts.deques)),
        deque_words=_deque_words(report.deques),
        tables=tuple(table for table in tables if table.key not in _EVIDENCE),
        evidence_tables=tuple(table for table in tables if table.key in _EVIDENCE),
        method=tuple(method_sentences(report.leak)),
    )


def _plain(report: Report, zone: tzinfo) -> tuple[str, ...]:
    """Return what is going on; without an assessment only that there is no verdict."""
    if report.assessment is None:
        return _verdict_sentences(report)
    died = death_sentence(report.history, now=report.told_at, tz=zone)
    return (*plainly(report.assessment, tz=zone), *((died,) if died else ()))


def death_sentence(history: HistorySection | None, *, now: datetime, tz: tzinfo | None = None) -> str:
    """Return which run was killed for want of memory within the last days, the newest; empty where none was."""
    newest_first = () if history is None else history.runs
    for place, run in enumerate(newest_first):
        at = run.ended_at or run.last_at
        if run.end_reason == OUT_OF_MEMORY and at is not None and now - at <= timedelta(days=WEEKDAY_DAYS):
            which = "An earlier run" if place else "The last run"
            is_same = run.release == newest_first[0].release
            name = shown(run.release) if place and run.release else ""
            whose = name and (f" of this release, {name}," if is_same else f", of release {name},")
            return f"{which}{whose} was killed out of memory on {day_and_time(at, now=now, tz=tz)}."
    return ""


def _steps(report: Report, zone: tzinfo) -> tuple[NextStep, ...]:
    """Return what to do, with the page's own times; where all is well, that it is nothing."""
    found = report.assessment
    if report.is_empty and not (report.history and report.history.first_at):
        return steps_of([advice_without_samples(report.source, database=report.database)])
    if found is None:
        return ()
    moment = partial(day_and_time, now=report.told_at, tz=zone)
    advice = advice_of(found, database=report.database, moment=moment)
    if not advice and found.finding.verdict is Verdict.CANNOT_SAY and _is_over(found):
        return steps_of(("Nothing: it has ended. A run that goes on for longer brings a verdict.",))
    is_well = not advice and found.severity is Severity.OK and mood_of(found) == "good"
    if not advice and found.finding.verdict is Verdict.FILLING:
        return steps_of(("Nothing, unless it goes on once they are full.",))
    return steps_of(("Nothing.",) if is_well else advice)


def _is_over(found: Assessment) -> bool:
    return found.freshness is not None and found.freshness.state is FreshnessState.ENDED


def steps_of(advice: Sequence[str]) -> tuple[NextStep, ...]:
    """Return what to do: the first two steps, and the first that has a command, which stands in backquotes."""
    steps = [_step(sentence) for sentence in advice]
    chosen = [*steps[:2], *[step for step in steps if step.command][:1]]
    return tuple(dict.fromkeys(chosen))


def _step(sentence: str) -> NextStep:
    words, _, rest = sentence.partition("`")
    command, _, end = rest.partition("`")
    return (
        NextStep(words=words.strip(), command=command)
        if command and not end.strip()
        else NextStep(words=sentence)
    )


def _evidence_words(report: Report, zone: tzinfo) -> str:
    return " ".join(f"{local_time(at, tz=zone)[:16]}: {words}" for at, words in evidence_told(report))


def _names_a_part(cause: CauseSection) -> bool:
    """Tell whether anything registered grows: a lone 'unexplained' needs no picture."""
    return any(share.name != UNEXPLAINED for share in cause.attributions)


def fixed_offset(at: datetime) -> tzinfo:
    """Return the local UTC offset at a moment, as a zone that never changes."""
    return timezone(at.astimezone().utcoffset() or timedelta(0))


def _verdict_sentences(report: Report) -> tuple[str, ...]:
    finding = report.leak.finding
    if finding is None:
        return (f"No verdict: {report.leak.missing_reason or 'no reason was given'}.",)
    sentences = [finding.summary, finding.verdict.row.remark, *finding.details]
    if report.assessment is not None:
        sentences += [report.assessment.whose, report.assessment.together, report.assessment.not_recorded]
    if report.forecast is not None:
        sentences.append(report.forecast.summary)
    if report.assessment is not None:
        sentences += report.assessment.outlook
        sentences += map(report.assessment.resource_line, report.assessment.growing_resources)
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence))


def _stale_words(report: Report, zone: tzinfo) -> str:
    staleness = report.staleness
    if staleness is None or not staleness.is_stale or staleness.last_at is None:
        return ""
    ago = "" if staleness.age_seconds is None else f", {age(staleness.age_seconds)} before this report"
    last = day_and_time(staleness.last_at, now=report.told_at, tz=zone)
    return f"The last sample is of {last}{ago}."


def _sub(report: Report, zone: tzinfo) -> Iterator[str]:
    """Yield what stands under the title: the window, the verdict's look-back, when it was made."""
    if report.since is not None and report.until is not None:
        first = None if report.history is None else report.history.first_at
        begin = report.since if first is None or first >= report.until else max(first, report.since)
        hours = (report.until - begin).total_seconds() / SECONDS_PER_HOUR
        since, until = (local_time(at, tz=zone)[:16] for at in (begin, report.until))
        yield f"{since} to {until} ({span(hours)})"
    finding = report.leak.finding
    if finding is not None and finding.slope_mb_per_hour is not None:
        yield f"verdict over {span(finding.duration_hours)}"
    made = local_time(report.generated_at, tz=zone)
    yield f"made on {report.generated_at.astimezone(zone):%A} {made[:16]}"
    yield f"times are UTC{made[-6:]}"


def _empty_words(report: Report, zone: tzinfo) -> str:
    history = report.history
    if history is None or history.first_at is None or history.last_at is None:
        aside = "" if history is None or not history.set_aside else f" {history.set_aside}."
        return "Nothing has been recorded for this source yet." if not aside else aside.strip()
    first, last = (local_time(at, tz=zone)[:16] for at in (history.first_at, history.last_at))
    return f"There is no sample in this window. Recorded are {first} to {last}."


def _deque_words(deques: DequeSection) -> str:
    count = len(deques.rows)
    noun = "deque" if count == 1 else "deques"
    if deques.failing_count:
        return f"{deques.failing_count} of {count} {noun} exceeded limits: they come first."
    gone = sum(row.state in {"dead", "unreadable"} for row in deques.rows)
    words = (
        f"All {count} {noun} within limits."
        if not gone
        else f"{count - gone} of {count} {noun} within limits, {gone} gone."
    )
    return f"{words} The pictures show how full each was, from 0 to 100 % of its maxlen."
