"""Folding samples into hours and days: pure functions and the SQL expressions that they stand on.

A bucket holds the count, the mean, the extremes that a mean would hide, and the last value.
Readings keep their rule: a bucket has a row only where the series is not constant at the last
value of the bucket before.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memmon.facts.readings import READINGS
from memmon.store.schema.digest import group_digest
from memmon.units import MS_PER_DAY, MS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOUR_MS = MS_PER_HOUR
DAY_MS = MS_PER_DAY

MEANS = tuple(one.column for one in READINGS if one.fold == "mean")
"""Columns of which a rollup holds the mean (weighted by samples)."""

COUNTERS = tuple(one.column for one in READINGS if one.fold == "counter")
"""Columns that only grow within a run: the largest is the last."""

EXTREMES = {
    f"{prefix}_{one.column}": one.column for one in READINGS for prefix in one.beside if prefix != "last"
}
"""What a mean would hide, and the raw column it is taken from."""

VALUES = (*MEANS, *COUNTERS, *EXTREMES)
"""Every value of a sample, raw or rolled up."""

_FLOATS = frozenset(
    name for one in READINGS if one.unit == "percent" for name in (one.column, *one.beside_columns)
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What a series did in one bucket; None: nothing was known."""

    minimum: int | None
    mean: float | None
    maximum: int | None
    last: int | None


def constant(value: int | None) -> Part:
    """Return the part of a bucket through which a series stayed at `value`."""
    return Part(value, None if value is None else float(value), value, value)


def raw_aggregates() -> str:
    """Return the SELECT list that folds raw snapshots `s` (grouped by bucket) into a rollup's columns."""
    parts = [
        "count(*) AS sample_count",
        "count(s.rss_bytes) AS rss_count",
        "CAST(round(avg(s.at_ms)) AS BIGINT) AS at_ms",
        "CAST(round(avg(s.uptime_ms)) AS BIGINT) AS uptime_ms",
        "max(CASE WHEN s.rss_bytes IS NULL THEN NULL ELSE s.seq END) AS last_seq",
    ]
    parts += [f"{name[:3]}(s.{column}) AS {name}" for name, column in EXTREMES.items()]
    parts += [
        f"avg(s.{name}) AS {name}" if name in _FLOATS else f"CAST(round(avg(s.{name})) AS BIGINT) AS {name}"
        for name in MEANS
    ]
    parts += [f"max(s.{name}) AS {name}" for name in COUNTERS]
    return ", ".join(parts)


def merged(rows: Sequence[Mapping[str, Any]], *, resolution_ms: int, bucket_ms: int) -> Row:
    """Return one rollup row for several of the same run, in the order of time."""
    samples = sum(row["sample_count"] for row in rows)
    one: Row = {
        "run_id": rows[0]["run_id"],
        "resolution_ms": resolution_ms,
        "bucket_ms": bucket_ms,
        "sample_count": samples,
        "rss_count": sum(row["rss_count"] for row in rows),
        "last_rss_bytes": next(
            (row["last_rss_bytes"] for row in reversed(rows) if row["last_rss_bytes"] is not None), None
        ),
    }
    for name in ("at_ms", "uptime_ms"):
        one[name] = round(sum(row[name] * row["sample_count"] for row in rows) / samples)
    for name in MEANS:
        one[name] = _weighted(rows, name)
    for name in COUNTERS:
        one[name] = _extreme(rows, name, max)
    for name in EXTREMES:
        one[name] = _extreme(rows, name, min if name.startswith("min_") else max)
    return one


def _weighted(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    weight = "rss_count" if name == "rss_bytes" else "sample_count"
    known = [(row[name], row[weight]) for row in rows if row[name] is not None]
    total = sum(count for _, count in known)
    if not total:
        return None
    mean: float = sum(value * count for value, count in known) / total
    return mean if name in _FLOATS else round(mean)


def _extreme(rows: Sequence[Mapping[str, Any]], name: str, choose: Any) -> Any:
    known = [row[name] for row in rows if row[name] is not None]
    return choose(known) if known else None


@dataclass(frozen=True, slots=True)
class RollupStretch:
    """Successive samples of one bucket: `seqs[start:stop]` of a run's samples."""

    bucket_ms: int
    start: int
    stop: int


def fold_readings(
    seqs: Sequence[int], stretches: Sequence[RollupStretch], changes: Sequence[tuple[int, int | None]]
) -> dict[int, Part]:
    """Return the parts of one series by bucket: only of buckets in which it changed.

    `seqs` are the samples' numbers, ascending; `changes` are (number, value) in order, among them the
    one that held before the first sample.
    """
    pieces: dict[int, list[tuple[int | None, int]]] = {}
    carried: int | None = None
    is_known = False
    place = 0
    while place < len(changes) and changes[place][0] < seqs[0]:
        carried, is_known = changes[place][1], True
        place += 1
    for stretch in stretches:
        position, first = stretch.start, place
        found: list[tuple[int | None, int]] = []
        while place < len(changes):
            index = bisect_left(seqs, changes[place][0], stretch.start)
            if index >= stretch.stop:
                break
            if is_known:
                found.append((carried, index - position))
            position, carried, is_known = index, changes[place][1], True
            place += 1
        if place > first:
            pieces.setdefault(stretch.bucket_ms, []).extend([*found, (carried, stretch.stop - position)])
    return {bucket: _part(found) for bucket, found in pieces.items()}


def _part(pieces: Sequence[tuple[int | None, int]]) -> Part:
    known = [(value, count) for value, count in pieces if value is not None and count]
    last = pieces[-1][0]
    if not known:
        return Part(None, None, None, last)
    total = sum(count for _, count in known)
    values = [value for value, _ in known]
    mean = sum(value * count for value, count in known) / total
    return Part(min(values), mean, max(values), last)


def merged_parts(parts: Sequence[tuple[Part, int]]) -> Part:
    """Return one part for several, each with the number of its samples, in the order of time."""
    known = [(part, count) for part, count in parts if part.mean is not None]
    last = parts[-1][0].last
    total = sum(count for _, count in known)
    if not total:
        return Part(None, None, None, last)
    mean = sum((part.mean or 0.0) * count for part, count in known) / total
    lows = [part.minimum for part, _ in known if part.minimum is not None]
    highs = [part.maximum for part, _ in known if part.maximum is not None]
    return Part(min(lows, default=None), mean, max(highs, default=None), last)


def rollup_digest(row: Mapping[str, Any], parts: Mapping[int, Part]) -> int:
    """Return the checksum of a rollup row and of its series' parts, as salvage verifies it."""
    return group_digest(row, ((series_id, part_checksum(part)) for series_id, part in parts.items()))


def part_checksum(part: Part) -> int:
    """Return the checksum of what a series did in one bucket."""
    return zlib.crc32(repr((part.minimum, part.mean, part.maximum, part.last)).encode())
