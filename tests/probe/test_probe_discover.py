from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque

import host_sample
import pytest

from memmon.probe.objects.discover import discover
from memmon.probe.objects.program_code import is_program_class, is_program_module, program_modules


@pytest.fixture(scope="module")
def found():
    return {one.path: one for one in discover([host_sample], max_seconds=20.0)}


EXPECTED = {
    "host_sample.unbounded": "deque",
    "host_sample.bounded_large": "deque",
    "host_sample.table": "dict",
    "host_sample.ordered": "dict",
    "host_sample.waiting": "queue",
    "host_sample.quotes": "lru_cache",
    "host_sample.remembering.__closure__['memory']": "dict",
    "host_sample.Feed.registry": "list",
    "host_sample.Feed.lookup": "lru_cache",
    "host_sample.feed.ticks": "deque",
    "host_sample.feeds['BTC'].ticks": "deque",
    "host_sample.feeds[7].history": "deque",
    "host_sample.book": "dict",
}


def test_unbounded_and_large_containers_are_found_by_their_path(found):
    """Each unbounded or large container of the host's own code is found, by the way it is reached."""
    assert {path: found[path].kind for path in EXPECTED if path in found} == EXPECTED


def test_what_is_bounded_or_small_is_left_alone(found):
    """Bounded deques, queues with a maxsize, what is inside them and inside locks, constants: none is named."""
    for name in (
        "bounded",
        "bounded_tasks",
        "empty_tasks",
        "own_queue",
        "small",
        "constant",
        "few",
        "lock",
        "pool_lock",
    ):
        assert not [path for path in found if path.split(".")[1:2] == [name]], name
    assert not [path for path in found if "_queue" in path or "_waiters" in path or "_unfinished" in path]
    assert "host_sample.feed.window" not in found
    assert "host_sample.waiting.queue" not in found


def test_a_finding_says_what_it_is_and_how_to_register_it(found):
    """Length, size, reason and the call that registers it are told."""
    table = found["host_sample.table"]
    assert (table.length_count, table.is_unbounded) == (host_sample.LARGE, True)
    assert table.size_bytes > host_sample.LARGE * 50
    assert "5,000 entries" in table.reason
    assert table.suggestion == "recorder.register_component('host_sample.table', lambda: host_sample.table)"
    ticks = found["host_sample.feed.ticks"]
    assert ticks.reason == "deque without a maxlen"
    assert (
        ticks.suggestion
        == "recorder.register_deque('host_sample.feed.ticks', lambda: host_sample.feed.ticks)"
    )
    assert found["host_sample.quotes"].suggestion.endswith("('host_sample.quotes', host_sample.quotes)")
    assert "where it is made" in found["host_sample.remembering.__closure__['memory']"].suggestion
    assert found["host_sample.bounded_large"].is_unbounded is False
    assert found["host_sample.waiting"].reason == "queue without a maxsize"


def test_the_largest_come_first(found):
    """The order is by estimated size."""
    sizes = [one.size_bytes or 0 for one in found.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_registered_is_not_suggested_again():
    """Known objects are left out."""
    paths = {one.path for one in discover([host_sample], known=[host_sample.table], max_seconds=20.0)}
    assert "host_sample.table" not in paths
    assert "host_sample.ordered" in paths


def test_objects_handed_in_are_walked():
    """An object that no module leads to is walked when it is handed in."""
    local = host_sample.Feed()
    local.orders = {number: number for number in range(2000)}
    paths = {one.path for one in discover([local], max_seconds=20.0)}
    assert {"Feed.ticks", "Feed.orders"} <= paths


def test_the_walk_ends_in_time():
    """A walk stops when its time is over, and finds nothing when it has none."""
    assert discover([host_sample], max_seconds=0.0) == ()
    deep = [[[number] * 10 for number in range(50)] for _ in range(200)]
    many = host_sample.Feed()
    many.deep = {number: host_sample.Feed() for number in range(20_000)}
    many.lists = deep
    begun = time.process_time()
    discover([many], max_seconds=0.1)
    assert time.process_time() - begun < (0.5 if sys.gettrace() is None else 3.0)


def test_a_senseless_size_is_refused():
    """A large_count below 1 raises at the call."""
    with pytest.raises(ValueError, match="large_count"):
        discover(large_count=0)


def test_the_hosts_own_code_is_told_from_all_other(tmp_path):
    """The main module and the host's files are its own; the standard library, packages and memmon are not."""
    assert is_program_module("__main__", None)
    assert is_program_module("bot.feeds", str(tmp_path / "bot/feeds.py"))
    assert not is_program_module("memmon.probe", __file__)
    assert not is_program_module("asyncio.queues", "x.py")
    assert not is_program_module("pytest", pytest.__file__)
    assert not is_program_module("builtin_thing", None)
    assert is_program_class(host_sample.Feed)
    assert not is_program_class(deque)
    assert not is_program_class(os.PathLike)
    assert "host_sample" in dict(program_modules())


PROGRAM = """
from collections import deque
import asyncio
history = deque()
tasks = asyncio.Queue(maxsize=5)
from memmon.probe.objects.discover import discover
print([(one.path, one.suggestion) for one in discover()])
"""


def test_a_script_is_walked_from_its_main_module():
    """In a plain script the unbounded deque is found, and nothing else is."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    expected = [("__main__.history", "recorder.register_deque('history', lambda: history)")]
    assert run.stdout.strip() == str(expected)
