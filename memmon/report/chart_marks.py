"""What happened at one moment, and which release ran when: starts, ends and events of the window."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from memmon.facts.run_endings import PROVED_ENDS
from memmon.report.chart_values import Marker, ReleaseSpan
from memmon.report.words import end_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from memmon.report.data import Report, RunRow
    from memmon.store.read import EventInfo

MAX_MARKERS = 300
EVENT_KINDS = {
    "death": "alert",
    "ended": "note",
    "gc": "gc",
    "trim": "gc",
    "alert": "alert",
    "annotation": "note",
    "clock_step": "note",
    "damage": "note",
}


def markers_of(report: Report, events: Iterable[EventInfo], *, first_seconds: float) -> tuple[Marker, ...]:
    """Return every moment after `first_seconds` that is worth telling, oldest first: the newest `MAX_MARKERS`."""
    runs = _runs(report)
    are_several = report.history is not None and report.history.process_count > 1
    markers = list(_starts(runs, are_several=are_several))
    markers += [
        Marker(at_seconds=event.at.timestamp(), kind=EVENT_KINDS[event.kind], text=event.text)
        for event in events
        if event.kind in EVENT_KINDS
    ]
    return _newest(markers, first_seconds)


def ends_of(report: Report, *, first_seconds: float) -> tuple[Marker, ...]:
    """Return where a run ended after `first_seconds`, oldest first: the newest `MAX_MARKERS`."""
    return _newest(_ends(_runs(report)), first_seconds)


def _newest(markers: Iterable[Marker], first_seconds: float) -> tuple[Marker, ...]:
    inside = [marker for marker in markers if marker.at_seconds > first_seconds]
    return tuple(sorted(inside, key=lambda marker: marker.at_seconds))[-MAX_MARKERS:]


def releases_of(report: Report, *, since_seconds: float, until_seconds: float) -> tuple[ReleaseSpan, ...]:
    """Return which release ran when, within the window; each lasts until a run of another begins."""
    named = [run for run in _runs(report) if run.release]
    firsts = [(name, next(runs).started_at.timestamp()) for name, runs in groupby(named, _release)]
    ends = [*(at for _, at in firsts), until_seconds][1:]
    spans = (
        ReleaseSpan(name=name, from_seconds=max(at, since_seconds), until_seconds=min(end, until_seconds))
        for (name, at), end in zip(firsts, ends, strict=False)
    )
    return tuple(one for one in spans if one.until_seconds > one.from_seconds)


def _release(run: RunRow) -> str:
    return run.release or ""


def _runs(report: Report) -> list[RunRow]:
    return sorted(report.history.runs, key=lambda run: run.started_at) if report.history else []


def _starts(runs: list[RunRow], *, are_several: bool) -> Iterator[Marker]:
    """Yield the start of each run: a deploy where it brings another release."""
    for before, run in zip([None, *runs], runs, strict=False):
        is_deploy = before is not None and run.release is not None and run.release != before.release
        who = f"pid {run.pid}" if are_several and run.pid is not None else ""
        text = ", ".join(filter(None, (who, f"release {run.release}" if run.release else "")))
        yield Marker(
            at_seconds=run.started_at.timestamp(), kind="deploy" if is_deploy else "restart", text=text
        )


def _ends(runs: list[RunRow]) -> Iterator[Marker]:
    """Yield the end of each run that ended: a death where there is evidence of one."""
    for run in runs:
        at = run.last_at or run.ended_at
        if at is not None and not run.is_running and (run.ended_at is not None or run.end_reason):
            kind = "death" if run.end_reason in PROVED_ENDS else "end"
            yield Marker(at_seconds=at.timestamp(), kind=kind, text=end_words(run))
