"""Several processes in one file: told apart where a column does it, refused where nothing does.

Readings of two processes in one run would be averaged, and the verdict would be about neither.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.facts.whole_numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.imports.recording import RecordedRun

_FEWEST_LATE = 3
_LATE_SHARE = 0.2
"""So many rows that lie before an earlier one are no step of a clock."""
_LEVELS_APART = 1.5
"""Sizes at one time that differ by this factor are those of two processes."""


def told_apart(run: RecordedRun, process_numbers: Sequence[str]) -> list[RecordedRun]:
    """Return the run, or one for each of several processes that follow one another in it.

    Raises ValueError, with what to do, where processes lie side by side.
    """
    for name, cells in run.telling.items():
        groups = _groups(cells)
        if len(groups) < 2 or len(groups) > max(2, len(cells) // 2):  # noqa: PLR2004 -- one is none to tell apart
            continue
        if _overlap(run, groups):
            raise ValueError(
                f"column {name!r} has {len(groups)} processes side by side;"
                f" say --split {name} to make each a run of its own"
            )
        if name in process_numbers:
            return [_part(run, cell, rows) for cell, rows in groups.items()]
    _refuse_mixed(run)
    return [run]


def _groups(cells: Sequence[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row, cell in enumerate(cells):
        if cell:
            groups.setdefault(cell, []).append(row)
    return groups


def _overlap(run: RecordedRun, groups: dict[str, list[int]]) -> bool:
    spans = sorted(
        (min(run.at_seconds[row] for row in rows), max(run.at_seconds[row] for row in rows))
        for rows in groups.values()
    )
    latest = spans[0][1]
    for first, last in spans[1:]:
        if first < latest:
            return True
        latest = max(latest, last)
    return False


def _part(run: RecordedRun, cell: str, rows: Sequence[int]) -> RecordedRun:
    return replace(
        run,
        label=f"{run.label} {cell}".strip(),
        pid=whole_number(cell),
        at_seconds=[run.at_seconds[row] for row in rows],
        values={name: [values[row] for row in rows] for name, values in run.values.items()},
        uptime_seconds=[],
        telling={},
    )


def _refuse_mixed(run: RecordedRun) -> None:
    times = run.at_seconds
    late = min(_late_count(times), _late_count(times[::-1]))
    if late >= _FEWEST_LATE and late >= _LATE_SHARE * len(times):
        raise ValueError(
            f"the times go back and forth ({late} of {len(times)} rows stand out of order):"
            " several processes in one file? Name the column that tells them apart with --split COLUMN"
            " (or sort the rows by time, if they are of one process)"
        )
    mixed = _mixed_count(run)
    if mixed >= _FEWEST_LATE and mixed >= _LATE_SHARE * len(times):
        raise ValueError(
            f"{mixed} rows share their time with one of another size: several processes in one file?"
            " Name the column that tells them apart with --split COLUMN"
        )


def _late_count(times: Sequence[float]) -> int:
    """Return how many samples must go so that the others stand in the order of time."""
    ends: list[float] = []
    for at in times:
        place = bisect_right(ends, at)
        ends[place : place + 1] = [at]
    return len(times) - len(ends)


def _mixed_count(run: RecordedRun) -> int:
    """Return how many rows stand at the time of another whose size is far from theirs."""
    sizes: dict[float, list[float]] = {}
    for at, value in zip(run.at_seconds, run.values["rss_bytes"], strict=True):
        if value is not None:
            sizes.setdefault(at, []).append(value)
    return sum(len(found) for found in sizes.values() if max(found) > _LEVELS_APART * min(found))
