"""Saying the line: the place that grew, the class of which there is more, and where that is created."""

from __future__ import annotations

import collections
import functools
import gc
import importlib
import queue
import random
import re
import sys
import threading
import weakref

import pytest

from memmon.probe.objects import roots
from memmon.probe.objects.chain import Chain, chains_of
from memmon.probe.objects.container_sample import estimated_distinct
from memmon.probe.objects.created_at import container_names
from memmon.probe.objects.culprit import GrownPlace
from memmon.probe.objects.labels import Labels
from memmon.probe.objects.places import ANY, NO_PLACE, REST, Places
from memmon.probe.objects.survey import survey

pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Trace:
    def __init__(self, number):
        self.number, self.text = number, "x" * 900 + str(number)


class Node:
    __slots__ = ("child", "number", "parent", "text")

    def __init__(self, parent, number):
        self.parent, self.child, self.number, self.text = parent, None, number, "y" * 300 + str(number)


class Feed:
    def __init__(self):
        self._handlers = {"orders": [], "trades": []}
        self.recent = collections.deque(maxlen=5_000)
        self.waiting = queue.Queue()
        self.by_user = {f"user {number}": [] for number in range(300)}
        self.buffer = bytearray()
        self.shared = {number: "z" * 500 + str(number) for number in range(20_000)}
        self.items = []

    def on(self, number):
        self._handlers["orders"].append(Trace(number))


class Item:
    def __init__(self, shared):
        self.shared, self.name = shared, "n" * 50


FEED = Feed()


@functools.cache
def looked_up(number):
    return Trace(number)


@pytest.fixture(autouse=True)
def released():
    yield
    FEED.__init__()
    looked_up.cache_clear()


def first_chain(grow, *, count=2_000):
    """Return what is told first where `grow(number)` is called so often between two looks."""
    for number in range(count // 4):
        grow(number)
    before = survey(monotonic=lambda: 0.0)
    for number in range(count):
        grow(number + count)
    chains = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
    return chains[0] if chains else None


def test_the_whole_chain():
    """A list in a dict in an object is named with its key, its class, the class's line and the creating line."""
    told = first_chain(FEED.on)
    assert told.culprit.path == f"{__name__}.FEED._handlers['orders']"
    assert told.culprit.class_name == f"{__name__}.Trace"
    assert (told.culprit.entry_count_before, told.culprit.entry_count) == (500, 2_500)
    assert told.culprit.item_bytes == pytest.approx(1_050, rel=0.2)
    line = told.created_at[0]
    assert (line.function, line.line) == ("Feed.on", Feed.on.__code__.co_firstlineno + 1)
    assert re.search(r"test_probe_chain\.py:\d+$", told.class_at)
    assert "FEED._handlers['orders'] (list): 500 to 2,500 Trace" in told.sentence()


@pytest.mark.parametrize(
    ("grow", "path", "name"),
    [
        (lambda number: FEED.waiting.put(Trace(number)), "FEED.waiting.queue", "Trace"),
        (lambda number: FEED.by_user[f"user {number % 300}"].append(Trace(number)), "FEED.by_user[*]", "Trace"),
        (looked_up, "looked_up.cache", "Trace"),
        (lambda number: FEED.items.append(weakref.ref(FEED, functools.partial(print, Trace(number)))), "FEED.items", "Trace"),
    ],
    ids=["queue", "lists by key", "cache", "callbacks"],
)  # fmt: skip
def test_other_containers(grow, path, name):
    """A queue, lists that differ by key, a cache and callbacks are named by the way to them, with what they hold."""
    told = first_chain(grow)
    assert told.culprit.path == f"{__name__}.{path}"
    assert told.culprit.class_name.rpartition(".")[2] == name


def test_a_buffer_that_grows_in_place():
    """A buffer has no entries: that it got larger itself is told."""
    told = first_chain(lambda _: FEED.buffer.extend(b"x" * 300))
    assert told.culprit.path == f"{__name__}.FEED.buffer"
    assert told.culprit.entry_count is None
    assert "itself got larger" in told.sentence()


def test_what_is_shared_weighs_once():
    """Items that share one large table are as large as one table and the items, not as many tables."""
    FEED.items.extend(Item(FEED.shared) for _ in range(4_000))
    FEED.__dict__.pop("shared")
    before = survey(monotonic=lambda: 0.0)
    size = before.root_bytes[f"{__name__}.FEED"]
    assert 8 * 2**20 < size < 20 * 2**20


def test_one_large_entry_among_many_small_ones_is_one():
    """A sample that meets one very large entry doesn't take it for many."""
    places = Places()
    root = places.child(NO_PLACE, "root", "dict")
    small, large = places.child(root, "[*]", "str"), places.child(root, "[*]", "bytes")
    for _ in range(40):
        places.add(small, 100.0, 50)
    places.add(large, 100.0, 10**6)
    places.finish(lambda: None)
    assert places.counts[small] == 4_000
    assert places.counts[large] == 1
    assert places.total_bytes[root] == 4_000 * 50 + 10**6


def test_a_late_root_keeps_its_name_in_a_very_large_program():
    """However many places there are, a root met late is told by its name, and so is what many entries of it are."""
    places = Places()
    wide = [places.child(NO_PLACE, f"early{number}", "dict") for number in range(200)]
    for number in range(20_000):
        places.child(wide[number % 200], f".attribute{number}", "str")
    late = places.child(NO_PLACE, "late.ROWS", "list")
    assert places.path_of(late) == "late.ROWS"
    assert places.path_of(places.child(late, ANY, "late.Row")) == REST
    places.entries[late] = 3_000
    row = places.child(late, ANY, "late.OtherRow")
    assert places.path_of(row) == f"late.ROWS{ANY}"
    assert places.kinds[row] == "late.OtherRow"


def test_functions_that_lead_nowhere_take_no_place():
    """A function takes a place only where something can grow in it: in its closure or among its default values."""
    names = set(survey(monotonic=lambda: 0.0).places.labels)
    assert f"{__name__}.with_a_cache" in names
    assert f"{__name__}.without_one" not in names


def with_a_cache(number, known={}):  # noqa: B006 -- as programs do it
    return known.setdefault(number, number)


def without_one(number, text="a", part=2):
    return number, text, part


def test_a_line_alike_in_another_module_is_not_meant(monkeypatch, tmp_path):
    """Where two modules have the same function, the line is that of the module in which the container hangs."""
    for name in ("alike_a", "alike_b"):
        (tmp_path / f"{name}.py").write_text("ROWS = []\ndef keep(one):\n    ROWS.append([one])\n")
    monkeypatch.syspath_prepend(tmp_path)
    kept = [importlib.import_module(name) for name in ("alike_a", "alike_b")]
    monkeypatch.setattr(roots, "_is_own", lambda name: name in {"alike_a", "alike_b"})
    monkeypatch.setattr(
        "memmon.probe.objects.created_at.is_own_module", lambda name: name.startswith("alike_")
    )
    told = first_chain(kept[1].keep)
    assert told.culprit.path == "alike_b.ROWS"
    assert [line.file.rpartition("/")[2] for line in told.created_at] == ["alike_b.py", "alike_a.py"]


def test_a_filling_deque_with_a_bound_is_not_accused():
    """What has a bound of its own and fills up isn't told as what grew."""
    assert first_chain(lambda number: FEED.recent.append(Trace(number))) is None


def test_a_bounded_cache_that_turns_over_is_not_accused():
    """A dict whose entries come and go stays unnamed, whatever came between the looks."""

    def turn(number):
        FEED.shared[number + 10**6] = "z" * 500
        del FEED.shared[next(iter(FEED.shared))]

    assert first_chain(turn) is None


def test_a_chain_of_nodes_is_one_place():
    """A linked list of any length has few places, and each of its nodes is counted."""
    first = last = Node(None, 0)
    for number in range(3_000):
        last.child = last = Node(last, number)
    FEED.items.append(first)
    places = survey(monotonic=lambda: 0.0).places
    found = [place for place, kind in enumerate(places.kinds) if kind.endswith("Node")]
    assert len(found) <= 4
    assert sum(places.counts[place] for place in found) == pytest.approx(3_001, rel=0.02)
    while first is not None:
        first.parent, first = None, first.child


def test_no_object_gets_a_dict():
    """Naming the attributes of an object doesn't make the dict of them, which would stay."""
    FEED.items.extend(Trace(number) for number in range(200))
    before = [len(gc.get_referents(one)) for one in FEED.items]
    survey(monotonic=lambda: 0.0)
    assert [len(gc.get_referents(one)) for one in FEED.items] == before
    assert not any(type(one) is dict for item in FEED.items for one in gc.get_referents(item))


def test_names_of_attributes():
    """Attributes are named in objects with slots, with values in line and with a dict of their own."""
    labels, node, trace = Labels(), Node(None, 3), Trace(5)
    found = gc.get_referents(node)
    assert ".text" in labels.of(node, None, 40, found, is_namespace=False)
    found = gc.get_referents(trace)
    told = dict(zip(labels.of(trace, None, 40, found, is_namespace=False), found, strict=True))
    assert (told[".number"], told[".text"]) == (5, trace.text)
    vars(trace)["late"] = []
    told = labels.of(trace, None, 40, gc.get_referents(trace), is_namespace=False)
    assert (".__dict__" if sys.version_info < (3, 13) else ".number") in told


def test_the_signature_is_that_of_the_thing_not_of_its_size():
    """Two chains of the same place and class have one signature, whatever grew by how much."""

    def chain(path, grown):
        return Chain(
            culprit=GrownPlace(
                path=path,
                kind="list",
                grown_bytes=grown,
                entry_count_before=1,
                entry_count=2,
                class_name="a.B",
            )
        )

    assert chain("m.A.b", 100).signature == chain("m.A.b", 999).signature
    assert chain("m.A.b", 100).signature != chain("m.A.c", 100).signature


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("bot.CACHE", "CACHE"),
        ("bot.BUS.subs['tick']", "subs"),
        ("bot.BY_USER[*]", "BY_USER"),
        ("local seen of main()", "seen"),
        ("local self of run().rows[*]", "rows"),
        ("bot.WAITING.queue", "WAITING queue"),
    ],
)
def test_the_name_by_which_a_container_is_spoken_of(path, name):
    """The last attribute or variable of a path is what the program's code calls the container."""
    assert container_names(path) == set(name.split())


def test_text_in_a_queue_is_created_where_it_is_put(monkeypatch):
    """What lies in a queue is added under the queue's own name, and a call of `str` elsewhere creates none of it."""
    monkeypatch.setattr("memmon.probe.objects.created_at.is_own_module", lambda name: name == __name__)
    told = first_chain(put_text)
    assert told.culprit.path == f"{__name__}.FEED.waiting.queue"
    assert told.culprit.class_name == "str"
    assert (told.created_at[0].function, told.created_at[0].line) == (
        "put_text",
        put_text.__code__.co_firstlineno + 1,
    )
    assert {one.function for one in told.created_at} == {"put_text"}


def put_text(number):
    FEED.waiting.put("q" * 900 + str(number))


def make_text_for_nobody(number):
    return str(number)


def test_how_many_different_ones():
    """All met once are as many as there are references; one met always is one; shared ones beside unique ones are few."""
    assert estimated_distinct(40, 0, 40, 4_000.0) == 4_000
    assert estimated_distinct(1, 1, 40, 4_000.0) == 1
    assert estimated_distinct(42, 2, 120, 12_000.0) == pytest.approx(4_002, rel=0.01)
    generator = random.Random(3)
    drawn = collections.Counter(generator.randrange(50) for _ in range(40))
    repeated = sum(count > 1 for count in drawn.values())
    assert 25 <= estimated_distinct(len(drawn), repeated, 40, 4_000.0) <= 100


def test_it_changes_under_the_walk():
    """Containers that another thread changes meanwhile raise nothing, and the look ends."""
    ended = threading.Event()

    def churn():
        number = 0
        while not ended.is_set():
            FEED.shared[number % 977] = [number]
            FEED.shared.pop((number * 7) % 977, None)
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        before = survey(pause=lambda: ended.wait(0.0001))
        chains_of(before.places, survey(pause=lambda: ended.wait(0.0001)).places, lambda: None)
    finally:
        ended.set()
        thread.join()
