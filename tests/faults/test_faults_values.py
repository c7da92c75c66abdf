"""Promises 8, 11, 12, 14 and 16: clocks, hostile names and objects, very many deques, psutil's errors, gc relief."""

from __future__ import annotations

import csv
import gc
import html.parser
import io
import json
import math
import re
import time
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from fault_kit import ROOT, rows, run_host

from memmon import MemoryMonitor, Recorder, detect_leak, open_store
from memmon.clock import ManualClock, SystemClock

pytestmark = pytest.mark.faults

MIB = 2**20


class SteppedClock(SystemClock):
    """The machine's clock, whose wall can be stepped."""

    __slots__ = ("offset",)

    def __init__(self):
        self.offset = timedelta(0)

    def now(self):
        return super().now() + self.offset


def test_the_cadence_outlives_clock_steps(tmp_path, figures):
    """With the wall clock stepped by -1 day and +400 days the thread keeps its rhythm, and each step is an event."""
    clock, interval = SteppedClock(), 0.1
    recorder = Recorder(
        tmp_path / "c.db", source="bot", interval_seconds=interval, clock=clock, gc_threshold_mb=0
    )
    taken = []
    recorder._after_take = lambda snapshot: taken.append(time.monotonic())
    recorder.start()
    for days in (0, -1, 401, -400):
        time.sleep(1.0)
        clock.offset += timedelta(days=days)
    time.sleep(1.0)
    recorder.stop(20.0)
    rhythm = (taken[-1] - taken[0]) / (len(taken) - 1)
    steps = rows(tmp_path / "c.db", "SELECT text FROM event WHERE kind = 'clock_step' ORDER BY id")
    assert [re.search(r"[-+]\d+", text).group() for (text,) in steps] == ["-86400", "+34646400", "-34560000"]
    assert abs(rhythm - interval) < 0.2 * interval
    figures(
        8,
        f"wall clock -1 day, +401 days, -400 days: interval {rhythm * 1000:.0f} ms of {interval * 1000:.0f} ms, 3 events",
    )


def record_growth(path, steps):
    """12 h of growth by 24 MB/h, with steps {snapshot: seconds} of the wall clock; returns the slope found."""
    clock = ManualClock(datetime(2026, 3, 28, 18, 0, tzinfo=UTC))
    recorder = Recorder(path, source="bot", clock=clock, gc_threshold_mb=0)
    plain = recorder._sampler.process.read
    import dataclasses

    for index in range(144):
        rss = round((100 + 2.0 * index + math.sin(index)) * MIB)
        recorder._sampler._process.read = lambda rss=rss: dataclasses.replace(
            plain(), rss_bytes=rss, rss_anon_bytes=rss, rss_shmem_bytes=0, swap_bytes=0
        )
        recorder.take_snapshot()
        clock.advance(300.0)
        if index in steps:
            clock.step(steps[index])
    assert recorder.flush(30.0)
    recorder.stop()
    with open_store(path) as store:
        return detect_leak(store.history("bot"))


def test_slopes_outlive_clock_steps(tmp_path, figures, monkeypatch):
    """The slope over a stepped clock, or over the night that summer time begins, is that of the same growth without it."""
    plain = record_growth(tmp_path / "plain.db", {})
    worst = 0.0
    for name, steps in {
        "back": {70: -86_400.0},
        "ahead": {70: 400 * 86_400.0},
        "both": {30: -86_400.0, 99: 86_400.0},
    }.items():
        found = record_growth(tmp_path / f"{name}.db", steps)
        change = abs(found.slope_mb_per_hour / plain.slope_mb_per_hour - 1)
        worst = max(worst, change)
        assert change < 0.01, (name, found.summary)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        clock = ManualClock(datetime(2026, 3, 28, 18, 0, tzinfo=UTC))  # summer time begins at 01:00 UTC
        monitor = MemoryMonitor(database_url=tmp_path / "m.db", source="bot", clock=clock, gc_threshold_mb=0)
        from memmon import MemorySnapshot

        for index in range(144):
            monitor.take_snapshot()
            taken = monitor.snapshots[-1]
            monitor.snapshots[-1] = MemorySnapshot(
                timestamp=taken.timestamp,
                rss_mb=100 + 2.0 * index + math.sin(index),
                vms_mb=taken.vms_mb,
                percent=taken.percent,
                available_mb=taken.available_mb,
                deque_sizes={},
                uptime_seconds=taken.uptime_seconds,
            )
            clock.advance(300.0)
        report = monitor.detect_memory_leak()
        monitor.close()
    finally:
        monkeypatch.undo()
        time.tzset()
    change = abs(report.growth_rate_mb_per_hour / plain.slope_mb_per_hour - 1)
    assert report.leak_detected
    assert change < 0.01
    figures(
        8,
        f"slopes over -1 day, +400 days and there and back: within {worst:.2%}; over the night to summer time: within {change:.2%}",
    )


BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.handlers = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def outputs(tmp_path, path, name):
    """Everything that the command line makes of a database."""
    import subprocess
    import sys

    from fault_kit import environment

    made = {}
    for kind, arguments in {
        "text": ("report",),
        "html": ("report", "--format", "html"),
        "json": ("report", "--format", "json"),
        "deques": ("deques",),
        "csv": ("sql", "--format", "csv", "SELECT name, metric FROM series ORDER BY id"),
    }.items():
        done = subprocess.run(
            [sys.executable, "-m", "memmon", *arguments, "--db", str(path)],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment(PYTHONIOENCODING="utf-8"),
        )
        made[kind] = (done.returncode, done.stdout.decode(), done.stderr.decode().replace(str(path), "PATH"))
    return made


def test_hostile_names(tmp_path, figures):
    """A hundred hostile names of deques, components, work, source and release raise nothing and inject nothing anywhere."""
    import sys

    sys.path.insert(0, str(ROOT / "tests" / "probe"))
    try:
        from hostile_names import NAMES
    finally:
        sys.path.pop(0)
    made = {}
    for side in ("hostile", "plain"):
        names = NAMES if side == "hostile" else [f"name {index}" for index in range(len(NAMES))]
        path, clock = tmp_path / f"{side}.db", ManualClock(datetime.now(UTC) - timedelta(hours=3))
        kept = [deque(maxlen=5) if index % 3 else deque() for index in range(len(names))]
        source = "<script>alert('s')</script>\x1b[31m" if side == "hostile" else "bot"
        recorder = Recorder(
            path, source=source, release=names[0], clock=clock, gc_threshold_mb=0, on_alert=lambda alert: None
        )
        for name, one in zip(names, kept, strict=True):
            recorder.register_deque(name, one)
            recorder.register_component(name, lambda: 5)
            recorder.count_work(1, name=name)
            recorder.annotate(name)
        for index in range(30):
            kept[index].append(1)
            recorder.take_snapshot()
            clock.advance(300.0)
        assert recorder.flush(30.0)
        recorder.stop()
        made[side] = outputs(tmp_path, path, side)
        stored = {name for (name,) in rows(path, "SELECT DISTINCT name FROM series WHERE kind = 'deque'")}
        assert len(stored) == len(names)
    for kind, (code, out, err) in made["hostile"].items():
        assert (code, err) == (made["plain"][kind][0], made["plain"][kind][2]), (kind, err)
        assert "Traceback" not in err
        assert not BAD.search(out), kind
    plain, hostile = Tags(), Tags()
    plain.feed(made["plain"]["html"][1])
    hostile.feed(made["hostile"]["html"][1])
    assert set(hostile.tags) == set(plain.tags)
    assert hostile.tags.count("script") == plain.tags.count("script")
    assert hostile.handlers == plain.handlers
    assert "<script>alert" not in made["hostile"]["html"][1]
    assert json.loads(made["hostile"]["json"][1]).keys() == json.loads(made["plain"]["json"][1]).keys()
    for row in csv.reader(io.StringIO(made["hostile"]["csv"][1])):
        assert len(row) == 2
        assert not row[0].startswith(("=", "+", "@", "\t", "\r")), row
    figures(
        11,
        f"{len(NAMES)} hostile names for deques, components, work, notes, source and release: 0 exceptions, 0 injections in {', '.join(made['hostile'])}",
    )


HOSTILE = """
    import json, sys, threading, time
    from collections import deque
    from memmon import Recorder

    class Raises:
        maxlen = 5

        def __len__(self):
            raise RuntimeError("no length")

        def __str__(self):
            raise ValueError("no text")

        __repr__ = __eq__ = __str__
        __hash__ = object.__hash__

    recorder = Recorder(sys.argv[1], source="bot", gc_threshold_mb=0)
    kept = [Raises(), deque(range(100), maxlen=100), deque()]
    for index, one in enumerate(kept):
        recorder.register_deque(f"d{index}", one)
    recorder.register_deque("getter", lambda: 1 / 0)
    recorder.register_component("component", lambda: Raises())
    stopping, count = threading.Event(), 0

    def change():
        while not stopping.is_set():
            kept[1].append(object())
            kept[2].append(object())
            if len(kept[2]) > 500:
                kept[2].clear()
            short = deque(maxlen=2)
            recorder.register_deque("short", short)
            del short

    threads = [threading.Thread(target=change) for _ in range(4)]
    for one in threads:
        one.start()
    enough, end = time.monotonic() + 2.0, time.monotonic() + 60.0
    while time.monotonic() < enough or (count < 5 and time.monotonic() < end):
        snapshot = recorder.take_snapshot()
        count += 1
    stopping.set()
    for one in threads:
        one.join()
    flushed = recorder.flush(30.0)
    recorder.stop()
    lengths = {one.name: one.length_count for one in snapshot.deques}
    print(json.dumps({"count": count, "flushed": flushed, "stored": recorder.status.stored_count, "lengths": lengths}))
"""


def test_hostile_objects(tmp_path, figures):
    """Objects that raise, change under four threads or are collected while registered cost a missing value at most."""
    done = run_host(tmp_path, HOSTILE, tmp_path / "o.db")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "internal error" not in done.stderr
    found = json.loads(done.stdout)
    assert found["lengths"]["d0"] is None
    assert found["lengths"]["getter"] is None
    assert found["lengths"]["d1"] == 100
    assert found["flushed"]
    assert found["stored"] == found["count"] >= 5
    figures(11, f"hostile objects under 4 threads: {found['count']} snapshots, 0 exceptions")


MANY = """
    import json, math, sys, time
    from collections import deque
    from memmon import Recorder

    kept = {f"price_history_{index}": deque(maxlen=9) for index in range(100_000)}
    registering = reading = first = math.inf
    for attempt in range(3):
        recorder = Recorder(f"{sys.argv[1]}-{attempt}", source="bot", gc_threshold_mb=0)
        begun = time.thread_time()  # the machine may be busy with other things
        recorder.register_deques(kept)
        registering = min(registering, time.thread_time() - begun)
        for _ in range(4):
            begun = time.perf_counter()
            snapshot = recorder.take_snapshot()
            took = time.perf_counter() - begun
            first, reading = (took if first == math.inf else first), min(reading, took)
        assert recorder.flush(60.0)
        recorder.stop()
        if registering < 1.0 and reading < 0.2:
            break
    print(json.dumps({"registering": registering, "reading": reading, "first": first, "count": len(snapshot.deques)}))
"""


def test_a_hundred_thousand_deques(tmp_path, figures):
    """100,000 deques register in less than a second; a snapshot reads as many as the cap allows, and says that there are more."""
    done = run_host(tmp_path, MANY, tmp_path / "many.db")
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    said = rows(tmp_path / "many.db-0", "SELECT text FROM event WHERE kind = 'deques'")
    assert found["count"] == 1000
    assert "99000" in said[0][0].replace(",", "")
    figures(
        12,
        f"100,000 deques: registered in {found['registering']:.2f} s, a snapshot of {found['count']} in "
        f"{found['reading'] * 1000:.1f} ms (the first {found['first'] * 1000:.0f} ms), the other 99,000 counted and said",
    )
    assert found["registering"] < 1.0
    assert found["reading"] < 0.2


BROKEN = """
    import json, sys
    import psutil
    from memmon import Recorder
    from memmon.probe.process import process

    def absent(*_):
        raise FileNotFoundError

    # As where the system has no files that tell it: psutil alone is asked.
    process.read_meminfo = absent
    for key in (b"VmRSS:", b"VmSize:"):
        del process._STATUS_KEYS[key]

    errors = [
        psutil.NoSuchProcess(1), psutil.AccessDenied(1), psutil.ZombieProcess(1), psutil.TimeoutExpired(1),
        OSError(5, "I/O error"), RuntimeError("broken"), NotImplementedError(), ValueError("unparsable"),
        AttributeError("gone"), MemoryError(),
    ]
    calls = [(psutil, name) for name in ("virtual_memory", "swap_memory", "boot_time", "heap_info")]
    calls += [(psutil.Process, name) for name in (
        "memory_info", "memory_full_info", "memory_info_ex", "create_time", "num_fds", "num_threads", "oneshot",
        "is_running", "status", "memory_maps", "cpu_times", "io_counters", "__init__")]
    calls = [(owner, name) for owner, name in calls if hasattr(owner, name)]
    Recorder(sys.argv[1], source="warm").take_snapshot()
    bad, count = [], 0
    for owner, name in calls:
        real = getattr(owner, name)
        for error in errors:
            def fail(*_args, error=error, **_options):
                raise error
            setattr(owner, name, fail)
            recorder = Recorder(sys.argv[1], source="bot", gc_threshold_mb=1 if error in errors[:2] else 0)
            snapshot = recorder.take_snapshot()
            if snapshot.sequence != 1 or (name == "virtual_memory" and snapshot.system_percent is not None):
                bad.append((name, repr(error)))
            setattr(owner, name, real)
            count += 1
            if not recorder.flush(30.0):
                bad.append((name, repr(error), "not stored"))
            recorder.stop()
    print(json.dumps({"bad": bad, "count": count, "calls": len(calls), "errors": len(errors)}))
"""


def test_any_psutil_error(tmp_path, figures):
    """Whatever psutil raises, wherever, the value is missing and all else goes on."""
    path = tmp_path / "p.db"
    done = run_host(tmp_path, BROKEN, path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["bad"] == []
    assert found["count"] >= 100
    assert "internal error" not in done.stderr
    stored = rows(
        path,
        "SELECT count(*) FROM snapshot JOIN run ON run.id = run_id JOIN source ON source.id = source_id WHERE name = 'bot'",
    )
    assert stored == [(found["count"],)]
    figures(
        14,
        f"{found['count']} combinations of {found['calls']} psutil calls and {found['errors']} errors: value missing, host unharmed, all stored",
    )


def test_gc_relief_on_a_clean_heap(tmp_path, full, figures):
    """On a big clean heap a day of snapshots makes at most two forced passes."""
    code = """
        import gc, json, sys
        from memmon import Recorder
        from memmon.clock import ManualClock
        heap = [[index] for index in range(int(sys.argv[2]))]
        clock = ManualClock()
        recorder = Recorder(sys.argv[1], source="bot", clock=clock, gc_threshold_mb=100)
        passes = []
        gc.callbacks.append(lambda phase, info: passes.append(info["generation"]) if phase == "stop" and info["generation"] == 2 else None)
        gc.collect(); passes.clear(); gc.freeze
        for _ in range(288):
            recorder.take_snapshot()
            clock.advance(300.0)
        assert recorder.flush(30.0)
        recorder.stop()
        print(json.dumps({"rss": recorder._latest.rss_bytes}))
    """
    count = 3_000_000
    path = tmp_path / "clean.db"
    done = run_host(tmp_path, code, path, count, timeout=280)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    events = [json.loads(data) for (data,) in rows(path, "SELECT data FROM event WHERE kind = 'gc'")]
    longest = max((event["pause_ms"] for event in events), default=0.0)
    figures(
        16,
        f"clean heap of {count / 1e6:.0f} M objects ({json.loads(done.stdout)['rss'] / MIB:.0f} MB), 24 h simulated: "
        f"{len(events)} forced passes (the longest {longest:.0f} ms)",
    )
    assert 1 <= len(events) <= 2


def test_gc_relief_where_it_helps(tmp_path, figures):
    """A host that makes cyclic garbage goes on being relieved, and the bytes recorded are those that came back."""
    code = """
        import ctypes, gc, json, sys
        # Blocks of 4 MB are mapped, always: else glibc soon keeps them in its heap, and nothing comes back.
        ctypes.CDLL(None).mallopt(-3, 2**20)
        import psutil
        from memmon import Recorder
        from memmon.clock import ManualClock
        gc.disable()
        own = psutil.Process()
        clock = ManualClock()
        recorder = Recorder(sys.argv[1], source="bot", clock=clock, gc_threshold_mb=100)
        class Node: pass
        true = []
        for _ in range(24):
            for _ in range(40):
                node = Node()
                node.me, node.data = node, bytearray(4 * 2**20)
                node.data[::4096] = b"x" * len(node.data[::4096])
            del node
            before = own.memory_info().rss
            recorder.take_snapshot()
            true.append(before - own.memory_info().rss)
            clock.advance(3600.0)
        assert recorder.flush(30.0)
        recorder.stop()
        print(json.dumps(true))
    """
    path = tmp_path / "dirty.db"
    done = run_host(tmp_path, code, path, timeout=200)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    true = json.loads(done.stdout)
    freed = [
        json.loads(data)["freed_bytes"] for (data,) in rows(path, "SELECT data FROM event WHERE kind = 'gc'")
    ]
    worst = max(abs(told / real - 1) for told, real in zip(freed, true, strict=True))
    figures(
        16,
        f"garbage-making host: {len(freed)} of 24 hourly passes made, bytes freed recorded within {worst:.1%}",
    )
    assert len(freed) == 24
    assert sum(freed) > 24 * 100 * MIB
    assert worst < 0.10
    gc.collect()
