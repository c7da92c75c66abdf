"""The 24-hour report as text, 80 columns wide. Standard library only; returns a string, prints nothing."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

from memmon.facts.deque_state import DEQUE_WORDS, DequeState
from memmon.facts.limit_names import limit_name
from memmon.formatting import age, local_time, megabytes, rate, shown, size, span
from memmon.report.data import NO_DATA_TEXT
from memmon.report.words import (
    counted_runs,
    end_words,
    evidence_told,
    fill,
    growth_words,
    leak_headline,
    share_words,
    slope_line,
    slope_lines,
)
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memmon.analysis.compare.finding import Comparison
    from memmon.assessment.assessment import Assessment
    from memmon.report.data import (
        CauseSection,
        DequeRow,
        DequeSection,
        EventRow,
        ForecastSection,
        HistorySection,
        LeakSection,
        Report,
        RunRow,
        Staleness,
        SystemSection,
    )
    from memmon.report.words import Mood

WIDTH_COLUMNS = 80
MAX_DEQUES = 10
MAX_PROCESSES = 8
MAX_RUNS = 5
MAX_ATTRIBUTIONS = 5
MAX_EVENTS = 8
_RULE = "=" * WIDTH_COLUMNS
_FILLER = "\ue000"
_SIGNS: dict[Mood, str] = {"good": "✅", "warn": "⚠️", "wait": "⏳", "bad": "❌"}
_PLAIN_SIGNS: dict[Mood, str] = {"good": "OK", "warn": "!!", "wait": "..", "bad": "XX"}


def render_text(
    report: Report,
    *,
    encoding: str = "utf-8",
    max_deques: int = MAX_DEQUES,
    tz: tzinfo | None = None,
) -> str:
    """Return the report as text without a newline at its end.

    `encoding`: what the terminal or file uses; where it can't carry the signs, `OK`, `!!`, `..` and
    `XX` stand for them. At most `max_deques` deques are listed (failing ones always come first). Times
    are local with their UTC offset, or in `tz`.
    """
    if report.is_empty:
        return NO_DATA_TEXT
    sign = _SIGNS if _carries_signs(encoding) else _PLAIN_SIGNS
    sections = [
        [_RULE, report.title, _RULE],
        _memory(report),
        _limit(report.system),
        _resources(report.assessment),
        _leak(report, sign, tz),
        _forecast(report.forecast),
        _cause(report.cause, _advice(report)),
        _evidence(report, tz),
        _deques(report.deques, sign, max_deques),
        _history(report, sign, tz),
        _releases(report.comparison),
        _events(report.events, tz),
        _next_steps(report),
        [_RULE],
    ]
    text = "\n\n".join("\n".join(lines) for lines in sections if lines)
    return _encodable(text, encoding)


def headline(report: Report) -> str:
    """Return the report in one line for a log: the verdict, memory and deques."""
    if report.is_empty:
        return f"{shown(report.source)}: {NO_DATA_TEXT}"
    finding = report.leak.finding
    growth = "" if finding is None else f", {rate(finding.slope_mb_per_hour)}"
    failing = report.deques.failing_count
    deques = (
        f"{failing} of {len(report.deques.rows)} deques exceed limits" if failing else "deques within limits"
    )
    words = deques if report.deques.rows else "no deques registered"
    memory = f"{size(report.memory.current_mb)} now, {size(report.memory.max_mb)} at most"
    return f"{shown(report.source)}: {leak_headline(report.leak)[1]}{growth}; {memory}; {words}"


def _memory(report: Report) -> list[str]:
    memory, count = report.memory, report.memory.process_count
    beside = "" if count == 1 else f" (resident memory of {count} processes, added)"
    return [
        "MEMORY USAGE:",
        f"  Current: {size(memory.current_mb)}{beside}",
        *_footprint(report),
        f"  Average: {size(memory.average_mb)}",
        f"  Min: {size(memory.min_mb)}",
        f"  Max: {size(memory.max_mb)}",
        f"  Samples: {memory.sample_count}",
        *_processes(report.assessment),
    ]


def _processes(found: Assessment | None) -> list[str]:
    """Return what each of several processes holds, the worst first, and those that nobody records."""
    if found is None or not found.process_lines:
        return []
    lines = [line for said in (found.together, found.not_recorded) if said for line in _item(said)]
    shown_lines = found.process_lines[:MAX_PROCESSES]
    lines += [line for one in shown_lines for line in _item(one, bullet="- ")]
    if len(found.process_lines) > MAX_PROCESSES:
        lines.append(f"  ... ({len(found.process_lines)} processes total)")
    return lines


def _footprint(report: Report) -> list[str]:
    """Return what the process can't give back, where that is another figure than its resident memory."""
    found = report.assessment
    if found is None or found.footprint_bytes is None or found.footprint_bytes == found.rss_bytes:
        return []
    what = (
        "what they can't give back, added; each is judged by itself"
        if len(found.recorded) > 1
        else "what it can't give back; this is judged"
    )
    return [f"  Footprint: {size(mb_from_bytes(found.footprint_bytes))} ({what})"]


def _next_steps(report: Report) -> list[str]:
    """Return what to do next, whatever it is about: what the cause asks for stands here, and not there."""
    steps = [line for sentence in _advice(report) for line in _item(sentence, bullet="- ")]
    return ["NEXT STEPS:", *steps] if steps else []


def _advice(report: Report) -> tuple[str, ...]:
    return () if report.assessment is None else report.assessment.advice


def _limit(system: SystemSection | None) -> list[str]:
    """Return how much of the limit is used, where others than this program hold of it."""
    if system is None or not system.elsewhere:
        return []
    used = f"{size(system.limit_used_mb)} of {limit_name(system.limit_origin)} ({size(system.limit_mb)}) used"
    return ["LIMIT:", *_item(f"{used}. {system.elsewhere}")]


def _resources(found: Assessment | None) -> list[str]:
    """Return what else the process can run out of."""
    if found is None or not found.resources:
        return []
    return ["RESOURCES:", *(line for one in found.resources for line in _item(found.resource_line(one)))]


def _leak(report: Report, sign: dict[Mood, str], tz: tzinfo | None) -> list[str]:
    leak = report.leak
    mood, headline = leak_headline(leak)
    if mood == "good" and report.staleness is not None and report.staleness.is_stale:
        mood = "wait"  # a verdict of the past is no health
    lines = ["MEMORY LEAK DETECTION:", f"  {sign[mood]} {headline}"]
    threshold = f"(threshold: {leak.threshold_mb_per_hour:.1f})"
    finding = leak.finding
    if finding is None:
        reason = leak.missing_reason or "no reason was given"
        lines += [f"  Growth rate: unknown {threshold}", *_wrapped("Details", f"no verdict: {reason}")]
        return [
            *lines,
            slope_line("Robust slope", None, None, None),
            slope_line("Least squares", None, None, None),
        ]
    lines.append(f"  Growth rate: {growth_words(finding)} {threshold}")
    if finding.is_leak and finding.growth_mb is not None:
        lines.append(f"  Total growth: {megabytes(finding.growth_mb)} MB over {finding.duration_hours:.1f}h")
    lines += _wrapped("Details", " ".join(filter(None, [finding.summary, finding.verdict.row.remark])))
    outlook = () if report.assessment is None else report.assessment.outlook
    lines += [line for sentence in (*finding.details, *outlook) for line in _item(sentence)]
    if report.assessment is not None and report.assessment.whose:
        lines += _item(report.assessment.whose)
    lines += _slopes(leak)
    if finding.since is not None:
        lines += _item(f"Growing since {local_time(finding.since, tz=tz)}")
    if report.assessment is not None and report.assessment.before_restart is not None:
        lines += _item(report.assessment.before_restart.sentence(partial(local_time, tz=tz)))
    return lines


def _slopes(leak: LeakSection) -> Iterator[str]:
    finding = leak.finding
    assert finding is not None
    yield from slope_lines(finding)
    if finding.slope_mb_per_hour is None:
        return
    if leak.disagreement:
        yield from _item(leak.disagreement)
    runs = finding.window.run_count
    yield (
        f"  Based on: {finding.sample_count} samples, {span(finding.duration_hours)}, "
        f"{runs} {'run' if runs == 1 else 'runs'}"
    )


def _forecast(forecast: ForecastSection | None) -> list[str]:
    return [] if forecast is None else ["FORECAST:", *_item(forecast.summary)]


def _cause(cause: CauseSection | None, advice: Sequence[str]) -> list[str]:
    """Return what the growth is and whose; `advice` stands further below."""
    if cause is None:
        return []
    lines = ["CAUSE:", *_item(cause.summary)]
    for share in cause.attributions[:MAX_ATTRIBUTIONS]:
        lines += _item(f"{share.name}: {share_words(share)}", bullet="- ")
    told = [sentence for sentence in cause.details if sentence not in advice]
    return lines + [line for sentence in told for line in _item(sentence)]


def _evidence(report: Report, tz: tzinfo | None) -> list[str]:
    told = evidence_told(report)
    lines = [line for at, words in told for line in _item(f"{local_time(at, tz=tz)} {words}")]
    return ["EVIDENCE:", *lines] if told else []


def _deques(deques: DequeSection, sign: dict[Mood, str], max_deques: int) -> list[str]:
    lines = ["DEQUE SIZE LIMITS:"]
    if not deques.rows:
        return [*lines, "  No deques registered"]
    if deques.failing_count:
        lines.append(f"  {sign['warn']} Some deques exceeded limits!")
    else:
        lines.append(f"  {sign['good']} All deques within limits")
    lines += [_deque_line(row, sign) for row in deques.rows[:max_deques]]
    if len(deques.rows) > max_deques:
        lines.append(f"  ... ({len(deques.rows)} deques total)")
    return lines


def _deque_line(row: DequeRow, sign: dict[Mood, str]) -> str:
    mood = row.state.tone
    tail = f": {fill(row)}"
    if row.state is DequeState.ABOVE:
        tail += f" {DEQUE_WORDS[row.state]}"
    room = WIDTH_COLUMNS - 2 - _columns(sign[mood]) - 1 - len(tail)
    return f"  {sign[mood]} {_cut(shown(row.name), room)}{tail}"


def _history(report: Report, sign: dict[Mood, str], tz: tzinfo | None) -> list[str]:
    lines = ["HISTORY:", *_item(f"Source: {report.source}")]
    if report.database:
        lines += _item(f"Database: {report.database}")
    if report.own_cost is not None:
        lines += _item(report.own_cost.text)
    if report.since and report.until:
        lines.append(f"  Window: {local_time(report.since, tz=tz)} to {local_time(report.until, tz=tz)}")
    lines += _staleness(report.staleness, sign, tz)
    history = report.history
    if history is None:
        return lines
    if history.missing_reason:
        return [*lines, *_item(f"Stored runs: unknown: {history.missing_reason}")]
    return lines + _stored(history, tz)


def _staleness(staleness: Staleness | None, sign: dict[Mood, str], tz: tzinfo | None) -> list[str]:
    if staleness is None or staleness.last_at is None or not staleness.is_stale:
        return []
    ago = "" if staleness.age_seconds is None else f", {age(staleness.age_seconds)} ago"
    return [f"  {sign['warn']} Stale: the last sample is of {local_time(staleness.last_at, tz=tz)}{ago}"]


def _stored(history: HistorySection, tz: tzinfo | None) -> list[str]:
    lines = [f"  Runs: {counted_runs(history)}"]
    if history.first_at and history.last_at:
        lines.append(
            f"  Stored: {local_time(history.first_at, tz=tz)} to {local_time(history.last_at, tz=tz)}"
        )
    if history.sample_count is not None:
        lines.append(f"  Stored samples: {history.sample_count}")
    if history.set_aside:
        lines += _item(f"{history.set_aside}.")
    if history.max_mb is not None:
        of_one = " (of one process)" if history.process_count > 1 else ""
        lines.append(f"  Highest ever: {size(history.max_mb)}{of_one}")
    for run in history.runs[:MAX_RUNS]:
        lines += _item(_run_line(run, tz), bullet="- ")
    if history.run_count > MAX_RUNS and history.runs:
        lines.append(f"  ... ({history.run_count} runs total)")
    return lines


def _releases(comparison: Comparison | None) -> list[str]:
    if comparison is None:
        return []
    return [
        "RELEASES:",
        *_item(comparison.summary),
        *(line for text in comparison.details for line in _item(text)),
    ]


def _run_line(run: RunRow, tz: tzinfo | None) -> str:
    hours = run.duration_hours
    words = [local_time(run.started_at, tz=tz), "-" if hours is None else span(hours)]
    if run.release:
        words.append(f"release {run.release}")
    if run.first_mb is not None and run.last_mb is not None:
        words.append(f"{run.first_mb:,.0f} to {run.last_mb:,.0f} MB")
    words.append(end_words(run))
    return ", ".join(words)


def _events(events: tuple[EventRow, ...], tz: tzinfo | None) -> list[str]:
    if not events:
        return []
    lines = ["EVENTS:"]
    for event in events[-MAX_EVENTS:]:
        text = f" {event.text}" if event.text else ""
        lines += _item(f"{local_time(event.at, tz=tz)} {event.kind}:{text}")
    if len(events) > MAX_EVENTS:
        lines.append(f"  ... ({len(events)} events total)")
    return lines


def _wrapped(label: str, text: str) -> list[str]:
    return _item(f"{label}: {text}")


def _item(text: str, *, bullet: str = "") -> list[str]:
    """Return `text` wrapped to the report's width, indented, as lines of their own."""
    text = shown(text)
    # textwrap counts letters: a wide one is given a filler for its second column, and a column of room.
    filled = "".join(char + _FILLER if _columns(char) == 2 else char for char in text)  # noqa: PLR2004
    lines = textwrap.wrap(
        filled,
        WIDTH_COLUMNS - (filled != text),
        initial_indent=f"  {bullet}",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )
    return [line.replace(_FILLER, "") for line in lines]


def _columns(text: str) -> int:
    """Return how many terminal columns `text` takes; wide characters and emoji take two."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _cut(text: str, room_columns: int) -> str:
    """Return `text`, its middle left out where it is wider than the room."""
    if _columns(text) <= room_columns:
        return text
    half = max((room_columns - 3) // 2, 4)
    head, tail = text, text
    while _columns(head) > half:
        head = head[:-1]
    while _columns(tail) > half:
        tail = tail[1:]
    return f"{head}...{tail}"


def _carries_signs(encoding: str) -> bool:
    try:
        "".join(_SIGNS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _encodable(text: str, encoding: str) -> str:
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text.encode("ascii", "backslashreplace").decode("ascii")
