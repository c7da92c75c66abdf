"""Every command says which living children of a program nobody records."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memmon import Recorder
from memmon.facts.children import CHILDREN_KIND, ChildRow, children_data
from memmon.probe.process.machine import process_started_at
from memmon.units import MIB

WORDS = "1 child process, about 900.0 MB, not recorded"


@pytest.fixture
def database(tmp_path):
    """A program that records, and whose child does not."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    recorder = Recorder(tmp_path / "w.db", source="web", interval_seconds=300.0)
    recorder.take_snapshot()
    started_ms = round(process_started_at(child.pid).timestamp() * 1000)
    data = children_data([ChildRow(child.pid, started_ms, 950 * MIB, 900 * MIB, "python")])
    recorder._note(recorder._run.ensure(), CHILDREN_KIND, "", data)
    assert recorder.flush(20.0)
    yield tmp_path / "w.db"
    recorder.stop()
    child.communicate(b"\n")


@pytest.mark.parametrize(
    ("command", "code"), [("check", 1), ("doctor", 1), ("runs", 0), ("report", 0), ("watch --once", 0)]
)
def test_each_command_says_what_is_not_recorded_and_what_to_do(database, call, command, code):
    """Count, size and advice stand in each; `check` warns and `doctor` calls it a problem."""
    answer = call(*command.split(), "--db", database)
    assert answer.code == code, answer
    said = " ".join(answer.out.split())
    assert WORDS in said
    if command != "watch --once":
        assert "call start() in each after its fork" in said


def test_runs_as_json_names_them(database, call):
    """The same as data: who they are and what they hold, by the fields of `SourceProcess`."""
    (source,) = call("runs", "--json", "--db", database).json["sources"]
    (left_out,) = source["unrecorded"]
    assert (left_out["is_recorded"], left_out["pss_bytes"]) == (False, 900 * MIB)
