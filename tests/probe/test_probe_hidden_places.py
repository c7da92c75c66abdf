"""Saying the line where what grows is held out of sight: in functions, attributes, links, C code; and who is not to blame."""

from __future__ import annotations

import asyncio
import collections
import ctypes
import functools
import sys
import threading
import xml.etree.ElementTree as ET

import pytest
from look_kit import all_chains

from memmon.probe.objects import roots
from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.own_size import own_bytes
from memmon.probe.objects.places import ANY, NO_PLACE, Places
from memmon.probe.objects.survey import survey

HERE = __name__


pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Trace:
    def __init__(self, number):
        self.number, self.text = number, "x" * 900 + str(number)


class Table:
    def __init__(self):
        self.rows = ["z" * 1_000 + str(number) for number in range(20_000)]


class Item:
    def __init__(self, table):
        self.table, self.name = table, "n"


class Link:
    __slots__ = ("next", "text")

    def __init__(self, following, number):
        self.next, self.text = following, "l" * 600 + str(number)


class Held:
    """What the tests fill; its attributes are set from outside, as no code of the class mentions them."""

    names = ()


HELD = Held()


def with_default(number, seen={}):  # noqa: B006 -- that is the leak
    seen[number] = Trace(number)


def made_closure():
    store = []

    def inner(number):
        store.append(Trace(number))

    return inner


with_closure = made_closure()


class Handler:
    def handle(self, number, *, seen={}):  # noqa: B006 -- that is the leak
        seen[number] = Trace(number)


def timed(function):
    @functools.wraps(function)
    def inner(*values):
        return function(*values)

    return inner


@timed
@functools.cache
def fetched(number):
    return Trace(number)


def link(number):
    HELD.head = Link(HELD.head, number)


def set_from_outside(number):
    HELD.log += "line " * 100 + str(number)


def made_anew(number):
    HELD.names = (*HELD.names, Trace(number))


def many_attributes(number):
    setattr(HELD, f"reply_{number}", Trace(number))


def under_root(number):
    ET.SubElement(HELD.tree, "entry").text = "t" * 600 + str(number)


def make_buffer(number):
    HELD.buffers.append(ctypes.create_string_buffer(2_000 + number % 2))


@pytest.fixture(autouse=True)
def released():
    HELD.__dict__.update(
        head=None, log="", names=(), tree=ET.Element("feed"), buffers=[], items=[], ring=[], cache={},
        tasks=set(), gate=[], leak=[], recent=collections.deque(maxlen=3_000),
    )  # fmt: skip
    yield
    while HELD.head is not None:  # one after the other: dropped at once, it would recurse
        HELD.head = HELD.head.next
    HELD.__dict__.clear()
    with_default.__defaults__[0].clear()
    Handler.handle.__kwdefaults__["seen"].clear()
    with_closure.__closure__[0].cell_contents.clear()
    fetched.__wrapped__.cache_clear()


@pytest.mark.parametrize(
    ("grow", "path", "name", "function"),
    [
        (with_default, "with_default.__defaults__.seen", "Trace", "with_default"),
        (with_closure, "with_closure.__closure__.store", "Trace", "made_closure.<locals>.inner"),
        (lambda number: Handler().handle(number), "Handler.handle.__kwdefaults__.seen", "Trace", "Handler.handle"),
        (fetched, "fetched.__wrapped__.cache", "Trace", "fetched"),
        (link, "HELD.head.next", "Link", "link"),
        (many_attributes, "HELD.__dict__", "Trace", "many_attributes"),
        (under_root, "HELD.tree.?", "Element", "under_root"),
        (make_buffer, "HELD.buffers", "c_char_Array_2000", "make_buffer"),
    ],
    ids=["default", "closure", "method", "decorated", "links", "attributes", "of C code", "ctypes"],
)  # fmt: skip
def test_where_it_is_held_and_made(grow, path, name, function):
    """The place is named by its variable wherever it is hidden, with the class and the function that makes the entries."""
    told = all_chains(grow)[0]
    assert told.culprit.path == f"{HERE}.{path}"
    assert told.culprit.class_name.rpartition(".")[2].startswith(name[:12])
    assert told.created_at[0].function == function
    assert told.culprit.entry_count - told.culprit.entry_count_before == pytest.approx(2_000, rel=0.05)


@pytest.mark.parametrize(("grow", "name"), [(set_from_outside, "log"), (made_anew, "names")])
def test_what_is_set_anew_each_time_has_its_name_and_line(grow, name):
    """An attribute that only functions beside the class set has its name, and the line on which it is set anew."""
    told = all_chains(grow, begun=100, more=300)[0]
    assert told.culprit.path == f"{HERE}.HELD.{name}"
    assert told.created_at[0].function == grow.__name__
    assert f"({grow.__name__})" in told.sentence()


def test_waiting_tasks_are_told_at_what_the_program_holds_them_by():
    """Of tasks that wait for one event the program's own set is told, not the event's list of those who wait."""

    async def forgotten(number):
        text = "t" * 900 + str(number)
        await HELD.gate[0].wait()
        return text

    async def main():
        HELD.gate.append(asyncio.Event())

        async def wait_for(count_of_them):
            HELD.tasks |= {asyncio.ensure_future(forgotten(number)) for number in range(count_of_them)}
            await asyncio.sleep(0)

        await wait_for(300)
        before = survey(monotonic=lambda: 0.0)
        await wait_for(1_500)
        told = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
        HELD.gate[0].set()
        await asyncio.gather(*HELD.tasks)
        return told

    told = asyncio.run(main())[0]
    assert told.culprit.path == f"{HERE}.HELD.tasks"
    assert told.culprit.class_name.endswith("forgotten()")


def test_threads_are_told_at_the_program_s_list_of_them():
    """Threads that only wait hang on the list that keeps them, not on a variable of one of them."""
    ended = threading.Event()

    class Worker(threading.Thread):
        def __init__(self, number):
            super().__init__(daemon=True)
            self.text = "w" * 20_000 + str(number)

        def run(self):
            ended.wait()

    def start(number):
        worker = Worker(number)
        worker.start()
        HELD.items.append(worker)

    try:
        told = all_chains(start, begun=10, more=50)[0]
    finally:
        ended.set()
        for worker in HELD.items:
            worker.join()
    assert told.culprit.path == f"{HERE}.HELD.items"
    assert told.culprit.class_name.endswith("Worker")


def test_a_hook_that_keeps_the_one_before(monkeypatch):
    """Functions of the program's, each of which keeps the one before, are told at the hook where they begin."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def install(number):
        before, mark = sys.excepthook, Trace(number)

        def hook(*values):
            return before, mark, values

        sys.excepthook = hook

    told = all_chains(install, begun=100, more=500)[0]
    assert told.culprit.path == "sys.excepthook.__closure__"
    assert told.culprit.class_name == f"{HERE}.Trace"
    while (closure := getattr(sys.excepthook, "__closure__", None)) is not None:
        sys.excepthook = closure[0].cell_contents


def test_the_buffer_of_ctypes_counts():
    """An array of ctypes is as large as its buffer; a view of another's buffer is not."""
    array = ctypes.create_string_buffer(50_000)
    view = (ctypes.c_char * 50_000).from_buffer(array)
    assert 50_000 < own_bytes(array) < 51_000
    assert own_bytes(view) < 1_000


def test_items_that_share_one_table_are_as_large_as_the_table():
    """4,000 items come that share a table of 22 MB: they are told as the table's 22 MB, not as thousands of tables."""
    table = Table()
    table_bytes = sum(map(sys.getsizeof, table.rows))
    assert table_bytes == pytest.approx(22e6, rel=0.06)
    before = survey(monotonic=lambda: 0.0)
    HELD.items.extend(Item(table) for _ in range(4_000))
    told = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)[0]
    assert told.culprit.path == f"{HERE}.HELD.items"
    assert told.culprit.grown_bytes == pytest.approx(table_bytes, rel=0.15)


def turn_over(number):
    """Do what healthy programs do: items that share a table, a cache that rotates, a deque with a bound."""
    HELD.ring.append(Item(HELD.table))
    if len(HELD.ring) > 800:
        del HELD.ring[0]
    HELD.cache[number] = Trace(number)
    HELD.cache.pop(number - 300, None)
    HELD.recent.append(Trace(number))


def test_the_healthy_never_come_before_the_culprit():
    """Beside a table that is shared, a rotating cache and a deque that fills to its bound a list that leaks less is first."""
    HELD.table = Table()

    def grow(number):
        turn_over(number)
        HELD.leak.append("k" * 300 + str(number))

    told = all_chains(grow)
    assert told[0].culprit.path == f"{HERE}.HELD.leak"


def test_the_healthy_alone_are_not_told():
    """Where nothing leaks, and caches had filled before, nothing is told to have grown."""
    HELD.table = Table()
    assert all_chains(turn_over, begun=1_000) == ()


def test_places_alike_in_holders_of_other_types_are_not_one():
    """A dict `cache` in what a cache holds is no part of the chain: it is another place than the cache's own."""
    places = Places()
    own = places.child(places.child(NO_PLACE, "m.look", "Wrapper"), ".cache", "dict")
    below = places.child(places.child(own, ANY, "Engine"), ".cache", "dict")
    node = places.child(places.child(NO_PLACE, "m.LIST", "Linked"), ".next", "Node")
    following = places.child(node, ".next", "Node")
    assert below != own
    assert places.child(following, ".next", "Node") == following


def test_packages_come_before_the_standard_library():
    """Of the libraries' variables those of installed packages are looked at first: visits may run out."""
    names = [root[0] for root in roots.library_roots() if root is not None]
    names = [name for name in names if not name.startswith(("local ", f"{roots.MADE_MODULES}["))]
    names = [name.partition(".")[0] for name in names]
    is_standard = [name in sys.stdlib_module_names for name in names]
    assert "pytest" in names
    assert "collections" in names
    assert is_standard == sorted(is_standard)
