"""What memmon itself costs its program: measured in it, told after an hour and then daily, shown in the same words everywhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from memmon.forwarding import import_weighed, loaded_bytes
from memmon.recorder.notices import OwnCost

HOUR, DAY = 3_600.0, 86_400.0


@pytest.fixture
def writer_cpu():
    return [0.0]


@pytest.fixture
def cost(tmp_path, writer_cpu):
    return OwnCost(file=tmp_path / "m.db", writer_cpu_seconds=lambda: writer_cpu[0])


def told(cost, uptime_seconds):
    return [data for _, _, data in cost.told(uptime_seconds)]


def test_it_is_told_after_an_hour_and_then_daily(cost):
    """Nothing is told before the first hour of a run is over; then once, and again only a day later."""
    cost.taken(0.001, 0.002)
    assert not told(cost, HOUR - 1)
    assert told(cost, HOUR)
    assert not told(cost, HOUR + 1)
    assert not told(cost, HOUR + DAY - 1)
    assert told(cost, HOUR + DAY)
    cost.begin_run()
    assert not told(cost, HOUR + DAY)


def test_the_figures_are_those_of_the_snapshots(cost, writer_cpu):
    """Processor time is that of both threads by the snapshot; of the time until it is taken the mean and the longest are told."""
    cost.taken(0.001, 0.002)
    cost.taken(0.003, 0.004)
    writer_cpu[0] = 0.010
    (data,) = told(cost, HOUR)
    assert data["snapshot_count"] == 2
    assert (data["cpu_ms_per_snapshot"], data["mean_taking_ms"], data["longest_taking_ms"]) == (8.0, 2.0, 3.0)
    cost.begin_run()
    cost.taken(0.001, 0.001)
    (data,) = told(cost, HOUR)
    assert data["cpu_ms_per_snapshot"] == 1.0  # what the writer had used before the run is none of its


def test_the_growth_of_the_file_is_told_once_half_a_day_shows_it(cost, tmp_path):
    """A file grows by pages: before half a day no rate is told; one that shrank has grown by nothing."""
    path = tmp_path / "m.db"
    cost.taken(0.001, 0.001)
    cost.taken(0.001, 0.001)
    path.write_bytes(bytes(1_000_000))
    (data,) = told(cost, HOUR)
    assert data["file_bytes_per_day"] is None
    path.write_bytes(bytes(1_500_000))
    (data,) = told(cost, HOUR + DAY)
    assert data["file_bytes_per_day"] == 500_000
    path.write_bytes(bytes(10))
    (data,) = told(cost, HOUR + 2 * DAY)
    assert data["file_bytes_per_day"] == 0


def test_without_a_file_nothing_is_told_of_it():
    """A server's history is no file of this machine."""
    cost = OwnCost(file=None, writer_cpu_seconds=lambda: 0.0)
    cost.taken(0.001, 0.001)
    ((_, text, data),) = cost.told(HOUR + DAY)
    assert data["file_bytes_per_day"] is None
    assert "file" not in text


def test_what_loading_takes_is_measured():
    """In a fresh program it is what resident memory grew by; a module that is there already adds nothing worth a word."""
    program = (
        "from memmon import Recorder\nfrom memmon.forwarding import loaded_bytes\nprint(loaded_bytes())\n"
        "import memmon\nmemmon.Recorder\nmemmon.__getattr__('Recorder')\nprint(loaded_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert 4 * 2**20 < first < 40 * 2**20
    assert second - first < 2**20


def test_where_memory_can_not_be_read_it_is_not_told(monkeypatch):
    """A module is imported all the same, and nothing is made up."""
    monkeypatch.setattr("memmon.forwarding._resident_bytes", lambda: None)
    monkeypatch.setattr("memmon.forwarding._weighed", [])
    assert import_weighed("json") is json
    assert loaded_bytes() is None
    cost = OwnCost(file=None, writer_cpu_seconds=lambda: 0.0)
    cost.taken(0.001, 0.001)
    ((_, text, data),) = cost.told(HOUR)
    assert data["loaded_bytes"] is None
    assert "load" not in text
