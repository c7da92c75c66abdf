"""The processes' proportional shares of memory: read hourly at most, so that the newest is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.store.read.opening import read_once
from memmon.store.read.ports import in_parts, listed_values
from memmon.store.read.samples import MISSING
from memmon.store.read.statistics import footprint_bytes
from memmon.units import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from memmon.config import Database
    from memmon.store.read.ports import Session

SHARE_HOLDS_MS = 2 * 3_600_000
"""A share that is read every hour was read within two hours, or is known no longer."""


_SIZES = ("rss_bytes", "rss_anon_bytes", "rss_shmem_bytes", "swap_bytes")


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
    return read_once(database, lambda session: _read(session, tuple(run_ids), until_ms))


def _read(session: Session, run_ids: tuple[int, ...], until_ms: int) -> dict[int, ProportionalShare]:
    # One text, and no join: for that a server may go through all snapshots there are.
    sizes = " || ',' || ".join(f"coalesce(p.{name}, :missing)" for name in ("pss_bytes", *_SIZES))
    newest = (
        f"SELECT {sizes} FROM snapshot p WHERE p.run_id = n.run_id AND p.pss_bytes IS NOT NULL "
        "AND p.at_ms BETWEEN :since_ms AND :until_ms ORDER BY p.seq DESC LIMIT 1"
    )
    bounds = {"since_ms": until_ms - SHARE_HOLDS_MS, "until_ms": until_ms, "missing": MISSING}
    found = {}
    for part in in_parts([(run_id,) for run_id in run_ids]):
        values, parameters = listed_values(part)
        rows = session.rows(
            f"WITH n(run_id) AS (VALUES {values}) SELECT n.run_id, ({newest}) FROM n",
            {**parameters, **bounds},
        )
        for run_id, told in rows:
            if told is not None:
                pss, *known = (None if one == MISSING else one for one in map(int, told.split(",")))
                footprint = footprint_bytes(dict(zip(_SIZES, known, strict=True)))
                found[run_id] = ProportionalShare(pss_bytes=pss or 0, footprint_bytes=footprint)
    return found
