"""What counts against a limit and is held by nobody that is recorded: shared memory, files in memory, neighbours.

Values in, values and a sentence out. It is known of a control group alone, and only where all that is charged to it
was read: a machine is shared by whoever runs there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.detect import detect_leak
from memmon.arrays import median_of
from memmon.assessment.lives import living_runs
from memmon.facts.verdicts import Confidence
from memmon.formatting import rate, size
from memmon.history import History
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.detect import LeakPolicy
    from memmon.assessment.limits import Limit
    from memmon.store.read import RunInfo

    FloatArray = NDArray[np.float64]

WORTH_SAYING_SHARE = 0.1
"""Share of what counts from which what nobody recorded is told. Chosen: a tenth."""
WORTH_SAYING_BYTES = 16 * MIB
"""Page tables and the like belong to every process: less than this share and size is no news. Chosen: 16 MB."""

FEWEST_SAMPLES = 24
"""Samples from which its growth is told. Chosen: two hours of five minutes."""


def held_elsewhere_bytes(limit: Limit | None, footprints: Sequence[int | None]) -> int | None:
    """Return what none of the recorded processes holds of what counts against a limit; None: not known.

    `footprints`: what each process of the group that is recorded can't give back. Processes that were forked share
    pages, which count once for each of them: what is left is what is held elsewhere at least.
    """
    held = [one for one in footprints if one is not None]
    if limit is None or not limit.is_group or limit.counts != "charged" or not held:
        return None
    return None if len(held) < len(footprints) else max(limit.used_bytes - sum(held), 0)


def growth_elsewhere_mb_per_hour(
    history: History, limit: Limit | None, runs: Iterable[RunInfo], *, policy: LeakPolicy
) -> float | None:
    """Return how fast that grows which counts against a limit and which the process does not hold.

    It is judged as the process is, over its newest run; None where it is not known, or does not grow for sure.
    Beside other processes of the source it is not known: what they hold is theirs.
    """
    is_known = limit is not None and limit.is_group and limit.counts == "charged"
    if not is_known or history.is_empty or history.charged_bytes is None or history.last_at is None:
        return None
    if len(living_runs(runs, history.last_at)) > 1:
        return None
    outside = _outside(list(history.per_run())[-1])
    if outside is None or not _may_have_grown(outside.rss_bytes):
        return None
    finding = detect_leak(outside, policy)
    is_sure = finding.is_leak and finding.confidence is not Confidence.LOW
    return finding.slope_mb_per_hour if is_sure else None


def _outside(run: History) -> History | None:
    """Return what is charged and not the process's own as a history of itself; None where too little is known."""
    if run.charged_bytes is None:
        return None
    outside = run.charged_bytes - run.footprint_bytes
    known = np.isfinite(outside)
    if int(known.sum()) < FEWEST_SAMPLES:
        return None
    return History.from_arrays(
        source=run.source,
        at_seconds=run.at_seconds[known],
        run_id=run.run_id[known],
        uptime_seconds=run.uptime_seconds[known],
        rss_bytes=np.maximum(outside[known], 0.0),
    )


def _may_have_grown(outside_bytes: FloatArray) -> bool:
    """Tell whether a judgement is worth its time: it costs as much again as that of the process."""
    third = outside_bytes.size // 3
    return median_of(outside_bytes[-third:]) - median_of(outside_bytes[:third]) >= WORTH_SAYING_BYTES


def elsewhere_sentence(
    held_bytes: int | None, charged_bytes: int | None, *, slope_mb_per_hour: float | None = None
) -> str:
    """Return what is held elsewhere and how it grows; empty where it is not known, or not worth saying."""
    said = []
    worth_saying = max(WORTH_SAYING_BYTES, WORTH_SAYING_SHARE * (charged_bytes or 0))
    if held_bytes is not None and charged_bytes and held_bytes >= worth_saying:
        said.append(
            f"Of it {size(mb_from_bytes(held_bytes))} are held by no process that is recorded here: "
            "shared memory, files in memory (tmpfs) or other processes."
        )
    if slope_mb_per_hour is not None:
        said.append(f"The container grows by {rate(slope_mb_per_hour)} outside this process.")
    return " ".join(said)
