"""Promise 1: kill -9 at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest
from fault_kit import integrity, run_host, start_host, stored, torn_count, until

pytestmark = pytest.mark.faults

# Imports once; forks a recording process for each line it gets, which tells what was acknowledged.
NURSERY = """
    import os, sys, time
    from collections import deque
    from memmon import Recorder
    import memmon.store.write.writer, memmon.store.upkeep.migrate

    database = sys.argv[1]
    for line in sys.stdin:
        begun = time.monotonic()
        if os.fork():
            continue
        os.setsid()
        os.write(1, b"born %d\\n" % os.getpid())
        kept = {f"d{n}": deque(maxlen=50) for n in range(20)}
        recorder = Recorder(line.strip() or database, source="bot", leak_check=False, daily_report=False)
        recorder.register_deques(kept)
        number = 0
        while True:
            for one in kept.values():
                one.append(number)
            number = recorder.take_snapshot().sequence
            if recorder.flush(20.0):
                uuid = recorder._run.state.record.uuid
                os.write(1, b"ack %s %d %.4f\\n" % (uuid.encode(), number, time.monotonic() - begun))
"""


class Reader:
    """Reads what the forked processes tell, without waiting for it."""

    def __init__(self, stream):
        self._descriptor = stream.fileno()
        os.set_blocking(self._descriptor, False)
        self._pending = ""
        self.lines: list[str] = []

    def read(self):
        with suppress(BlockingIOError):
            self._pending += os.read(self._descriptor, 1 << 20).decode()
        *whole, self._pending = self._pending.split("\n")
        self.lines += whole

    def born_after(self, count):
        self.read()
        return next((int(line.split()[1]) for line in self.lines[count:] if line.startswith("born")), None)

    def acknowledged(self):
        """(uuid, number) -> seconds since that process was born."""
        told = [line.split() for line in self.lines if line.startswith("ack")]
        return {(uuid, int(number)): float(seconds) for _, uuid, number, seconds in told}


def kill_many(nursery, count):
    """Fork, let work for a while, kill; return what all of them were promised, and how many they were.

    On a machine on which few come so far that they are promised anything, more are.
    """
    reader, pick = Reader(nursery.stdout), random.Random(7)
    for index in range(10 * count):
        if index >= count and len(reader.acknowledged()) > count:
            break
        before = len(reader.lines)
        nursery.stdin.write("\n")
        nursery.stdin.flush()
        assert until(lambda before=before: reader.born_after(before))
        pid = reader.born_after(before)
        # The first ones die while the file is made, the others in the middle of writing.
        end = time.monotonic() + pick.uniform(0.0, 1.5 if index < 8 else 0.35)
        while time.monotonic() < end:
            time.sleep(0.002)
            reader.read()
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    reader.read()
    return reader.acknowledged(), sum(line.startswith("born") for line in reader.lines)


def first_seconds(acknowledged):
    """Seconds from each process's birth to the first snapshot that it was told is stored."""
    found = {}
    for (uuid, _), seconds in acknowledged.items():
        found.setdefault(uuid, seconds)
    return list(found.values())


COLD = """
    import os, sys
    from memmon import Recorder
    recorder = Recorder(sys.argv[1], source="bot")
    recorder.take_snapshot()
    assert recorder.flush(20.0)
    os._exit(0)
"""


def cold_start_seconds(folder, path):
    begun = time.monotonic()
    done = run_host(folder, COLD, path, name="cold.py")
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begun


def test_killed_at_any_moment(tmp_path, full, figures):
    """A recorder killed with SIGKILL at any moment loses nothing it acknowledged, tears nothing, and starts again."""
    path, least_count = tmp_path / "k.db", 200 if full else 50
    with start_host(tmp_path, NURSERY, path) as nursery:
        acknowledged, count = kill_many(nursery, least_count)
    cold, fresh = [], []
    for number in range(5 if full else 2):
        cold.append(cold_start_seconds(tmp_path, path))
        fresh.append(cold_start_seconds(tmp_path, tmp_path / f"fresh{number}.db"))
    lost = acknowledged.keys() - stored(path)
    torn, found = torn_count(path), integrity(path)
    evidence = list(tmp_path.glob("k.db.corrupt*"))
    figures(
        1,
        f"{count} kills, {len(acknowledged)} snapshots acknowledged: {len(lost)} lost, {torn} torn, "
        f"integrity {found}, next start {max(first_seconds(acknowledged)[1:]):.2f} s at most "
        f"({max(cold):.2f} s from a cold interpreter)",
    )
    assert len(acknowledged) > least_count
    assert (len(lost), torn, found, evidence) == (0, 0, "ok", [])
    # Where the machine is busy with others: no longer than a start that has nothing to bring in order.
    assert max(cold) < max(2.0, 2 * max(fresh))
