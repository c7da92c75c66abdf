"""One batch of folding: read and fold outside the lock, then replace rows by rollups inside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from memmon.errors import StoreBusyError
from memmon.store.retention.rollup_columns import (
    COUNTERS,
    DAY_MS,
    EXTREMES,
    HOUR_MS,
    MEANS,
    Part,
    RollupStretch,
    constant,
    fold_readings,
    merged,
    merged_parts,
    raw_aggregates,
    rollup_digest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.store.connect.session import Maintenance, Transaction
    from memmon.store.retention.rollup_columns import Row

Parts = dict[int, dict[int, Part]]
"""Parts by bucket, then by series."""

_ROLLUP_COLUMNS = (
    "run_id",
    "resolution_ms",
    "bucket_ms",
    "sample_count",
    "rss_count",
    "at_ms",
    "uptime_ms",
    "last_rss_bytes",
    *EXTREMES,
    *MEANS,
    *COUNTERS,
    "digest",
)
_PUT_ROLLUP = (
    f"INSERT INTO rollup ({', '.join(_ROLLUP_COLUMNS)}) "
    f"VALUES ({', '.join(f':{name}' for name in _ROLLUP_COLUMNS)})"
)
_PUT_PART = (
    "INSERT INTO reading_rollup (run_id, series_id, resolution_ms, bucket_ms, "
    "min_value, mean_value, max_value, last_value) VALUES "
    "(:run_id, :series_id, :resolution_ms, :bucket_ms, :min_value, :mean_value, :max_value, :last_value)"
)
_AGGREGATES = (
    f"SELECT s.run_id, s.at_ms / {HOUR_MS} * {HOUR_MS} AS bucket_ms, {raw_aggregates()} "
    "FROM snapshot s WHERE s.run_id = :run_id AND s.seq >= :first_seq AND s.seq <= :last_seq "
    f"GROUP BY s.run_id, s.at_ms / {HOUR_MS}"
)
_AGGREGATE_COLUMNS = (
    "run_id",
    "bucket_ms",
    "sample_count",
    "rss_count",
    "at_ms",
    "uptime_ms",
    "last_seq",
    *EXTREMES,
    *MEANS,
    *COUNTERS,
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to be written in one transaction."""

    replaced: list[dict[str, Any]] = field(default_factory=list)
    """Keys of buckets that are there already and are written anew."""
    rollups: list[Row] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)


class Folder:
    """Folds batches of one database."""

    def __init__(self, session: Maintenance) -> None:
        self._session = session

    def runs_with_raw_before(self, cut_ms: int) -> list[tuple[int, int]]:
        """Return (run, source) of the runs whose first snapshot is older than the cut."""
        first = "(SELECT s.at_ms FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq LIMIT 1)"
        return self._runs(
            f"SELECT r.id, r.source_id FROM run r WHERE {first} < :cut_ms ORDER BY r.id", cut_ms
        )

    def runs_with_hours_before(self, cut_ms: int) -> list[tuple[int, int]]:
        """Return (run, source) of the runs with hours older than the cut."""
        found = (
            f"SELECT 1 FROM rollup h WHERE h.run_id = r.id AND h.resolution_ms = {HOUR_MS} "
            "AND h.bucket_ms < :cut_ms"
        )
        return self._runs(f"SELECT r.id, r.source_id FROM run r WHERE EXISTS ({found}) ORDER BY r.id", cut_ms)

    def _runs(self, sql: str, cut_ms: int) -> list[tuple[int, int]]:
        return [(row[0], row[1]) for row in self._session.read(sql, {"cut_ms": cut_ms})]

    def fold_raw(self, run_id: int, source_id: int, *, cut_ms: int, row_count: int) -> int:
        """Fold the oldest snapshots of a run into hours; return how many (0: none is old enough)."""
        samples = self._oldest(run_id, cut_ms=cut_ms, row_count=row_count)
        if not samples:
            return 0
        seqs = [seq for seq, _ in samples]
        rows = self._aggregated(run_id, seqs[0], seqs[-1])
        # Read outside the lock: another pass may have folded them since they were listed.
        _require(sum(row["sample_count"] for row in rows), len(seqs))
        changes = self._changes(run_id, source_id, seqs[-1])
        parts = _fold_all(seqs, _stretches(samples), changes)
        carried = {series: _carried(found, seqs[0]) for series, found in changes.items()}
        prepared = self._prepare(rows, parts, carried, resolution_ms=HOUR_MS)
        with self._session.write() as transaction:
            span = {"run_id": run_id, "first_seq": seqs[0], "last_seq": seqs[-1]}
            removed = transaction.run(
                "DELETE FROM snapshot WHERE run_id = :run_id AND seq >= :first_seq AND seq <= :last_seq", span
            )
            _require(removed, len(seqs))
            _put(transaction, prepared)
            transaction.run_many(
                "DELETE FROM reading WHERE run_id = :run_id AND series_id = :series_id AND seq < :kept_seq",
                [
                    # The newest reading before the cut stays: it still holds.
                    {"run_id": run_id, "series_id": series, "kept_seq": found[-1][0]}
                    for series, found in changes.items()
                    if len(found) > 1
                ],
            )
        return len(seqs)

    def _oldest(self, run_id: int, *, cut_ms: int, row_count: int) -> list[tuple[int, int]]:
        """Return (number, time) of the oldest snapshots before the cut: whole hours where they fit."""
        rows = self._session.read(
            "SELECT seq, at_ms FROM snapshot WHERE run_id = :run_id ORDER BY seq LIMIT :row_count",
            {"run_id": run_id, "row_count": row_count},
        )
        samples: list[tuple[int, int]] = []
        for seq, at_ms in rows:
            if at_ms >= cut_ms:
                return samples
            samples.append((seq, at_ms))
        if len(samples) < row_count:
            return samples
        last_bucket = samples[-1][1] // HOUR_MS
        whole = [sample for sample in samples if sample[1] // HOUR_MS != last_bucket]
        return whole or samples

    def _aggregated(self, run_id: int, first_seq: int, last_seq: int) -> list[Row]:
        span = {"run_id": run_id, "first_seq": first_seq, "last_seq": last_seq}
        rows = [
            dict(zip(_AGGREGATE_COLUMNS, found, strict=True))
            for found in self._session.read(_AGGREGATES, span)
        ]
        last = dict(
            self._session.read(
                "SELECT seq, rss_bytes FROM snapshot "
                "WHERE run_id = :run_id AND seq >= :first_seq AND seq <= :last_seq",
                span,
            )
        )
        for row in rows:
            row["last_rss_bytes"] = last.get(row.pop("last_seq"))
        return rows

    def _changes(self, run_id: int, source_id: int, last_seq: int) -> dict[int, list[tuple[int, int | None]]]:
        """Return (number, value) of the readings up to `last_seq`, by series, by a seek per series."""
        rows = self._session.read(
            "SELECT c.series_id, c.seq, c.value FROM series x CROSS JOIN reading c "
            "WHERE x.source_id = :source_id AND c.run_id = :run_id AND c.series_id = x.id AND c.seq <= :last_seq "
            "ORDER BY c.series_id, c.seq",
            {"run_id": run_id, "source_id": source_id, "last_seq": last_seq},
        )
        return {
            series: [(row[1], row[2]) for row in found]
            for series, found in groupby(rows, key=lambda row: row[0])
        }

    def fold_hours(self, run_id: int, source_id: int, *, cut_ms: int, day_count: int) -> int:
        """Fold the oldest hours of a run into days; return how many hours."""
        hours = self._oldest_hours(run_id, cut_ms=cut_ms, day_count=day_count)
        if not hours:
            return 0
        days: dict[int, list[Row]] = {}
        for hour in hours:
            days.setdefault(hour["bucket_ms"] // DAY_MS * DAY_MS, []).append(hour)
        rows = [merged(found, resolution_ms=DAY_MS, bucket_ms=day) for day, found in days.items()]
        span = (hours[0]["bucket_ms"], hours[-1]["bucket_ms"])
        known = self._hour_parts(run_id, source_id, span)
        carried = self._carried_before(run_id, source_id, span[0])
        parts = _fold_days(days, known, carried)
        prepared = self._prepare(rows, parts, carried, resolution_ms=DAY_MS)
        with self._session.write() as transaction:
            keys = {"run_id": run_id, "first_ms": span[0], "last_ms": span[1]}
            condition = f"resolution_ms = {HOUR_MS} AND bucket_ms >= :first_ms AND bucket_ms <= :last_ms"
            removed = transaction.run(f"DELETE FROM rollup WHERE run_id = :run_id AND {condition}", keys)
            _require(removed, len(hours))
            transaction.run_many(
                f"DELETE FROM reading_rollup WHERE run_id = :run_id AND series_id = :series_id AND {condition}",
                [{**keys, "series_id": series} for series in known],
            )
            _put(transaction, prepared)
        return len(hours)

    def _oldest_hours(self, run_id: int, *, cut_ms: int, day_count: int) -> list[Row]:
        columns = ", ".join(_ROLLUP_COLUMNS)
        rows = self._session.read(
            f"SELECT {columns} FROM rollup WHERE run_id = :run_id AND resolution_ms = {HOUR_MS} "
            "AND bucket_ms < :cut_ms ORDER BY bucket_ms LIMIT :row_count",
            {"run_id": run_id, "cut_ms": cut_ms, "row_count": 24 * day_count + 1},
        )
        hours = [dict(zip(_ROLLUP_COLUMNS, row, strict=True)) for row in rows]
        if len(hours) <= 24 * day_count:
            return hours
        last_day = hours[-1]["bucket_ms"] // DAY_MS
        return [hour for hour in hours if hour["bucket_ms"] // DAY_MS != last_day]

    def _hour_parts(self, run_id: int, source_id: int, span: tuple[int, int]) -> dict[int, dict[int, Part]]:
        """Return the parts of the hours, by series, then by bucket."""
        rows = self._session.read(
            "SELECT c.series_id, c.bucket_ms, c.min_value, c.mean_value, c.max_value, c.last_value "
            "FROM series x CROSS JOIN reading_rollup c "
            f"WHERE x.source_id = :source_id AND c.run_id = :run_id AND c.series_id = x.id "
            f"AND c.resolution_ms = {HOUR_MS} AND c.bucket_ms >= :first_ms AND c.bucket_ms <= :last_ms "
            "ORDER BY c.series_id, c.bucket_ms",
            {"run_id": run_id, "source_id": source_id, "first_ms": span[0], "last_ms": span[1]},
        )
        return {
            series: {row[1]: Part(*row[2:]) for row in found}
            for series, found in groupby(rows, key=lambda row: row[0])
        }

    def _carried_before(self, run_id: int, source_id: int, first_ms: int) -> dict[int, int | None]:
        """Return what each series was left at before a bucket."""
        newest = (
            "SELECT p.last_value FROM reading_rollup p WHERE p.run_id = :run_id AND p.series_id = x.id "
            f"AND p.resolution_ms = {DAY_MS} AND p.bucket_ms < :first_ms ORDER BY p.bucket_ms DESC LIMIT 1"
        )
        rows = self._session.read(
            f"SELECT x.id, ({newest}) FROM series x WHERE x.source_id = :source_id",
            {"run_id": run_id, "source_id": source_id, "first_ms": first_ms},
        )
        return {row[0]: row[1] for row in rows}

    def _prepare(
        self,
        rows: Sequence[Row],
        parts: Parts,
        carried: Mapping[int, int | None],
        *,
        resolution_ms: int,
    ) -> Prepared:
        """Return what is to be written, joined with what the buckets hold already."""
        run_id = rows[0]["run_id"]
        old = self._existing(run_id, resolution_ms, [row["bucket_ms"] for row in rows])
        prepared = Prepared()
        for given in rows:
            row, bucket = given, given["bucket_ms"]
            found = parts.get(bucket, {})
            if bucket in old:
                before = self._existing_parts(run_id, resolution_ms, bucket)
                counts = (old[bucket]["sample_count"], row["sample_count"])
                found = _joined(before, found, carried, counts)
                row = merged([old[bucket], row], resolution_ms=resolution_ms, bucket_ms=bucket)
                prepared.replaced.append(
                    {"run_id": run_id, "resolution_ms": resolution_ms, "bucket_ms": bucket}
                )
            row["resolution_ms"] = resolution_ms
            row["digest"] = rollup_digest(row, found)
            prepared.rollups.append(row)
            prepared.parts.extend(_part_row(run_id, resolution_ms, bucket, *item) for item in found.items())
        return prepared

    def _existing(self, run_id: int, resolution_ms: int, buckets: Sequence[int]) -> dict[int, Row]:
        rows = self._session.read(
            f"SELECT {', '.join(_ROLLUP_COLUMNS)} FROM rollup WHERE run_id = :run_id "
            "AND resolution_ms = :resolution_ms AND bucket_ms >= :low AND bucket_ms <= :high",
            {"run_id": run_id, "resolution_ms": resolution_ms, "low": min(buckets), "high": max(buckets)},
        )
        return {row[2]: dict(zip(_ROLLUP_COLUMNS, row, strict=True)) for row in rows}

    def _existing_parts(self, run_id: int, resolution_ms: int, bucket_ms: int) -> dict[int, Part]:
        rows = self._session.read(
            "SELECT series_id, min_value, mean_value, max_value, last_value FROM reading_rollup "
            "WHERE run_id = :run_id AND resolution_ms = :resolution_ms AND bucket_ms = :bucket_ms",
            {"run_id": run_id, "resolution_ms": resolution_ms, "bucket_ms": bucket_ms},
        )
        return {row[0]: Part(*row[1:]) for row in rows}


def _require(removed: int, expected: int) -> None:
    if removed != expected:
        msg = "another process is folding the same history: try again later"
        raise StoreBusyError(msg)


def _stretches(samples: Sequence[tuple[int, int]]) -> list[RollupStretch]:
    stretches = []
    start = 0
    for bucket, found in groupby(samples, key=lambda sample: sample[1] // HOUR_MS):
        stop = start + len(list(found))
        stretches.append(RollupStretch(bucket * HOUR_MS, start, stop))
        start = stop
    return stretches


def _fold_all(
    seqs: Sequence[int],
    stretches: Sequence[RollupStretch],
    changes: Mapping[int, Sequence[tuple[int, int | None]]],
) -> Parts:
    parts: Parts = {}
    for series, found in changes.items():
        for bucket, part in fold_readings(seqs, stretches, found).items():
            parts.setdefault(bucket, {})[series] = part
    return parts


def _carried(changes: Sequence[tuple[int, int | None]], first_seq: int) -> int | None:
    before = [value for seq, value in changes if seq < first_seq]
    return before[-1] if before else None


def _fold_days(
    days: Mapping[int, Sequence[Row]],
    known: Mapping[int, Mapping[int, Part]],
    carried: Mapping[int, int | None],
) -> Parts:
    parts: Parts = {}
    for series, hours in known.items():
        last = carried.get(series)
        for day, rows in days.items():
            changed = any(row["bucket_ms"] in hours for row in rows)
            pieces = []
            for row in rows:
                part = hours.get(row["bucket_ms"], constant(last))
                last = part.last
                pieces.append((part, row["sample_count"]))
            if changed:
                parts.setdefault(day, {})[series] = merged_parts(pieces)
    return parts


def _joined(
    before: Mapping[int, Part],
    after: Mapping[int, Part],
    carried: Mapping[int, int | None],
    counts: tuple[int, int],
) -> dict[int, Part]:
    """Return the parts of a bucket that is folded in two goes."""
    joined = {}
    for series in {*before, *after}:
        first = before.get(series) or constant(carried.get(series))
        second = after.get(series) or constant(first.last)
        joined[series] = merged_parts([(first, counts[0]), (second, counts[1])])
    return joined


def _put(transaction: Transaction, prepared: Prepared) -> None:
    for table in ("rollup", "reading_rollup"):
        transaction.run_many(
            f"DELETE FROM {table} WHERE run_id = :run_id AND resolution_ms = :resolution_ms "
            "AND bucket_ms = :bucket_ms",
            prepared.replaced,
        )
    transaction.run_many(_PUT_ROLLUP, prepared.rollups)
    transaction.run_many(_PUT_PART, prepared.parts)


def _part_row(run_id: int, resolution_ms: int, bucket_ms: int, series_id: int, part: Part) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "series_id": series_id,
        "resolution_ms": resolution_ms,
        "bucket_ms": bucket_ms,
        "min_value": part.minimum,
        "mean_value": part.mean,
        "max_value": part.maximum,
        "last_value": part.last,
    }
