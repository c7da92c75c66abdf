"""The benchmark's short cut to the judge's demands, and the choice of them that leaves data sets out."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.leak.evidence import gather
from memmon.analysis.leak.rules import DEMANDS, MARGINS, RECENT_MARGINS
from memmon.analysis.leak.series import run_series

CHECKOUT = str(Path(__file__).resolve().parents[2])
THRESHOLD = 10.0


@pytest.fixture(scope="module")
def bench():
    """The benchmark's modules, from the checkout."""
    if CHECKOUT not in sys.path:
        sys.path.insert(0, CHECKOUT)
    return {
        name: importlib.import_module(f"benchmarks.detection.{name}")
        for name in ("simulator", "looks", "left_out")
    }


def test_the_looks_say_what_the_judge_says(bench):
    """Figures of looks, judged by the present demands, alarm on the very histories that the judge alarms on."""
    histories = [
        bench["simulator"].leak_case(name, "linear", 14.0, hours, index, "tuning").history()
        for name in ("ar_slow", "daily", "bursts", "warm_up")
        for hours in (3.0, 8.0, 24.0, 48.0)
        for index in range(70_000, 70_006)
    ]
    judged = [
        gather([run_series(run, warm_up_hours=1.0) for run in one.per_run()], THRESHOLD) for one in histories
    ]
    said = [one is not None and one.is_alarm for one in judged]
    looks = bench["looks"].Looks(histories, THRESHOLD)
    assert 0.2 < np.mean(said) < 0.9
    assert looks.alarms(bench["looks"].Setting()).tolist() == said


def test_the_demands_of_the_verdict_are_among_those_to_choose_from(bench):
    """Every demand and margin of the judge is one of the steps that the choice may take."""
    levels = bench["left_out"].LEVELS
    for name in (one for one in levels if not one.startswith("margin")):
        assert getattr(DEMANDS, name) in levels[name], name
    assert all(margin in levels[f"margin from {hours:g} h"] for hours, margin in MARGINS)
    assert all(
        margin in levels[f"margin of the last {hours:g} h"] for hours, margin in RECENT_MARGINS.items()
    )


def fake_set(bench, name, *, found, false):
    """Return a set whose shares are functions of the steps taken from the sternest demands."""

    class Fake(bench["left_out"].DataSet):
        def judged(self, levels):
            steps = dict(levels)
            return found(steps), {24.0: false(steps)}, 0.0

    return Fake(name, is_simulated=False, leaking=[None])


def test_the_choice_finds_most_within_what_is_allowed(bench):
    """Demands soften while more is found, and stop where a set has more false alarms than are allowed."""
    chosen = bench["left_out"].chosen
    one = fake_set(
        bench,
        "one",
        found=lambda steps: 0.5 + 0.1 * steps["order"] + 0.05 * steps["tail_share"],
        false=lambda steps: 0.004 * steps["order"],
    )
    levels = chosen([one], 0.01)
    assert (levels["order"], levels["tail_share"]) == (2, 3)
    assert sum(levels.values()) == 5
    assert chosen([one], 0.0)["order"] == 0
    assert chosen([one], 0.1)["order"] == 4


def test_no_set_pays_for_another(bench):
    """What one set gains is refused where it brings another one more false alarms than are allowed."""
    gains = fake_set(bench, "gains", found=lambda steps: 0.1 * steps["order"], false=lambda steps: 0.0)
    pays = fake_set(
        bench, "pays", found=lambda steps: 0.5, false=lambda steps: 0.02 if steps["order"] > 1 else 0.0
    )
    assert bench["left_out"].chosen([gains], 0.01)["order"] == 4
    assert bench["left_out"].chosen([gains, pays], 0.01)["order"] == 1
