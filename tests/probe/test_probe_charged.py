"""What counts against a limit: the kernel's files in, bytes out; what is not told is None."""

from __future__ import annotations

import pytest

from memmon.probe.process import charged
from memmon.probe.process.container import LimitProbe

MIB = 2**20
HOST_KB = 16_000_000
SWAP = 2_000_000 * 1024
V2 = "/sys/fs/cgroup"
V1 = "/sys/fs/cgroup/memory"
NO_LIMIT_V1 = "9223372036854771712\n"
MOUNTS = (
    "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
)
STAT_V2 = {
    "anon": 60,
    "file": 420,
    "kernel": 10,
    "shmem": 400,
    "inactive_anon": 400,
    "active_anon": 60,
    "inactive_file": 15,
    "active_file": 5,
    "slab_reclaimable": 4,
    "slab_unreclaimable": 2,
}
STAT_V1 = {
    "cache": 420,
    "rss": 1,
    "inactive_file": 1,
    "active_file": 1,
    "total_rss": 60,
    "total_shmem": 400,
    "total_inactive_file": 15,
    "total_active_file": 5,
}


class Kernel:
    """The files of /proc and /sys in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.write("/proc/self/cgroup", "0::/a/b\n")
        self.write("/proc/self/mountinfo", MOUNTS[0])
        self.machine()

    def write(self, path, text):
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def machine(self, *, swap_bytes=0, swap_free_bytes=None):
        free = swap_bytes if swap_free_bytes is None else swap_free_bytes
        self.write(
            "/proc/meminfo",
            f"MemTotal: {HOST_KB} kB\nMemFree: 1 kB\nMemAvailable: 9000000 kB\n"
            f"SwapTotal: {swap_bytes // 1024} kB\nSwapFree: {free // 1024} kB\n",
        )

    def v2(self, path, limit_mib=None, used_mib=490, *, swap_max=None, swapped_mib=None, stat=STAT_V2):
        folder = f"{V2}{path}"
        self.write(f"{folder}/memory.max", "max\n" if limit_mib is None else f"{limit_mib * MIB}\n")
        self.write(f"{folder}/memory.current", f"{used_mib * MIB}\n")
        self.write(f"{folder}/memory.stat", _stat(stat))
        if swap_max is not None:
            self.write(f"{folder}/memory.swap.max", swap_max)
        if swapped_mib is not None:
            self.write(f"{folder}/memory.swap.current", f"{swapped_mib * MIB}\n")

    def v1(self, path, limit_mib=None, used_mib=490, *, together_mib=None, told=None, stat=STAT_V1):
        self.write("/proc/self/cgroup", "4:memory:/a/b\n0::/\n")
        self.write("/proc/self/mountinfo", MOUNTS[1])
        folder = f"{V1}{path}"
        limit = NO_LIMIT_V1 if limit_mib is None else f"{limit_mib * MIB}\n"
        self.write(f"{folder}/memory.limit_in_bytes", limit)
        self.write(f"{folder}/memory.usage_in_bytes", f"{used_mib * MIB}\n")
        inherited = "" if told is None else f"hierarchical_memory_limit {told * MIB}\n"
        self.write(f"{folder}/memory.stat", _stat(stat) + inherited)
        if together_mib is not None:
            self.write(f"{folder}/memory.memsw.limit_in_bytes", f"{together_mib[0] * MIB}\n")
            self.write(f"{folder}/memory.memsw.usage_in_bytes", f"{together_mib[1] * MIB}\n")

    def read(self):
        reading = LimitProbe(str(self.folder)).read()
        used = reading.used_bytes
        limit = (reading.limit_bytes or 0) / MIB
        return (None if used is None else used / MIB, limit, reading.origin)


def _stat(counts):
    return "".join(f"{name} {size * MIB}\n" for name, size in counts.items())


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path)


def test_version_2_charges_all_but_what_is_dropped_first(kernel):
    """Shared memory and the kernel's own count; file pages and reclaimable slabs don't."""
    kernel.v2("/a/b", 512)
    assert kernel.read() == (466, 512, "cgroup v2 /a/b")


def test_version_1_charges_all_but_file_pages_of_the_whole_subtree(kernel):
    """The `total_` counts are taken off, which are those of the group and all below it."""
    kernel.v1("/a/b", 512)
    assert kernel.read() == (470, 512, "cgroup v1 /a/b")


def test_the_machine_is_charged_what_is_not_available(kernel):
    """Without a group's limit it is all memory but what is available, against all memory, to the byte."""
    kernel.v2("/a/b")
    assert kernel.read() == (7_000_000 / 1024, HOST_KB / 1024, "host")


def test_the_machines_swap_counts_on_both_sides(kernel):
    """What is swapped out was not given back, and what swap there is leaves so much more room."""
    kernel.machine(swap_bytes=SWAP, swap_free_bytes=SWAP // 4)
    used, limit, _ = kernel.read()
    assert used == (7_000_000 + 1_500_000) / 1024
    assert limit == (HOST_KB + 2_000_000) / 1024


def test_the_older_measure_stays_what_it_was(kernel):
    """Anonymous memory is read beside what is charged, and is never taken for it."""
    kernel.v2("/a/b", 512)
    assert LimitProbe(str(kernel.folder)).read().anonymous_bytes == 60 * MIB


@pytest.mark.parametrize(
    ("swap_max", "limit"), [("max\n", 512 + SWAP / MIB), (f"{100 * MIB}\n", 612), ("0\n", 512), (None, 512)]
)
def test_swap_counts_where_the_group_may_use_it(kernel, swap_max, limit):
    """The room is the group's, at most what the machine has; without room, or untold, swap counts nowhere."""
    kernel.machine(swap_bytes=SWAP)
    kernel.v2("/a/b", 512, swap_max=swap_max, swapped_mib=30)
    assert kernel.read() == (466 + 30 * (limit > 512), limit, "cgroup v2 /a/b")


def test_a_machine_without_swap_gives_no_room(kernel):
    """A group that may swap as much as it likes has nothing to swap to."""
    kernel.v2("/a/b", 512, swap_max="max\n", swapped_mib=0)
    assert kernel.read() == (466, 512, "cgroup v2 /a/b")


def test_the_group_around_bounds_the_room_for_swap(kernel):
    """What a group around it may swap bounds what the group may."""
    kernel.machine(swap_bytes=SWAP)
    kernel.v2("/a", 900, swap_max=f"{50 * MIB}\n")
    kernel.v2("/a/b", 512, swap_max="max\n", swapped_mib=30)
    assert kernel.read() == (496, 562, "cgroup v2 /a/b")


def test_a_process_that_may_not_be_swapped_out_has_no_room(kernel):
    """Where the inner group forbids swap, the outer one's memory is the limit, and swap is not counted."""
    kernel.machine(swap_bytes=SWAP)
    kernel.v2("/a", 300, 290, swap_max="max\n", swapped_mib=200)
    kernel.v2("/a/b", 400, swap_max="0\n", swapped_mib=0)
    assert kernel.read() == (266, 300, "cgroup v2 /a")


@pytest.mark.parametrize("make", [Kernel.v2, Kernel.v1])
def test_the_parent_with_the_smaller_limit_is_charged(kernel, make):
    """What counts is read of the group whose limit is in force: its other children count too."""
    make(kernel, "/a", 600, 590)
    make(kernel, "/a/b", 800)
    assert kernel.read()[:2] == (566 if make is Kernel.v2 else 570, 600)
    assert kernel.read()[2].endswith(" /a")


def test_a_parent_that_version_1_tells_of_is_charged_itself(kernel):
    """The innermost group tells the smaller limit of a parent; what counts is the parent's, where it is seen."""
    kernel.v1("/a", 600, 590)
    kernel.v1("/a/b", 800, told=600)
    assert kernel.read() == (570, 600, "cgroup v1 /a")


def test_a_parent_that_is_not_seen_leaves_the_charge_unknown(kernel):
    """Where the group with the limit is not mounted here, nobody knows what is charged to it."""
    kernel.v1("/a/b", 800, told=600)
    assert kernel.read() == (None, 600, "cgroup v1 /a/b")


@pytest.mark.parametrize(
    ("together_mib", "limit", "used"), [((700, 500), 700, 480), ((512, 490), 512, 470), (None, 512, 470)]
)
def test_version_1_counts_swap_with_memory(kernel, together_mib, limit, used):
    """The limit and the use of both together count, where they are told and there is room."""
    kernel.machine(swap_bytes=SWAP)
    kernel.v1("/a/b", 512, together_mib=together_mib)
    assert kernel.read()[:2] == (used, limit)


def test_the_swap_of_version_1_is_at_most_the_machines(kernel):
    """A group that may use more swap than there is can use what there is."""
    kernel.machine(swap_bytes=10 * MIB)
    kernel.v1("/a/b", 512, together_mib=(5000, 500))
    assert kernel.read()[:2] == (480, 522)


@pytest.mark.parametrize("missing", ["inactive_file", "active_file", "slab_reclaimable"])
def test_a_count_that_is_missing_leaves_the_charge_unknown(kernel, missing):
    """A torn or older statistics file gives no number rather than a wrong one."""
    kernel.v2("/a/b", 512, stat={name: size for name, size in STAT_V2.items() if name != missing})
    assert kernel.read() == (None, 512, "cgroup v2 /a/b")
    kernel.v1("/a/b", 512, stat={})
    assert kernel.read() == (None, 512, "cgroup v1 /a/b")


@pytest.mark.parametrize("text", ["", "max\n", "-5\n", "12 34\n", "\x00", "x" * 70_000])
@pytest.mark.parametrize("name", ["memory.current", "memory.swap.current"])
def test_a_torn_file_leaves_the_charge_unknown(kernel, name, text):
    """Whatever a file of one number holds, it is that number or nothing; the limit stays known."""
    kernel.machine(swap_bytes=SWAP)
    kernel.v2("/a/b", 512, swap_max=f"{100 * MIB}\n", swapped_mib=3)
    kernel.write(f"{V2}/a/b/{name}", text)
    assert kernel.read() == (None, 612, "cgroup v2 /a/b")


@pytest.mark.parametrize("name", ["memory.current", "memory.stat"])
def test_an_absent_file_leaves_the_charge_unknown(kernel, name):
    """A file that went away between two readings is no error."""
    kernel.v2("/a/b", 512)
    (kernel.folder / f"sys/fs/cgroup/a/b/{name}").unlink()
    assert kernel.read() == (None, 512, "cgroup v2 /a/b")


def test_counts_that_contradict_one_another_leave_the_charge_unknown(kernel):
    """Statistics that lag behind may name more file pages than there is memory: that is no reading."""
    kernel.v2("/a/b", 512, 10)
    assert kernel.read() == (None, 512, "cgroup v2 /a/b")


@pytest.mark.parametrize("make", [Kernel.v1, Kernel.v2])
def test_each_file_is_read_once(kernel, monkeypatch, make):
    """A tick opens no file of the group twice."""
    opened = []
    real = charged.read_text
    monkeypatch.setattr(charged, "read_text", lambda path: opened.append(path) or real(path))
    kernel.machine(swap_bytes=SWAP)
    make(kernel, "/a", 600, 590)
    make(kernel, "/a/b", 800)
    kernel.write(f"{V2}/a/memory.swap.max", "max\n")
    kernel.read()
    assert opened
    assert len(opened) == len(set(opened))
