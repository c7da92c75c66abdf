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
PASS_KINDS = ("gc", "trim")
"""Of events that say that memory was given back: passes, which come by themselves, again and again."""

MAX_PASSES = 20_000
"""Passes that are looked at; two years of one an hour. Chosen."""

MOST_TICKS = 120
"""Ticks on the axis, at most: more stand too close to be told apart on a phone. Chosen."""

EVENT_KINDS = {
    "death": "alert",
    "ended": "note",
    "alert": "alert",
    "annotation": "note",
    "clock_step": "note",
    "damage": "note",
}


def markers_of(
    report: Report,
    events: Iterable[EventInfo],
    passes: Iterable[EventInfo],
    *,
    first_seconds: float,
    until_seconds: float,
) -> tuple[Marker, ...]:
    """Return every moment after `first_seconds` that is worth telling, oldest first.

    The newest `MAX_MARKERS`, and the passes over the whole time, as `MOST_TICKS` at most.
    """
    runs = _runs(report)
    are_several = report.history is not None and report.history.process_count > 1
    markers = list(_starts(runs, are_several=are_several))
    markers += [
        Marker(at_seconds=event.at.timestamp(), kind=EVENT_KINDS[event.kind], text=event.text)
        for event in events
        if event.kind in EVENT_KINDS
    ]
    ticks = _ticks(passes, first_seconds, until_seconds)
    return tuple(sorted((*_newest(markers, first_seconds), *ticks), key=_moment))


def _ticks(passes: Iterable[EventInfo], first_seconds: float, until_seconds: float) -> Iterator[Marker]:
    """Yield each pass; where there are very many, one tick for those of an equal part of the time, with their number."""
    inside = [event for event in passes if event.at.timestamp() > first_seconds]
    if len(inside) <= MOST_TICKS:
        yield from (Marker(at_seconds=one.at.timestamp(), kind="gc", text=one.text) for one in inside)
        return
    width_seconds = max(until_seconds - first_seconds, 1.0) / MOST_TICKS
    inside.sort(key=lambda event: event.at)

    def part_of(event: EventInfo) -> int:
        return min(int((event.at.timestamp() - first_seconds) / width_seconds), MOST_TICKS - 1)

    for _, some in groupby(inside, part_of):
        found = list(some)
        more = f"{len(found):,} passes, the last: " if len(found) > 1 else ""
        yield Marker(at_seconds=found[0].at.timestamp(), kind="gc", text=f"{more}{found[-1].text}")


def ends_of(report: Report, *, first_seconds: float) -> tuple[Marker, ...]:
    """Return where a run ended after `first_seconds`, oldest first: the newest `MAX_MARKERS`."""
    return _newest(_ends(_runs(report)), first_seconds)


def _newest(markers: Iterable[Marker], first_seconds: float) -> tuple[Marker, ...]:
    inside = [marker for marker in markers if marker.at_seconds > first_seconds]
    return tuple(sorted(inside, key=_moment))[-MAX_MARKERS:]


def _moment(marker: Marker) -> float:
    return marker.at_seconds


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
