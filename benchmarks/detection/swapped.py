"""Memory that is swapped out: leaks of which resident memory shows nothing, and pages that go to swap and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection import calendars, simulator
from benchmarks.detection.experiments import FAST, THRESHOLD, Plan
from benchmarks.detection.rates import Rate
from benchmarks.detection.simulator import log_uniform, rng_for
from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.facts.verdicts import Verdict
from memmon.history import History
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from benchmarks.detection.simulator import Purpose, Track

HORIZONS = (24.0, 72.0)
FILES_MB = (10, 80)
CALM = frozenset(verdict for verdict in Verdict if verdict.row.needs_all_parts)


def _recorded(track: Track, resident_mb: np.ndarray, files_mb: float) -> History:
    """Return the history of a footprint (`track`) of which so much is resident, with mapped files beside it."""
    resident = np.clip(resident_mb, 1.0, track.mb)
    return History.from_arrays(
        at_seconds=track.origin_seconds + track.hours * SECONDS_PER_HOUR,
        rss_bytes=(resident + files_mb) * MIB,
        run_id=track.run,
        uptime_seconds=track.uptime * SECONDS_PER_HOUR,
        anon_bytes=resident * MIB,
        shmem_bytes=np.zeros(track.hours.size),
        swap_bytes=(track.mb - resident) * MIB,
    )


def leaking(name: str, hours: float, index: int, purpose: Purpose) -> History:
    """Return a leak that is swapped out: from a quarter of the history on, or before, resident memory stands still."""
    rng = rng_for(purpose, f"swapped leak {name}", hours, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, hours))
    track.mb = track.mb + FAST[index % len(FAST)] * track.hours
    held = float(np.interp(rng.uniform(0, 0.25) * hours, track.hours, track.mb))
    return _recorded(track, np.full(track.mb.size, held), rng.uniform(*FILES_MB))


def leak_free(name: str, hours: float, index: int, purpose: Purpose) -> History:
    """Return memory of which a part goes to swap and comes back, over hours, once or several times."""
    rng = rng_for(purpose, f"swapped {name}", hours, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, hours))
    out = np.zeros(track.mb.size)
    for _ in range(rng.integers(1, 5)):
        begin, lasting, pace = rng.uniform(0, hours), log_uniform(rng, 1, hours), log_uniform(rng, 0.1, 6)
        since = track.hours - begin
        out += rng.uniform(0.1, 0.5) * (np.clip(since / pace, 0, 1) - np.clip((since - lasting) / pace, 0, 1))
    return _recorded(track, track.mb * (1 - np.clip(out, 0, 0.9)), rng.uniform(*FILES_MB))


def measure(plan: Plan) -> list[tuple[float, Rate, Rate, Rate]]:
    """Return for each length: leaks found, leaks that are called calm, alarms without a leak."""
    policy, rows = LeakPolicy(threshold_mb_per_hour=THRESHOLD), []
    cases = [(name, index) for name in calendars.QUIET for index in range(max(plan.cases // 2, 1))]
    for hours in HORIZONS:
        said = [
            detect_leak(leaking(name, hours, index, plan.purpose), policy).verdict for name, index in cases
        ]
        free = [
            detect_leak(leak_free(name, hours, index, plan.purpose), policy).is_leak for name, index in cases
        ]
        found, calm = sum(one is Verdict.LEAKING for one in said), sum(one in CALM for one in said)
        rows.append((hours, Rate(found, len(said)), Rate(calm, len(said)), Rate(sum(free), len(free))))
    return rows
