"""What the tests of real programs share: how one is run, who else was started, and what is left of it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy

from memmon.child.mark import MARK_VARIABLE
from memmon.config import parse_database
from memmon.model import RunRecord, Snapshot
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BOT = HERE / "bot.py"
EXIT_CODE = 7
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
BASE_PYTHON = Path(sys.base_prefix, "bin", f"python{VERSION}")
"""The interpreter itself: it knows the standard library, and no package of ours."""
DEPENDENCIES = Path(sqlalchemy.__file__).resolve().parents[1]
"""The folder of the third-party packages."""

OLDER_REVISION = "0003"
_RESIDUE_SECONDS = 8.0
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Execution:
    """A program that was executed, as the witness saw it."""

    pid: int
    is_marked: bool
    exe: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A program that has ended, and what it left."""

    folder: Path
    code: int
    out: str
    err: str
    left: list[str] = field(default_factory=list)
    """Processes that were still there a while after its end."""

    @property
    def said(self) -> dict:
        file = self.folder / "said.json"
        assert file.exists(), f"the program said nothing: {self.code} {self.out[-500:]} {self.err[-2000:]}"
        return json.loads(file.read_text(encoding="utf-8"))

    @property
    def status(self) -> dict:
        return self.said["at_the_end"]

    @property
    def log(self) -> str:
        file = self.folder / "bot.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    @property
    def start_count(self) -> int:
        """How often the bot's own code was begun."""
        return line_count(self.folder / "starts.txt")

    @property
    def load_count(self) -> int:
        """How often its file was loaded: in a packed program that serves as its own child, more often."""
        return line_count(self.folder / "loaded.txt")

    @property
    def executed(self) -> list[Execution]:
        """All that was executed, but for the shell that hands a child on to process 1."""
        lines = (self.folder / "executed.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        rows = [line.split("\t", 4) for line in lines]
        found = [Execution(int(pid), mark == "1", exe, command) for pid, _, mark, exe, command in rows]
        shell, mark = Path("/bin/sh").resolve(), f"{MARK_VARIABLE}=1 "
        return [one for one in found if not (Path(one.exe) == shell and mark in one.command)]

    @property
    def children(self) -> list[Execution]:
        return [one for one in self.executed if one.is_marked]

    @property
    def stored_count(self) -> int:
        return snapshot_count(self.folder / "bot.db")


def line_count(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def snapshot_count(path: Path) -> int:
    """Snapshots that this program stored, without those of the history made beforehand."""
    if not path.exists():
        return 0
    text = "SELECT count(*) FROM snapshot JOIN run ON run.id = run_id WHERE host <> 'earlier'"
    return query(path, text)[0][0]


def query(path: Path, text: str) -> list[tuple]:
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        return connection.execute(text).fetchall()


def bot_environment(folder: Path, witness: Path, **more: str) -> dict[str, str]:
    """The environment of a bot that lives in `folder`, as an operator's: nothing of the tests' own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEMMON", "PYTEST", "PYTHON"))
    }
    return {
        **kept,
        "BOT_FOLDER": str(folder),
        "BOT_DATABASE": str(folder / "bot.db"),
        "BOT_SECONDS": "3",
        "LD_PRELOAD": str(witness),
        "PROGRAMS_WITNESS": str(folder / "executed.txt"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def run_program(folder: Path, command: list, environment: dict[str, str], *, timeout_seconds: float) -> Ended:
    """Run a program to its end, and look what is left of it."""
    with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            code = -999
            process.kill()
            process.wait()
    left = residue(folder)
    texts = [(folder / name).read_text(encoding="utf-8", errors="replace") for name in ("out.txt", "err.txt")]
    return Ended(folder=folder, code=code, out=texts[0], err=texts[1], left=left)


def residue(folder: Path, *, wait_seconds: float = _RESIDUE_SECONDS) -> list[str]:
    """Processes of a program that don't end of themselves in a few seconds; they are ended here."""
    end = time.monotonic() + wait_seconds
    while (found := processes_of(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    for pid in found:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue
    return [f"{pid}: {command}" for pid, command in found.items()]


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes of the program in `folder`: whatever it starts inherits its variables."""
    mark = f"BOT_FOLDER={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
        except OSError:
            continue
    return found


def side_by_side(tasks: dict, at_once: int = _AT_ONCE) -> dict:
    """Run tasks (name: function) at the same time; a failure is kept and raised where it is asked for."""
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return {name: pool.submit(task) for name, task in tasks.items()}


def make_history(path: Path, *, days: float = 2.0) -> None:
    """A ready database in which the bot has recorded before, so that a daily report is due."""
    database = parse_database(str(path))
    upgrade(database)
    start = datetime.now(UTC) - timedelta(days=days)
    snapshots = [
        Snapshot(
            at=start + timedelta(minutes=5 * number),
            sequence=number + 1,
            uptime_seconds=300.0 * number,
            rss_bytes=100 * 2**20,
        )
        for number in range(40)
    ]
    run = RunRecord(
        uuid="0" * 32,
        source="bot",
        source_was_given=True,
        started_at=start,
        interval_seconds=300.0,
        host="earlier",
        pid=1,
    )
    Writer(database).write(Batch(run=run, snapshots=snapshots, events=(), end=None))


def make_older(path: Path) -> None:
    """A database of an older schema, with rows in it."""
    made = path.with_name("newer.db")
    make_history(made)
    upgrade(parse_database(str(path)), revision=OLDER_REVISION)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS newer", (str(made),))
        for table in ("source", "run", "snapshot"):
            names = ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM newer.{table}")
    made.unlink()


def copy_as_installed(folder: Path) -> Path:
    """Lay memmon into `folder` as an installed wheel does, with its revisions inside."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "memmon", folder / "memmon", ignore=ignored)
    shutil.copytree(ROOT / "migrations", folder / "memmon" / "_migrations", ignore=ignored)
    return folder


def assert_alone_and_stored(ended: Ended) -> None:
    """What holds for every program: it was started once, all that it took is stored, nothing is left of it."""
    assert ended.start_count == 1, ended.executed
    assert ended.code == EXIT_CODE, ended.err[-2000:]
    assert ended.out == "".join(f"trade {number}\n" for number in range(len(ended.out.splitlines())))
    assert ended.err == ""
    assert ended.said["is_flushed"], ended.status
    assert ended.stored_count == ended.status["taken_count"] == ended.status["stored_count"] > 0, ended.status
    assert ended.left == []


def assert_real_answers(ended: Ended) -> None:
    """The leak check finds the leak, and the hourly check has stored the report that was due."""
    assert ended.said["judged"].startswith("True 60 "), ended.said["judged"]
    assert query(ended.folder / "bot.db", "SELECT count(*) FROM report")[0][0] == 1, ended.log
    assert ended.status["child_start_count"] >= 1, ended.status
    assert ended.status["child_failure_count"] == 0, ended.log
    assert ended.status["checks_off"] is None, ended.status
    assert "put off" not in ended.log


def assert_only_python_started(ended: Ended) -> None:
    """Besides the program itself only children were executed, each by the real interpreter."""
    real = str(BASE_PYTHON.resolve())
    assert {str(Path(one.exe).resolve()) for one in ended.children} <= {real}, ended.children
    unmarked = {one.pid for one in ended.executed if not one.is_marked}
    assert len(unmarked) == 1, ended.executed
