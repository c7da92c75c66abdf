"""What is counted of what grows: all of it, what a library's class holds by itself, and no C code that isn't to blame."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tracemalloc
import types

import pytest

from memmon.probe.objects import roots
from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.roots import library_roots
from memmon.probe.objects.survey import survey

COUNT = 2_000


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """The program is this file: a look ends after so many objects, and a run of all tests has loaded hundreds of files."""
    is_own = roots._is_own
    monkeypatch.setattr(roots, "_is_own", lambda name: is_own(name) and name == __name__)


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
