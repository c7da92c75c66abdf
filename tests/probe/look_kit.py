"""What grew between two looks, as a test of the look tells it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.survey import survey


def all_chains(grow, *, begun=500, more=2_000):
    """Return what is told where `grow(number)` is called so often before a look, and so often between it and the next."""
    numbers = count()
    for _ in range(begun):
        grow(next(numbers))
    before = survey(monotonic=lambda: 0.0)
    for _ in range(more):
        grow(next(numbers))
    return chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)


def told_alone(file: str, function: str):
    """Return what a test file's function returns, called in a fresh process.

    A look has a bound, and a run of all tests holds more than that: here the objects are the test's own.
    """
    folder, name = os.path.split(file.removesuffix(".py"))
    code = (
        "import json, os\n"
        f"from {name} import {function}\n"
        f"print(json.dumps({function}()), flush=True)\n"
        "os._exit(0)  # what hangs on thousands of links would be freed by recursion\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(folder)), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
