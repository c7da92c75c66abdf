"""Real series: programs with known truth, and other people's systems as backgrounds for injected leaks.

The files are not part of the project. They are looked for where `MEMMON_SHARED` points to, else in
`../shared` beside the checkout; without them the sections say why they are skipped.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.detection.rates import Rate
from benchmarks.detection.rivals import RULES
from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.history import History
from memmon.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
THRESHOLD = 10.0
FEWEST_SAMPLES = 60
CURVE_THRESHOLDS = (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
MOST_RIVAL_WINDOWS = 250
"""The rivals judge every so many-th window of a file: they are slow, and their rates are not small."""


def shared_folder() -> Path | None:
    """Return the folder with `traces` and `backgrounds`, None when it is not there."""
    folder = Path(os.environ.get("MEMMON_SHARED") or CHECKOUT.parent / "shared")
    return folder if (folder / "traces" / "manifest.json").is_file() else None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def traces(folder: Path) -> Iterator[tuple[dict[str, object], History]]:
    """Yield (manifest entry, history) of each recorded program."""
    manifest = json.loads((folder / "traces" / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["traces"]:
        rows = list(_rows(folder / "traces" / entry["file"]))
        yield (
            entry,
            History.from_arrays(
                at_seconds=[float(row["t_seconds_scaled"]) for row in rows],
                rss_bytes=[float(row["rss_bytes"]) for row in rows],
                run_id=[int(row["run_id"]) for row in rows],
                source=entry["name"],
            ),
        )


def background_series(folder: Path, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (seconds, bytes) per series of a background file."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for row in _rows(folder / "backgrounds" / f"{name}.csv.gz"):
        seconds, sizes = found.setdefault(row["series"], ([], []))
        seconds.append(float(row["t_seconds"]))
        sizes.append(float(row["rss_bytes"]))
    out = {}
    for series, (seconds, sizes) in found.items():
        order = np.argsort(seconds)
        out[series] = (np.asarray(seconds)[order], np.asarray(sizes)[order])
    return out


def windows(series: dict[str, tuple[np.ndarray, np.ndarray]], hours: float) -> Iterator[tuple[str, History]]:
    """Yield the back-to-back windows of `hours` (at least 80 % covered) of every series."""
    for name, (seconds, sizes) in series.items():
        begin = float(seconds[0])
        while begin < seconds[-1] - 0.8 * hours * 3600:
            rows = (seconds >= begin) & (seconds < begin + hours * 3600)
            if int(rows.sum()) >= FEWEST_SAMPLES:
                yield name, History.from_arrays(at_seconds=seconds[rows], rss_bytes=sizes[rows], source=name)
            begin += hours * 3600


def with_leak(history: History, rate_mb_per_hour: float) -> History:
    """Return the history with a linear leak added."""
    grown = rate_mb_per_hour * MIB * history.uptime_seconds / 3600
    return replace(history, rss_bytes=history.rss_bytes + grown)


def alarm_rates(
    cases: list[tuple[str, History]], rate_mb_per_hour: float, rules: tuple[str, ...] | None = None
) -> dict[str, Rate]:
    """Return each rule's alarms on windows with a leak of that rate added (0: none)."""
    out = {}
    for rule in rules or tuple(RULES):
        judged = cases if rule == "memmon" else cases[:: 1 + len(cases) // MOST_RIVAL_WINDOWS]
        hits = [RULES[rule](with_leak(history, rate_mb_per_hour), THRESHOLD).alarm for _, history in judged]
        out[rule] = Rate(sum(hits), len(hits))
    return out


def curve(folder: Path, name: str, hours: float, every: int) -> list[tuple[float, Rate, Rate]]:
    """Return (threshold, leaks of 20 MB/h found, alarms without one) as the threshold of the verdict is moved.

    On every so many-th window.
    """
    cases = [history for _, history in windows(background_series(folder, name), hours)][::every]
    rows = []
    for threshold in CURVE_THRESHOLDS:
        policy = LeakPolicy(threshold_mb_per_hour=threshold)
        found, false = (
            sum(detect_leak(with_leak(history, added), policy).is_leak for history in cases)
            for added in (20.0, 0.0)
        )
        rows.append((threshold, Rate(found, len(cases)), Rate(false, len(cases))))
    return rows


def trace_verdicts(history: History) -> dict[float, str]:
    """Return the verdict after 3, 6, 12, 24 and 48 hours, and at the end."""
    begin = float(history.at_seconds.min())
    ends = [*(float(h) for h in (3, 6, 12, 24, 48) if h < history.duration_hours), history.duration_hours]
    return {end: detect_leak(history.slice_time(None, begin + end * 3600 + 1)).verdict for end in ends}
