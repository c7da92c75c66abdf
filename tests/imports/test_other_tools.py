"""The lines that docs/cli.md shows for files of other tools work as printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from import_kit import MB

from memmon.store.read import open_store

ROOT = Path(__file__).resolve().parents[2]
FIRST = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp())
PIDSTAT = "Linux 6.1.0 (host) \t03/02/26 \t_x86_64_\t(2 CPU)\n" + "".join(
    "\n# Time        UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command\n"
    f"{FIRST + 60 * step}     1000      4711    120.33      0.00  934128  {204_800 + step}   2.51  python\n"
    for step in range(5)
)
DOCKER = "".join(f"{FIRST + 60 * step},{200 + step / 4}MiB / 1.944GiB\n" for step in range(5))
DUMP = "".join(
    f'{{__name__="process_resident_memory_bytes", instance="a:8000", job="bot"}} {200 * MB + step} {FIRST + 60 * step}000\n'
    for step in range(5)
)
RANGE = json.dumps(
    {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {
                    "metric": {"__name__": "process_resident_memory_bytes", "job": "bot"},
                    "values": [[FIRST + 60 * step + 0.781, str(200 * MB + step)] for step in range(5)],
                }
            ],
        },
    }
)
FILES = {"pidstat.log": PIDSTAT, "stats.log": DOCKER, "bot.om": DUMP, "range.json": RANGE}


def documented():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.partition("### Files of other tools")[2].partition("\n## ")[0]
    return re.findall(r"^\$ (.+)$", section, re.MULTILINE)


def test_every_documented_line_is_run_here():
    """There is a line for pidstat, docker stats and twice for Prometheus, and each names one of the sample files."""
    assert sorted(next(name for name in FILES if name in line) for line in documented()) == sorted(FILES)


@pytest.mark.skipif(sys.platform == "win32", reason="the lines are of a POSIX shell")
@pytest.mark.parametrize("line", documented())
def test_a_documented_line_works_as_printed(line, tmp_path):
    """Run in a shell beside such a file, the line imports its five readings from 200 MB on."""
    for tool in ("awk", "sed", "jq"):
        if re.search(rf"\b{tool}\b", line) and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not on this machine")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    program = tmp_path / "bin" / "memmon"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m memmon "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MEMMON_DATABASE_URL": str(tmp_path / "m.db"),
    }
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "-> bot: 5 new snapshots, 1 run" in done.stdout
    with open_store(tmp_path / "m.db") as store:
        history = store.history("bot")
    assert history.rss_bytes[0] == 200 * MB
    assert round(history.at_seconds[-1] - history.at_seconds[0]) == 240
    assert round(history.at_seconds[0]) in {FIRST, FIRST + 1}
