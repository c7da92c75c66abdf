"""celery's prefork pool, over a broker in the file system: its workers are forks, and are recycled."""

from __future__ import annotations

import subprocess
import sys

import pytest
from host_page import command, lay
from server_kit import Host, assert_as_without, both, figure_of, needs

pytestmark = pytest.mark.programs

TASK_COUNT = 4
BROKER = {"CELERY_BROKER_URL": "filesystem://"}
SEND = f"""
from tasks import app, pack
app.conf.broker_transport_options = {{"data_folder_in": "data_out", "data_folder_out": "data_in"}}
for number in range({TASK_COUNT}):
    pack.delay(number)
"""


def test_recycled_workers_end_as_they_do(tmp_path, figures):
    """Each worker of the pool has a run that ends as exit, though it leaves by `os._exit`, and all that it took is stored."""
    needs("celery")

    def run(folder, is_recorded):
        lay(folder, "tasks.py")
        for name in ("data_in", "data_out", "control"):
            (folder / name).mkdir()
        words = [*command("celery"), "--max-tasks-per-child", "1", "--loglevel", "INFO", "--pool", "prefork"]
        host = Host(folder, words, is_recorded=is_recorded, **BROKER)
        host.wait_for(lambda: "ready." in host.out, "ready worker")
        host.wait_for_recorded(2, least=1)
        before = set(host.pids())
        subprocess.run(
            [sys.executable, "-c", SEND],
            cwd=folder,
            check=True,
            env=host.environment({**BROKER, "HOST_TAKEN": "/dev/null"}),
        )
        host.wait_for(lambda: host.out.count("succeeded in") == TASK_COUNT, "end of the tasks")
        host.wait_for(lambda: len(set(host.pids()) & before) == 1, "recycled workers")
        host.wait_for_recorded(2)
        host.measure(3, recorded_count=2)
        return host.end()

    found, plain = both(tmp_path, run)
    figures("celery --max-tasks-per-child 1", figure_of(found, plain))
    assert_as_without(found, plain, recorded_count=2, out=False)
    assert found.ends == ["exit"] * (TASK_COUNT + 2)
