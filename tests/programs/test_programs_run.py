"""`memmon run` before a program that embeds memmon: what it records of itself is the record."""

from __future__ import annotations

import re
import sys

import pytest
from host_kit import Running, lay
from program_kit import query

from memmon import assess_source, open_store

pytestmark = pytest.mark.programs

PROGRAM = """
    import os, sys
    from memmon import Recorder
    from pausing import pause

    recorder = Recorder("host.db", source="bot", interval_seconds=0.5, leak_check=False, daily_report=False)
    recorder.start()
    print("works", flush=True)
    assert recorder.flush(60)
    pause("bot")
    assert recorder.flush(60)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), 9)
    sys.exit(7)
"""


@pytest.mark.parametrize(("way", "code", "end"), [("killed", -9, "sigkill"), ("exits", 7, "exit")])
def test_program_that_records_itself_under_run(tmp_path, way, code, end):
    """It is one process in the report, holding what it holds; its end is told, also the one that it could not tell."""
    program = lay(tmp_path, PROGRAM, is_recorded=True)
    options = ["run", "--db", tmp_path / "host.db", "--source", "bot", "--interval", "0.5s", "--"]
    command = [sys.executable, "-m", "memmon", *options, sys.executable, program, way]
    with Running(tmp_path, command) as running:
        running.wait_for(lambda: running.read("ready-bot"), "the program")
        replaced = "SELECT 1 FROM run WHERE end_reason = 'replaced'"
        running.wait_for(lambda: query(tmp_path / "host.db", replaced), "the end of the run from outside")
        with open_store(tmp_path / "host.db") as store:
            found = assess_source(store, "bot")
        (tmp_path / "go-bot").touch()
        seen = running.end()
    assert [one.pid for one in found.recorded] == [int(running.read("ready-bot"))]
    assert found.unrecorded is None
    assert (seen.code, seen.out, seen.left) == (code, "works\n", [])
    # Either may be the first to be stored.
    assert len(re.findall(r"records itself \(run [12] of bot\)", seen.err)) == 1
    assert {source: sorted(ends) for source, ends in seen.ends.items()} == {"bot": sorted(["replaced", end])}
