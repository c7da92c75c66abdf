"""The speed benchmark runs, and every result in it equals its rival's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_speed_benchmark_compares_equal_results():
    """Its quick mode prints a row per statistic and kind of series, none of which differs from the oracle."""
    done = subprocess.run(
        [sys.executable, "benchmarks/speed_statistics.py", "--quick"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line for line in done.stdout.splitlines() if " | " in line][1:]
    assert len(rows) == 24
    assert all(line.rstrip(" |").endswith("True") for line in rows), done.stdout
