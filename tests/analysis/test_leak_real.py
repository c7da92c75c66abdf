"""Real programs with known truth, where their recordings are at hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.history import History

CHECKOUT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def recorded():
    """Histories of the recorded programs by name, with their manifest entries."""
    if CHECKOUT not in sys.path:
        sys.path.insert(0, CHECKOUT)
    real = importlib.import_module("benchmarks.detection.real")
    folder = real.shared_folder()
    if folder is None:
        pytest.skip("the recorded programs are not at hand: point MEMMON_SHARED to their folder")
    return {entry["name"]: (entry, history) for entry, history in real.traces(folder)}


def test_leaks_are_told_and_fixed_versions_are_not(recorded):
    """At its default threshold memmon calls the fast leak a leak, the slow one growing, the fixed ones neither."""
    said = {name: detect_leak(history) for name, (_, history) in recorded.items()}
    assert said["pandas_readcsv_leak"].verdict == "leaking"
    assert said["pydantic_typeadapter_leak"].verdict == "growing"
    assert said["pandas_readcsv_fixed"].verdict == "stable"
    assert not any(found.is_leak for name, found in said.items() if not recorded[name][0]["leak"])
    for name in ("pandas_readcsv_leak", "pydantic_typeadapter_leak"):
        assert said[name].slope_mb_per_hour == pytest.approx(
            recorded[name][0]["true_leak_mb_per_hour"], rel=0.1
        )


def test_leak_free_programs_never_alarm_at_any_hour(recorded):
    """Checked every hour from the start, no leak-free program is called a leak at 10 MB/h."""
    for name, (entry, history) in recorded.items():
        if entry["leak"]:
            continue
        begin = float(history.at_seconds[0])
        for hour in range(2, 61, 2):
            assert not detect_leak(history.slice_time(None, begin + hour * 3600)).is_leak, (name, hour)


@pytest.mark.parametrize(("package", "threshold"), [("pandas_readcsv", 10.0), ("pydantic_typeadapter", 1.0)])
def test_a_leak_that_a_release_brought_is_dated(recorded, package, threshold):
    """The fixed version, then the leaking one: found, at its rate, and dated within two hours."""
    healthy, leaking = (recorded[f"{package}_{state}"][1] for state in ("fixed", "leak"))
    seconds = leaking.at_seconds - leaking.at_seconds[0] + healthy.at_seconds[-1] + 300
    level = leaking.rss_bytes - leaking.rss_bytes[0] + healthy.rss_bytes[-1]
    joined = History.from_arrays(
        at_seconds=np.concatenate([healthy.at_seconds, seconds]),
        rss_bytes=np.concatenate([healthy.rss_bytes, level]),
    )
    found = detect_leak(joined, LeakPolicy(threshold_mb_per_hour=threshold))
    assert found.verdict == "leaking"
    true = recorded[f"{package}_leak"][0]["true_leak_mb_per_hour"]
    assert found.slope_mb_per_hour == pytest.approx(true, rel=0.1)
    assert abs(found.since.timestamp() - healthy.at_seconds[-1]) < 2 * 3600
