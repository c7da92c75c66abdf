"""A real container that is killed by shared memory: it is measured as the kernel does, and told of before."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memmon import open_store
from memmon.alerts.policy import AlertPolicy

MIB = 2**20
LIMIT_BYTES = 200 * MIB
BLOCK_BYTES = 4 * MIB
NEAR = 0.05
SHARED = Path("/dev/shm")

BOT = """
import sys
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

group, database, name, block_bytes = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
(group / "cgroup.procs").write_text("0")

from memmon import Recorder

FILES = {
    "memory.usage_in_bytes": ("total_rss", "total_shmem", "memory.kmem.usage_in_bytes"),
    "memory.current": ("anon", "shmem", "kernel"),
}

def kernels_own():
    # What the kernel says of each kind that it can't drop: no sum of its own less something.
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    names = next(names for name, names in FILES.items() if (group / name).exists())
    return sum(int(stat[one] if one in stat else (group / one).read_text()) for one in names)

resource_tracker.register = lambda *_: None  # what is left behind is the test's to take away
recorder = Recorder(database, source="shared", leak_check=False, daily_report=False, interval_seconds=3600)
for number in range(1000):
    block = shared_memory.SharedMemory(create=True, size=block_bytes, name=f"{name}{number}")
    block.buf[:] = b"x" * block_bytes
    block.close()
    before = kernels_own()
    recorder.take_snapshot()
    print([before, kernels_own()], flush=True)
    assert recorder.flush(30.0), recorder.status
"""


@pytest.fixture
def shared_name():
    """The beginning of the names of shared memory, which is gone afterwards."""
    if not os.access(SHARED, os.W_OK):
        pytest.skip("this machine has no shared memory under /dev/shm")
    name = f"memmon_test_{os.getpid()}_"
    yield name
    for left in SHARED.glob(f"{name}*"):
        left.unlink()


def test_shared_memory_is_measured_and_told_before_the_kernel_kills(make_real_group, shared_name, tmp_path):
    """In a real group each reading is within 5 % of the kernel's own figures, and high memory is stored before the kill."""
    group = make_real_group(LIMIT_BYTES)
    path = str(tmp_path / "shared.db")
    arguments = [str(group), path, shared_name, str(BLOCK_BYTES)]
    run = subprocess.run(
        [sys.executable, "-c", BOT, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    kernels = [ast.literal_eval(line) for line in run.stdout.splitlines()]
    with open_store(path) as store:
        rows = store.snapshots("shared").reset_index()
        alerts = store.alerts("shared")
    assert len(rows) >= len(kernels) - 1 > LIMIT_BYTES / BLOCK_BYTES / 3
    for charged, (before, after) in zip(rows["charged_bytes"], kernels, strict=False):
        assert before * (1 - NEAR) <= charged <= after * (1 + NEAR)
    assert set(rows["limit_bytes"]) == {LIMIT_BYTES}
    assert rows["charged_bytes"].iloc[-1] >= 0.9 * LIMIT_BYTES
    assert rows["limit_used_bytes"].max() < 0.5 * LIMIT_BYTES
    (told,) = [one for one in alerts if one.kind == "high_memory"]
    assert told.is_firing
    share = rows["charged_bytes"] / LIMIT_BYTES * 100
    assert rows["at"][share >= AlertPolicy().high_memory_percent].min() == told.since < rows["at"].max()
