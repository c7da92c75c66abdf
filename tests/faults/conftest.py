"""The promises of the recorder under real faults: `pytest -m faults` prints a line for each.

Reduced counts by default; `MEMMON_FAULTS=full` for all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIGURES = pytest.StashKey[dict]()


def pytest_configure(config):
    config.stash.setdefault(FIGURES, {})


def pytest_terminal_summary(terminalreporter, config):
    found = config.stash.get(FIGURES, {})
    if not found:
        return
    terminalreporter.section("the recorder's promises, with the figures of this run")
    for number in sorted(found):
        for text in found[number]:
            terminalreporter.write_line(f"promise {number}: {text}")


@pytest.fixture
def figures(request):
    """Note a figure under the number of its promise: `figures(1, "200 kills: 0 lost")`."""

    def note(number: int, text: str) -> None:
        request.config.stash[FIGURES].setdefault(number, []).append(text)

    return note


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether all counts are asked for."""
    return os.environ.get("MEMMON_FAULTS") == "full"


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> Path:
    """A library that makes chosen calls of the C library fail or wait, in whoever preloads it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip(
            "faults of the C library are injected by a preloaded library: needs Linux and a C compiler"
        )
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = HERE / "shim.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB of its own, or a skip where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small file system can't be mounted here (needs root); the file-size limit stands in")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)
