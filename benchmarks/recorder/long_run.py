"""A recorder for a very long time in a small program: what grows, and whether threads and descriptors stay.

    python benchmarks/recorder/long_run.py [--ticks 100000] [--runs 1]

A bare program takes a snapshot every 30 seconds of a clock that it turns by hand: 100,000 are five weeks. Meanwhile an
alert comes and goes, the database is locked by another connection (now and then for longer than a write waits), and
every child process that is started fails. With `--runs` the recorder is stopped and begun anew in between: each begins
another thread, for which the C library may keep an arena of its own. Resident memory, blocks of Python's allocator,
threads and descriptors are looked at every thousandth of the way; a tenth of it is warm-up. What grew is the difference
between the medians of the first and of the last tenth after that. The file lies where TMPDIR says: a memory disk makes
it quicker. Exits with 1 where resident memory grew by more than 0.1 MB (of 2**20 bytes), or a thread or a descriptor is
more than there was.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import statistics
import sys
import tempfile
import threading
from array import array
from collections import deque
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from memmon import Recorder
from memmon.child import starts
from memmon.child.interpreter import find_interpreter
from memmon.clock import SystemClock

TICK_SECONDS = 30.0
FLAP_TICKS, LOCK_EVERY_TICKS, LOCKED_TICKS = 1_500, 1_000, 20
LONG_LOCK_SECONDS, LONG_LOCKS = 6.0, 20
GROWTH_LIMIT_MB = 0.1


class TurnedClock(SystemClock):
    """The machine's clock, and what it was turned ahead."""

    ahead_seconds = 0.0

    def now(self) -> datetime:
        """Return this moment, aware."""
        return super().now() + timedelta(seconds=self.ahead_seconds)

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        return super().monotonic() + self.ahead_seconds


class Looks:
    """What the process held at each look; its room is taken at the beginning."""

    names = ("resident_mb", "block_count", "thread_count", "descriptor_count")

    def __init__(self, most_count: int) -> None:
        self.of = {name: array("d", bytes(8 * most_count)) for name in self.names}
        self.count = 0

    def look(self) -> None:
        """Look at this process."""
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * 4096 / 2**20
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        present = (resident, sys.getallocatedblocks(), threading.active_count(), descriptors)
        for name, value in zip(self.names, present, strict=True):
            self.of[name][self.count] = value
        self.count += 1

    def shown(self) -> str:
        """Return the newest look, for people."""
        return ", ".join(f"{name} {self.of[name][self.count - 1]:,.2f}" for name in self.names)

    def grown(self, name: str) -> float:
        """Return how much more there is in the last tenth than in the first behind the warm-up, by medians."""
        settled = self.of[name][self.count // 10 : self.count]
        tenth = max(1, len(settled) // 10)
        return statistics.median(settled[-tenth:]) - statistics.median(settled[:tenth])


class Host:
    """The program: a few deques, one of which has a bound every other while."""

    def __init__(self, path: str) -> None:
        self.clock, self.told_count, self.tick_count = TurnedClock(), 0, 0
        self.path = path
        self.kept = [deque(range(50), maxlen=100) for _ in range(8)]
        self.bounded, self.unbounded = deque(maxlen=10), deque()
        self.recorder = Recorder(
            path,
            source="host",
            clock=self.clock,
            on_alert=self.on_alert,
            gc_threshold_mb=0,
            alert_cooldown_minutes=1,
        )
        self.recorder.register_deques({f"deque {number}": one for number, one in enumerate(self.kept)})
        self.recorder.register_deque("flapping", self.flapping)
        self.failed_count = 0

    def on_alert(self, _alert: object) -> None:
        self.told_count += 1

    def flapping(self) -> deque[int]:
        return self.unbounded if self.tick_count // FLAP_TICKS % 2 else self.bounded

    def tick(self, *, is_stored: bool = True) -> None:
        self.tick_count += 1
        self.kept[self.tick_count % len(self.kept)].append(self.tick_count)
        self.clock.ahead_seconds += TICK_SECONDS
        self.recorder.take_snapshot()
        if is_stored:
            assert self.recorder.flush(60.0), self.recorder.status

    def locked(self, seconds: float) -> None:
        """Take snapshots while another connection holds the database for at least so long."""
        until = SystemClock().monotonic() + seconds
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(LOCKED_TICKS):
                self.tick(is_stored=False)
            threading.Event().wait(max(0.0, until - SystemClock().monotonic()))
            other.execute("ROLLBACK")
        assert self.recorder.flush(60.0), self.recorder.status

    def begin_anew(self) -> None:
        """End the run; the next snapshot begins another, in which children are started again."""
        self.failed_count += self.recorder.children.failure_count
        self.recorder.stop()


def run(host: Host, tick_count: int, run_count: int) -> Looks:
    """Run the program, and return what was looked at."""
    step, long_every = max(1, tick_count // 1_000), max(1, tick_count // LONG_LOCKS)
    looks = Looks(tick_count // step + 1)
    next_look, next_lock, next_long, next_run = (
        step,
        LOCK_EVERY_TICKS,
        long_every // 2,
        tick_count // run_count,
    )
    while host.tick_count < tick_count:
        host.tick()
        if host.tick_count >= next_long:
            next_long += long_every
            host.locked(LONG_LOCK_SECONDS)
        if host.tick_count >= next_lock:
            next_lock += LOCK_EVERY_TICKS
            host.locked(0.0)
        if next_run <= host.tick_count < tick_count:
            next_run += tick_count // run_count
            host.begin_anew()
        elif host.tick_count >= next_look:
            next_look += step
            looks.look()
            if looks.count % 100 == 0:
                print(f"{host.tick_count:>9,} snapshots: {looks.shown()}", flush=True)
    return looks


def fail_children() -> None:
    """Let every child that is started end at once without an answer."""
    from dataclasses import replace

    usual = find_interpreter(serves_itself=False)
    starts.find_interpreter = lambda **_: replace(usual, path="/bin/false")  # type: ignore[assignment]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    fail_children()
    with tempfile.TemporaryDirectory() as folder:
        host = Host(f"{folder}/long.db")
        looks = run(host, arguments.ticks, arguments.runs)
        host.begin_anew()
        status = host.recorder.status
    print(
        f"{status.stored_count:,} of {status.taken_count:,} snapshots stored, {status.dropped_count:,} dropped; "
        f"{host.told_count:,} alerts told; {host.failed_count} failed children of {status.child_start_count}"
    )
    grown = {name: looks.grown(name) for name in looks.names}
    print("grown after warm-up:", ", ".join(f"{name} {value:+,.2f}" for name, value in grown.items()))
    return int(
        grown["resident_mb"] > GROWTH_LIMIT_MB or grown["thread_count"] > 0 or grown["descriptor_count"] > 0
    )


if __name__ == "__main__":
    sys.exit(main())
