"""Several processes in one file: told apart where a column does it, refused where nothing does.

Readings of two processes in one run would be averaged, and the verdict would be about neither.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import groupby, islice
from typing import TYPE_CHECKING

from memmon.facts.whole_numbers import whole_number
from memmon.imports.recording import RecordedRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FEWEST_LATE = 3
_LATE_SHARE = 0.2
"""So many rows that lie before an earlier one are no step of a clock."""
_LEVELS_APART = 1.5
"""Sizes at one time that differ by this factor are those of two processes."""
_BLOCK_ROW_COUNT = 4_096


def told_apart(run: RecordedRun, process_numbers: Sequence[str], next_number: int) -> list[RecordedRun]:
    """Return the run, or one for each of several processes that follow one another in it.

    `next_number`: from which on the spool has no run yet. Raises ValueError, with what to do, where
    processes lie side by side.
    """
    for name in run.spool.telling:
        count = run.spool.group_count(run.number, name)
        if count < 2 or count > max(2, run.row_count // 2):  # noqa: PLR2004 -- one is none to tell apart
            continue
        if _overlap(run, name):
            raise ValueError(
                f"column {name!r} has {count} processes side by side;"
                f" say --split {name} to make each a run of its own"
            )
        if name in process_numbers:
            cells = run.spool.split(run.number, name, next_number)
            return [_part(run, cell, number) for number, cell in enumerate(cells, start=next_number)]
    _refuse_mixed(run)
    return [run]


def _overlap(run: RecordedRun, name: str) -> bool:
    spans = run.spool.spans(run.number, name)
    latest = next(spans)[1]
    for first, last in spans:
        if first < latest:
            return True
        latest = max(latest, last)
    return False


def _part(run: RecordedRun, cell: str, number: int) -> RecordedRun:
    part = RecordedRun(
        spool=run.spool,
        number=number,
        label=f"{run.label} {cell}".strip(),
        source=run.source,
        role=run.role,
        pid=whole_number(cell),
        takes_uptimes=False,
        each_once=run.each_once,
    )
    for at in part.times():
        part.count_in(at)
    return part


def _refuse_mixed(run: RecordedRun) -> None:
    needed = max(_FEWEST_LATE, _LATE_SHARE * run.row_count)
    late = 0
    if run.falls and run.rises:
        late = min(_late_count(run, backwards=False), _late_count(run, backwards=True))
    if late >= needed:
        raise ValueError(
            f"the times go back and forth ({late} of {run.row_count} rows stand out of order):"
            " several processes in one file? Name the column that tells them apart with --split COLUMN"
            " (or sort the rows by time, if they are of one process)"
        )
    mixed = _mixed_count(run)
    if mixed >= needed:
        raise ValueError(
            f"{mixed} rows share their time with one of another size: several processes in one file?"
            " Name the column that tells them apart with --split COLUMN"
        )


def _blocks(times: Iterator[float]) -> Iterator[array[float]]:
    while block := array("d", islice(times, _BLOCK_ROW_COUNT)):
        yield block


def _late_count(run: RecordedRun, *, backwards: bool) -> int:
    """Return how many samples must go so that the others stand in the order of time.

    What is earlier than all that follows stays, whatever follows: only the rest is held.
    """
    # The earliest that follows each block; both directions are read, so that no list of all is needed.
    earliest = array("d", [float("inf")])
    for block in _blocks(run.times(backwards=not backwards)):
        earliest.append(min(*block, earliest[-1]))
    tail_count = run.row_count % _BLOCK_ROW_COUNT
    passed_count, ends = 0, array("d")
    for block in _blocks_from(run.times(backwards=backwards), tail_count):
        earliest.pop()
        for at in block:
            place = bisect_right(ends, at)
            ends[place : place + 1] = array("d", [at])
        settled = bisect_right(ends, earliest[-1])
        passed_count += settled
        del ends[:settled]
    return run.row_count - passed_count - len(ends)


def _blocks_from(times: Iterator[float], first_count: int) -> Iterator[array[float]]:
    """Yield blocks that meet those of the other direction: the first one is the rest."""
    if first_count:
        yield array("d", islice(times, first_count))
    yield from _blocks(times)


def _mixed_count(run: RecordedRun) -> int:
    """Return how many rows stand at the time of another whose size is far from theirs."""
    rss = run.spool.names.index("rss_bytes")
    mixed = 0
    for _, rows in groupby(run.rows(), key=lambda row: row[0]):
        count, least, most = 0, float("inf"), 0.0
        for _, _, values in rows:
            size = values[rss]
            if size is not None:
                count, least, most = count + 1, min(least, size), max(most, size)
        if count and most > _LEVELS_APART * least:
            mixed += count
    return mixed
