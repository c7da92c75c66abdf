from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from memmon.probe.process.process import ProcessProbe, ProcessReading, parse_status, read_system

MB = 2**20
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_reading_agrees_with_psutil():
    """RSS and VMS are psutil's own, within what the process takes between two readings."""
    expected = psutil.Process().memory_info()
    reading = ProcessProbe().read()
    assert reading.rss_bytes == pytest.approx(expected.rss, abs=2 * MB)
    assert reading.vms_bytes == pytest.approx(expected.vms, abs=8 * MB)
    assert reading.thread_count >= 1
    assert reading.fd_count >= 3


@LINUX
def test_the_kernel_s_files_tell_what_psutil_tells(monkeypatch):
    """On Linux size and host are read from the kernel's files, once each; psutil, which reads them too, is not asked."""
    kernel, host = ProcessProbe().read(), psutil.virtual_memory()
    asked = []
    for owner, function in ((psutil.Process, "memory_info"), (psutil, "virtual_memory")):
        monkeypatch.setattr(owner, function, lambda *given: asked.append(given))
    reading, system = ProcessProbe().read(), read_system()
    assert asked == []
    assert reading.rss_bytes == pytest.approx(kernel.rss_bytes, abs=4 * MB)
    assert reading.rss_bytes == reading.rss_anon_bytes + reading.rss_file_bytes + reading.rss_shmem_bytes
    assert system.total_bytes == host.total
    assert system.percent == pytest.approx(host.percent, abs=10.0)
    assert system.percent == round(100 * (host.total - system.available_bytes) / host.total, 1)
    swap = psutil.swap_memory()
    assert (system.swap_total_bytes, system.swap_free_bytes is None) == (swap.total, False)


@pytest.mark.parametrize("told", ["MemAvailable: 0 kB\n", "MemAvailable: 9000000000000 kB\n", ""])
def test_where_the_kernel_s_word_on_the_host_is_odd_psutil_is_asked(told, monkeypatch):
    """No memory available, more than there is, or none told: psutil knows how to reckon then."""
    content = f"MemTotal: 1000 kB\n{told}SwapTotal: 0 kB\n".encode()
    monkeypatch.setattr("memmon.probe.process.process.read_bytes", lambda _: content)
    host = SimpleNamespace(percent=40.0, available=600, total=1000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: host)
    system = read_system()
    assert (system.percent, system.available_bytes, system.total_bytes) == (40.0, 600, 1000)
    assert system.swap_total_bytes == 0


@LINUX
def test_the_parts_of_rss_add_up():
    """Anonymous, file-backed and shared memory together are RSS."""
    reading = ProcessProbe().read()
    parts = reading.rss_anon_bytes + reading.rss_file_bytes + reading.rss_shmem_bytes
    assert parts == pytest.approx(reading.rss_bytes, abs=2 * MB)
    assert reading.swap_bytes is not None


def test_the_costly_values_are_those_of_this_process():
    """USS is at most PSS, and both at most RSS."""
    probe = ProcessProbe()
    uss_bytes, pss_bytes = probe.read_costly()
    assert 0 < uss_bytes <= pss_bytes <= probe.read().rss_bytes + MB


def test_the_system_reading_is_the_host():
    """The host's memory: available is part of total, percent within 0 to 100."""
    system = read_system()
    assert 0 < system.available_bytes < system.total_bytes
    assert 0 <= system.percent <= 100


@LINUX
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reports_its_own_memory():
    """A probe made before a fork reads the child in the child, not the parent."""
    probe = ProcessProbe()
    ballast = bytearray(os.urandom(MB)) * 60
    parent_rss_bytes = probe.read().rss_bytes
    reading_end, writing_end = os.pipe()
    child_pid = os.fork()
    if child_pid == 0:
        more = bytearray(os.urandom(MB)) * 400
        own = psutil.Process().memory_info().rss
        os.write(writing_end, f"{probe.read().rss_bytes} {own} {probe.pid} {len(more)}".encode())
        os._exit(0)
    os.waitpid(child_pid, 0)
    told_bytes, own_bytes, told_pid, _ = map(int, os.read(reading_end, 200).split())
    os.close(reading_end)
    os.close(writing_end)
    assert told_pid == child_pid
    assert told_bytes == pytest.approx(own_bytes, abs=2 * MB)
    assert told_bytes > parent_rss_bytes + 50 * MB
    assert len(ballast) == 60 * MB


def sleeper():
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_another_process_is_read_by_its_pid_until_it_ends():
    """A foreign process has its own values while it runs, and none afterwards."""
    process = sleeper()
    try:
        probe = ProcessProbe(process.pid)
        assert probe.is_alive()
        assert not probe.is_own
        assert probe.read().rss_bytes == pytest.approx(
            psutil.Process(process.pid).memory_info().rss, abs=8 * MB
        )
        assert probe.started_at_seconds() == psutil.Process(process.pid).create_time()
    finally:
        process.communicate(b"\n")
    assert not probe.is_alive()
    assert probe.read() == ProcessReading()
    assert probe.read_costly() == (None, None)


def test_a_zombie_is_not_alive():
    """A process that ended and was not waited for counts as gone, and has no memory: none, not zero."""
    process = sleeper()
    probe = ProcessProbe(process.pid)
    process.stdin.close()
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not probe.is_alive()
        assert probe.read() == ProcessReading()
    finally:
        process.wait()


def test_a_new_process_with_an_old_pid_is_a_stranger(monkeypatch):
    """When the pid passed to another process, nothing of that one is reported as the old one's."""
    process = sleeper()
    try:
        probe = ProcessProbe(process.pid)
        probe._process._ident = (process.pid, 1.0)
        probe._process._create_time = 1.0
        assert not probe.is_alive()
        assert probe.read() == ProcessReading()
        assert probe.read_costly() == (None, None)
    finally:
        process.communicate(b"\n")


def test_a_process_that_never_was_has_no_values():
    """A pid that nothing has is no error: everything is missing."""
    probe = ProcessProbe(2**22 - 1)
    assert not probe.is_alive()
    assert probe.read() == ProcessReading()
    assert probe.read_costly() == (None, None)
    assert probe.started_at_seconds() is None


ERRORS = [
    psutil.AccessDenied(1),
    psutil.NoSuchProcess(1),
    psutil.ZombieProcess(1),
    psutil.TimeoutExpired(1),
    psutil.Error(),
    OSError(5, "input/output error"),
    PermissionError(13, "denied"),
    FileNotFoundError(2, "gone"),
    ValueError("odd"),
    KeyError("odd"),
    IndexError("odd"),
    AttributeError("absent"),
    NotImplementedError("not here"),
    RuntimeError("odd"),
    MemoryError(),
    RecursionError(),
]
FUNCTIONS = {
    "memory_info": {"rss_bytes", "vms_bytes"},
    "num_threads": set(),
    "num_fds": {"fd_count"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.usefixtures("psutil_alone")
def test_an_error_of_one_psutil_function_costs_only_its_own_values(function, error, monkeypatch):
    """Whatever psutil raises, the values of that function are missing and all others are there."""

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("memmon.probe.process.process.stated_fd_count", lambda pid: 0)  # an older kernel
    probe = ProcessProbe()
    healthy = probe.read()
    monkeypatch.setattr(psutil.Process, function, fail)
    reading = probe.read()
    for name in ProcessReading.__dataclass_fields__:
        was_there = getattr(healthy, name) is not None
        assert (getattr(reading, name) is not None) == (was_there and name not in FUNCTIONS[function]), name


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.usefixtures("psutil_alone")
def test_an_error_of_the_other_psutil_functions_is_a_missing_value(error, monkeypatch):
    """Costly values, system memory, the start time and the handle itself may fail in any way."""

    def fail(*args, **kwargs):
        raise error

    probe = ProcessProbe()
    monkeypatch.setattr(psutil.Process, "memory_full_info", fail)
    monkeypatch.setattr(psutil.Process, "create_time", fail)
    monkeypatch.setattr(psutil.Process, "status", fail)
    monkeypatch.setattr(psutil, "virtual_memory", fail)
    assert probe.read_costly() == (None, None)
    assert probe.started_at_seconds() is None
    assert read_system().percent is None
    assert read_system().available_bytes is None
    monkeypatch.setattr(psutil, "Process", fail)
    assert ProcessProbe().read() == ProcessReading()
    assert not ProcessProbe().is_alive()


def test_a_handle_that_could_not_be_made_is_tried_again(monkeypatch):
    """After a passing failure the next reading is complete."""
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "Process", lambda *_: 1 / 0)
        probe = ProcessProbe()
        assert probe.read() == ProcessReading()
    assert probe.read().rss_bytes > 0


@pytest.mark.parametrize("value", [float("nan"), -1, 2**70, "much", None, float("inf")])
@pytest.mark.usefixtures("psutil_alone")
def test_a_value_that_is_no_size_is_missing(value, monkeypatch):
    """What psutil might return besides a size never becomes a number in a snapshot."""
    odd = SimpleNamespace(
        rss=value, vms=value, uss=value, pss=value, available=value, total=value, percent=value
    )
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: odd)
    monkeypatch.setattr(psutil.Process, "memory_full_info", lambda _: odd)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: odd)
    reading = ProcessProbe().read()
    assert (reading.rss_bytes, reading.vms_bytes) == (None, None)
    assert ProcessProbe().read_costly() == (None, None)
    system = read_system()
    assert (system.available_bytes, system.total_bytes, system.percent) == (None, None, None)


@pytest.mark.usefixtures("psutil_alone")
def test_the_hosts_own_interrupts_pass_through(monkeypatch):
    """KeyboardInterrupt and SystemExit, raised by the host's signal handlers, are not swallowed."""
    for interrupt in (KeyboardInterrupt, SystemExit):

        def fail(*args, interrupt=interrupt):
            raise interrupt

        with monkeypatch.context() as patch:
            patch.setattr(psutil.Process, "memory_info", fail)
            with pytest.raises(interrupt):
                ProcessProbe().read()


def test_a_process_status_is_read_line_by_line():
    """Odd lines of a process status are left out, the others count."""
    content = b"Name:\tbot\nVmSwap:\t  12 kB\nRssAnon:\t100 kB\nRssFile:\tmuch kB\nRssShmem:\t5 pages\nThreads:\t7\nVmX\n"
    assert parse_status(content) == {"swap_bytes": 12 * 1024, "rss_anon_bytes": 100 * 1024, "thread_count": 7}
    assert parse_status(b"Threads:\tmany\n") == {}
    assert parse_status(b"") == {}


def test_a_slow_count_of_files_is_not_repeated_at_once(monkeypatch):
    """Counting open files rests for an hour after it took too long."""
    now = [0.0]

    def count(_):
        now[0] += 0.6
        return 10_000

    monkeypatch.setattr(psutil.Process, "num_fds", count)
    monkeypatch.setattr("memmon.probe.process.process.stated_fd_count", lambda pid: 0)  # an older kernel
    probe = ProcessProbe(monotonic=lambda: now[0])
    assert probe.read().fd_count == 10_000
    assert probe.read().fd_count is None
    now[0] += 3600
    assert probe.read().fd_count == 10_000


def _rss_in_child(probe, queue):
    queue.put((probe.pid, probe.read().rss_bytes, psutil.Process().memory_info().rss))


@LINUX
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_worker_of_multiprocessing_reports_its_own_memory():
    """A probe that a forked worker inherited reads the worker."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    worker = context.Process(target=_rss_in_child, args=(ProcessProbe(), queue))
    worker.start()
    pid, told_bytes, own_bytes = queue.get()
    worker.join()
    assert pid == worker.pid
    assert told_bytes == pytest.approx(own_bytes, abs=2 * MB)
