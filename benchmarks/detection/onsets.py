"""How often the interval of the onset holds it, and that of the slope the rate: `--parts onsets`.

Leaks of 20 to 50 MB/h that begin between a quarter and four fifths of a history, on each background that has no onset
of its own; what is found of them is asked since when.
"""

from __future__ import annotations

import numpy as np

from benchmarks.detection import simulator
from benchmarks.detection.experiments import FAST
from memmon.analysis.leak.detect import detect_leak

HORIZONS = (24.0, 72.0)
BEGINS = (0.25, 0.8)
BACKGROUNDS = tuple(name for name in simulator.BACKGROUNDS if name != "restarts")


def late_leak(name: str, hours: float, index: int, purpose: simulator.Purpose) -> simulator.Track:
    """Return a leak that begins late on background `name`."""
    rng = simulator.rng_for(purpose, f"onset of {name}", hours, index)
    track = simulator.strengthened(rng, simulator.BACKGROUNDS[name](rng, hours))
    track.leak_hours = rng.uniform(*BEGINS) * hours
    track.mb = track.mb + FAST[index % len(FAST)] * np.maximum(track.hours - track.leak_hours, 0)
    return track


def held(name: str, hours: float, cases: int, purpose: simulator.Purpose) -> list[tuple[bool, bool, float]]:
    """Return for each leak found: whether its onset's interval holds, its slope's does, and the first one's hours."""
    found = []
    for index in range(cases):
        track = late_leak(name, hours, index, purpose)
        finding = detect_leak(track.history())
        if not finding.is_leak or finding.since_earliest is None or finding.since_latest is None:
            continue
        first, last = (
            (at.timestamp() - track.origin_seconds) / 3600
            for at in (finding.since_earliest, finding.since_latest)
        )
        rate = FAST[index % len(FAST)]
        low, high = finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour
        found.append((first <= track.leak_hours <= last, low <= rate <= high, last - first))
    return found
