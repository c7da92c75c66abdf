"""What of a recording is stored already: a log that grew goes on in its run, nothing is stored twice.

Both are read in the order of time, side by side: neither is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from memmon.imports.recording import IMPORTED
from memmon.store.transfer.stored_runs import runs_of, samples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from memmon.config import Database
    from memmon.imports.recording import RecordedRun
    from memmon.imports.spool import Spool
    from memmon.store.transfer.stored_runs import StoredRun

    Row = dict[str, Any]
    Rows = Callable[[], Iterator[Row]]
    Stored = Iterator[tuple[int, int | None]]

_SAME_SHARE = 0.5
"""Of the samples in the time that both have: above this, they are one recording."""
_FEWEST_RELATIVE = 3
_SAME_RELATIVE_SHARE = 0.9
"""A recording without dates is known by its uptimes alone: more of them must agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A stored run that a recording repeats or goes on from; its raw samples lie in the recording's spool."""

    run: StoredRun
    spool: Spool
    is_undated: bool = False
    """True: samples are known by their uptimes; the recording has no dates."""


class KnownRuns:
    """The runs of one source, each to be found once."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._runs = list(runs_of(database, source))

    def find(self, of: RecordedRun, head: Row, rows: Rows) -> Known | None:
        """Return the run that these samples (with dates) are of; None: they are new."""
        for run in self._runs:
            is_same = run.uuid == head["uuid"]
            if not is_same and (run.started_ms > head["ended_ms"] or run.last_ms < head["started_ms"]):
                continue
            of.spool.keep_stored(samples_of(self._database, run.run_id))
            if is_same or _same_share(rows, of.spool, run, head) > _SAME_SHARE:
                return self._taken(Known(run=run, spool=of.spool))
        return None

    def find_undated(self, of: RecordedRun, head: Row, rows: Rows) -> Known | None:
        """Return the run that samples without dates are of, known by their distance from the first."""
        for run in self._runs:
            if run.uuid != head["uuid"] and run.end_reason != IMPORTED:
                continue
            of.spool.keep_stored(samples_of(self._database, run.run_id))
            if run.uuid == head["uuid"] or _are_same_undated(rows, of.spool):
                return self._taken(Known(run=run, spool=of.spool, is_undated=True))
        return None

    def _taken(self, known: Known) -> Known:
        self._runs.remove(known.run)
        return known


def _beside(
    rows: Iterable[Row], stored: Stored, key: str
) -> Iterator[tuple[int, list[Row], list[int | None]]]:
    """Yield each time that either has, with the rows and the stored sizes of it."""
    both = merge(
        ((row[key], True, row) for row in rows),
        ((at, False, size) for at, size in stored),
        key=itemgetter(0),
    )
    for at, found in groupby(both, key=itemgetter(0)):
        items: list[tuple[bool, Any]] = [(is_mine, item) for _, is_mine, item in found]
        yield (
            at,
            [item for is_mine, item in items if is_mine],
            [item for is_mine, item in items if not is_mine],
        )


def _are_same_undated(rows: Rows, spool: Spool) -> bool:
    same = count = 0
    for _, mine, theirs in _beside(rows(), spool.stored("uptime_ms"), "uptime_ms"):
        count += len(theirs)
        if mine:
            same += theirs.count(mine[-1].get("rss_bytes"))
    return same >= _FEWEST_RELATIVE and same >= _SAME_RELATIVE_SHARE * count


def _same_share(rows: Rows, spool: Spool, run: StoredRun, head: Row) -> float:
    """Return which share of the samples in the time that both have is the same."""
    count, first, last = spool.stored_extent()
    if count == 0:  # all of it is folded into hours and days
        return 1.0 if head["started_ms"] == run.started_ms else 0.0
    first, last = max(head["started_ms"], first), min(head["ended_ms"], last)
    same = different = 0
    for at, mine, theirs in _beside(rows(), spool.stored("at_ms"), "at_ms"):
        if first <= at <= last:
            ours, others = {row.get("rss_bytes") for row in mine}, set(theirs)
            same += len(ours & others)
            different += len(ours | others)
    return same / max(different, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The samples of a recording, by what becomes of them."""

    new: Rows
    """Those that go on from a stored run, numbered as it goes on."""
    row_count: int
    new_count: int
    known_count: int
    left_count: int
    """Before or between those that are stored: they have no place any more."""
    first_ms: int
    """The time of the first and of the last that is new."""
    last_ms: int


def sort_out(rows: Rows, known: Known, head: Row) -> Sorted:
    """Return which samples go on from a stored run, and how many do not."""
    key = "uptime_ms" if known.is_undated else "at_ms"
    row_count = known_count = left_count = 0
    new_ms: list[int] = []
    for _, mine, theirs in _beside(rows(), known.spool.stored(key), key):
        row_count += len(mine)
        for row in mine:
            if _goes_on(row, known, head):
                at_ms = _at_ms(row, known, head)
                new_ms = [new_ms[0] if new_ms else at_ms, at_ms]
                continue
            is_known = row.get("rss_bytes") in theirs or _is_rolled(row, known, head)
            known_count += is_known
            left_count += not is_known
    return Sorted(
        new=lambda: _new_rows(rows, known, head),
        row_count=row_count,
        new_count=row_count - known_count - left_count,
        known_count=known_count,
        left_count=left_count,
        first_ms=new_ms[0] if new_ms else 0,
        last_ms=new_ms[-1] if new_ms else 0,
    )


def _goes_on(row: Row, known: Known, head: Row) -> bool:
    if known.is_undated and known.run.last_seq:
        return bool(row["uptime_ms"] > known.run.last_uptime_ms)
    return _at_ms(row, known, head) > known.run.last_ms


def _at_ms(row: Row, known: Known, head: Row) -> int:
    """Return when a sample was, in the time of the run that it goes on from."""
    at_ms: int = row["at_ms"]
    return at_ms + known.run.started_ms - head["started_ms"] if known.is_undated else at_ms


def _new_rows(rows: Rows, known: Known, head: Row) -> Iterator[Row]:
    run, seq = known.run, known.run.last_seq
    for row in rows():
        if not _goes_on(row, known, head):
            continue
        seq += 1
        at_ms = _at_ms(row, known, head)
        # The same file, of which an import was cut off, goes on as it was.
        is_resumed = run.uuid == head["uuid"] and row["seq"] == seq
        uptime_ms = row["uptime_ms"] if is_resumed else run.last_uptime_ms + at_ms - run.last_ms
        yield {**row, "run": run.uuid, "seq": seq, "at_ms": at_ms, "uptime_ms": uptime_ms}


def _is_rolled(row: Row, known: Known, head: Row) -> bool:
    run = known.run
    return run.rolled_ms is not None and run.started_ms <= _at_ms(row, known, head) < run.rolled_ms
