"""What is not recorded is said, on every surface alike, until it has ended or records by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from assessed_values import history
from report_values import finding

from memmon import Recorder, SourceProcess, assess_source, open_store
from memmon.assessment.assess import assess_finding
from memmon.assessment.check_state import CheckState, check_state
from memmon.assessment.limits import Limit
from memmon.assessment.newest import read_standings
from memmon.assessment.present import Present
from memmon.clock import ManualClock
from memmon.facts.children import CHILDREN_KIND, ChildRow, children_data
from memmon.facts.severity import Severity
from memmon.probe.process.machine import process_started_at
from memmon.recorder.external import ExternalRecorder
from memmon.units import MIB

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SHORT = history(hours=1)
HELD = int(SHORT.footprint_bytes[-1])


def unrecorded(*sizes):
    return tuple(
        SourceProcess(pid=number, is_recorded=False, name="python", rss_bytes=2 * held, pss_bytes=held)
        for number, held in enumerate(sizes, 70)
    )


def assessed(left_out, *, limit=None, verdict="stable"):
    present = Present(limit=limit, unrecorded=left_out)
    return assess_finding(SHORT, finding(verdict=verdict), present=present, now=SHORT.last_at)


def test_children_that_hold_much_are_a_warning():
    """More than a tenth of what is recorded: WARNING, by its share of memory, in every sentence; up to that it is OK, and said."""
    much = assessed(unrecorded(HELD // 10, HELD // 10))
    assert much.severity is Severity.WARNING
    assert much.not_recorded.startswith("2 child processes, about ")
    assert "2 child processes" in much.headline
    assert any("start()" in one and "follow_forks=True" in one for one in much.advice)
    assert check_state(much)[0] is CheckState.WARNING
    little = assessed(unrecorded(HELD // 20))
    assert little.severity is Severity.OK
    assert "1 child process, about " in little.headline


def test_no_verdict_yet_is_no_shelter_for_children():
    """Of a program that can't be judged yet it is known already that most of it is not recorded."""
    assert check_state(assessed(unrecorded(HELD), verdict="cannot_say"))[0] is CheckState.WARNING


@pytest.mark.parametrize(
    ("origin", "held", "severity"),
    [("given", 9 * HELD, "critical"), ("given", HELD // 20, "ok"), ("host", 9 * HELD, "warning")],
)
def test_a_limit_on_the_programs_own_memory_counts_the_children_too(origin, held, severity):
    """Of a limit that the operator gave, the sum is what counts; a group's and the machine's counts them already."""
    limit = Limit(limit_bytes=10 * HELD, used_bytes=HELD, origin=origin, counts="footprint")
    assert assessed(unrecorded(held), limit=limit).severity == severity


class Web:
    """A program with a child of which a test says that it lives."""

    def __init__(self, path, child_pid):
        self.path, self.clock, self.child_pid = path, ManualClock(START), child_pid
        self.recorder = self.follow(Recorder(path, source="web", clock=self.clock, interval_seconds=300.0))

    def follow(self, recorder):
        recorder.take_snapshot()
        assert recorder.flush(20.0)
        return recorder

    def note(self, *pids):
        rows = [
            ChildRow(pid, round(process_started_at(pid).timestamp() * 1000), 300 * MIB, 200 * MIB, "python")
            for pid in pids
        ]
        self.recorder._note(self.recorder._run.ensure(), CHILDREN_KIND, "", children_data(rows))
        assert self.recorder.flush(20.0)

    def said(self, *, later=timedelta(seconds=1)):
        now = self.clock.now() + later
        with open_store(self.path) as store:
            found = assess_source(store, "web", now=now)
            (standing,) = [one for one in read_standings(store, now=now) if one.source == "web"]
        assert [one.pid for one in standing.present.unrecorded] == [
            one.pid for one in found.processes if not one.is_recorded
        ]
        return found.unrecorded


@pytest.fixture
def web(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    made = Web(tmp_path / "w.db", child.pid)
    yield made
    made.recorder.stop()
    child.communicate(b"\n")


def test_a_child_is_said_until_it_ends(web):
    """It is said from when it was seen, and no longer once the recorder has seen that it is gone."""
    assert web.said() is None
    web.note(web.child_pid)
    assert web.said().words == "1 child process, about 200.0 MB, not recorded"
    web.clock.advance(1.0)
    web.note()
    assert web.said() is None


def test_a_child_that_records_by_itself_is_recorded(web):
    """A run of its own in the same database, of whatever source, makes it a recorded one: until that run ends."""
    web.note(web.child_pid, os.getpid())
    assert web.said().count == 1, "this process has a run"
    own = web.follow(
        ExternalRecorder(
            web.path, pid=web.child_pid, source="worker", clock=web.clock, interval_seconds=300.0
        )
    )
    assert web.said() is None
    own.finish("stopped", timeout_seconds=20.0)
    assert web.said().count == 1


def test_of_a_program_that_is_silent_or_has_ended_nothing_is_said(web):
    """Whether its children live is known as long as it records."""
    web.note(web.child_pid)
    assert web.said(later=timedelta(minutes=14)).count == 1
    assert web.said(later=timedelta(minutes=16)) is None
    web.recorder.stop()
    assert web.said() is None
