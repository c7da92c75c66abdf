"""Which of the rows that were found are as they were written.

A snapshot proves itself by the checksum of its row, its readings together by theirs. Readings of
which one lies on a page that is lost can't be proved; they count when their own page is sound and
nothing else on it is in doubt. Rows of tables without checksums count when their page is sound.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from memmon.store.retention.rollup_columns import Part, part_checksum
from memmon.store.salvage.forest import place_of
from memmon.store.salvage.tables import is_plausible
from memmon.store.schema.digest import group_digest, readings_digest, row_digest, split_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from memmon.store.salvage.forest import Found, ReadingKey
    from memmon.store.salvage.tables import Row

Group = tuple[int, ...]
Members = dict[int, tuple["Row", int]]
"""(row, page) of the readings of one snapshot or bucket, by series."""


@dataclass(slots=True)
class Kept:
    """The rows that count, by table, and how many were refused."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    proved_count: int = 0
    """Rows that a checksum proves."""
    unproved_count: int = 0
    """Readings that count although what would prove them is lost."""


def verify(found: Found) -> Kept:
    """Return the rows that count."""
    kept = Kept()
    snapshots = _judge_owners(found, kept, "snapshot", ("run_id", "seq"))
    _judge_parts(found, kept, owners=snapshots, name="reading", key=("run_id", "seq"))
    bucket = ("run_id", "resolution_ms", "bucket_ms")
    rollups = _judge_owners(found, kept, "rollup", bucket)
    _drop_folded(kept)
    _judge_parts(found, kept, owners=rollups, name="reading_rollup", key=bucket)
    for name in ("source", "run", "series", "event", "report", "assessment", "alert_watch"):
        _judge_plain(found, kept, name)
    _digest_anew(kept, "snapshot", "reading", ("run_id", "seq"))
    _digest_anew(kept, "rollup", "reading_rollup", bucket)
    return kept


def _digest_anew(kept: Kept, name: str, parts: str, key: tuple[str, ...]) -> None:
    """Give the kept rows the checksums of what is kept with them, where some of it was lost."""
    groups: dict[Group, list[tuple[int, int | None]]] = defaultdict(list)
    for row in kept.rows[parts]:
        groups[_group(row, key)].append((cast("int", row["series_id"]), _checked(parts, row)))
    for row in kept.rows[name]:
        if row["digest"] is not None:
            members = groups.get(_group(row, key), ())
            row["digest"] = group_digest(cast("Mapping[str, int | float | None]", row), members)


def _judge_owners(found: Found, kept: Kept, name: str, key: tuple[str, ...]) -> dict[Group, int | None]:
    """Keep the rows that carry digests; return by key the checksum of what belongs to each (None: unknown)."""
    owners: dict[Group, int | None] = {}
    rows = found.rows.get(name, [])
    # Whole runs lack digests (imported ones); one row without in a run with them lost it.
    digested = Counter(row["run_id"] for row, _ in rows if row["digest"] is not None)
    runs = Counter(row["run_id"] for row, _ in rows)
    for row, page in rows:
        group = _group(row, key)
        digest = row["digest"]
        if digest is None:
            is_usual = digested[row["run_id"]] * 2 < runs[row["run_id"]]
            good = is_usual and page not in found.unsound_pages and is_plausible(name, row)
            parts = None
        else:
            own, parts = split_digest(cast("int", digest))
            good = own == row_digest(cast("Mapping[str, int | float | None]", row))
            kept.proved_count += good
        if not good or group in owners:
            kept.refused[name] += 1
            continue
        owners[group] = parts
        kept.rows[name].append(row)
    return owners


def _judge_parts(
    found: Found, kept: Kept, *, owners: Mapping[Group, int | None], name: str, key: tuple[str, ...]
) -> None:
    """Keep readings, or their rollups, by the checksum that their owner has of them together."""
    lost = _Lost(found.lost[name])
    unproved = []
    doubts: Counter[int] = Counter()
    for group, members in _by_owner(found, kept, name, key).items():
        expected = owners.get(group)
        proved = _proved(name, members, expected, found.unsound_pages)
        if proved is not None:
            kept.refused[name] += len(members) - len(proved)
            kept.rows[name] += [row for row, _ in proved.values()]
            kept.proved_count += len(proved)
        elif expected is None or lost.may_hold(group[0], _place(name, members)):
            unproved.append(members)
        else:
            kept.refused[name] += len(members)
            doubts.update({page for _, page in members.values()})
    # One doubt lies on many pages; two on the same page are its own fault.
    doubtful_pages = found.unsound_pages | {page for page, count in doubts.items() if count > 1}
    for members in unproved:
        _keep_undoubted(kept, name, members, doubtful_pages)


def _by_owner(found: Found, kept: Kept, name: str, key: tuple[str, ...]) -> dict[Group, Members]:
    """Return the rows that have one owner together; a second one for the same series is refused."""
    groups: dict[Group, Members] = defaultdict(dict)
    # Sound pages first: what a broken page seems to say never displaces what a whole one says.
    for row, page in sorted(found.rows.get(name, []), key=lambda item: item[1] in found.unsound_pages):
        series = cast("int", row["series_id"])
        known = groups[_group(row, key)]
        if series in known:
            kept.refused[name] += 1
        else:
            known[series] = (row, page)
    return groups


def _keep_undoubted(kept: Kept, name: str, members: Members, doubtful_pages: set[int]) -> None:
    """Keep what can't be proved, but for what lies on a page in doubt or can't be true."""
    for row, page in members.values():
        if page in doubtful_pages or not is_plausible(name, row):
            kept.refused[name] += 1
        else:
            kept.rows[name].append(row)
            kept.unproved_count += 1


def _proved(name: str, members: Members, expected: int | None, unsound_pages: set[int]) -> Members | None:
    """Return the members that the checksum proves: all, or those on sound pages; None: neither."""
    if expected is None:
        return None
    sound = {series: one for series, one in members.items() if one[1] not in unsound_pages}
    for some in (members, sound):
        checked = ((series, _checked(name, row)) for series, (row, _) in some.items())
        if readings_digest(checked) == expected:
            return some
    return None


def _place(name: str, members: Members) -> int:
    row, _ = next(iter(members.values()))
    return place_of(name, row)


def _checked(name: str, row: Row) -> int | None:
    if name == "reading":
        return cast("int | None", row["value"])
    values = (row["min_value"], row["mean_value"], row["max_value"], row["last_value"])
    return part_checksum(Part(*cast("tuple[int, float, int, int]", values)))


def _drop_folded(kept: Kept) -> None:
    """Drop snapshots that a rollup stands for already: leftovers of pages that were freed."""
    folded = {
        (row["run_id"], row["resolution_ms"], row["bucket_ms"]): row["uptime_ms"]
        for row in kept.rows["rollup"]
    }
    if not folded:
        return
    resolutions = {cast("int", resolution) for _, resolution, _ in folded}
    newest = defaultdict[object, int](int)
    for (run, _, _), uptime_ms in folded.items():
        newest[run] = max(newest[run], cast("int", uptime_ms))
    living = []
    for row in kept.rows["snapshot"]:
        at_ms, uptime_ms = cast("int", row["at_ms"]), cast("int", row["uptime_ms"])
        inside = any((row["run_id"], one, at_ms // one * one) in folded for one in resolutions)
        if inside and uptime_ms <= newest[row["run_id"]]:
            kept.refused["snapshot"] += 1
        else:
            living.append(row)
    kept.rows["snapshot"] = living


def _judge_plain(found: Found, kept: Kept, name: str) -> None:
    seen = set()
    for row, page in found.rows.get(name, []):
        identity = row.get("id") or (row.get("source_id"), row.get("holder"), row.get("fingerprint"))
        if page in found.unsound_pages or identity in seen or not is_plausible(name, row):
            kept.refused[name] += 1
            continue
        seen.add(identity)
        kept.rows[name].append(row)


def _group(row: Row, key: Iterable[str]) -> Group:
    return tuple(cast("int", row[name]) for name in key)


class _Lost:
    """Where readings are missing: between which keys (run, series, place)."""

    def __init__(self, ranges: Iterable[tuple[ReadingKey, ReadingKey]]) -> None:
        self._ranges = tuple(ranges)

    def may_hold(self, run: int, place: int) -> bool:
        """Tell whether a reading of this run and place may lie on a page that is lost."""
        return any(self._covers(low, high, run, place) for low, high in self._ranges)

    @staticmethod
    def _covers(low: ReadingKey, high: ReadingKey, run: int, place: int) -> bool:
        if not low[0] <= run <= high[0]:
            return False
        first_series = low[1] if run == low[0] else 0
        last_series = high[1] if run == high[0] else 2**62
        if last_series - first_series > 1:
            return True
        if first_series == last_series:
            return low[2] < place < high[2]
        return (run == low[0] and place > low[2]) or (run == high[0] and place < high[2])
