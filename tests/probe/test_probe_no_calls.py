"""The look for evidence calls nothing of the program's: traps on every special method stay silent."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import enum
import gc
import queue
import sys
import threading
import types
import weakref
from unittest import mock

import pytest
import traps

from memmon.probe.objects import roots
from memmon.probe.objects.discover import discover
from memmon.probe.objects.evidence import compare, event_data, gather
from memmon.probe.objects.sizes import SizeEstimator
from memmon.probe.registered.components import ComponentRegistry

held: dict[str, object] = {}

BASES = (
    object, dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex, Exception,
    collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter,
    collections.UserDict, queue.Queue, asyncio.Queue, types.SimpleNamespace, threading.Thread,
)  # fmt: skip
MOCKS = (mock.MagicMock, mock.NonCallableMagicMock, mock.AsyncMock, mock.Mock, mock.PropertyMock)


class Described:
    """A class with a property and a descriptor of its own."""

    @property
    def maxlen(self):
        traps.calls.append("property maxlen")

    value = traps.trap_class(object).__new__(traps.trap_class(object))


class Colour(enum.Enum):
    RED = 1

    def __sizeof__(self):
        traps.calls.append("enum __sizeof__")
        return 1


@dataclasses.dataclass(slots=True)
class Slotted:
    inner: object
    more: list

    def __sizeof__(self):
        traps.calls.append("dataclass __sizeof__")
        return 1


class Ended(asyncio.Task):
    def get_name(self):
        traps.calls.append("get_name")
        return "x"


def instances():
    """Return one object of a trap class of each base."""
    made = []
    for base in BASES:
        kind = traps.trap_class(base)
        one = base.__new__(kind)
        if issubclass(base, (dict, list, set, collections.deque)):
            filler = [(str(number), [number]) for number in range(300)]
            if issubclass(base, dict):
                dict.update(one, filler)
            elif base is set:
                set.update(one, range(300))
            else:
                base.extend(one, filler)
        made.append(one)
    return made


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """The program is this file: a look ends after so many objects, and a run of all tests has loaded hundreds of files."""
    is_own = roots._is_own
    monkeypatch.setattr(roots, "_is_own", lambda name: is_own(name) and name in {__name__, "trap_module"})


@pytest.fixture
def silent():
    """Place traps wherever the walk goes; yield the mocks among them."""
    things = instances()
    mocks = [kind() for kind in MOCKS]
    trap_module = traps.trap_class(types.ModuleType)
    module = types.ModuleType.__new__(trap_module)
    types.ModuleType.__init__(module, "trap_module")
    values = types.ModuleType.__dict__["__dict__"].__get__(module)
    values["__file__"], values["inside"] = "/srv/trap_module.py", list(things)
    sys.modules["trap_module"] = module
    sys.modules["mock_module"] = mocks[0]
    target = things[0]
    held.update(
        things=things, mocks=mocks, kinds=[type(one) for one in things], described=Described(), colour=Colour.RED,
        slotted=Slotted(things[0], things), proxy=weakref.proxy(Described), closure=lambda: target,
        bound=types.MethodType(len, things), nested={"deep": [{"deeper": tuple(things)}] * 200},
        keyed={id(one): one for one in things},
    )  # fmt: skip
    ended = threading.Event()

    def running(local, more):
        ended.wait(30)
        return local, more

    thread = threading.Thread(target=running, args=(things, mocks))
    thread.start()
    traps.arm()
    yield mocks
    traps.disarm()
    ended.set()
    thread.join()
    held.clear()
    del sys.modules["trap_module"], sys.modules["mock_module"]


def called(mocks):
    """Return what was called of traps and mocks."""
    traps.disarm()
    noted = list(traps.calls)
    for one in mocks:
        noted += [str(call) for call in object.__getattribute__(one, "__dict__")["_mock_mock_calls"]]
        noted += list(object.__getattribute__(one, "__dict__")["_mock_children"])
    return noted


def test_there_is_a_trap_for_each_special_method():
    """The traps note what ordinary functions call, so that their silence tells something."""
    one, other = instances()[0], mock.MagicMock()
    traps.arm()
    questions = (
        sys.getsizeof, hash, str, repr, bool, dir,
        lambda one: isinstance(one, int), lambda one: {type(one): 1}, lambda one: type(one).__name__,
    )  # fmt: skip
    for question in questions:
        with contextlib.suppress(Exception):
            question(one)
    traps.disarm()
    noted = set(traps.calls)
    assert {"object.__sizeof__", "object.__hash__", "object.__str__", "Meta.__hash__"} <= noted
    assert "Meta.__getattribute__" in noted
    assert len(traps.SPECIAL) > 130
    sys.getsizeof(other)
    assert called([other])


def test_gathering_calls_nothing(silent):
    """Twice gathered and compared, with traps in modules, classes, containers, frames and closures: no call."""
    before = gather(pause=lambda seconds: None)
    after = gather(pause=lambda seconds: None)
    event_data(after, compare(before, after))
    assert called(silent)[:9] == []
    assert any("held" in name for name in after.survey.root_bytes)


def test_discovering_calls_nothing(silent):
    """Neither does the search for what might be registered."""
    found = discover([held, *held["things"]], max_seconds=30.0, large_count=10)
    assert called(silent)[:9] == []
    assert [one for one in found if "things" in one.path]


def test_sizes_call_nothing(silent):
    """Neither does the size of each of them, of all of them, nor of a sample."""
    estimator = SizeEstimator(lambda: 0.0)
    everything = [*held["things"], *silent, held, held["proxy"], held["slotted"]]
    sizes = [estimator.size_bytes(one) for one in everything]
    estimator.items_bytes(everything, 1000)
    assert called(silent)[:9] == []
    assert all(size is not None and size > 0 for size in sizes)


def test_a_component_that_is_a_trap_is_sized_without_a_call(silent):
    """A registered measure is called; what it returns is not."""
    registry = ComponentRegistry()
    for number, one in enumerate([*held["things"], *silent, held["slotted"]]):
        registry.register(f"{number}", lambda one=one: one)
    readings = registry.read()
    registry.bounded(())
    # Whether an object is a number, and so its own size, is asked of its `__index__`: the contract.
    assert [one for one in called(silent) if not one.endswith(".__index__")][:9] == []
    assert sum(reading.size_bytes is not None for reading in readings) > 15


def test_tasks_are_named_without_a_call():
    """The name of a task is read past a `get_name` of the program's own."""

    async def main():
        loop = asyncio.get_running_loop()
        gc.collect()
        before = gather(pause=lambda seconds: None).task_count  # this one, and what earlier loops have left
        loop.set_task_factory(lambda loop, coro, **more: Ended(coro, loop=loop, **more))
        kept = [loop.create_task(asyncio.sleep(30), name=f"feed {number}") for number in range(3)]
        kept.append(loop.create_task(waiting(), name="keeper"))
        await asyncio.sleep(0)
        traps.arm()
        found = gather(pause=lambda seconds: None)
        traps.disarm()
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
        assert found.task_count == before + len(kept)
        return found

    async def waiting():
        rows = [{"n": number} for number in range(1000)]
        await asyncio.sleep(30)
        return rows

    found = asyncio.run(main())
    assert traps.calls[:9] == []
    lengths = found.survey.container_lengths
    assert [name for name, length in lengths.items() if length == 1000 and name.startswith("local rows of ")]
    assert {"task keeper", "task feed 0"} <= set(found.survey.places.labels)
