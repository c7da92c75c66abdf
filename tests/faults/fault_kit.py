"""What the fault tests share: real host programs, and what is found in a store afterwards."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import defaultdict
from contextlib import closing, contextmanager
from pathlib import Path

from memmon.store.schema.digest import group_digest

ROOT = Path(__file__).resolve().parents[2]

# Before a host's code that forks: notes which waits of this thread's forks ended with nothing. By the clock a
# fork may take as long as other processes like.
NOTED_WAITS = """
    import threading
    from memmon.guest.locks import ForkLock, ReentrantTurn

    forking, used_up = threading.get_ident(), []  # (whose, seconds)

    def noting(method):
        def noted(self, *given):
            got = method(self, *given)
            if not got and threading.get_ident() == forking:
                used_up.append((method.__qualname__, given[-1]))
            return got
        return noted

    ForkLock.acquire, ReentrantTurn.enter = noting(ForkLock.acquire), noting(ReentrantTurn.enter)
"""


def environment(**more: str) -> dict[str, str]:
    """The environment of a host program: as an operator's, where internal errors are logged."""
    found = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    found.pop("MEMMON_RAISE_INTERNAL_ERRORS", None)
    return found


def write_script(folder: Path, code: str, name: str = "host.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return path


def run_host(folder, code, *arguments, timeout=120, name="host.py", **more):
    """Run a host program to its end."""
    script = write_script(folder, code, name)
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=folder,
        env=environment(**more),
    )


@contextmanager
def start_host(folder, code, *arguments, name="host.py", **more):
    """Yield a running host program, whose output comes through a pipe; it is killed in the end."""
    script = write_script(folder, code, name)
    process = subprocess.Popen(
        [sys.executable, "-u", str(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(**more),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def waited_seconds(pid) -> float:
    """Seconds that a process's first thread was ready to run and others were run; 0.0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def rows(path, query, *values):
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        return connection.execute(query, values).fetchall()


def integrity(path) -> str:
    return rows(path, "PRAGMA integrity_check")[0][0]


def torn_count(path) -> int:
    """Snapshots that are not as they were written, with their readings, by their checksum."""
    with closing(sqlite3.connect(path, timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        readings = defaultdict(list)
        for run, series, number, value in connection.execute(
            "SELECT run_id, series_id, seq, value FROM reading"
        ):
            readings[run, number].append((series, value))
        torn = 0
        for row in connection.execute("SELECT * FROM snapshot"):
            found = dict(row)
            told = found["digest"]
            torn += told != group_digest(found, readings.pop((found["run_id"], found["seq"]), []))
        return torn + len(readings)


def stored(path) -> set[tuple[str, int]]:
    """(run's uuid, number) of every snapshot in a store."""
    return set(rows(path, "SELECT uuid, seq FROM snapshot JOIN run ON run.id = run_id"))


def until(condition, *, timeout=20.0) -> bool:
    """Wait until `condition()` holds; False when it never does."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False
