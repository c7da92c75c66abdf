"""The kernel's small files are read whole, and nothing stays open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memmon.probe.process.files import read_bytes, told_after
from memmon.probe.process.process import ProcessProbe, stated_fd_count


@pytest.mark.parametrize("name", ["mountinfo", "limits", "maps"])
def test_tables_come_whole(name):
    """A table that the kernel hands over in pieces has all its lines."""
    path = Path("/proc/self") / name
    if not path.exists():
        pytest.skip("not a Linux")
    assert read_bytes(str(path), in_pieces=True).splitlines()[:5] == path.read_bytes().splitlines()[:5]
    assert abs(len(read_bytes(str(path), in_pieces=True)) - len(path.read_bytes())) < 5_000


@pytest.mark.parametrize("in_pieces", [True, False])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_any_length(tmp_path, size, in_pieces):
    """Whatever its length, a file is read to its end."""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    assert read_bytes(str(path), in_pieces=in_pieces) == path.read_bytes()


def test_nothing_stays_open(tmp_path):
    """Reading, and failing to read, leaves no descriptor behind."""
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for _ in range(50):
        read_bytes("/proc/self/status")
        with pytest.raises(FileNotFoundError):
            read_bytes(str(tmp_path / "absent"))
        with pytest.raises(IsADirectoryError):
            read_bytes(str(tmp_path))
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_open_files_are_counted(tmp_path):
    """Each open file counts as one, in this process and in none other."""
    listed = sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1  # the listing's own
    assert stated_fd_count(os.getpid()) in {0, listed}  # 0: an older kernel
    probe = ProcessProbe()
    before = probe.read().fd_count
    held = [open(tmp_path / str(number), "w") for number in range(37)]  # noqa: SIM115, PTH123
    assert probe.read().fd_count == before + 37
    for one in held:
        one.close()
    assert probe.read().fd_count == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Rss: 1 kB\nRssAnon:\t 2 kB\nVm: 3\n", b"\t 2 kB"),
        (b"RssAnon: 4", b" 4"),
        (b"RssAnon: 4\nRssAnon: 5\n", b" 5"),
        (b"MyRssAnon: 4\n", b""),
        (b"", b""),
    ],
)
def test_what_a_line_says_is_found(content, told):
    """A value is found by what its line begins with, wherever the line is; of two such lines the last counts."""
    assert told_after(content, b"RssAnon:") == told
