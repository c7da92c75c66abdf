from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from memmon.config import parse_database
from memmon.many.processes import process_series
from memmon.model import RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

START = datetime(2026, 3, 1, tzinfo=UTC)
MB = 2**20
WORKERS, SNAPSHOTS = 6, 20

PREFORK = """
import os, sys
from memmon import Recorder
recorder = Recorder(sys.argv[1], source="web", leak_check=False, daily_report=False, role="parent")
recorder.take_snapshot()
recorder.flush(30)
children = []
for number in range({workers}):
    pid = os.fork()
    if pid == 0:
        for _ in range({snapshots}):
            recorder.take_snapshot()
        ok = recorder.flush(60)
        recorder.stop()
        os._exit(0 if ok else 1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
recorder.take_snapshot()
assert recorder.flush(60)
recorder.stop()
sys.exit(max(codes))
"""

POOL = """
import multiprocessing, sys
from memmon import Recorder

def work(url):
    with Recorder(url, source="pool", leak_check=False, daily_report=False, interval_seconds=3600) as recorder:
        for _ in range({snapshots}):
            recorder.take_snapshot()
        return recorder.flush(60)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert all(pool.map(work, [sys.argv[1]] * 3, chunksize=1))
"""


@pytest.mark.faults
def test_many_processes_share_one_file(tmp_path):
    """A prefork server, a pool and two bots write into one new file at once: every snapshot is there, once."""
    url = str(tmp_path / "shared.db")
    values = {"workers": WORKERS, "snapshots": SNAPSHOTS}
    (tmp_path / "prefork.py").write_text(PREFORK.format(**values))
    (tmp_path / "pool.py").write_text(POOL.format(**values))
    bot = "import sys\nfrom memmon import Recorder\nr = Recorder(sys.argv[1], source=sys.argv[2], leak_check=False)\n"
    bot += f"for _ in range({SNAPSHOTS}): r.take_snapshot()\nassert r.flush(60)\nr.stop()\n"
    (tmp_path / "bot.py").write_text(bot)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    commands = [["prefork.py", url], ["pool.py", url], ["bot.py", url, "bot-a"], ["bot.py", url, "bot-b"]]
    started = [
        subprocess.Popen([sys.executable, *words], cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        for words in commands
    ]
    ended = [(process.communicate(timeout=240)[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * 4, ended
    with open_store(url) as store:
        counts = {one.name: [run.snapshot_count for run in store.runs(one.name)] for one in store.sources()}
        parents = {run.uuid: run.parent_uuid for run in store.runs("web")}
    assert sorted(counts["web"]) == [2, *[SNAPSHOTS] * WORKERS]
    assert sum(counts["pool"]) == 3 * (SNAPSHOTS + 1)
    assert counts["bot-a"] == counts["bot-b"] == [SNAPSHOTS]
    (parent,) = [uuid for uuid, above in parents.items() if above is None]
    assert [above for uuid, above in parents.items() if uuid != parent] == [parent] * WORKERS


def test_many_processes_side_by_side_and_summed(tmp_path):
    """Each process is a series of its own; their sum counts shared pages once and is unknown where a part is."""
    url = str(tmp_path / "m.db")
    upgrade(parse_database(url))
    for number in range(3):
        begin = 12 * number
        snapshots = [
            Snapshot(
                at=START + timedelta(minutes=5 * n),
                sequence=n - begin + 1,
                uptime_seconds=300.0 * (n - begin),
                rss_bytes=100 * MB,
                pss_bytes=None if number == 2 and n < 30 else 40 * MB if (n - begin) % 12 == 0 else None,
            )
            for n in range(begin, 48)
        ]
        run = RunRecord(
            uuid=str(number),
            source="web",
            source_was_given=True,
            started_at=snapshots[0].at,
            interval_seconds=300.0,
            host="h",
            pid=os.getpid(),
        )
        Writer(parse_database(url)).write(Batch(run=run, snapshots=snapshots))
    with open_store(url) as store:
        found = process_series(store.buckets("web", bucket_seconds=300))
        assert not store.history("web").is_empty
    assert found.rss_bytes.shape == (48, 3)
    assert found.process_count.tolist() == [1] * 12 + [2] * 12 + [3] * 24
    assert (found.total_rss_bytes / MB).tolist() == [100] * 12 + [200] * 12 + [300] * 24
    assert (found.total_pss_bytes[:24] / MB).tolist() == [40] * 12 + [80] * 12
    assert np.isnan(found.total_pss_bytes[24:36]).all()
    assert (found.total_pss_bytes[36:] / MB).tolist() == [120] * 12
