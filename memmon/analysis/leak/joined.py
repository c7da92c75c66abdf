"""Pieces of one run: a program that replaced itself, or a recorder that began anew in it, goes on at the level it had.

Runs are judged apart because a restart empties a process. Where the next one begins within moments, at the level at
which the last one ended, nothing was emptied: the two are judged as one, without a second warm-up.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memmon.arrays import median_of, medians_of
from memmon.facts.medians import SIGMA_PER_MAD
from memmon.units import MIB

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from memmon.history import History, HistoryRun

    FloatArray = NDArray[np.float64]

FEWEST_PIECE_SAMPLES = 4
"""Samples that a run needs to have a level. Chosen."""
LEVEL_SAMPLES = 3
"""Samples at an end that tell its level. Chosen: the median of three forgets an odd one."""
FLOOR_SAMPLES = 12
"""Samples at an end that tell its floor. Chosen: an hour of five minutes."""
NOISE_SAMPLES = 24
"""Samples at an end that tell how far readings stray. Chosen: two hours of five minutes."""
NOISE_TIMES = 4.0
"""Robust standard deviations of the steps that levels may lie apart. Chosen."""
LEAST_MB = 2.0
"""MB that levels may lie apart in any case. Chosen: less than any program takes to start."""
MOST_FALLEN_SHARE = 0.5
"""Part of what the run before grew that may be given back where one ends and the next begins. Chosen: a half, a restart gives back all."""
SAME_BIRTH_SECONDS = 5.0
"""Seconds that two readings of one birth may lie apart. Chosen: clocks are set by less."""
MOST_USUAL_STEPS = 3.0
"""Intervals between samples that may pass from one to the next. Chosen: as a process counts that is silent."""


def joined(history: History) -> History:
    """Return the history with the pieces of a run under one number, their uptime going on."""
    if len(history.runs) < 2:  # noqa: PLR2004 - nothing to join
        return history
    known = {run.run_id: run for run in history.runs}
    parts = list(history.per_run())
    ids, uptime = history.run_id.copy(), history.uptime_seconds.copy()
    work = None if history.work_count is None else history.work_count.copy()
    runs: list[HistoryRun] = [known[int(parts[0].run_id[0])]]
    begin = len(parts[0])
    for before, after in pairwise(parts):
        end, this = begin + len(after), known[int(after.run_id[0])]
        rows = slice(begin, end)
        if _goes_on(before, after, known) and not _has_company(before, after, parts):
            ids[rows] = runs[-1].run_id
            pause = float(after.at_seconds[0] - before.at_seconds[-1])
            uptime[rows] += uptime[begin - 1] + pause - uptime[begin]
            if work is not None:
                work[rows] += max(work[begin - 1] - work[begin], 0.0)
            runs[-1] = replace(runs[-1], ended_at_seconds=this.ended_at_seconds, end_reason=this.end_reason)
        else:
            runs.append(this)
        begin = end
    if len(runs) == len(parts):
        return history
    return replace(history, run_id=ids, uptime_seconds=uptime, work_count=work, runs=tuple(runs))


def _goes_on(before: History, after: History, known: dict[int, HistoryRun]) -> bool:
    """Tell whether a run begins as soon as another has ended, where that can be the same process, at its level."""
    one, other = known[int(before.run_id[0])], known[int(after.run_id[0])]
    if not _may_be_one(one, other) or min(len(before), len(after)) < FEWEST_PIECE_SAMPLES:
        return False
    pause = float(after.at_seconds[0] - before.at_seconds[-1])
    step = median_of(np.diff(before.uptime_seconds[-NOISE_SAMPLES:]))
    if not 0.0 < pause <= MOST_USUAL_STEPS * step:
        return False
    ends, begins = before.footprint_bytes[-NOISE_SAMPLES:] / MIB, after.footprint_bytes[:NOISE_SAMPLES] / MIB
    steps = np.concatenate([np.diff(ends), np.diff(begins)])
    drift = median_of(steps)
    most = max(NOISE_TIMES * SIGMA_PER_MAD * median_of(np.abs(steps - drift)), LEAST_MB)
    apart = median_of(begins[:LEVEL_SAMPLES]) - median_of(ends[-LEVEL_SAMPLES:])
    if abs(apart) <= most:
        return True
    # Bursts and teeth at the seam: the floors of an hour tell more then.
    floors = float(begins[:FLOOR_SAMPLES].min() - ends[-FLOOR_SAMPLES:].min())
    return abs(floors - FLOOR_SAMPLES * drift) <= most or _moves_as_within(before, after)


def _moves_as_within(before: History, after: History) -> bool:
    """Tell whether the level moves at a seam by no more than it does within both runs, and falls by no more than half of what it had grown.

    A process that starts anew falls back to about where the one before it began.
    """
    levels = [_levels(run) for run in (before, after)]
    moves = np.concatenate([level[LEVEL_SAMPLES:] - level[:-LEVEL_SAMPLES] for level in levels])
    began, ended, begins = float(levels[0][0]), float(levels[0][-1]), float(levels[1][0])
    apart = begins - ended
    is_within = float(moves.min(initial=0.0)) <= apart <= float(moves.max(initial=0.0))
    return is_within and apart >= -MOST_FALLEN_SHARE * max(ended - began, 0.0)


def _levels(run: History) -> FloatArray:
    """Return the median of each few readings in a row, in MB."""
    return medians_of(np.lib.stride_tricks.sliding_window_view(run.footprint_bytes / MIB, LEVEL_SAMPLES))


def _may_be_one(one: HistoryRun, other: HistoryRun) -> bool:
    """Tell whether two runs may be of one process: it keeps its pid and its birth when it replaces itself."""
    born = one.born_at_seconds, other.born_at_seconds
    is_born_once = None in born or abs((born[0] or 0.0) - (born[1] or 0.0)) <= SAME_BIRTH_SECONDS
    return (one.host, one.pid) == (other.host, other.pid) and is_born_once


def _has_company(before: History, after: History, parts: list[History]) -> bool:
    """Tell whether another run was alive at the seam: then nobody knows whose memory goes on."""
    first, last = float(before.at_seconds[-1]), float(after.at_seconds[0])
    return any(
        other.run_id[0] not in (before.run_id[0], after.run_id[0])
        and other.at_seconds[0] <= last
        and other.at_seconds[-1] >= first
        for other in parts
    )
