"""deques: their bytes are their own, and nothing is taken from a leak beside them."""

from __future__ import annotations

import sys
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from memmon.cli.commands import deques
from memmon.config import parse_database
from memmon.model import RunRecord, Snapshot
from memmon.probe.registered.deques import DequeRegistry
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

MB = 2**20
STEP = timedelta(minutes=1)
COUNT = 240


@pytest.fixture(scope="module")
def beside_a_leak(tmp_path_factory):
    """Return a store of 20 deques, first seen with one small number each, beside a leak of 14.4 MB/hour; and their bytes."""
    begun_at = datetime.now(UTC) - COUNT * STEP
    now = [0.0]
    registry = DequeRegistry(monotonic=lambda: now[0])
    queues = [deque([7], maxlen=500) for _ in range(20)]
    for number, queue in enumerate(queues):
        registry.register(f"queue_{number:02}", queue)
    snapshots = []
    for number in range(COUNT):
        now[0] = number * STEP.total_seconds()
        snapshots.append(
            Snapshot(
                at=begun_at + number * STEP,
                sequence=number + 1,
                uptime_seconds=now[0],
                rss_bytes=round((100 + 14.4 * number / 60 + 0.05 * (number % 3)) * MB),
                deques=registry.read(),
            )
        )
        if number < COUNT - 1:
            for queue in queues:
                queue.extend([7, 7])
    path = tmp_path_factory.mktemp("deques") / "memmon.db"
    database = parse_database(str(path))
    upgrade(database)
    run = RunRecord(
        uuid="a" * 32,
        source="bot",
        source_was_given=True,
        started_at=begun_at,
        interval_seconds=STEP.total_seconds(),
        host="h",
        pid=1,
    )
    Writer(database).write(Batch(run=run, snapshots=snapshots))
    return str(path), sum(map(sys.getsizeof, queues))


def test_a_leak_beside_deques_first_seen_almost_empty_is_found(call, beside_a_leak):
    """The leak is found at its own rate: what deques of 4 KB take is no part of it."""
    path, _ = beside_a_leak
    answer = call("leaks", "--db", path, "--json")
    assert answer.code == 1
    (finding,) = answer.json["findings"]
    assert finding["slope_mb_per_hour"] == pytest.approx(14.4, rel=0.02)


def test_deques_show_their_own_bytes(call, beside_a_leak):
    """All together they are what Python tells of them, and an item is a pointer."""
    path, true_bytes = beside_a_leak
    findings = call("deques", "--db", path, "--json").json["findings"]
    assert sum(one["size_bytes"] for one in findings) == pytest.approx(true_bytes, rel=0.05)
    assert all(8.0 <= one["bytes_per_item"] <= 9.0 for one in findings)


def test_no_size_is_suggested_while_memory_leaks(call, beside_a_leak):
    """Beside a leak no other bound is suggested, and the leak is said to come first."""
    path, _ = beside_a_leak
    answer = call("deques", "--db", path, "--suggest")
    assert answer.code == 0
    assert "no other sizes to suggest: memory grows by 14." in answer.out


def test_the_table_of_deques_shows_small_sizes_and_their_sum(call, beside_a_leak):
    """A deque of 4 KB is shown as what it is, not as 0.00 MB, and all of them are added up."""
    path, true_bytes = beside_a_leak
    lines = call("deques", "--db", path).out.splitlines()
    sizes = {line.split()[4] for line in lines if line.startswith("queue_")}
    assert len(sizes) == 1
    assert float(sizes.pop()) == pytest.approx(true_bytes / 20 / MB, rel=0.06)
    (said,) = [line for line in lines if line.startswith("20 deques, 0 failing, ")]
    assert float(said.split()[4]) == pytest.approx(true_bytes / MB, rel=0.1)


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(None, "not known"), (0, "0.00"), (4_300, "0.0041"), (900_000, "0.86"), (30 * MB, "30.00")],
)
def test_what_is_not_known_of_a_deque_is_no_zero(size_bytes, shown):
    """The size of a deque has as many digits as tell it from nothing, and where it is not known it says so."""
    assert deques._size_mb(size_bytes) == shown
