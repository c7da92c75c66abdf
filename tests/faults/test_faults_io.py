"""Promises 2 and 3: failing calls of the system, and a full disk."""

from __future__ import annotations

import errno
import json
import shutil

import pytest
from fault_kit import integrity, rows, run_host, torn_count

pytestmark = pytest.mark.faults

WRITE, SYNC, OPEN, TRUNCATE = 1, 2, 3, 4
CALLS = [
    (WRITE, errno.EIO),
    (WRITE, errno.ENOSPC),
    (SYNC, errno.EIO),
    (SYNC, errno.ENOSPC),
    (OPEN, errno.EMFILE),
    (OPEN, errno.EIO),
    (TRUNCATE, errno.EIO),
    (TRUNCATE, errno.ENOSPC),
]

# One process does all: for k = 1, 2, 3, ... the k-th call of a kind fails, until none is left to fail.
EVERY_CALL = """
    import ctypes, json, logging, os, shutil, sys, time
    from collections import deque
    from pathlib import Path
    from memmon import Recorder
    from memmon.clock import ManualClock

    folder, shim, calls, spans = Path(sys.argv[1]), ctypes.CDLL(sys.argv[2]), *map(json.loads, sys.argv[3:5])
    said = []
    class Listener(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())
    logging.getLogger("memmon").addHandler(Listener())

    base = folder / "base.db"
    first = Recorder(base, source="bot")
    first.take_snapshot()
    assert first.flush(30.0)
    first.stop()

    def one(kind, error, k, span, reader):
        path = folder / f"x-{kind}-{error}-{k}-{span}.db"
        shutil.copy(base, path)
        os.chmod(path, 0o600)
        if reader:  # another process's reader would keep the WAL; one of our own does, too
            import sqlite3
            held = sqlite3.connect(path)
            held.execute("SELECT count(*) FROM snapshot").fetchall()
        clock, kept = ManualClock(), deque(maxlen=9)
        recorder = Recorder(path, source="bot", clock=clock, leak_check=False, daily_report=False)
        recorder.register_deque("kept", kept)
        recorder.take_snapshot()
        assert recorder.flush(20.0)
        acknowledged = [1]
        shim.memmon_arm(str(path).encode(), kind, k, span, error)
        for _ in range(2):
            clock.advance(300.0)
            kept.append(1)
            number = recorder.take_snapshot().sequence
            if recorder.flush(20.0):
                acknowledged = list(range(1, number + 1))
        hits = shim.memmon_hits()
        shim.memmon_arm(b"", 0, 0, 0, 0)
        clock.advance(600.0)
        recorder.take_snapshot()
        resumed = recorder.flush(20.0)
        status = recorder.status
        recorder.stop()
        if reader:
            held.close()
        return {"path": str(path), "hits": hits, "acknowledged": acknowledged, "resumed": resumed,
                "held": status.held_count, "dropped": status.dropped_count, "error": status.last_error}

    found = []
    for reader in (False, True):
        for kind, error in calls:
            for span in spans:
                k = 0
                while True:
                    k += 1
                    result = one(kind, error, k, span, reader)
                    result["internal"] = [text for text in said if "internal" in text]
                    said.clear()
                    if not result["hits"]:
                        break
                    found.append(result)
                    assert k < 300
    print(json.dumps(found))
"""


def test_every_failing_call(tmp_path, shim, full, figures):
    """Whichever write, sync, open or truncation fails, the host sees nothing, nothing acknowledged is lost, recording resumes."""
    spans = [1, 1_000_000] if full else [1]
    calls = CALLS if full else [CALLS[index] for index in (0, 1, 2, 4, 6)]
    done = run_host(
        tmp_path,
        EVERY_CALL,
        tmp_path,
        shim,
        json.dumps(calls),
        json.dumps(spans),
        LD_PRELOAD=str(shim),
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == ""
    found = json.loads(done.stdout)
    lost = 0
    for one in found:
        numbers = [number for (number,) in rows(one["path"], "SELECT seq FROM snapshot WHERE run_id > 1")]
        lost += len(set(one["acknowledged"]) - set(numbers))
        assert sorted(numbers) == [1, 2, 3, 4], one
        assert (one["resumed"], one["held"], one["dropped"], one["error"]) == (True, 0, 0, None), one
        assert (integrity(one["path"]), torn_count(one["path"])) == ("ok", 0), one
        assert one["internal"] == [], one
    assert lost == 0
    assert not list(tmp_path.glob("*.corrupt-*"))
    figures(
        2,
        f"{len(found)} runs, each with another failing call (write, sync, open, truncate): 0 exceptions in the host, "
        f"{lost} acknowledged lost, recording resumed in all",
    )


BIRTH = """
    import sys, time
    from memmon import Recorder
    recorder = Recorder(sys.argv[1], source="bot")
    recorder.take_snapshot()
    for _ in range(4):
        if recorder.flush(20.0):
            break
    else:
        sys.exit(f"not stored: {recorder.status}")
"""


def test_failing_calls_while_the_file_is_made(tmp_path, shim, full, figures):
    """A call that fails while the file is made, in the program itself, costs a retry, and no snapshot."""
    count = 0
    for kind, error in [(WRITE, errno.EIO), (SYNC, errno.EIO), (OPEN, errno.EMFILE), (WRITE, errno.ENOSPC)]:
        for k in range(1, 41) if full else (1, 2, 5):
            path = tmp_path / f"b-{kind}-{error}-{k}.db"
            flag = tmp_path / "once"
            flag.touch()
            done = run_host(
                tmp_path,
                BIRTH,
                path,
                LD_PRELOAD=str(shim),
                FAULT_ONCE=str(flag),
                FAULT_ARM=f"{path}|{kind}|{k}|1|{error}",
            )
            assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
            assert rows(path, "SELECT count(*) FROM snapshot") == [(1,)]
            assert integrity(path) == "ok"
            if flag.exists():  # there is no k-th call
                break
            count += 1
    figures(2, f"{count} failing calls while the file was made: stored in the same run")


DAY = """
    import json, sys, tracemalloc
    from collections import deque
    from pathlib import Path
    from memmon import Recorder, open_store
    from memmon.clock import ManualClock

    path, mode = Path(sys.argv[1]), sys.argv[2]
    clock = ManualClock()
    kept = {f"d{n}": deque(maxlen=10_000) for n in range(100)}
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0, leak_check=False, daily_report=False)
    recorder.register_deques(kept)
    for _ in range(3):
        recorder.take_snapshot()
        clock.advance(300.0)
    assert recorder.flush(30.0)
    if mode == "disk":
        ballast = path.with_name("ballast").open("wb", buffering=0)
        try:
            while True:
                ballast.write(bytes(65_536))
        except OSError:
            pass
        try:
            while True:
                ballast.write(b"x")
        except OSError:
            pass
    else:
        import resource
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    readable = 0
    for index in range(288):
        for one in kept.values():
            one.append(index)
        recorder.take_snapshot()
        clock.advance(300.0)
        if index % 48 == 0:
            assert not recorder.flush(20.0)
            assert recorder.pending_count == index + 1, recorder.status
            if mode == "disk":
                with open_store(path) as store:
                    readable += store.runs("bot")[0].snapshot_count == 3
    held = tracemalloc.get_traced_memory()[0] - base
    tracemalloc.stop()
    status = recorder.status
    if mode == "disk":
        ballast.close()
        path.with_name("ballast").unlink()
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    clock.advance(301.0)
    stored = recorder.flush(30.0)
    print(json.dumps({"held_bytes": held, "held": status.held_count, "dropped": status.dropped_count,
                      "error": status.last_error, "stored": stored, "readable": readable,
                      "pending": recorder.pending_count}))
    recorder.stop()
"""


def full_for_a_day(folder, mode):
    path = folder / "day.db"
    done = run_host(folder.parent, DAY, path, mode)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    found = json.loads(done.stdout)
    numbers = [number for (number,) in rows(path, "SELECT seq FROM snapshot ORDER BY seq")]
    readings = rows(
        path, "SELECT count(*) FROM reading JOIN series ON series.id = series_id WHERE metric = 'length'"
    )[0][0]
    assert numbers == list(range(1, 292))
    assert readings == 100 + 288 * 100
    assert (found["held"], found["dropped"], found["stored"], found["pending"]) == (288, 0, True, 0)
    assert mode == "limit" or "full" in found["error"]
    assert found["readable"] == (6 if mode == "disk" else 0)  # under the limit this process can't read either
    assert found["held_bytes"] <= 8 * 2**20
    assert torn_count(path) == 0
    return found


def test_a_full_disk_for_a_day(small_disk, figures):
    """With the disk full for 24 h everything is held, the history stays readable; when room returns all is written once."""
    found = full_for_a_day(small_disk, "disk")
    figures(
        3,
        f"full disk, 24 h, 100 deques: 288 of 288 written when room returned, 0 duplicates, "
        f"{found['held_bytes'] / 2**20:.1f} MB held, history readable throughout",
    )


def test_a_file_size_limit_for_a_day(tmp_path, figures):
    """Where no file may grow (RLIMIT_FSIZE) the same holds."""
    folder = tmp_path / "limited"
    folder.mkdir()
    found = full_for_a_day(folder, "limit")
    figures(
        3,
        f"file-size limit, 24 h: 288 of 288 written, 0 duplicates, {found['held_bytes'] / 2**20:.1f} MB held",
    )
    shutil.rmtree(folder)
