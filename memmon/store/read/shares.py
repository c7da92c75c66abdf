"""The processes' proportional shares of memory: read hourly at most, so that the newest is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.store.read.opening import open_gate
from memmon.store.read.statistics import footprint_bytes
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.config import Database
    from memmon.store.read.ports import Session

SHARE_HOLDS_MS = 2 * 3_600_000
"""A share that is read every hour was read within two hours, or is known no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalShare:
    """A process's proportional set size as it was read, and its footprint then (None: not known)."""

    pss_bytes: int
    footprint_bytes: int | None


def newest_shares(
    database: Database, run_ids: Iterable[int], *, until: datetime
) -> dict[int, ProportionalShare]:
    """Return the newest share of each run that was read within two hours before `until`: a seek per run."""
    until_ms = round(until.timestamp() * MS_PER_SECOND)
    return open_gate(database).read(lambda session: _read(session, tuple(run_ids), until_ms))


def _read(session: Session, run_ids: tuple[int, ...], until_ms: int) -> dict[int, ProportionalShare]:
    found = {}
    for run_id in run_ids:
        rows = session.rows(
            "SELECT pss_bytes, rss_bytes, rss_anon_bytes, rss_shmem_bytes, swap_bytes FROM snapshot WHERE run_id = :run_id AND pss_bytes IS NOT NULL "
            "AND at_ms BETWEEN :since_ms AND :until_ms ORDER BY seq DESC LIMIT 1",
            {"run_id": run_id, "since_ms": until_ms - SHARE_HOLDS_MS, "until_ms": until_ms},
        )
        if rows:
            pss, *sizes = rows[0]
            names = ("rss_bytes", "rss_anon_bytes", "rss_shmem_bytes", "swap_bytes")
            footprint = footprint_bytes(dict(zip(names, sizes, strict=True)))
            found[run_id] = ProportionalShare(pss_bytes=pss, footprint_bytes=footprint)
    return found
