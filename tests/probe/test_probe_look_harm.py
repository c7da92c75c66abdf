"""What a look does to its host: it keeps nothing of it alive, runs no collection, and takes short steps."""

from __future__ import annotations

import array
import asyncio
import collections
import decimal
import functools
import io
import itertools
import subprocess
import sys
import textwrap
import time
import types
import weakref

import pytest

from memmon.probe.objects import roots
from memmon.probe.objects.container_sample import base_of
from memmon.probe.objects.contents import contents
from memmon.probe.objects.own_size import own_bytes
from memmon.probe.objects.path import Path
from memmon.probe.objects.plain import instance_values, type_name
from memmon.probe.objects.survey import survey
from memmon.probe.objects.walk import SLICE_SECONDS

held: list[object] = []
ended: collections.Counter[bool] = collections.Counter()


pytestmark = pytest.mark.usefixtures("program_of_this_file")


@pytest.fixture(autouse=True)
def released():
    yield
    held.clear()


class Resource:
    """Something whose end the host notices."""

    is_hosts_turn = False

    def __init__(self, inner=None):
        self.inner = inner

    def __del__(self):
        ended[Resource.is_hosts_turn] += 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: [Resource() for _ in range(300)],
        lambda: {number: [Resource()] for number in range(300)},
        lambda: collections.deque({"one": Resource(Resource())} for _ in range(300)),
        lambda: [[[Resource() for _ in range(9)] for _ in range(9)] for _ in range(9)],
        lambda: functools.reduce(lambda inner, _: Resource(inner), range(190), None),
    ],
    ids=["list", "dict", "deque", "nested", "chain"],
)
def test_what_the_host_lets_go_ends_in_the_hosts_turn(make):
    """Objects dropped while the walk rests die there and then: the walk holds none of them."""
    ticks = iter(range(10**9))
    held.append(make())
    ended.clear()
    turns = []

    def rest():
        Resource.is_hosts_turn = True
        turns.append(1)
        if held and len(turns) % 7 == 0:
            held.clear()
            held.append(make())
        Resource.is_hosts_turn = False

    survey(pause=rest, monotonic=lambda: next(ticks) * 0.0005)
    assert ended[True] > 100
    assert ended[False] == 0


def test_a_walk_that_rests_often_finds_the_same():
    """Going the way again after each rest loses nothing of what hasn't moved."""
    held.append(
        {number: [[Resource() for _ in range(3)], {"a": (number, str(number))}] for number in range(500)}
    )
    ticks = iter(range(10**9))
    often = survey(monotonic=lambda: next(ticks) * 1.0)
    never = survey(monotonic=lambda: 0.0)
    name = f"{__name__}.held"
    assert often.root_bytes[name] == pytest.approx(never.root_bytes[name], rel=0.02)
    assert often.type_counts[f"{__name__}.Resource"] == never.type_counts[f"{__name__}.Resource"]


def test_a_long_chain_is_walked_to_its_end():
    """A linked list is counted, though the way back from its end would be too long to go."""
    chain = None
    for number in range(5_000):
        chain = {"next": chain, "number": str(number) * 20}
    held.append(chain)
    found = survey(monotonic=lambda: 0.0)
    assert found.root_bytes[f"{__name__}.held"] > 5_000 * 250
    while chain:
        chain = chain.pop("next")


def test_among_very_many_variables_the_large_one_is_looked_into(monkeypatch):
    """Of thousands of small tables of modules some are looked at, the same each time, and each one that holds much."""
    names = [f"part_{number}" for number in range(20)]
    for name in names:
        module = types.ModuleType(name)
        module.__file__ = f"/srv/{name}.py"
        vars(module).update({f"table_{number}": {"row": [number]} for number in range(250)})
        monkeypatch.setitem(sys.modules, name, module)
    large = {number: [number] for number in range(400)}
    sys.modules["part_19"].table_249 = large
    monkeypatch.setattr(roots, "_is_own", lambda name: name in names)
    looks = [survey(monotonic=lambda: 0.0) for _ in range(2)]
    seen = [{one for one in look.places.labels if one.startswith("part_")} for look in looks]
    assert seen[0] == seen[1]
    assert 300 < len(seen[0]) < 1_500
    assert looks[0].container_lengths["part_19.table_249"] == 2 * len(large)


@pytest.mark.slow
def test_no_full_collection_in_twenty_looks():
    """At 350,000 objects of the host, which is idle, looking again and again wakes the collector at most once."""
    code = """
        import gc
        class Row:
            def __init__(self, number):
                self.values = [number, number + 1]
                self.links = {"values": self.values}
        rows = {number: Row(number) for number in range(117_000)}
        from memmon.probe.objects.evidence import gather
        gather(pause=lambda seconds: None)
        counts = [0, 0, 0]
        gc.callbacks.append(lambda phase, info: counts.__setitem__(
            info["generation"], counts[info["generation"]] + (phase == "start")))
        for _ in range(20):
            gather(pause=lambda seconds: None)
        print(len(gc.get_objects()), *counts)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    objects, young, middle, full = map(int, done.stdout.split())
    assert objects > 350_000
    assert (middle, full) == (0, 0)
    assert young <= 1


def test_a_step_ends_with_its_time():
    """A step ends at the first look at the clock that finds its time over, and the next one has all of its time."""
    held.append([{"a": number, "c": [number]} for number in range(10_000)])
    looks, rests = [0], []

    def clock():
        looks[0] += 1
        return looks[0] * SLICE_SECONDS / 7.5

    survey(pause=lambda: rests.append(looks[0]), monotonic=clock)
    apart = [later - earlier for earlier, later in itertools.pairwise(rests)]
    # A rest looks at the clock itself; eight looks later the step's time is over.
    assert max(apart) == 1 + 8
    assert apart.count(1 + 8) > 10


def test_a_step_is_short():
    """Between two rests less than 2 ms of processor time pass, all but once in a hundred: its time, and what passes before it is looked at."""
    held.append([{"a": number, "b": str(number), "c": [number]} for number in range(100_000)])
    beyond, shares = 0.002 - SLICE_SECONDS, []
    for _ in range(3):  # the best of three: another process may take the caches
        moments, looks = [time.thread_time()], itertools.count()
        # At each look its time is over: so the same is done in each step, however quick the machine just is.
        survey(pause=lambda m=moments: m.append(time.thread_time()), monotonic=lambda n=looks: float(next(n)))
        steps = sorted(later - earlier for earlier, later in itertools.pairwise(moments))
        allowed = int(sum(steps) / SLICE_SECONDS / 100)  # of the steps that it takes by a clock
        shares.append(steps[-1 - allowed])
    assert min(shares) < beyond * (1 if sys.gettrace() is None else 10)


class Plain:
    pass


class Slots:
    __slots__ = ("a", "b")


class Numbered(int):
    pass


class Listed(list):
    def __sizeof__(self):
        return 5


OBJECTS = [
    1, 2**200, -(2**100), "x", "é" * 50, b"x", 1.5, None, [1, 2], (1,), {}, {1: 2}, set(range(100)), frozenset(),
    Plain, Slots(), Numbered(-(2**100)), array.array("d", range(1000)), collections.deque(range(100)), asyncio.Queue,
    collections.OrderedDict(a=1), collections.Counter("abc"), decimal.Decimal(1), io.BytesIO(b"x" * 1000), len,
    functools.cache(len), bytearray(100), memoryview(b"x"), weakref.ref(Plain), int, sys, type_name, Plain(),
]  # fmt: skip


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_own_bytes_are_those_that_python_tells(value):
    """Where no class of the host's defines a size, it is exactly that of `sys.getsizeof`."""
    assert own_bytes(value) == sys.getsizeof(value)


def test_own_bytes_of_a_class_that_lies_are_those_of_its_base():
    """A `__sizeof__` in Python is passed over for the built-in base's."""
    plain, lying = [1] * 1000, Listed([1] * 1000)
    assert sys.getsizeof(lying) < 100
    assert sys.getsizeof(plain) <= own_bytes(lying) < sys.getsizeof(plain) + 200


def test_an_array_tells_its_buffer():
    """Numpy's arrays tell their buffer, a DataFrame doesn't tell its own: its arrays are met inside."""
    numpy = pytest.importorskip("numpy")
    pandas = pytest.importorskip("pandas")
    assert own_bytes(numpy.zeros(10_000)) > 80_000
    frame = pandas.DataFrame({"a": numpy.arange(200_000.0)})
    assert own_bytes(frame) < 1_000
    held.append(frame)
    assert survey(monotonic=lambda: 0.0).root_bytes[f"{__name__}.held"] > 1_600_000


def _emptied_dict():
    made = dict.fromkeys(range(1_000_000))
    for number in range(999_990):
        del made[number]
    return made


def _half_emptied_dict():
    made = dict.fromkeys(range(2_000_000))
    for number in range(1_250_000):
        del made[number]
    return made


def _emptied_set():
    made = set(range(1_000_000))
    for number in range(999_990):
        made.discard(number)
    return made


class Tagged(list):
    pass


def _tagged():
    made = Tagged(range(1_000_000))
    made.tag = {"name": "x"}
    return made


def _full_cache():
    cached = functools.lru_cache(maxsize=10**6)(str)
    for number in range(200_000):
        cached(number)
    return cached


@pytest.mark.parametrize(
    "make",
    [_emptied_dict, _half_emptied_dict, _emptied_set, _tagged, _full_cache, lambda: (0,) * 5_000_000],
    ids=["emptied dict", "half emptied dict", "emptied set", "subclass", "full cache", "tuple"],
)
def test_no_container_makes_a_long_step(make):
    """Looking into a container takes about as long whatever its length, and however much was deleted."""
    value = make()
    best = 1.0
    for _ in range(3):
        begun = time.thread_time()
        found = contents(value, base_of(value), 40, own_bytes(value))[1]
        best = min(best, time.thread_time() - begun)
    assert best < 0.001
    assert len(found) <= 100
    if type(value) is Tagged:
        assert {"name": "x"} in found[-1].values()


def test_the_attributes_of_a_container_are_found_without_making_their_dict():
    """A small subclass of a container leads to its attributes as well as to its entries."""
    small = Tagged([1, 2])
    small.tag = {"name": "x"}
    before = sys.getallocatedblocks()
    length, found = contents(small, list, 40, own_bytes(small))
    assert length == 2
    assert found[:2] == [1, 2]
    assert {"name": "x"} in found or {"tag": {"name": "x"}} in found
    assert sys.getallocatedblocks() - before < 10


def test_a_path_ends_where_something_has_moved():
    """What isn't where it was is left out; what moved among its siblings is found there."""
    inner, other = ["deep"], ["other"]
    root = [inner, other]
    path = Path()
    path.push(id(root), [inner, other], weight=1.0, sample_count=40, taken_count=40, end=100)
    path.places[0] = 0
    path.push(id(inner), ["deep"], weight=1.0, sample_count=40, taken_count=40, end=100)
    path.let_go()
    root.insert(0, "new")
    path.find_again(lambda: root)
    assert path.places[0] == 1
    assert path.siblings[1] == ["deep"]
    path.let_go()
    del root[1]
    path.find_again(lambda: root)
    assert len(path.siblings) == len(path.ids) == 1
    path.let_go()
    path.find_again(list)
    assert path.ids == []


def test_names_that_are_no_text():
    """A class may say that it is from anywhere; its name is still text."""
    odd = type("Odd", (), {})
    odd.__module__ = 5
    assert type_name(odd) == "Odd"
    assert type_name(dict) == "dict"
    assert instance_values(5) == {}
