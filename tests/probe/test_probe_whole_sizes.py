"""What is counted of what grows: all of it, what libraries hold by themselves, and no C code that isn't to blame."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import tracemalloc
import types

import pytest

from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.roots import library_roots, running_roots
from memmon.probe.objects.survey import survey

COUNT = 2_000


pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Quote:
    def __init__(self, number):
        for name in ("bid", "ask", "last", "open", "high", "low", "close", "size"):
            setattr(self, name, None)
        self.time = 1_000_000.5 + number


kept: list[object] = []


@pytest.fixture(autouse=True)
def released():
    yield
    kept.clear()


def told_and_taken(make):
    """Return the bytes that one more entry is told to take, and those that it took by Python's own count."""
    kept.extend(make(number) for number in range(COUNT))
    before = survey(monotonic=lambda: 0.0)
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        kept.extend(make(number) for number in range(COUNT))
        taken = tracemalloc.get_traced_memory()[0] - begun
    finally:
        tracemalloc.stop()
    chains = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
    mine = next(one.culprit for one in chains if one.culprit.path == f"{__name__}.kept")
    return mine.item_bytes, taken / COUNT


def test_attributes_are_counted_though_they_lie_apart():
    """An object's attributes count with it, though up to Python 3.12 they lie in an array that no `__sizeof__` tells of."""
    told, taken = told_and_taken(Quote)
    assert told == pytest.approx(taken, rel=0.25)


def test_numbers_are_counted():
    """Numbers that a container holds are counted with it, one that stands there often once, and those that Python shares not."""
    told, taken = told_and_taken(lambda number: [float(number + one) for one in range(40)])
    assert told == pytest.approx(taken, rel=0.25)
    kept.clear()
    same = 0.5
    told, taken = told_and_taken(lambda number: [same, same, number % 200] * 20)
    assert told == pytest.approx(taken, rel=0.25)


def test_a_function_made_of_text_counts_with_its_code():
    """A function that was made at run time counts with its code and with the variables that are its own."""

    def make(number):
        variables = {}
        body = "\n".join(
            f"    if value == {number + line}: return 'case {line} of {number}'" for line in range(20)
        )
        exec(f"def run(value):\n{body}\n", variables)
        del variables["__builtins__"]
        return variables["run"]

    told, taken = told_and_taken(make)
    assert told == pytest.approx(taken, rel=0.4)


def test_code_that_functions_share_counts_once():
    """A thousand functions made of one code don't count it a thousand times."""
    variables = {}
    body = "\n".join(f"        if value == {line}: return 'case {line}'" for line in range(200))
    exec(
        f"def make(number):\n    def run(value):\n{body}\n        return number\n    return run\n", variables
    )

    told, taken = told_and_taken(variables["make"])
    assert told == pytest.approx(taken, rel=0.5)


class Undo:
    def __init__(self, number):
        self.text = "u" * 500 + str(number)


def editor():
    done = []

    def change(number):
        old = Undo(number)
        done.append(lambda: old)

    return change


def test_functions_in_a_list_that_a_function_keeps():
    """Functions that a closure's list collects hang on that list: they are no more of the function that keeps it."""
    kept.append(change := editor())
    for number in range(COUNT // 4):
        change(number)
    before = survey(monotonic=lambda: 0.0)
    for number in range(COUNT):
        change(number)
    chains = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
    told = chains[0].culprit
    assert told.path == f"{__name__}.kept[*].__closure__.done"
    assert (told.entry_count_before, told.entry_count) == (COUNT // 4, COUNT // 4 + COUNT)
    assert told.class_name == f"{__name__}.Undo"


def test_lists_under_keys_of_their_own_in_many_dicts_are_one_place():
    """Lists that each have another key, two in each of many dicts, grow together; the few keys of records stay keys."""
    kept.extend({f"hour {2 * number}": [], f"hour {2 * number + 1}": [], "name": "n"} for number in range(20))
    records = [{"trades": [], "orders": [number]} for number in range(20)]
    kept.append(records)
    lists = [kept[number][f"hour {2 * number + one}"] for number in range(20) for one in range(2)]

    def grow(number):
        lists[number % 40].append(Undo(number))
        records[number % 20]["trades"].append(Quote(number))

    for number in range(COUNT):
        grow(number)
    before = survey(monotonic=lambda: 0.0)
    for number in range(COUNT):
        grow(number)
    chains = chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
    assert {one.culprit.path for one in chains} >= {
        f"{__name__}.kept[*][*]",
        f"{__name__}.kept[*][*]['trades']",
    }


def test_what_runs_in_a_library_is_met_by_its_method():
    """An event loop, which asyncio's own functions run in another thread, is where a way begins."""
    loop, is_running = asyncio.new_event_loop(), threading.Event()
    loop.call_soon(is_running.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert is_running.wait(30)
        found = [one for one in running_roots() if one is not None]
        names = [name for name, reach in found if reach() is loop]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
    assert "local self of BaseEventLoop.run_forever()" in names
    assert all(name.startswith("local self of ") for name, _ in found)


def test_what_a_library_class_holds_is_met_by_the_class(monkeypatch):
    """A manager and a table that a library's class holds are ways of their own to begin; its functions and text are none."""
    library = types.ModuleType("made_library")
    library.__file__ = "/srv/site-packages/made_library.py"
    exec(
        textwrap.dedent(
            """
            class Manager:
                def __init__(self): self.loggers = {}
            class Logger:
                manager, known, text = Manager(), {}, "text"
                def get(self): return self.manager
            """
        ),
        library.__dict__,
    )
    monkeypatch.setitem(sys.modules, "made_library", library)
    found = dict(one for one in library_roots() if one is not None and one[0].startswith("made_library"))
    assert set(found) == {
        "made_library.Manager",
        "made_library.Logger",
        "made_library.Logger.manager",
        "made_library.Logger.known",
    }
    assert found["made_library.Logger.manager"]() is library.Logger.manager
    assert found["made_library.Logger.known"]() is library.Logger.known


@pytest.mark.parametrize(
    "between",
    ["", "rows = [b'x' * 2_000 for _ in range(40_000)]; kept = rows[::100]; del rows"],
    ids=["nothing", "memory that is freed and not given back"],
)
def test_no_c_code_is_blamed_where_nothing_is_held(between):
    """What a look itself keeps, and freed memory that the process still has, are held by no C code."""
    code = f"""
        from memmon.probe.objects.evidence import compare, gather
        before = gather()
        {between}
        print(compare(before, gather()).sentences)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "C code" not in done.stdout
