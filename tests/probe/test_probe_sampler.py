from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import time
from collections import deque
from types import SimpleNamespace

import psutil
import pytest

from memmon.clock import ManualClock, SystemClock
from memmon.model import Snapshot
from memmon.probe.process import heap
from memmon.probe.process.backoff_reading import Patience, Thrift
from memmon.probe.process.cause import CauseProbe, CauseReading
from memmon.probe.registered.components import ComponentRegistry
from memmon.probe.registered.deques import DequeRegistry
from memmon.probe.sampler import Sampler

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def make(clock=None, **options):
    clock = clock or ManualClock()
    deques, components = (
        DequeRegistry(monotonic=clock.monotonic),
        ComponentRegistry(monotonic=clock.monotonic),
    )
    return Sampler(deques=deques, components=components, clock=clock, **options), deques, components, clock


def sample(sampler, **options):
    return sampler.sample(sequence=1, started_monotonic=1000.0, work_count=None, **options)


@LINUX
def test_a_sample_has_everything():
    """On Linux with glibc every field of a snapshot is read."""
    sampler, deques, components, clock = make()
    history = deque([1], maxlen=2)
    deques.register("price", history)
    components.register("cache", lambda: 77)
    clock.advance(60.0)
    snapshot = sampler.sample(sequence=9, started_monotonic=1000.0, work_count=5)
    assert (snapshot.sequence, snapshot.uptime_seconds, snapshot.work_count) == (9, 60.0, 5)
    assert snapshot.at == clock.now()
    assert snapshot.deques[0].length_count == 1
    assert snapshot.components[0].size_bytes == 77
    missing = [name for name in Snapshot.__dataclass_fields__ if getattr(snapshot, name) is None]
    assert set(missing) <= {"limit_used_bytes", "charged_bytes"}


def test_costly_values_are_read_hourly_or_when_slow_daily(monkeypatch):
    """USS and PSS are read at most hourly, daily once they took long, and not at all when not allowed."""
    sampler, _, _, clock = make()
    assert sample(sampler, allow_costly=False).uss_bytes is None
    assert sample(sampler).uss_bytes > 0
    assert sample(sampler).uss_bytes is None
    clock.advance(3600)
    assert sample(sampler).pss_bytes > 0

    def slow():
        clock.advance(0.05)
        return (1, 2)

    monkeypatch.setattr(sampler._process, "read_costly", slow)
    clock.advance(3600)
    assert (sample(sampler).uss_bytes, sample(sampler).uss_bytes) == (1, None)
    clock.advance(80_000)
    assert sample(sampler).uss_bytes is None
    clock.advance(6_500)
    assert sample(sampler).uss_bytes == 1


PARTS = [
    "_process.read",
    "_process.read_costly",
    "_limit.read",
    "_cause.read",
    "_deques.read",
    "_components.read",
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), GeneratorExit()], ids=repr)
def test_a_part_that_breaks_is_missing(part, error, monkeypatch):
    """Whatever part fails in whatever way, the snapshot has all the others."""

    def fail(*_):
        raise error

    sampler, deques, components, _ = make()
    history = deque([1])
    deques.register("price", history)
    components.register("cache", lambda: 1)
    owner, name = part.split(".")
    monkeypatch.setattr(getattr(sampler, owner), name, fail)
    snapshot = sample(sampler)
    assert (snapshot.rss_bytes is None) == (part == "_process.read")
    assert (snapshot.limit_bytes is None) == (part == "_limit.read")
    assert (snapshot.python_block_count is None) == (part == "_cause.read")
    assert (snapshot.deques == ()) == (part == "_deques.read")
    assert (snapshot.components == ()) == (part == "_components.read")
    assert snapshot.system_percent is not None


PSUTIL = ["virtual_memory", "heap_info", "Process.memory_info", "Process.num_fds", "Process.memory_full_info"]


@pytest.mark.parametrize("function", PSUTIL)
@pytest.mark.usefixtures("psutil_alone")
def test_every_psutil_function_may_fail(function, monkeypatch):
    """With any one psutil function failing, a snapshot is still taken."""

    def fail(*args, **kwargs):
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(f"psutil.{function}", fail, raising=False)
    snapshot = sample(make()[0])
    assert snapshot.python_block_count > 0
    assert (snapshot.rss_bytes is None) == (function == "Process.memory_info")
    assert snapshot.heap_used_bytes is not None or not sys.platform.startswith("linux")


def test_another_process_has_no_counters_of_ours():
    """A snapshot of another process carries none of this one's counters."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        sampler, *_ = make(pid=process.pid)
        snapshot = sample(sampler)
        assert snapshot.rss_bytes > 0
        assert snapshot.python_block_count is None
        assert sampler.process.is_alive()
        assert sampler.limit.read().limit_bytes > 0
    finally:
        process.communicate(b"\n")


@LINUX
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_the_child_samples_itself():
    """In a forked child a renewed sampler reads the child, at once with its costly values."""
    sampler, deques, _, _ = make()
    history = deque([1, 2])
    deques.register("price", history)
    sample(sampler)
    reading_end, writing_end = os.pipe()
    child_pid = os.fork()
    if child_pid == 0:
        sampler.after_fork_in_child()
        snapshot = sample(sampler)
        own = psutil.Process().memory_info().rss
        line = f"{snapshot.rss_bytes} {own} {snapshot.uss_bytes} {snapshot.deques[0].length_count}"
        os.write(writing_end, line.encode())
        os._exit(0)
    os.waitpid(child_pid, 0)
    told_bytes, own_bytes, uss_bytes, length = map(int, os.read(reading_end, 200).split())
    os.close(reading_end)
    os.close(writing_end)
    assert told_bytes == pytest.approx(own_bytes, abs=2 * 2**20)
    assert 0 < uss_bytes < told_bytes
    assert length == 2


def test_a_look_at_the_heap_rests_in_proportion_to_its_cost(monkeypatch):
    """A look that took 12 ms of processor time is had again when seven seconds have passed; blocks are counted each time."""
    clock = ManualClock()
    calls = []

    def heap_info():
        calls.append(1)
        begun = time.thread_time()
        while time.thread_time() - begun < 0.012:
            pass
        return SimpleNamespace(heap_used=5 * 2**20, mmap_used=6)

    monkeypatch.setattr("memmon.probe.process.cause.heap_info", heap_info)
    probe = CauseProbe(clock.monotonic)
    assert probe.read().heap_used_bytes == 5 * 2**20
    assert probe.read().heap_used_bytes is None
    assert probe.read().python_block_count > 0
    clock.advance(6.9)
    assert probe.read().heap_used_bytes is None
    assert len(calls) == 1
    clock.advance(30)
    assert probe.read().heap_mmap_bytes == 6
    assert len(calls) == 2


def test_many_blocks_are_counted_each_time(monkeypatch):
    """A count of blocks that takes long is had in the next snapshot all the same: just then it is needed."""

    def count():
        begun = time.thread_time()
        while time.thread_time() - begun < 0.002:
            pass
        return 7

    monkeypatch.setattr("sys.getallocatedblocks", count)
    probe = CauseProbe(ManualClock().monotonic)
    assert [probe.read().python_block_count for _ in range(3)] == [7, 7, 7]


@LINUX
def test_a_look_at_the_heap_lets_other_threads_run(monkeypatch):
    """The C library is asked by a call that gives the interpreter free; psutil, which holds it, is left alone."""
    monkeypatch.setattr(psutil, "heap_info", lambda: 1 / 0, raising=False)
    assert CauseProbe(SystemClock().monotonic).read().heap_used_bytes > 0
    holding = type(ctypes.pythonapi)._func_flags_ & ~ctypes.CDLL._func_flags_
    assert holding
    assert not heap._mallinfo2()._flags_ & holding


def test_counters_that_another_allocator_leaves_empty_are_missing(monkeypatch):
    """A free-threaded build, or another allocator than CPython's or glibc's, counts nothing: that is not a little, but unknown."""
    probe = CauseProbe(ManualClock().monotonic)
    monkeypatch.setattr(
        "memmon.probe.process.cause.heap_info", lambda: SimpleNamespace(heap_used=9_000, mmap_used=0)
    )
    other = CauseProbe(ManualClock().monotonic).read()
    assert (other.heap_used_bytes, other.heap_mmap_bytes) == (None, None)
    assert other.python_block_count > 0
    monkeypatch.setattr("sys.getallocatedblocks", lambda: 0)
    assert probe.read().python_block_count is None
    monkeypatch.undo()
    monkeypatch.setattr("sys.abiflags", "t")
    free = CauseProbe(ManualClock().monotonic).read()
    assert (free.heap_used_bytes, free.heap_mmap_bytes, free.python_block_count) == (None, None, None)
    assert free.gc_collection_count is not None


def test_counters_follow_what_happens():
    """Blocks follow objects, collections follow the collector, uncollectable stays a count."""
    probe = CauseProbe(SystemClock().monotonic)
    gc.collect()
    before = probe.read()
    kept = [float(number) for number in range(100_000)]
    gc.collect()
    after = probe.read()
    assert after.python_block_count - before.python_block_count == pytest.approx(100_000, rel=0.02)
    assert after.gc_collection_count == before.gc_collection_count + 1
    assert after.gc_uncollectable_count >= 0
    assert len(kept) == 100_000


@pytest.fixture
def collector():
    """The collector's settings, put back after the test."""
    was_on, thresholds = gc.isenabled(), gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if was_on else gc.disable)()


@pytest.mark.usefixtures("collector")
def test_what_no_collection_has_looked_at_is_counted():
    """Objects count from when they are made until a collection comes; where none comes by itself none waits."""
    probe = CauseProbe(SystemClock().monotonic)
    gc.enable()
    gc.set_threshold(100_000)
    gc.collect()
    before = probe.read().gc_pending_count
    kept = [[] for _ in range(20_000)]
    assert probe.read().gc_pending_count - before == pytest.approx(20_000, rel=0.02)
    gc.collect()
    assert probe.read().gc_pending_count < 1_000
    assert len(kept) == 20_000
    made = [[] for _ in range(5_000)]
    gc.disable()
    assert probe.read().gc_pending_count == 0
    gc.enable()
    assert probe.read().gc_pending_count >= 5_000
    gc.set_threshold(0)
    assert probe.read().gc_pending_count == 0
    assert len(made) == 5_000


def test_where_nothing_can_be_counted_nothing_is(monkeypatch):
    """Without any of the counters, the reading is empty."""
    monkeypatch.setattr("memmon.probe.process.heap._mallinfo2", lambda: None)
    for name in ("psutil.heap_info", "gc.get_stats", "gc.get_count", "sys.getallocatedblocks"):
        monkeypatch.setattr(name, lambda: 1 / 0, raising=False)
    assert CauseProbe(lambda: 0.0).read() == CauseReading()


@pytest.mark.parametrize(
    ("waited_seconds", "used_seconds"), [(0.2, 0.2), (11.0, 0.0)], ids=["slow", "hanging"]
)
def test_patience_rests_after_a_slow_call(waited_seconds, used_seconds):
    """A quick call is repeated at once; after one that took long, or hung, the value is missing for a while."""
    now, used = [0.0], [0.0]
    cost = [0.0, 0.0]

    def read():
        now[0] += cost[0]
        used[0] += cost[1]
        return 5

    patient = Patience(read, lambda: now[0], slow_seconds=0.1, rest_seconds=10.0, processor=lambda: used[0])
    assert [patient(), patient()] == [5, 5]
    cost[:] = [waited_seconds, used_seconds]
    assert [patient(), patient()] == [5, None]
    assert patient.is_resting
    now[0] += 10.0
    assert not patient.is_resting
    assert patient() == 5


@pytest.mark.parametrize(
    ("waited_seconds", "used_seconds", "rested_seconds"),
    [(0.03, 0.03, 25.0), (0.5, 0.0, 495.0), (11.0, 0.0, 3600.0), (0.05, 0.0, 0.0)],
    ids=["slow", "long by the clock", "hanging", "waited for its turn"],
)
def test_thrift_takes_a_share_of_the_time(waited_seconds, used_seconds, rested_seconds):
    """A call is repeated when the time has paid for it, what five seconds pay being granted, and after an hour at the latest."""
    now, used = [0.0], [0.0]

    def read():
        now[0] += waited_seconds
        used[0] += used_seconds
        return 5

    thrifty = Thrift(read, lambda: now[0], largest_share=0.001, processor=lambda: used[0])
    assert thrifty() == 5
    if rested_seconds:
        assert thrifty() is None
        now[0] += rested_seconds - 0.1
        assert thrifty() is None
        now[0] += 0.2
    assert thrifty() == 5


def test_cheap_calls_one_after_the_other_are_all_had():
    """A reading of microseconds is had each time, however soon after the last; altogether it takes its share and no more."""
    now = [0.0]

    def read():
        now[0] += 1e-5
        return 5

    thrifty = Thrift(read, lambda: now[0], largest_share=0.001, processor=lambda: now[0])
    assert [thrifty() for _ in range(400)] == [5] * 400
    had = [thrifty() for _ in range(2000)]
    assert had.count(5) <= 101


def test_a_call_that_waited_for_its_turn_is_forgiven():
    """A call that a busy machine delayed, without using the processor, does not end the readings."""
    now = [0.0]

    def read():
        now[0] += 0.5
        return 5

    patient = Patience(read, lambda: now[0], slow_seconds=0.1, processor=lambda: 0.0)
    assert [patient() for _ in range(5)] == [5] * 5


def test_a_tick_is_cheap():
    """A whole sample of an ordinary process takes well under 5 ms of processor time once it is warm."""
    sampler, deques, _, _ = make(clock=SystemClock())
    kept = [deque(range(100), maxlen=100) for _ in range(56)]
    for number, each in enumerate(kept):
        deques.register(str(number), each)
    sampler.sample(sequence=1, started_monotonic=0.0, work_count=None)
    durations = []
    for _ in range(20):
        begun = time.thread_time()
        sampler.sample(sequence=1, started_monotonic=0.0, work_count=None)
        durations.append(time.thread_time() - begun)
    assert sorted(durations)[10] < 0.005


def test_importing_the_probe_loads_nothing_heavy():
    """The probe brings psutil and the standard library, and objsize only when a size is asked for."""
    code = (
        "import sys\n"
        "import memmon.probe.sampler, memmon.probe.registered.deques, memmon.probe.registered.components, memmon.probe.process.container\n"
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    heavy = {
        "numpy",
        "pandas",
        "scipy",
        "statsmodels",
        "sqlalchemy",
        "alembic",
        "jinja2",
        "rich",
        "click",
        "objsize",
    }
    assert not loaded & (heavy | {"asyncio", "ssl"})
    assert "psutil" in loaded


@LINUX
def test_a_psutil_without_heap_info_is_no_loss(monkeypatch):
    """Where psutil is older than `heap_info`, glibc is asked: a mapped block and many small ones are seen, byte for byte."""
    monkeypatch.delattr(psutil, "heap_info", raising=False)
    monkeypatch.setattr("memmon.probe.process.cause.LARGEST_HEAP_SHARE", 1e6)
    probe = CauseProbe(SystemClock().monotonic)
    before = probe.read()
    large = bytearray(64 * 2**20)
    small = [bytearray(2000) for _ in range(5000)]
    after = probe.read()
    assert after.heap_mmap_bytes - before.heap_mmap_bytes == pytest.approx(len(large), rel=0.05)
    assert after.heap_used_bytes - before.heap_used_bytes == pytest.approx(len(small) * 2017, rel=0.05)


def test_a_library_that_tells_nothing_of_its_heap_is_a_missing_value(monkeypatch):
    """With neither psutil's word nor glibc's, the heap is None and the rest of the reading is there."""
    monkeypatch.delattr(psutil, "heap_info", raising=False)
    monkeypatch.setattr("memmon.probe.process.heap._mallinfo2", lambda: None)
    reading = CauseProbe(SystemClock().monotonic).read()
    assert (reading.heap_used_bytes, reading.heap_mmap_bytes) == (None, None)
    assert reading.python_block_count > 0
