"""Names that came and went within a day, long ago: which of their series may go, and all that refers to them.

A program that names its deques by ids makes new series for ever. A name is gone where all that is
left of its readings says so (they end in NULL), and its hours and days span less than a day: then
nothing more of it is told by any report. What lived longer keeps its days for ever.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from memmon.errors import StoreBusyError
from memmon.store.retention.rollup_columns import DAY_MS, Part, part_checksum
from memmon.store.schema.digest import readings_digest, with_readings_digest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import TypeAlias

    from memmon.store.connect.session import Maintenance

    Bucket: TypeAlias = tuple[int, int, int]
    """Run, resolution (ms), begin (ms)."""

_SERVER_NAME_COUNT = 50
"""So many names a pass on a server, which looks through all readings before it lets a series go."""
_ROUND_NAME_COUNT = 1_000
_BATCH_NAME_COUNT = 100

_SERIES = "SELECT id, source_id, kind, name FROM series ORDER BY source_id, kind, name"
_KNOWN = "SELECT series_id, count(value) FROM reading GROUP BY series_id"
_SPANS = "SELECT series_id, min(bucket_ms), max(bucket_ms), count(max_value) FROM reading_rollup GROUP BY series_id"
_READINGS = "SELECT run_id, series_id, seq FROM reading WHERE value IS NULL"
_PARTS = "SELECT run_id, resolution_ms, bucket_ms, series_id FROM reading_rollup"
_OF_BUCKET = "run_id = :run_id AND resolution_ms = :resolution_ms AND bucket_ms = :bucket_ms"
_REFERS = (
    "EXISTS (SELECT 1 FROM run r JOIN reading c ON c.run_id = r.id WHERE r.source_id = series.source_id "
    "AND c.series_id = series.id)"
)


@dataclass(slots=True)
class _Gone:
    """A name of a source that is gone, with all rows that refer to it."""

    series: list[int] = field(default_factory=list)
    readings: list[tuple[int, int, int]] = field(default_factory=list)
    parts: list[tuple[Bucket, int]] = field(default_factory=list)


def forget_gone_names(session: Maintenance) -> Generator[int]:
    """Delete the series of names that are gone, batch by batch, one short transaction each; yield how many."""
    most_count = _ROUND_NAME_COUNT if session.database.is_sqlite else _SERVER_NAME_COUNT
    names = _gone(session, most_count)
    while names:
        with session.without_references():
            rest = iter(names)
            while batch := list(islice(rest, _BATCH_NAME_COUNT)):
                with suppress(StoreBusyError):  # one came back, or another pass was quicker: next time
                    yield _forget(session, batch)
        if len(names) < most_count or not session.database.is_sqlite:
            return
        before = {one.series[0] for one in names}
        names = [one for one in _gone(session, most_count) if one.series[0] not in before]


def _gone(session: Maintenance, most_count: int) -> list[_Gone]:
    """Return the oldest names that are gone, with all that refers to them."""
    known: dict[int, int] = dict(session.read(_KNOWN))
    spans = {row[0]: row[1:] for row in session.read(_SPANS)}
    of_name: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for series, *name in session.read(_SERIES):
        of_name[tuple(name)].append(series)
    found = [
        (first_ms, series)
        for series in of_name.values()
        if (first_ms := _gone_since(series, known, spans)) is not None
    ]
    names = [_Gone(series) for _, series in sorted(found)[:most_count]]
    if not names:
        return []
    owner = {series: one for one in names for series in one.series}
    for run_id, series, seq in session.read(_READINGS):
        if series in owner:
            owner[series].readings.append((run_id, series, seq))
    for run_id, resolution_ms, bucket_ms, series in session.read(_PARTS):
        if series in owner:
            owner[series].parts.append(((run_id, resolution_ms, bucket_ms), series))
    return [one for one in names if not _is_raw(session, one)]


def _gone_since(
    series: Iterable[int], known: dict[int, int], spans: dict[int, tuple[Any, ...]]
) -> int | None:
    """Return when a name was first seen (ms; 0: nothing refers to it); None: it is not gone, or lived for a day."""
    ids = list(series)
    if any(known.get(one) for one in ids):
        return None
    found = [spans[one] for one in ids if one in spans]
    if not found:
        return None if any(one in known for one in ids) else 0
    first_ms, last_ms = min(one[0] for one in found), max(one[1] for one in found)
    # Where nothing was ever known of it (a deque that can't be read) it may well be alive.
    is_short = last_ms - first_ms < DAY_MS and any(one[2] for one in found)
    return int(first_ms) if is_short else None


def _is_raw(session: Maintenance, one: _Gone) -> bool:
    """Tell whether a snapshot that is still there vouches for one of the readings."""
    query = "SELECT 1 FROM snapshot WHERE run_id = :run_id AND seq = :seq"
    return any(session.read(query, {"run_id": run_id, "seq": seq}) for run_id, _, seq in one.readings)


def _forget(session: Maintenance, names: list[_Gone]) -> int:
    """Delete some names in one transaction; StoreBusyError: another process was at the same rows."""
    gone = {series for one in names for series in one.series}
    buckets = sorted({bucket for one in names for bucket, _ in one.parts})
    digests = [found for bucket in buckets if (found := _new_digest(session, bucket, gone)) is not None]
    readings = [row for one in names for row in one.readings]
    parts = [part for one in names for part in one.parts]
    with session.write() as transaction:
        transaction.run_many(
            "DELETE FROM reading WHERE run_id = :run_id AND series_id = :series_id AND seq = :seq",
            [{"run_id": run, "series_id": series, "seq": seq} for run, series, seq in readings],
        )
        transaction.run_many(
            f"DELETE FROM reading_rollup WHERE {_OF_BUCKET} AND series_id = :series_id",
            [{**_key(bucket), "series_id": series} for bucket, series in parts],
        )
        for row in digests:
            changed = transaction.run(
                f"UPDATE rollup SET digest = :digest WHERE {_OF_BUCKET} AND digest = :before", row
            )
            _require(changed, 1)
        for series in gone:
            _require(
                transaction.run(f"DELETE FROM series WHERE id = :id AND NOT {_REFERS}", {"id": series}), 1
            )
    return len(names)


def _new_digest(session: Maintenance, bucket: Bucket, gone: set[int]) -> dict[str, Any] | None:
    """Return what vouches for a bucket without the series that go; None where nothing does."""
    key = _key(bucket)
    ((before,),) = session.read(f"SELECT digest FROM rollup WHERE {_OF_BUCKET}", key) or [(None,)]
    if before is None:
        return None
    rows = session.read(
        f"SELECT series_id, min_value, mean_value, max_value, last_value FROM reading_rollup WHERE {_OF_BUCKET}",
        key,
    )
    kept = [(row[0], part_checksum(Part(*row[1:]))) for row in rows if row[0] not in gone]
    return {**key, "before": before, "digest": with_readings_digest(before, readings_digest(kept))}


def _key(bucket: Bucket) -> dict[str, int]:
    return dict(zip(("run_id", "resolution_ms", "bucket_ms"), bucket, strict=True))


def _require(changed: int, expected: int) -> None:
    if changed != expected:
        msg = "another process is at the same history: try again later"
        raise StoreBusyError(msg)
