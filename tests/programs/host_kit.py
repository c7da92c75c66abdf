"""What the tests of programs that start, fork or run again share: the same program is run with memmon and without it.

Its file imports `Recorder` from memmon and `pause` from a module beside it: there it says that it is ready and waits until
it has been looked at from outside. Without memmon the same name is a class that does nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from program_kit import processes_of, query, residue, side_by_side

from memmon.config import parse_database
from memmon.store.upkeep.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

T = TypeVar("T")

WAIT_SECONDS = 120.0
OWN_THREADS = 2
"""Of a process that records: the sampler and the writer; a third one says what there is to say, once there is."""
OPTIONS = "interval_seconds=3600, leak_check=False, daily_report=False"
"""So that a program takes its first snapshot and those that it asks for, and no other."""

PAUSE = '''
import os, time
FOLDER = os.environ["BOT_FOLDER"]
def pause(name="program"):
    """Say that this process is ready, and wait until it has been looked at."""
    with open(os.path.join(FOLDER, f"ready-{name}"), "w") as file:
        file.write(str(os.getpid()))
    until = time.monotonic() + 120
    while not os.path.exists(os.path.join(FOLDER, f"go-{name}")) and time.monotonic() < until:
        time.sleep(0.02)
'''
WITHOUT = """
class Recorder:
    def __init__(self, *args, **options): pass
    def __getattr__(self, name): return lambda *args, **options: True
    def __enter__(self): return self
    def __exit__(self, *error): pass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is seen of a process from outside while it waits."""

    thread_count: int
    descriptor_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a program: while it ran, by the names of its pauses, and what it left."""

    folder: Path
    code: int
    out: str
    err: str
    zombie_count: int
    left: list[str]
    looks: dict[str, Look] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """What it logged, where it does into a file."""
        file = self.folder / "host.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def stored_counts(self) -> dict[str, int]:
        """Snapshots stored, by source."""
        text = "SELECT name, count(*) FROM snapshot JOIN run ON run.id = run_id JOIN source ON source.id = source_id GROUP BY name"
        return dict(query(self.folder / "host.db", text))

    @property
    def ends(self) -> dict[str, list[str | None]]:
        """How the runs of each source ended, in the order of their starts."""
        text = "SELECT name, end_reason FROM run JOIN source ON source.id = source_id ORDER BY run.id"
        found: dict[str, list[str | None]] = {}
        for name, reason in query(self.folder / "host.db", text):
            found.setdefault(name, []).append(reason)
        return found


def lay(folder: Path, code: str, *, is_recorded: bool) -> Path:
    """Put a program and what it imports into a folder, with a ready database; returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pausing.py").write_text(PAUSE, encoding="utf-8")
    (folder / "host.py").write_text(textwrap.dedent(code).replace("OPTIONS", OPTIONS), encoding="utf-8")
    if is_recorded:
        upgrade(parse_database(str(folder / "host.db")))
    else:
        (folder / "without" / "memmon").mkdir(parents=True)
        (folder / "without" / "memmon" / "__init__.py").write_text(WITHOUT, encoding="utf-8")
    return folder / "host.py"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a program that lives in `folder`: nothing of the tests' own."""
    ours = ("MEMMON", "PYTEST", "PYTHON", "BOT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    without = str(folder / "without") if (folder / "without").exists() else ""
    return {
        **kept,
        "BOT_FOLDER": str(folder),
        "PYTHONPATH": without,
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
        **more,
    }


class Running:
    """A program that runs in a folder of its own, from its start to its end."""

    def __init__(self, folder: Path, command: list, **more: str) -> None:
        self.folder = folder
        self.looks: dict[str, Look] = {}
        self._zombie_count = 0
        with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env=environment(folder, **more),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        residue(self.folder, wait_seconds=0.0 if any(error) else 8.0)

    def read(self, name: str) -> str:
        """What stands in a file of its folder."""
        file = self.folder / name
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def wait_for(self, find: Callable[[], T], what: str) -> T:
        """Wait until something is found; a program may leave to another process meanwhile, but not fail."""
        end = time.monotonic() + WAIT_SECONDS
        while not (found := find()):
            said = f"{what} never came: {self.process.poll()} {self.read('err.txt')[-3000:]}"
            assert time.monotonic() < end, said
            assert self.process.poll() in {None, 0}, said
            time.sleep(0.02)
        return found

    def look(self, name: str, pid: int) -> None:
        """Look at one of its processes; a recorder has a connection open while it writes: the least of a while is what stays."""
        looks = []
        for _ in range(40):
            looks.append([sum(1 for _ in Path(f"/proc/{pid}/{kind}").iterdir()) for kind in ("task", "fd")])
            time.sleep(0.02)
        threads, files = (min(column) for column in zip(*looks, strict=True))
        self.looks[name] = Look(thread_count=threads, descriptor_count=files)
        self._zombie_count = max(self._zombie_count, len(zombies_of(self.folder)))

    def end(self, number: int | None = None) -> Seen:
        """Wait for its end, or end it by a signal; what does not end is killed."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(WAIT_SECONDS)
        left = residue(self.folder)
        return Seen(
            folder=self.folder,
            code=code,
            out=plain(self.read("out.txt"), self.folder),
            err=plain(self.read("err.txt"), self.folder),
            zombie_count=self._zombie_count,
            left=left,
            looks=self.looks,
        )


def watch(folder: Path, command: list, pauses: tuple[str, ...], **more: str) -> Seen:
    """Run a program to its end; at each of its pauses it is looked at from outside."""
    with Running(folder, command, **more) as program:
        for name in pauses:
            program.look(name, int(program.wait_for(partial(program.read, f"ready-{name}"), name)))
            (folder / f"go-{name}").touch()
        return program.end()


_DIFFERS = re.compile(
    r"0x[0-9a-f]+|\bpid \d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d+)?|(?<=127\.0\.0\.1:)\d+"
)


def plain(text: str, folder: Path) -> str:
    """Return what a program wrote without what differs from run to run: its folder, addresses, pids, times and ports."""
    return _DIFFERS.sub("N", text.replace(str(folder), "FOLDER"))


def zombies_of(folder: Path) -> list[int]:
    """Processes that have ended and that those of a program have not waited for."""
    pids, found = set(processes_of(folder)), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if words[0] == "Z" and int(words[1]) in pids:
            found.append(int(entry.name))
    return found


def both(folder: Path, run: Callable[[Path, bool], T]) -> tuple[T, T]:
    """Do the same with memmon and without it, side by side: `run` is given a folder, and whether it is with it."""
    tasks = {name: partial(run, folder / name, name == "recorded") for name in ("recorded", "without")}
    done = side_by_side(tasks, at_once=2)
    return done["recorded"].result(), done["without"].result()


def run_both(folder: Path, code: str, pauses: tuple[str, ...], *options: str) -> tuple[Seen, Seen]:
    """Run a program with memmon and without it, side by side; returns what was seen of each."""

    def run(place: Path, is_recorded: bool) -> Seen:
        file = lay(place, code, is_recorded=is_recorded)
        return watch(place, [sys.executable, file, *options], pauses)

    return both(folder, run)


def assert_unharmed(
    recorded: Seen, without: Seen, *, recording: tuple[str, ...], own_descriptors: int = 0
) -> None:
    """What holds of each host: its exit code and output are its own, and nothing of memmon is left or piles up.

    `recording`: the pauses at which the process records. `own_descriptors`: as many more than without memmon are open.
    """
    own = {name: (one.thread_count, one.descriptor_count) for name, one in recorded.looks.items()}
    plain_own = {name: (one.thread_count, one.descriptor_count) for name, one in without.looks.items()}
    print(
        f"exit code {recorded.code}; stored {recorded.stored_counts}; ends {recorded.ends}; threads and descriptors"
    )
    print(f"{own}, without memmon {plain_own}; {recorded.zombie_count} zombies, {len(recorded.left)} left")
    assert (recorded.code, recorded.out, recorded.err) == (without.code, without.out, without.err)
    assert recorded.left == without.left == []
    assert recorded.zombie_count == without.zombie_count == 0
    assert recorded.looks.keys() == without.looks.keys()
    for name, seen in recorded.looks.items():
        plain_look = without.looks[name]
        most = OWN_THREADS + ("memmon" in recorded.log) if name in recording else 0
        assert seen.thread_count - plain_look.thread_count <= most, (name, seen, plain_look)
        assert seen.descriptor_count - plain_look.descriptor_count <= own_descriptors, (
            name,
            seen,
            plain_look,
        )
