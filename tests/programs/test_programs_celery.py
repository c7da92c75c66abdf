"""celery's prefork pool, over a broker in the file system: its workers are forks, and are recycled."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from host_page import command, lay
from server_kit import NEVER_ENDED, Host, assert_as_without, both, figure_of, needs

pytestmark = pytest.mark.programs

TASK_COUNT = 4
WORKER_COUNT = 2
MOST_ATTEMPTS = 4
BROKER = {"CELERY_BROKER_URL": "filesystem://"}
SEND = f"""
from tasks import app, pack
app.conf.broker_transport_options = {{"data_folder_in": "data_out", "data_folder_out": "data_in"}}
for number in range({TASK_COUNT}):
    pack.delay(number)
"""


def serve_until_it_ends(folder, is_recorded):
    """Celery may never end: a worker that is slow to take its leave is ended while it has the lock of the queue that is waited for then.

    So it is without memmon too, where the workers have threads that are busy.
    """
    for attempt in range(MOST_ATTEMPTS):
        (folder / str(attempt)).mkdir()
        seen = serve(folder / str(attempt), is_recorded)
        if seen.code != NEVER_ENDED:
            break
    return seen


def serve(folder, is_recorded):
    """Have the tasks done, each in a worker of its own."""
    lay(folder, "tasks.py")
    for name in ("data_in", "data_out", "control"):
        (folder / name).mkdir()
    words = [*command("celery"), "--max-tasks-per-child", "1", "--loglevel", "INFO", "--pool", "prefork"]
    host = Host(folder, words, is_recorded=is_recorded, **BROKER)
    host.wait_for(lambda: "ready." in host.out, "ready worker")
    host.wait_for_recorded(WORKER_COUNT, least=1)
    before = set(host.pids())
    subprocess.run(
        [sys.executable, "-c", SEND],
        cwd=folder,
        check=True,
        env=host.environment({**BROKER, "HOST_TAKEN": "/dev/null"}),
    )
    host.wait_for(lambda: host.out.count("succeeded in") == TASK_COUNT, "end of the tasks")
    host.wait_for(lambda: len(set(host.pids()) & before) == 1, "recycled workers")
    host.wait_for_recorded(WORKER_COUNT)
    host.measure(1 + WORKER_COUNT, recorded_count=WORKER_COUNT)
    return host.end(seconds=20.0)


def test_recycled_workers_end_as_they_do(tmp_path, figures):
    """Each worker of the pool has a run that ends as exit, though it leaves by `os._exit`, and all that it took is stored."""
    needs("celery")

    found, plain = both(tmp_path, serve_until_it_ends)
    figures("celery --max-tasks-per-child 1", figure_of(found, plain))
    # Those that idle when celery ends are ended by it, perhaps before they have taken their leave.
    assert_as_without(
        found,
        plain,
        recorded_count=WORKER_COUNT,
        out=False,
        cut_count=WORKER_COUNT,
        inherited_count=WORKER_COUNT - 1,
    )
    assert len(found.ends) == TASK_COUNT + WORKER_COUNT
    assert Counter(found.ends)["exit"] >= TASK_COUNT
    assert set(found.ends) <= {"exit", None}
