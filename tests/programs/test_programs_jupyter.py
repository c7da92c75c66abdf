"""A notebook's kernel: a cell that fails is shown and the kernel goes on, until it is shut down."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest
from host_kit import OPTIONS, Running, assert_unharmed, both, lay
from program_kit import HERE

pytestmark = pytest.mark.programs

# The same cell twice, as one runs it; each waits for the first snapshot, which the recorder takes in its own time.
START = f"""
import time
from memmon import Recorder
recorder = Recorder('host.db', source='notebook', {OPTIONS})
recorder.start()
while not getattr(recorder.status, "taken_count", 1):  # without memmon there is none to wait for
    time.sleep(0.01)
"""
CELLS = (
    START,
    START,
    "recorder.take_snapshot()\nprint('stored', recorder.flush(60))",
    "1 / 0",
    "import sys\nprint('kept', repr(sys.last_value))",
)


def run(folder, is_recorded):
    """Run the cells in a kernel of its own and shut it down; returns what was seen, and what each cell has said."""
    lay(folder, "", is_recorded=is_recorded)
    file = folder / "kernel.json"
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", file]
    with Running(folder, command, IPYTHONDIR=str(folder / "ipython")) as kernel:
        kernel.wait_for(lambda: kernel.read("kernel.json").endswith("}"), "the connection file")
        command = [sys.executable, HERE / "notebook.py", file, *CELLS]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as notebook:
            said = json.loads(notebook.stdout.readline())
            kernel.look("notebook", kernel.process.pid)
            notebook.stdin.close()
            return kernel.end(), said


def test_kernel_with_a_failed_cell(tmp_path):
    """The error that a cell has shown is no end of the kernel: its run ends when it is shut down, as an exit."""
    for package in ("ipykernel", "jupyter_client"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (pip install -e '.[programs]')")
    (recorded, said), (without, plainly_said) = both(tmp_path, run)
    assert_unharmed(recorded, without, recording=("notebook",))
    assert said == plainly_said
    assert said[2] == ["stored True\n"]
    assert said[3][0] == "ZeroDivisionError"
    assert said[4] == ["kept ZeroDivisionError('division by zero')\n"]
    assert recorded.code == 0
    assert recorded.stored_counts == {"notebook": 3}
    assert recorded.ends == {"notebook": ["replaced", "exit"]}
