"""What of a recording is stored already: a log that grew goes on in its run, nothing is stored twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.imports.recording import IMPORTED
from memmon.store.transfer.stored_runs import runs_of, samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memmon.config import Database
    from memmon.store.transfer.stored_runs import StoredRun

    Mark = tuple[int, int | None]

_SAME_SHARE = 0.5
"""Of the samples in the time that both have: above this, they are one recording."""
_FEWEST_RELATIVE = 3
_SAME_RELATIVE_SHARE = 0.9
"""A recording without dates is known by its uptimes alone: more of them must agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A stored run that a recording repeats or goes on from."""

    run: StoredRun
    marks: frozenset[Mark]
    """Its raw samples: time and size."""


class KnownRuns:
    """The runs of one source, each to be found once."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._runs = list(runs_of(database, source))

    def find(self, rows: Sequence[dict[str, Any]], uuid: str) -> Known | None:
        """Return the run that these samples (with dates) are of; None: they are new."""
        first, last = rows[0]["at_ms"], rows[-1]["at_ms"]
        marks = {(row["at_ms"], row.get("rss_bytes")) for row in rows}
        for run in self._runs:
            if run.uuid != uuid and (run.started_ms > last or run.last_ms < first):
                continue
            stored = frozenset((one.at_ms, one.rss_bytes) for one in samples_of(self._database, run.run_id))
            if run.uuid == uuid or _same_share(marks, stored, run) > _SAME_SHARE:
                return self._taken(run, stored)
        return None

    def find_undated(self, rows: Sequence[dict[str, Any]], uuid: str) -> Known | None:
        """Return the run that samples without dates are of, known by their distance from the first."""
        sizes = {row["uptime_ms"]: row.get("rss_bytes") for row in rows}
        for run in self._runs:
            samples = samples_of(self._database, run.run_id)
            same = sum(sizes.get(one.uptime_ms, -1) == one.rss_bytes for one in samples)
            is_same = same >= _FEWEST_RELATIVE and same >= _SAME_RELATIVE_SHARE * len(samples)
            if run.uuid == uuid or (run.end_reason == IMPORTED and is_same):
                return self._taken(run, frozenset((one.at_ms, one.rss_bytes) for one in samples))
        return None

    def _taken(self, run: StoredRun, marks: frozenset[Mark]) -> Known:
        self._runs.remove(run)
        return Known(run=run, marks=marks)


def _same_share(marks: set[Mark], stored: frozenset[Mark], run: StoredRun) -> float:
    """Return which share of the samples in the time that both have is the same."""
    if not stored:  # all of it is folded into hours and days
        return 1.0 if min(marks)[0] == run.started_ms else 0.0
    first = max(min(at for at, _ in marks), min(at for at, _ in stored))
    last = min(max(at for at, _ in marks), max(at for at, _ in stored))
    mine = {mark for mark in marks if first <= mark[0] <= last}
    theirs = {mark for mark in stored if first <= mark[0] <= last}
    return len(mine & theirs) / max(len(mine | theirs), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The samples of a recording, by what becomes of them."""

    new: tuple[dict[str, Any], ...]
    known_count: int
    left_count: int
    """Before or between those that are stored: they have no place any more."""


def sort_out(rows: Iterable[dict[str, Any]], known: Known) -> Sorted:
    """Return the samples that go on from a stored run, numbered as it goes on; count the others."""
    run = known.run
    new: list[dict[str, Any]] = []
    known_count = left_count = 0
    for row in rows:
        if row["at_ms"] > run.last_ms:
            seq = run.last_seq + len(new) + 1
            uptime_ms = run.last_uptime_ms + row["at_ms"] - run.last_ms
            new.append({**row, "run": run.uuid, "seq": seq, "uptime_ms": uptime_ms})
        elif (row["at_ms"], row.get("rss_bytes")) in known.marks or _is_rolled(row, run):
            known_count += 1
        else:
            left_count += 1
    return Sorted(new=tuple(new), known_count=known_count, left_count=left_count)


def _is_rolled(row: dict[str, Any], run: StoredRun) -> bool:
    return run.rolled_ms is not None and run.started_ms <= row["at_ms"] < run.rolled_ms
