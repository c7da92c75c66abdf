"""How many files a living process may have open is read from outside, and only of the process that is meant."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from memmon.probe.process.file_limit import open_file_limit, parse_limits
from memmon.probe.process.machine import boot_id, process_started_at

pytestmark = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="not a Linux")


def _known(pid, **changes):
    here = {"started_at": process_started_at(pid), "host": platform.node() or "unknown", "boot": boot_id()}
    return {**here, **changes}


def test_another_process_tells_its_soft_limit():
    """The soft limit is that of the process asked for, not one's own."""
    code = (
        "import resource, sys; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (77, hard)); print('set', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "set\n"
        assert open_file_limit(child.pid, **_known(child.pid)) == 77
        child.stdin.close()
    assert (
        open_file_limit(os.getpid(), **_known(os.getpid())) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    )


@pytest.mark.parametrize("unknown", ["host", "boot", "started_at"])
def test_a_process_that_may_be_another_tells_nothing(unknown):
    """Of another host, another boot or another process with the same pid, no limit is told; nor where these were not recorded."""
    pid = os.getpid()
    other = {
        "host": "elsewhere",
        "boot": "0" * 36,
        "started_at": process_started_at(pid) - timedelta(minutes=1),
    }
    assert open_file_limit(pid, **_known(pid)) is not None
    assert open_file_limit(pid, **_known(pid, **{unknown: other[unknown]})) is None
    assert open_file_limit(pid, **_known(pid, **{unknown: None})) is None


def test_a_process_that_is_gone_tells_nothing():
    """A process that has ended has no limit."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        known = _known(child.pid, started_at=process_started_at())
    assert open_file_limit(child.pid, **known) is None


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (
            b"Limit  Soft  Hard\nMax open files            1024                 4096                 files\n",
            1024,
        ),
        (b"Max open files            unlimited            unlimited            files\n", None),
        (b"Max processes             100                  100                  processes\n", None),
        (b"", None),
    ],
)
def test_the_table_of_limits_is_read(content, limit):
    """The soft limit is told; an unlimited one, or none, is no limit."""
    assert parse_limits(content) == limit
