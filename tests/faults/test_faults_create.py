"""Promises 1, 2, 4 and 7 while a database is made: nothing half at the path, whatever fails or is killed."""

from __future__ import annotations

import errno
import json
from contextlib import ExitStack

import pytest
from fault_kit import NOTED_WAITS, integrity, rows, run_host, start_host, torn_count

from memmon.store.schema.identity import HEAD_REVISION

pytestmark = pytest.mark.faults

WRITE, SYNC, OPEN, TRUNCATE, LINK, UNLINK = range(1, 7)
KINDS = (WRITE, SYNC, OPEN, TRUNCATE, LINK, UNLINK)
WAYS = ("link", "place", "touched")
KILL = -1

# For k = 1, 2, 3, ... the k-th call of a kind fails, or kills, until there is none; each time in a folder of its own.
EVERY_CALL = """
    import ctypes, errno, json, os, sqlite3, sys
    from pathlib import Path
    from memmon.config import parse_database
    from memmon.store.connect.create import create
    import memmon.store.schema.fresh_sqlite

    folder, shim, calls = Path(sys.argv[1]), ctypes.CDLL(sys.argv[2]), json.loads(sys.argv[3])
    real_link = os.link
    def no_link(*_):
        raise OSError(errno.EPERM, "no hard links here")

    def make(path):
        try:
            create(parse_database(str(path)), file_mode=0o600)
        except (OSError, sqlite3.Error) as error:
            return f"{type(error).__name__}: {error}"
        return "made"

    def one(way, kind, error, k, span):
        place = folder / f"{way}-{kind}-{error}-{k}-{span}"
        place.mkdir()
        path = place / "m.db"
        if way == "touched":
            path.touch()
        os.link = real_link if way == "link" else no_link
        pid = os.fork() if error < 0 else 0
        if pid:
            hits, said = int(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9), "ended"
        else:
            shim.memmon_arm(str(path).encode(), kind, k, span, error)
            said = make(path)
            hits = shim.memmon_hits()
            shim.memmon_arm(b"", 0, 0, 0, 0)
            if error < 0:
                os._exit(0)
        tables = None
        if path.exists():
            connection = sqlite3.connect(path)
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            connection.close()
        beside = sorted(found.name for found in place.iterdir() if found != path)
        return {"path": str(path), "hits": hits, "said": said, "tables": tables, "beside": beside, "again": make(path),
                "left": sorted(found.name for found in place.iterdir() if found != path), "kind": kind}

    found = []
    for way in json.loads(sys.argv[4]):
        for kind, error, span in calls:
            k = 0
            while True:
                k += 1
                result = one(way, kind, error, k, span)
                if not result["hits"]:
                    break
                found.append({"way": way, **result})
                assert k < 500
    print(json.dumps(found))
"""


def every_call(tmp_path, shim, calls, ways=WAYS):
    done = run_host(
        tmp_path,
        EVERY_CALL,
        tmp_path,
        shim,
        json.dumps(calls),
        json.dumps(ways),
        LD_PRELOAD=str(shim),
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    found = json.loads(done.stdout)
    whole = max(one["tables"] or 0 for one in found)
    assert whole > 20
    for one in found:
        # Made in place, the file may be there and empty: it has no table then, or all.
        allowed = {whole, None} if one["way"] == "link" else {whole, 0, None}
        assert one["tables"] in allowed, one
        assert one["again"] == "made", one
        assert rows(one["path"], "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)], one
        assert integrity(one["path"]) == "ok", one
    return found


def test_every_failing_call_of_a_creation(tmp_path, shim, full, figures):
    """Whichever call fails, once or for good, the path holds nothing, an empty file or a whole one; the next attempt makes it."""
    errors = (errno.EIO, errno.ENOSPC, errno.EMFILE) if full else (errno.EIO,)
    calls = [(kind, error, span) for kind in KINDS for error in errors for span in (1, 1_000_000)]
    # An empty file of an operator's is filled as one that was just made in place.
    found = every_call(tmp_path, shim, calls, WAYS if full else WAYS[:2])
    for one in found:
        if one["kind"] != UNLINK:
            assert one["left"] == [], one
            assert [name for name in one["beside"] if ".new-" in name] == [], one
    kinds = {(one["way"], one["kind"]) for one in found}
    assert kinds >= {("link", kind) for kind in (WRITE, SYNC, OPEN, LINK, UNLINK)}
    assert kinds >= {("place", kind) for kind in (WRITE, SYNC, OPEN)}
    made = sum(one["tables"] is not None and one["tables"] > 0 for one in found)
    figures(
        2,
        f"{len(found)} creations, each with another failing call: {made} made all the same, "
        f"{len(found) - made} made at the next attempt, 0 half files, 0 left-overs",
    )


def test_killed_at_every_call_of_a_creation(tmp_path, shim, figures):
    """Killed at any call, a creation leaves nothing, an empty file or a whole one, and the next one clears up after it."""
    found = every_call(tmp_path, shim, [(kind, KILL, 1) for kind in KINDS])
    left = [one for one in found if one["beside"]]
    assert left
    for one in found:
        if one["way"] == "link" and one["tables"] is None:
            assert one["left"] == [], one
    whole = sum(bool(one["tables"]) for one in found)
    figures(
        1,
        f"{len(found)} creations killed, each at another call: {whole} left a whole file, {len(found) - whole} none, "
        f"0 half; {len(left)} left something beside, which the next creation removed",
    )


# So many creations, each in a folder of its own, are killed at a moment within as long as they take.
ANY_MOMENT = """
    import json, os, random, signal, sqlite3, statistics, sys, time
    from contextlib import closing
    from pathlib import Path
    from memmon.config import parse_database
    from memmon.store.connect.create import create
    import memmon.store.schema.fresh_sqlite

    folder, count, pick = Path(sys.argv[1]), int(sys.argv[2]), random.Random(11)

    def begin(name):
        (folder / name).mkdir()
        path = folder / name / "m.db"
        pid = os.fork()
        if pid == 0:
            create(parse_database(str(path)), file_mode=0o600)
            os._exit(0)
        return path, pid

    def seconds(name):
        begun = time.monotonic()
        assert os.waitpid(begin(name)[1], 0)[1] == 0
        return time.monotonic() - begun

    def table_count(path):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    taken, found = statistics.median(seconds(f"timed-{n}") for n in range(5)), []
    whole = table_count(folder / "timed-0" / "m.db")
    for number in range(20 * count):
        if len(found) == count:
            break
        path, pid = begin(str(number))
        time.sleep(pick.uniform(0.0, taken))
        os.kill(pid, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL:
            tables = table_count(path) if path.exists() else None
            beside = len(list(path.parent.iterdir())) - path.exists()
            create(parse_database(str(path)), file_mode=0o600)
            left = sorted(one.name for one in path.parent.iterdir() if one != path) if tables is None else []
            found.append([tables, beside, table_count(path), left])
    print(json.dumps({"found": found, "whole": whole}))
"""


def test_killed_at_any_moment_of_a_creation(tmp_path, full, figures):
    """Killed at any moment, a creation leaves no file or a whole one, and the next one makes it and clears up."""
    count = 200 if full else 60
    done = run_host(tmp_path, ANY_MOMENT, tmp_path, count, timeout=600)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    told = json.loads(done.stdout)
    found, whole = told["found"], told["whole"]
    assert len(found) == count
    assert whole > 20
    assert {tables for tables, *_ in found} <= {None, whole}
    assert {(again, *left) for _, _, again, left in found} == {(whole,)}
    there = sum(tables is not None for tables, *_ in found)
    beside = sum(bool(one[1]) for one in found)
    figures(
        1,
        f"{count} creations killed at any moment: {there} left a whole file, {count - there} none, 0 half; "
        f"{beside} left something beside, which the next creation removed",
    )


AT_ONCE = """
    import errno, json, os, sys
    from memmon import Recorder
    from memmon.config import parse_database
    import memmon.store.write.writer, memmon.recorder.writer_thread, memmon.store.upkeep.migrate

    way = sys.argv[2]
    def no_link(*_):
        raise OSError(errno.EPERM, "no hard links here")
    if way == "place":
        os.link = no_link
    print("ready", flush=True)
    sys.stdin.readline()
    if way == "upgrade":
        memmon.store.upkeep.migrate.upgrade(parse_database(sys.argv[1]))
    recorder = Recorder(sys.argv[1], source="fleet", gc_threshold_mb=0, leak_check=False, daily_report=False)
    for _ in range(5):
        recorder.take_snapshot()
        assert recorder.flush(60.0), recorder.status
    recorder.stop()
    print(json.dumps(recorder.status.dropped_count))
"""


@pytest.mark.parametrize("ways", [("link",), ("place",), ("link", "place", "upgrade")], ids="-".join)
def test_twelve_create_at_once(tmp_path, ways, figures):
    """Of twelve processes that create one database at once, each its own way, all write into the same one, without an error."""
    path = tmp_path / "t.db"
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(start_host(tmp_path, AT_ONCE, path, ways[n % len(ways)], name=f"c{n}.py"))
            for n in range(12)
        ]
        for host in hosts:
            assert host.stdout.readline() == "ready\n", host.stderr.read()
        for host in hosts:
            host.stdin.write("\n")
            host.stdin.flush()
        answers = [(host.stdout.read(), host.stderr.read()) for host in hosts]
    assert answers == [("0\n", "")] * 12
    assert rows(path, "SELECT (SELECT count(*) FROM run), count(*) FROM snapshot") == [(12, 60)]
    assert rows(path, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
    assert (integrity(path), torn_count(path)) == ("ok", 0)
    assert not list(tmp_path.glob("t.db.*"))
    figures(
        4, f"12 processes create one file at once ({', '.join(ways)}), then write: 0 errors, 60 of 60 stored"
    )


SLOW = (
    NOTED_WAITS
    + """
    import ctypes, json, os, sys, time
    from pathlib import Path
    from memmon import Recorder
    import memmon.store.write.writer, memmon.recorder.writer_thread

    path, shim = Path(sys.argv[1]), ctypes.CDLL(os.environ["LD_PRELOAD"])
    recorder = Recorder(path, source="parent", gc_threshold_mb=0, leak_check=False, daily_report=False)
    shim.memmon_delay(str(path).encode(), 3000)
    recorder.take_snapshot()
    deadline = time.monotonic() + 20.0
    while not [found for found in path.parent.glob("*.new-*") if found.stat().st_size > 100_000]:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(0.3)  # it is being synced
    (made,) = path.parent.glob("*.new-*")
    used_up.clear()
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        shim.memmon_delay(b"", 0)
        is_open = any(".new-" in os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                      if os.path.lexists(f"/proc/self/fd/{n}"))
        is_there = made.exists() and not path.exists()
        recorder.take_snapshot()
        stored = recorder.flush(30.0)
        recorder.stop()
        os._exit(0 if stored and is_there and not is_open else 11 if stored else 12)
    delay, waited = time.monotonic() - begun, used_up.copy()
    shim.memmon_delay(b"", 0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    stored = recorder.flush(30.0)
    recorder.stop()
    print(json.dumps({"delay": delay, "waited": waited, "code": code, "stored": stored}))
"""
)


def test_a_fork_while_a_slow_disk_takes_the_file_in(tmp_path, shim, figures):
    """A fork does not wait for the disk that takes the new file in; the child harms nothing of it, and records."""
    path = tmp_path / "slow.db"
    done = run_host(tmp_path, SLOW, path, LD_PRELOAD=str(shim))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert (found["code"], found["stored"]) == (0, True)
    assert found["waited"] == []
    assert rows(path, "SELECT count(DISTINCT run_id), count(*) FROM snapshot") == [(2, 2)]
    assert integrity(path) == "ok"
    assert not list(tmp_path.glob("slow.db.*"))
    figures(
        7,
        f"a fork while a sync of the new file takes 3 s: delayed {found['delay'] * 1000:.0f} ms, the child records",
    )
