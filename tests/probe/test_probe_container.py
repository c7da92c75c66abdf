from __future__ import annotations

import ast
import subprocess
import sys

import psutil
import pytest

from memmon.probe.process.charged import parse_counts, parse_limit
from memmon.probe.process.container import LimitProbe, memory_events, read_limit

MB = 2**20
GB = 2**30
HOST_BYTES = 16 * GB
NO_LIMIT_V1 = "9223372036854771712\n"
MOUNT_V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
MOUNT_V1 = "36 31 0:33 {root} /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory"
MOUNT_CPU = "37 31 0:34 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu"
MOUNT_HYBRID = "41 31 0:38 {root} /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw"
ROOT_MOUNT = "23 1 8:1 / / rw,relatime - ext4 /dev/root rw"


class Machine:
    """A fake /proc and /sys."""

    def __init__(self, folder):
        self.folder = folder
        self.write(
            "/proc/meminfo", f"MemTotal: {HOST_BYTES // 1024} kB\nMemAvailable: {10 * GB // 1024} kB\nX: y\n"
        )

    def write(self, path, text):
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def proc(self, membership, *mounts, pid="self"):
        self.write(f"/proc/{pid}/cgroup", membership)
        if mounts:
            self.write("/proc/self/mountinfo", "\n".join([ROOT_MOUNT, MOUNT_CPU, *mounts, "garbage", ""]))

    def v2(self, path, limit="max\n", anon=None, mount="/sys/fs/cgroup", **events):
        folder = f"{mount}{path}".rstrip("/")
        if limit is not None:
            self.write(f"{folder}/memory.max", limit)
        self.write(f"{folder}/memory.stat", "" if anon is None else f"anon {anon}\nfile 999999999\nshmem 0\n")
        if events:
            self.write(f"{folder}/memory.events", "".join(f"{k} {v}\n" for k, v in events.items()))

    def v1(self, path, limit=NO_LIMIT_V1, rss=None, inherited=None, mount="/sys/fs/cgroup/memory"):
        folder = f"{mount}{path}".rstrip("/")
        self.write(f"{folder}/memory.limit_in_bytes", limit)
        lines = ["cache 888888888"]
        if rss is not None:
            lines += [f"rss {rss // 2}", f"total_rss {rss}"]
        if inherited is not None:
            lines.append(f"hierarchical_memory_limit {inherited}")
        self.write(f"{folder}/memory.stat", "\n".join(lines) + "\n")

    def limit(self, pid=None):
        reading = read_limit(str(self.folder), pid)
        return reading.limit_bytes, reading.origin, reading.anonymous_bytes


HOST = (HOST_BYTES, "host", 6 * GB)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_version_2_gives_its_limit_and_its_anonymous_memory(machine):
    """The limit of the group counts, used is its anonymous memory and not the page cache."""
    machine.proc("0::/docker/ab12\n", MOUNT_V2.format(root="/"))
    machine.v2("")
    machine.v2("/docker")
    machine.v2("/docker/ab12", f"{512 * MB}\n", anon=100 * MB)
    assert machine.limit() == (512 * MB, "cgroup v2 /docker/ab12", 100 * MB)


def test_the_smallest_limit_of_the_ancestry_counts(machine):
    """A group around the process's own may set the smaller limit; its own use counts against it."""
    machine.proc("0::/a.slice/b.slice/c.service\n", MOUNT_V2.format(root="/"))
    machine.v2("/a.slice", f"{300 * MB}\n", anon=250 * MB)
    machine.v2("/a.slice/b.slice", f"{900 * MB}\n", anon=220 * MB)
    machine.v2("/a.slice/b.slice/c.service", f"{500 * MB}\n", anon=200 * MB)
    assert machine.limit() == (300 * MB, "cgroup v2 /a.slice", 250 * MB)


@pytest.mark.parametrize(
    "none", ["max\n", "max", "", "  \n", "garbage\n", "-1\n", "9223372036854771712\n", "0\n"]
)
def test_no_limit_in_version_2_is_the_host(machine, none):
    """No number, an empty file and absurd limits mean that the host's memory is the limit."""
    machine.proc("0::/x\n", MOUNT_V2.format(root="/"))
    machine.v2("/x", none, anon=1)
    assert machine.limit() == HOST


@pytest.mark.parametrize(
    "none",
    [
        "9223372036854771712\n",
        "9223372036854775807\n",
        "9223372036854710272\n",
        "18446744073709551615\n",
        "-1\n",
    ],
)
def test_no_limit_in_version_1_is_the_host(machine, none):
    """The largest number, rounded down to a page of 4 or 64 KiB, means no limit."""
    machine.proc("4:memory:/x\n0::/\n", MOUNT_V1.format(root="/"))
    machine.v1("/x", none, rss=5)
    machine.v1("", none)
    assert machine.limit() == HOST


def test_a_container_sees_its_group_as_the_root(machine):
    """With a cgroup namespace the path is / and the limit is in the mount itself."""
    machine.proc("0::/\n", MOUNT_V2.format(root="/"))
    machine.v2("", f"{GB}\n", anon=7)
    assert machine.limit() == (GB, "cgroup v2 /", 7)


def test_a_host_path_that_is_not_visible_leads_to_the_mount(machine):
    """Without a namespace the path is the host's: it is taken relative to the mount's root."""
    machine.proc("4:memory:/docker/ab12\n", MOUNT_V1.format(root="/docker/ab12"))
    machine.v1("", f"{256 * MB}\n", rss=9)
    assert machine.limit() == (256 * MB, "cgroup v1 /docker/ab12", 9)


def test_a_path_outside_the_namespace_leads_to_the_mount(machine):
    """A path that climbs out of the namespace tells nothing: the mount's root is what is seen."""
    machine.proc("0::/../../elsewhere\n", MOUNT_V2.format(root="/"))
    machine.v2("", f"{256 * MB}\n", anon=9)
    assert machine.limit() == (256 * MB, "cgroup v2 /", 9)


def test_a_group_below_the_mounts_root(machine):
    """A process moved into an inner group of its container has the limits of both."""
    machine.proc("0::/docker/ab12/inner\n", MOUNT_V2.format(root="/docker/ab12"))
    machine.v2("", f"{800 * MB}\n", anon=10)
    machine.v2("/inner", f"{400 * MB}\n", anon=5)
    assert machine.limit() == (400 * MB, "cgroup v2 /docker/ab12/inner", 5)


def test_a_group_that_is_gone_is_passed_over(machine):
    """Of a path whose end does not exist the existing part counts."""
    machine.proc("0::/a/b/gone (deleted)\n", MOUNT_V2.format(root="/"))
    machine.v2("/a", f"{400 * MB}\n", anon=5)
    assert machine.limit() == (400 * MB, "cgroup v2 /a", 5)


def test_version_1_gives_its_limit_and_rss(machine):
    """In version 1 used is the whole subtree's rss, not the cache."""
    machine.proc("9:name=systemd:/\n4:cpuset,memory:/bot\n0::/\n", MOUNT_V1.format(root="/"))
    machine.v1("/bot", f"{128 * MB}\n", rss=64 * MB)
    assert machine.limit() == (128 * MB, "cgroup v1 /bot", 64 * MB)


def test_version_1_tells_of_ancestors_that_are_not_mounted(machine):
    """hierarchical_memory_limit is the smallest limit of all ancestors, also of invisible ones."""
    machine.proc("4:memory:/docker/x\n", MOUNT_V1.format(root="/docker/x"))
    machine.v1("", NO_LIMIT_V1, rss=5, inherited=333 * MB)
    assert machine.limit() == (333 * MB, "cgroup v1 /docker/x", 5)


def test_groups_without_any_limit_are_not_read_one_by_one(machine):
    """Where version 1 tells that nothing around the process is limited, only the innermost group is asked; with swap all are."""
    machine.proc("4:memory:/a/b\n", MOUNT_V1.format(root="/"))
    machine.v1("/a/b", NO_LIMIT_V1, rss=2, inherited=int(NO_LIMIT_V1))
    machine.v1("/a", f"{10 * MB}\n", rss=1)
    assert machine.limit() == HOST
    swap = "SwapTotal: 1024 kB\nSwapFree: 1024 kB\n"
    machine.write(
        "/proc/meminfo", f"MemTotal: {HOST_BYTES // 1024} kB\nMemAvailable: {10 * GB // 1024} kB\n{swap}"
    )
    assert machine.limit()[1] == "cgroup v1 /a"


def test_an_ancestor_of_version_1_that_does_not_count_children_sets_no_limit(machine):
    """With use_hierarchy off, a parent's limit binds its own processes alone."""
    machine.proc("4:memory:/a/b\n", MOUNT_V1.format(root="/"))
    machine.v1("/a", f"{10 * MB}\n", rss=1)
    machine.write("/sys/fs/cgroup/memory/a/memory.use_hierarchy", "0\n")
    machine.v1("/a/b", f"{90 * MB}\n", rss=2)
    assert machine.limit() == (90 * MB, "cgroup v1 /a/b", 2)


def test_the_hybrid_layout_finds_the_controller_where_it_is(machine):
    """With both versions mounted, the memory controller of version 1 is found."""
    machine.proc("4:memory:/bot\n0::/bot\n", MOUNT_V1.format(root="/"), MOUNT_HYBRID.format(root="/"))
    machine.v1("/bot", f"{128 * MB}\n", rss=64 * MB)
    machine.write("/sys/fs/cgroup/unified/bot/cgroup.procs", "1\n")
    assert machine.limit() == (128 * MB, "cgroup v1 /bot", 64 * MB)


def test_of_both_versions_the_smaller_limit_counts(machine):
    """When both versions set limits, the smaller one kills first."""
    machine.proc("4:memory:/bot\n0::/bot\n", MOUNT_V1.format(root="/"), MOUNT_HYBRID.format(root="/"))
    machine.v1("/bot", f"{128 * MB}\n", rss=64 * MB)
    machine.v2("/bot", f"{64 * MB}\n", anon=3, mount="/sys/fs/cgroup/unified")
    assert machine.limit() == (64 * MB, "cgroup v2 /bot", 3)


def test_a_limit_above_the_hosts_memory_is_the_host(machine):
    """A limit that the machine does not have kills no one: the host's memory comes first."""
    machine.proc("0::/x\n", MOUNT_V2.format(root="/"))
    machine.v2("/x", f"{HOST_BYTES}\n", anon=1)
    assert machine.limit() == HOST
    machine.v2("/x", f"{HOST_BYTES - 4096}\n", anon=1)
    assert machine.limit() == (HOST_BYTES - 4096, "cgroup v2 /x", 1)


def test_without_mountinfo_the_usual_places_are_tried(machine):
    """Where the mounts can't be read, the folders that every distribution uses are."""
    machine.proc("0::/x\n")
    machine.v2("/x", f"{MB}\n", anon=1)
    assert machine.limit() == (MB, "cgroup v2 /x", 1)


def test_without_control_groups_the_host_is_the_limit(machine):
    """A machine without control groups has the host's memory as its limit."""
    assert machine.limit() == HOST


def test_without_anything_the_limit_is_unknown(tmp_path):
    """Where nothing at all can be read, nothing is claimed."""
    assert read_limit(str(tmp_path)).limit_bytes is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 0 kB\n")
    assert read_limit(str(tmp_path)).limit_bytes is None


def test_used_is_missing_when_the_statistics_are(machine):
    """A limit without readable statistics still counts; what is used of it is unknown, not zero."""
    machine.proc("0::/x\n", MOUNT_V2.format(root="/"))
    machine.v2("/x", f"{MB}\n")
    assert machine.limit() == (MB, "cgroup v2 /x", None)


def test_files_that_can_not_be_read_are_no_error(machine):
    """Folders in place of files, and binary garbage, are as good as absent."""
    machine.proc("0::/x\n", MOUNT_V2.format(root="/"))
    (machine.folder / "sys/fs/cgroup/x/memory.max").mkdir(parents=True)
    (machine.folder / "sys/fs/cgroup/x/memory.stat").write_bytes(b"\xff\xfe\x00anon\x00 \xb2\n")
    assert machine.limit() == HOST
    machine.write("/proc/self/cgroup", "\x00\n:::\n0\n")
    assert machine.limit() == HOST


def test_a_mount_point_with_a_blank_is_found(machine):
    """The kernel's escapes in the mount list are undone."""
    machine.proc("0::/x\n", "30 23 0:26 / /sys/c\\040g rw - cgroup2 cgroup2 rw")
    machine.v2("/x", f"{MB}\n", anon=2, mount="/sys/c g")
    assert machine.limit() == (MB, "cgroup v2 /x", 2)


def test_an_endless_path_is_not_followed(machine):
    """A path of absurd depth leads to the mount and not through thousands of folders."""
    machine.proc("0::" + "/d" * 5000 + "\n", MOUNT_V2.format(root="/"))
    machine.v2("", f"{MB}\n", anon=2)
    assert machine.limit() == (MB, "cgroup v2 /", 2)


def test_another_process_has_the_limit_of_its_own_group(machine):
    """Asked for a pid, that process's groups count."""
    machine.proc("0::/mine\n", MOUNT_V2.format(root="/"))
    machine.proc("0::/theirs\n", pid=77)
    machine.v2("/mine", f"{MB}\n", anon=1)
    machine.v2("/theirs", f"{2 * MB}\n", anon=2)
    assert machine.limit(77) == (2 * MB, "cgroup v2 /theirs", 2)


def test_a_changed_limit_and_a_moved_process_are_noticed(machine):
    """The probe re-reads values each time, and finds the groups anew when the process was moved."""
    machine.proc("0::/x\n", MOUNT_V2.format(root="/"))
    machine.v2("/x", f"{MB}\n", anon=1)
    probe = LimitProbe(str(machine.folder))
    assert probe.read().limit_bytes == MB
    machine.v2("/x", f"{3 * MB}\n", anon=2)
    assert (probe.read().limit_bytes, probe.read().anonymous_bytes) == (3 * MB, 2)
    machine.v2("/y", f"{5 * MB}\n", anon=2)
    machine.proc("0::/y\n")
    assert probe.read().limit_bytes == 5 * MB


def test_kills_are_counted_in_both_versions(machine):
    """The out-of-memory counts come from the groups around the process, the innermost first."""
    machine.proc("4:memory:/bot\n0::/a/b\n", MOUNT_V1.format(root="/"), MOUNT_V2.format(root="/"))
    machine.v2("/a", oom_kill=4, oom=5, max=6)
    machine.v2("/a/b", low=0, high=0, max=3, oom=2, oom_kill=1)
    machine.v1("/bot")
    machine.write(
        "/sys/fs/cgroup/memory/bot/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 9\n"
    )
    machine.write("/sys/fs/cgroup/memory/bot/memory.failcnt", "12\n")
    events = memory_events(str(machine.folder))
    assert [(e.origin, e.oom_kill_count, e.oom_count, e.limit_hit_count) for e in events] == [
        ("cgroup v2 /a/b", 1, 2, 3),
        ("cgroup v2 /a", 4, 5, 6),
        ("cgroup v1 /bot", 9, None, 12),
    ]


def test_where_no_kills_are_counted_there_are_no_events(machine):
    """An older kernel without the counts gives none."""
    machine.proc("4:memory:/bot\n0::/x\n", MOUNT_V1.format(root="/"), MOUNT_V2.format(root="/"))
    machine.v1("/bot")
    machine.v2("/x")
    assert memory_events(str(machine.folder)) == ()


def test_the_real_limit_of_this_process_is_plausible():
    """On the machine of the test the limit is at most the host's memory, and used is below it."""
    reading = LimitProbe().read()
    assert 0 < reading.limit_bytes <= psutil.virtual_memory().total + psutil.swap_memory().total
    assert reading.used_bytes is None or 0 <= reading.used_bytes <= reading.limit_bytes


def test_when_psutil_fails_the_host_is_read_from_proc(monkeypatch):
    """The host's memory is also known without psutil."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: 1 / 0)
    reading = LimitProbe().read()
    assert reading.limit_bytes > 0
    assert reading.used_bytes > 0


def test_a_probe_that_breaks_gives_nothing(monkeypatch):
    """An error that no one thought of leaves the limit unknown and the host unharmed."""
    monkeypatch.setattr("memmon.probe.process.container.find_groups", lambda *_: 1 / 0)
    assert LimitProbe().read().limit_bytes is None
    assert LimitProbe().memory_events() == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123\n", 123),
        ("max", None),
        (None, None),
        ("", None),
        ("1.5", None),
        ("²", None),
        ("9" * 400, None),
        ("+5", None),
    ],
)
def test_a_limit_file_is_a_number_or_no_limit(text, expected):
    """Only plain digits within reason are a limit."""
    assert parse_limit(text) == expected


def test_counts_are_taken_line_by_line():
    """Lines that are no count are passed over."""
    assert parse_counts("anon 5\nfile\n\nx y\nMemTotal:  7 kB\nslab -1\n") == {"anon": 5, "MemTotal": 7}
    assert parse_counts(None) == {}


CHILD = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / "cgroup.procs").write_text("0")
from memmon.probe.process.container import LimitProbe
ballast = b"x" * (40 * 2**20)
probe = LimitProbe()
reading = probe.read()
events = probe.memory_events()
print([reading.limit_bytes, reading.origin, reading.used_bytes, reading.anonymous_bytes, len(ballast), events[0].oom_kill_count])
"""


def test_a_real_group_limits_a_real_process(make_real_group):
    """A process in a real control group of 300 MB reads that limit, its name and its own anonymous memory."""
    real_group = make_real_group(300 * MB)
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(real_group)], capture_output=True, text=True, check=True
    )
    limit_bytes, origin, used_bytes, anonymous_bytes, _, kill_count = ast.literal_eval(run.stdout)
    assert limit_bytes == 300 * MB
    assert origin.endswith(f"/{real_group.name}")
    assert 40 * MB < anonymous_bytes <= used_bytes < 120 * MB
    assert kill_count == 0
