"""What `memmon check` loads: it runs every few minutes on many a machine."""

from __future__ import annotations

import subprocess
import sys

import cli_helpers

NOT_NEEDED = (
    "memmon.analysis.cause",
    "memmon.facts.grown",
    "memmon.frame_columns",
    "memmon.model",
    "memmon.probe.process",
    "memmon.store.read.frames",
    "memmon.store.read.sql",
    "memmon.store.read.window_answers",
    "difflib",
    "numpy.ma",
    "sqlalchemy",
    "pandas",
)
PROGRAM = """
import sys
import numpy  # older ones load their masked arrays themselves
given = set(sys.modules)
from memmon.cli.app import run
code = run(["check", "--db", sys.argv[1], "--source", "flat"])
print(code, *sorted(set(sys.argv[2].split(",")) & (set(sys.modules) - given)))
"""


def test_a_check_of_what_does_not_grow_loads_only_what_judges_it(histories):
    """A source that is flat is checked without what explains growth or guesses names."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(histories), ",".join(NOT_NEEDED)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": cli_helpers.PACKAGE_FOLDER},
    )
    assert done.stdout.splitlines()[-1] == "0"
