"""The newest sample of every run by the order of recording, what is labelled later than now set aside: a seek per run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.recording_order import SAME_CLOCK_MS, newest_recorded
from memmon.facts.run_endings import IMPORTED
from memmon.store.read.answers import datetime_of, datetime_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.store.read.ports import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestSample:
    """A run's newest sample; `seq` None: it is a rollup. All None: there is none, or all are set aside."""

    run_id: int
    source_id: int
    host: str | None
    boot_id: str | None
    end_reason: str | None
    seq: int | None
    last_ms: int | None
    uptime_ms: int | None
    ahead_ms: int | None = None
    """The label of the newest sample of all, where it is set aside."""
    is_clock_ahead: bool = False
    """Its clock is that of the samples before it: then these are older than their labels, too."""

    @property
    def last_at(self) -> datetime | None:
        """The label of the newest sample."""
        return datetime_or_none(self.last_ms)

    @property
    def clock_start_at(self) -> datetime | None:
        """When the run began, by the clock of its newest sample."""
        if self.last_ms is None or self.uptime_ms is None:
            return None
        return datetime_of(self.last_ms - self.uptime_ms)


def read_run_ends(
    session: Session, *, latest_ms: int, source_id: int | None = None
) -> dict[int, list[NewestSample]]:
    """Return the newest sample of each run by source id, in the order of recording; `latest_ms`: the end of now."""
    chosen = "" if source_id is None else "WHERE r.source_id = :source_id "
    rows = session.rows(
        "SELECT r.id, r.source_id, r.host, r.boot_id, r.end_reason, s.seq, "
        f"CASE WHEN s.seq IS NULL THEN ({_rolled('at_ms')}) ELSE s.at_ms END, "
        f"CASE WHEN s.seq IS NULL THEN ({_rolled('uptime_ms')}) ELSE s.uptime_ms END "
        "FROM run r LEFT JOIN snapshot s "
        "ON s.run_id = r.id AND s.seq = (SELECT max(n.seq) FROM snapshot n WHERE n.run_id = r.id) "
        f"{chosen}ORDER BY r.id",
        {"latest_ms": latest_ms} | ({} if source_id is None else {"source_id": source_id}),
    )
    found: dict[int, list[NewestSample]] = {}
    for run_id, source, host, boot_id, end_reason, seq, last_ms, uptime_ms in rows:
        end = NewestSample(
            run_id=run_id,
            source_id=source,
            host=host,
            boot_id=boot_id,
            end_reason=end_reason,
            seq=seq,
            last_ms=last_ms,
            uptime_ms=uptime_ms,
        )
        if last_ms is not None and last_ms > latest_ms:
            end = _before_the_future(session, end, latest_ms)
        found.setdefault(source, []).append(end)
    return found


def _rolled(column: str) -> str:
    return (
        f"SELECT h.{column} FROM rollup h WHERE h.run_id = r.id AND h.at_ms <= :latest_ms "
        "ORDER BY h.uptime_ms DESC LIMIT 1"
    )


def _before_the_future(session: Session, end: NewestSample, latest_ms: int) -> NewestSample:
    """Return the newest sample of a run that is not labelled later than now."""
    parameters = {"run_id": end.run_id, "latest_ms": latest_ms}
    rows = session.rows(
        "SELECT s.seq, s.at_ms, s.uptime_ms FROM snapshot s "
        "WHERE s.run_id = :run_id AND s.at_ms <= :latest_ms ORDER BY s.seq DESC LIMIT 1",
        parameters,
    ) or session.rows(
        "SELECT NULL, h.at_ms, h.uptime_ms FROM rollup h "
        "WHERE h.run_id = :run_id AND h.at_ms <= :latest_ms ORDER BY h.uptime_ms DESC LIMIT 1",
        parameters,
    )
    seq, last_ms, uptime_ms = rows[0] if rows else (None, None, None)
    assert end.last_ms is not None
    assert end.uptime_ms is not None
    is_one_clock = last_ms is None or (
        # Of a file's times nothing but their order is known.
        end.end_reason != IMPORTED
        and abs((end.last_ms - end.uptime_ms) - (last_ms - uptime_ms)) <= SAME_CLOCK_MS
    )
    return NewestSample(
        run_id=end.run_id,
        source_id=end.source_id,
        host=end.host,
        boot_id=end.boot_id,
        end_reason=end.end_reason,
        seq=seq,
        last_ms=last_ms,
        uptime_ms=uptime_ms,
        ahead_ms=end.last_ms,
        is_clock_ahead=is_one_clock,
    )


def present_end(ends: Iterable[NewestSample]) -> NewestSample | None:
    """Return the newest sample of a source: its present."""
    return newest_recorded(ends)


def present_at(ends: Iterable[NewestSample]) -> datetime | None:
    """Return when the newest sample of a source was taken."""
    newest = present_end(ends)
    return None if newest is None else newest.last_at
