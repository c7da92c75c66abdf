"""Hosts that serve: started with memmon and without it, asked, looked at from outside, ended, compared."""

from __future__ import annotations

import http.client
import importlib.util
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pytest
from program_kit import HERE, processes_of, query, residue, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

START_SECONDS, END_SECONDS = 90.0, 60.0
INTERVAL_SECONDS = 0.3
STEADY_LOOKS = 20
NEVER_ENDED = -999
OWN_THREADS = 2
"""Of a process that records: the sampler and the writer."""


def needs(package: str) -> None:
    """Skip visibly where a host is not installed."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed (pip install -e '.[programs]')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a host: while it ran, and of its end."""

    code: int
    out: str
    thread_counts: list[int]
    descriptor_counts: list[int]
    zombie_count: int
    left: list[str]
    taken_counts: dict[int, int]
    """Snapshots taken, by process; counted beside memmon's own count."""
    stored_counts: dict[int, int]
    ends: list[str | None]
    """How each run ended, in the order of their starts."""
    parent_counts: dict[int, int]
    """How many runs name no parent (0), and how many do (1)."""
    words: list[str]
    """Of events that tell how an earlier run ended: their kinds."""

    @property
    def out_lines(self) -> list[str]:
        """What it said, without what differs from run to run; in no order, as processes speak side by side."""
        text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", "N", self.out)
        return sorted(re.sub(r"(?<=/)(with|none)(?=[/'\s]|$)", "HERE", line) for line in text.splitlines())


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


class Host:
    """A running host in a folder of its own."""

    def __init__(self, folder: Path, command: list[str], *, is_recorded: bool, **variables: str) -> None:
        self.folder = folder
        self.is_recorded = is_recorded
        self.socket = folder / "s"
        self.database: Path | None = None
        self._out = folder / "out.txt"
        self.thread_counts: list[int] = []
        self.descriptor_counts: list[int] = []
        self.zombie_count = 0
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [part.replace("SOCKET", str(self.socket)) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                env=self.environment(variables),
                start_new_session=True,
            )

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MEMMON", "PYTEST", "PYTHON"))
        }
        return {
            **kept,
            "BOT_FOLDER": str(self.folder),
            "HOST_TAKEN": str(self.folder / "taken.txt"),
            "HOST_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "HOME": str(self.folder),
            "PYTHONPATH": os.pathsep.join(self.paths(self.is_recorded)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **variables,
        }

    @staticmethod
    def paths(is_recorded: bool) -> list[str]:
        """Where the interpreter looks first: for what counts, and for what stands in memmon's place."""
        return [str(HERE / name) for name in (("counting",) if is_recorded else ("without", "counting"))]

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, look: Callable[[], object], what: str, seconds: float = START_SECONDS):
        """Wait until `look` finds something; the host must live meanwhile."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert self.process.poll() is None, f"ended before {what}: {self.out[-3000:]}"
            assert time.monotonic() < end, f"no {what}: {self.out[-3000:]} {processes_of(self.folder)}"
            time.sleep(0.05)
        return found

    def ask(self, path: str = "/") -> str:
        """The answer of the host, once it answers."""

        def try_once() -> str | None:
            connection = UnixConnection(str(self.socket))
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.read().decode() if answer.status == 200 else None
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()

        return self.wait_for(try_once, f"answer to {path}")

    # -- what it is made of ----------------------------------------------------------------

    def pids(self) -> list[int]:
        """Living processes of the host, without memmon's own children."""
        return [pid for pid in processes_of(self.folder) if not _is_own_child(pid)]

    def zombies(self) -> list[int]:
        """Ended processes of the host that wait for one of its living ones."""
        found = [one for one in _states() if one.session == self.process.pid]
        living = {one.pid for one in found if one.state != "Z"}
        return [one.pid for one in found if one.state == "Z" and one.parent in living]

    def wait_for_recorded(self, count: int, *, least: int = 2) -> None:
        """Wait until so many living processes have stored `least` snapshots each."""
        if not self.is_recorded:
            return

        def is_reached() -> bool:
            stored = stored_counts(self.folder)
            return sum(stored.get(pid, 0) >= least for pid in self.pids()) >= count

        self.wait_for(is_reached, f"{count} recorded processes")

    def measure(self, process_count: int, *, recorded_count: int) -> None:
        """Wait until the host is made of so many processes, of which so many record; note its threads and descriptors."""
        self.wait_for(lambda: len(self.pids()) == process_count, f"{process_count} processes")
        self.wait_for_recorded(recorded_count)
        self.wait_for(lambda: not self.zombies(), "end of zombies")
        looks: list[Look] = []

        def is_steady() -> bool:
            looks.append(_look(self.pids()))
            newest = looks[-STEADY_LOOKS:]
            # A recorder has its database open while it writes, and then not.
            if any(look.keys() != newest[-1].keys() for look in newest):
                return False
            is_closed = all(any(look[pid].database_count == 0 for look in newest) for pid in newest[-1])
            is_same = all(_descriptor_counts(one) == _descriptor_counts(newest[-1]) for one in newest)
            return len(newest) == STEADY_LOOKS and is_closed and is_same

        self.wait_for(is_steady, "steady state")
        self.descriptor_counts = _descriptor_counts(looks[-1])
        # In a program of green threads a write has a thread of the machine's while it lasts.
        newest = looks[-STEADY_LOOKS:]
        self.thread_counts = sorted(min(look[pid].thread_count for look in newest) for pid in looks[-1])

    # -- its end ---------------------------------------------------------------------------

    def end(self, number: int | None = signal.SIGTERM, *, seconds: float = END_SECONDS) -> Seen:
        """End it by a signal, or wait for its own end."""
        if number is not None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = NEVER_ENDED
        left = residue(self.folder)
        zombies = self.zombies()
        self.process.wait()
        taken = self.folder / "taken.txt"
        lines = taken.read_text(encoding="utf-8").split() if taken.exists() else []
        return Seen(
            code=code,
            out=self.out,
            thread_counts=self.thread_counts,
            descriptor_counts=self.descriptor_counts,
            zombie_count=len(zombies),
            left=left,
            taken_counts=dict(Counter(map(int, lines))),
            stored_counts=stored_counts(self.folder),
            ends=_column(self.folder, "SELECT end_reason FROM run ORDER BY id"),
            parent_counts=Counter(_column(self.folder, "SELECT parent_uuid IS NOT NULL FROM run")),
            words=_column(self.folder, "SELECT kind FROM event WHERE kind IN ('death', 'ended')"),
        )


class State(NamedTuple):
    pid: int
    state: str
    parent: int
    session: int


def both(folder: Path, run: Callable[[Path, bool], Seen]) -> tuple[Seen, Seen]:
    """The same host with memmon and without it, side by side: `run(its folder, is_recorded)`."""
    tasks = {}
    for name, is_recorded in (("with", True), ("none", False)):
        (folder / name).mkdir()
        tasks[name] = partial(_to_its_end, run, folder / name, is_recorded)
    done = side_by_side(tasks)
    return done["with"].result(), done["none"].result()


def _to_its_end(run: Callable[[Path, bool], Seen], folder: Path, is_recorded: bool) -> Seen:
    try:
        return run(folder, is_recorded)
    finally:
        residue(folder, wait_seconds=0.0)


def assert_as_without(
    found: Seen,
    plain: Seen,
    *,
    recorded_count: int,
    green: bool = False,
    out: bool = True,
    spare_thread_count: int = 0,
    cut_count: int = 0,
    inherited_count: int = 0,
) -> None:
    """What the program took is stored, and it is else as it is without memmon: when it was measured, `recorded_count` of its processes recorded.

    `green`: memmon's threads are none of the machine's; `out`: what it says is the same each time; `spare_thread_count`:
    so many threads the host begins only when it is asked; `cut_count`: so many processes it may end in the middle of a write;
    `inherited_count`: so many pipes of its siblings a process may have from its fork, or not, as they came to be begun.
    """
    missing = Counter(found.taken_counts) - Counter(found.stored_counts)
    assert missing.total() <= cut_count, found
    assert found.stored_counts.keys() <= found.taken_counts.keys()
    assert len(found.taken_counts) >= recorded_count
    assert found.code == plain.code, found.out[-2000:]
    assert set(found.out_lines) ^ set(plain.out_lines) == set()
    assert not out or found.out_lines == plain.out_lines
    assert (found.zombie_count, plain.zombie_count) == (0, 0)
    assert found.left == plain.left == []
    opened = zip(found.descriptor_counts, plain.descriptor_counts, strict=True)
    assert all(abs(one - other) <= inherited_count for one, other in opened), (found, plain)
    more = OWN_THREADS * recorded_count if found.thread_counts and not green else 0
    found_more = sum(found.thread_counts) - sum(plain.thread_counts) - more
    assert abs(found_more) <= spare_thread_count, (found, plain)
    assert "death" not in found.words


def figure_of(found: Seen, plain: Seen) -> str:
    """One line of what was seen."""
    taken, stored = sum(found.taken_counts.values()), sum(found.stored_counts.values())
    ends = ", ".join(f"{count} {reason or 'open'}" for reason, count in Counter(found.ends).items())
    if found.out_lines == plain.out_lines:
        output = "as"
    elif set(found.out_lines) == set(plain.out_lines):
        output = "of the same lines as"  # how often each is said depends on how many workers were renewed
    else:
        output = "NOT as"
    return (
        f"{len(found.taken_counts)} processes: {taken} taken, {stored} stored; ends: {ends}; exit code {found.code} "
        f"({plain.code}), output {output} without; threads {sum(plain.thread_counts)} -> {sum(found.thread_counts)}, "
        f"descriptors {sum(plain.descriptor_counts)} -> {sum(found.descriptor_counts)}; "
        f"zombies {found.zombie_count}, left {len(found.left)}"
    )


def _states() -> list[State]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found.append(State(int(entry.name), fields[0], int(fields[1]), int(fields[3])))
    return found


def _is_own_child(pid: int) -> bool:
    try:
        return b"MEMMON_CHILD=" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return True


class Held(NamedTuple):
    """What one process holds."""

    thread_count: int
    descriptor_count: int
    database_count: int
    """Descriptors of memmon's database, which are not among the others."""


Look: TypeAlias = dict[int, Held]


def _look(pids: list[int]) -> Look:
    found = {}
    for pid in pids:
        with suppress(OSError):
            links = [_link(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
            own_count = sum(".db" in link for link in links)
            thread_count = len(list(Path(f"/proc/{pid}/task").iterdir()))
            found[pid] = Held(thread_count, len(links) - own_count, own_count)
    return found


def _link(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:  # closed meanwhile: who closes soon is memmon, after a write
        return ".db"


def _descriptor_counts(look: Look) -> list[int]:
    return sorted(held.descriptor_count for held in look.values())


def _rows(folder: Path, text: str) -> list[tuple]:
    found = list(folder.glob("*.db"))
    return query(found[0], text) if found else []


def _column(folder: Path, text: str) -> list:
    return [row[0] for row in _rows(folder, text)]


def stored_counts(folder: Path) -> dict[int, int]:
    """Snapshots stored, by process."""
    text = "SELECT pid, count(*) FROM snapshot JOIN run ON run.id = run_id GROUP BY pid"
    try:
        return dict(_rows(folder, text))
    except Exception:  # it is about to be made
        return {}
