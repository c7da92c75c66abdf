"""A real control group, where this machine lets a test make one; a system whose kernel has no files to read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from memmon.probe.objects import roots
from memmon.probe.process import process

PLACES = (
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
)


@pytest.fixture
def make_real_group():
    """Return what makes a control group with a limit and without swap; skips where none can be made."""
    made: list[Path] = []

    def make(limit_bytes: int) -> Path:
        for mount, limit_name, swap_name in PLACES:
            group = Path(mount) / f"memmon-test-{os.getpid()}-{len(made)}"
            with suppress(OSError):
                group.mkdir()
                made.append(group)
                (group / limit_name).write_text(str(limit_bytes))
                with suppress(OSError):
                    (group / swap_name).write_text("0" if "swap.max" in swap_name else str(limit_bytes))
                return group
        pytest.skip("this machine does not let the test make a control group")

    yield make
    for group in made:
        group.rmdir()


@pytest.fixture
def psutil_alone(monkeypatch):
    """Sizes and the host's memory are told by psutil alone, as where the system has no files that tell them."""

    def absent(*_):
        raise FileNotFoundError

    for key in (b"VmRSS:", b"VmSize:"):
        monkeypatch.delitem(process._STATUS_KEYS, key)
    monkeypatch.setattr(process, "read_meminfo", absent)


@pytest.fixture
def program_of_this_file(request, monkeypatch):
    """Let the program be the test's file: a look ends after so many objects, and a run of all tests has loaded hundreds of files."""
    is_own, here = roots._is_own, request.module.__name__
    monkeypatch.setattr(roots, "_is_own", lambda name: is_own(name) and name == here)
