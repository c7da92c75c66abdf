"""The newest values of deques and components, of many sources at once: a seek for each series, a statement for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.facts.python_memory import SLOT_BYTES, held_bytes
from memmon.facts.series_kinds import COMPONENT, DEQUE
from memmon.store.read.answers import DequeStatus
from memmon.store.read.deque_bytes import told_size
from memmon.store.read.newest import present_end, read_run_ends
from memmon.store.read.ports import in_parts, listed_values
from memmon.store.read.samples import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from memmon.store.read.newest import NewestSample
    from memmon.store.read.ports import Rows, Session

_Values = dict[str, int | None]
"""The newest value of each metric that has any."""


def read_deque_status(
    session: Session, source_id: int, *, latest_ms: int, run_id: int | None = None
) -> tuple[DequeStatus, ...]:
    """Return the newest values of every deque of a run (default: the newest)."""
    ends = read_run_ends(session, latest_ms=latest_ms, source_id=source_id).get(source_id, ())
    chosen = [end for end in ends if run_id in {None, end.run_id}]
    return read_deque_statuses(session, {source_id: chosen}).get(source_id, ())


def read_deque_statuses(
    session: Session, ends: Mapping[int, Sequence[NewestSample]]
) -> dict[int, tuple[DequeStatus, ...]]:
    """Return the same of many sources by their ids, those without a deque left out; `ends`: of their runs."""
    newest = {end.source_id: end for end in _presents(ends)}
    found: dict[int, dict[str, _Values]] = {}
    for source_id, name, metric, value in _newest_values(session, newest.values(), DEQUE):
        found.setdefault(source_id, {}).setdefault(name, {})[metric] = value
    lacking = [newest[source_id] for source_id, names in found.items() if any(map(_is_told, names.values()))]
    told = _told_sizes(session, lacking)
    return {
        source_id: tuple(
            _status(name, metrics, newest[source_id], told.get((source_id, name)))
            for name, metrics in names.items()
        )
        for source_id, names in found.items()
    }


def read_component_sizes(
    session: Session, ends: Mapping[int, Sequence[NewestSample]]
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Return (name, bytes) of every component at the newest sample of many sources, by their ids; `ends`: of their runs."""
    found: dict[int, list[tuple[str, int]]] = {}
    for source_id, name, metric, value in _newest_values(session, _presents(ends), COMPONENT):
        if metric == "bytes" and value is not None:
            found.setdefault(source_id, []).append((name, value))
    return {source_id: tuple(sizes) for source_id, sizes in found.items()}


def _presents(ends: Mapping[int, Sequence[NewestSample]]) -> Iterator[NewestSample]:
    """Yield the newest snapshot of each source that has one."""
    for found in ends.values():
        newest = present_end([end for end in found if end.seq is not None])
        if newest is not None and newest.last_at is not None:
            yield newest


def _newest_values(
    session: Session, newest: Iterable[NewestSample], kind: str
) -> Iterator[tuple[int, str, str, int | None]]:
    """Yield (source, name, metric, value) of each series of a kind that was read in the run of a newest snapshot."""
    # A query for each value, and no join: for that a server may go through all readings there are.
    value = (
        "SELECT coalesce(p.value, :missing) FROM reading p WHERE p.run_id = n.run_id AND p.series_id = x.id "
        "AND p.seq <= n.last_seq ORDER BY p.seq DESC LIMIT 1"
    )
    query = (
        f"SELECT n.source_id, x.name, x.metric, ({value}) FROM n CROSS JOIN series x "
        "WHERE x.source_id = n.source_id AND x.kind = :kind ORDER BY x.name"
    )
    for source_id, name, metric, found in _of_newest(session, newest, query, kind, missing=MISSING):
        if found is not None:
            yield source_id, name, metric, None if found == MISSING else found


def _told_sizes(session: Session, newest: Sequence[NewestSample]) -> dict[tuple[int, str], tuple[int, int]]:
    """Return the newest size of each deque, and the length that it then had, by the source and the name."""
    length_then = (
        "SELECT r.value FROM reading r WHERE r.run_id = b.run_id AND r.series_id = l.id AND r.seq <= b.seq "
        "ORDER BY r.seq DESC LIMIT 1"
    )
    size_and_length = (
        f"SELECT b.value || ',' || ({length_then}) FROM reading b WHERE b.run_id = n.run_id "
        "AND b.series_id = x.id AND b.seq <= n.last_seq AND b.value IS NOT NULL ORDER BY b.seq DESC LIMIT 1"
    )
    query = (
        f"SELECT n.source_id, x.name, ({size_and_length}) FROM n CROSS JOIN series x CROSS JOIN series l "
        "WHERE x.source_id = n.source_id AND x.kind = :kind AND x.metric = 'bytes' "
        "AND l.source_id = x.source_id AND l.kind = x.kind AND l.name = x.name AND l.metric = 'length'"
    )
    found = {}
    for source_id, name, told in _of_newest(session, newest, query, DEQUE):
        if told is not None:
            size, length = map(int, told.split(","))
            found[source_id, name] = size, length
    return found


def _of_newest(
    session: Session, newest: Iterable[NewestSample], query: str, kind: str, **more: object
) -> Rows:
    """Return the rows of a query over `n`: the source, run and number of newest snapshots."""
    found: Rows = []
    for part in in_parts([(end.source_id, end.run_id, end.seq) for end in newest]):
        values, parameters = listed_values(part)
        found += session.rows(
            f"WITH n(source_id, run_id, last_seq) AS (VALUES {values}) {query}",
            {**parameters, **more, "kind": kind},
        )
    return found


def _status(name: str, metrics: _Values, newest: NewestSample, told: tuple[int, int] | None) -> DequeStatus:
    assert newest.last_at is not None
    return DequeStatus(
        name=name,
        length_count=metrics.get("length"),
        maxlen_count=metrics.get("maxlen"),
        size_bytes=_size(metrics.get("length"), metrics.get("item"), told),
        dropped_count=metrics.get("dropped"),
        expected_maxlen_count=metrics.get("expected_maxlen"),
        is_alive=not metrics.get("dead"),
        run_id=newest.run_id,
        at=newest.last_at,
        item_bytes=metrics.get("item"),
        item_low_bytes=metrics.get("item_low"),
        item_high_bytes=metrics.get("item_high"),
        is_component=bool(metrics.get("component")),
        is_found=bool(metrics.get("found")),
    )


def _is_told(metrics: _Values) -> bool:
    """Tell whether a deque's size follows from one of all that was stored."""
    return metrics.get("item") is None and "bytes" in metrics


def _size(length_count: int | None, item_bytes: int | None, told: tuple[int, int] | None) -> int | None:
    """Return what a deque holds at its present length."""
    if length_count is None:
        return None
    if item_bytes is not None:
        return int(held_bytes(length_count, max(float(item_bytes), SLOT_BYTES)))
    return None if told is None else round(told_size(*told, length_count))
