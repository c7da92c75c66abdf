"""What counts against a limit and is held by nobody that is recorded: shared memory, files in memory, neighbours.

Values in, values and a sentence out. It is known of a control group alone, and only where all that is charged to it
was read: a machine is shared by whoever runs there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.facts.staleness import stale_after_seconds
from memmon.formatting import size
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from memmon.assessment.limits import Limit
    from memmon.store.read import RunInfo

WORTH_SAYING_SHARE = 0.1
WORTH_SAYING_BYTES = 16 * MIB
"""Page tables and the like belong to every process: less than this share and size is no news."""


def living_runs(runs: Iterable[RunInfo], at: datetime) -> tuple[RunInfo, ...]:
    """Return the processes that were alive at a moment, as far as their samples tell."""
    return tuple(run for run in runs if _lived(run, at))


def _lived(run: RunInfo, at: datetime) -> bool:
    has_ended = run.ended_at is not None and run.ended_at <= at and (run.last_at or at) < at
    if run.last_at is None or has_ended or run.started_at > at:
        return False
    return run.last_at >= at - timedelta(seconds=stale_after_seconds(run.interval_seconds))


def held_elsewhere_bytes(limit: Limit | None, footprints: Sequence[int | None]) -> int | None:
    """Return what none of the recorded processes holds of what counts against a limit; None: not known.

    `footprints`: what each process of the group that is recorded can't give back. Processes that were forked share
    pages, which count once for each of them: what is left is what is held elsewhere at least.
    """
    held = [one for one in footprints if one is not None]
    if limit is None or not limit.is_group or limit.counts != "charged" or not held:
        return None
    return None if len(held) < len(footprints) else max(limit.used_bytes - sum(held), 0)


def elsewhere_sentence(held_bytes: int | None, charged_bytes: int | None) -> str:
    """Return what is held elsewhere in one sentence; empty where it is not known, or not worth saying."""
    if held_bytes is None or not charged_bytes:
        return ""
    if held_bytes < max(WORTH_SAYING_BYTES, WORTH_SAYING_SHARE * charged_bytes):
        return ""
    return (
        f"Of it {size(mb_from_bytes(held_bytes))} are held by no process that is recorded here: "
        "shared memory, files in memory (tmpfs) or other processes."
    )
