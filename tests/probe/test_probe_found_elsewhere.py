"""Saying what grows where no variable names it: modules made at run time, variables set by name, atexit, warnings, long links."""

from __future__ import annotations

import atexit
import itertools
import sys
import types
import warnings
from itertools import count

import pytest
from look_kit import all_chains, told_alone

from memmon.probe.objects import walk
from memmon.probe.objects.confirm import Confirmation
from memmon.probe.objects.evidence import gather

HERE = __name__


pytestmark = pytest.mark.usefixtures("program_of_this_file")


class Result:
    def __init__(self, number):
        self.text = "r" * 700 + str(number)


class Link:
    def __init__(self, following, number):
        self.following, self.parts = following, ["p" * 600 + str(number), ("one", number)]


class Held:
    head = None
    rows = iter(())


HELD = Held()


@pytest.fixture(autouse=True)
def released():
    HELD.head, HELD.rows = None, iter(())
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda *_values, **_names: None
        yield
    while HELD.head is not None:  # one after the other: dropped at once, it would recurse
        HELD.head = HELD.head.following
    HELD.rows = None
    for name in [name for name in globals() if name.startswith("result_")]:
        del globals()[name]
    for name in [name for name in sys.modules if name.startswith("made_plugin_")]:
        del sys.modules[name]
    globals().pop("__warningregistry__", None)


def module_made(number):
    module = types.ModuleType(f"made_plugin_{number}")
    module.data = "m" * 5_000 + str(number)
    sys.modules[module.__name__] = module


def variable_set(number):
    globals()[f"result_{number}"] = Result(number)


def warned(number):
    warnings.warn("slow query " + "q" * 500 + str(number), stacklevel=1)


def linked(number):
    HELD.head = Link(HELD.head, number)


def chained(number):
    HELD.rows = itertools.chain([Result(number)], HELD.rows)


class AtTheEnd:
    """Any is equal to any other, so that all can be taken back at once."""

    __hash__ = None

    def __init__(self, number):
        self.text = "e" * 700 + str(number)

    def __eq__(self, other):
        return type(other) is AtTheEnd

    def __call__(self):
        """Do nothing."""


def at_exit(number):
    atexit.register(AtTheEnd(number))


@pytest.mark.parametrize(
    ("grow", "path", "name", "begun"),
    [
        (module_made, "sys.modules", "module", 100),
        (variable_set, HERE, "Result", 400),
        (warned, f"{HERE}.__warningregistry__", "tuple", 100),
    ],
)
def test_where_python_keeps_it(grow, path, name, begun):
    """Modules made at run time hang on `sys.modules`, variables set by name on their module, warnings on its registry."""
    told = all_chains(grow, begun=begun, more=500)[0]
    assert told.culprit.path == path
    assert told.culprit.class_name.rpartition(".")[2] == name
    assert told.culprit.entry_count - told.culprit.entry_count_before == pytest.approx(500, rel=0.05)
    assert told.created_at[0].function == grow.__name__


def test_variables_of_other_types_keep_their_names(monkeypatch):
    """In a module with very many variables of one type a container is told by its own name."""
    for number in range(400):
        variable_set(number)
    monkeypatch.setitem(globals(), "STORE", [])
    told = all_chains(lambda number: globals()["STORE"].append(Result(number)), begun=100, more=500)[0]
    assert told.culprit.path == f"{HERE}.STORE"


def looks_after(grow, counts):
    """Return what is told after each look, `grow` called so often before each."""
    confirmation, numbers, found = Confirmation(), count(), []
    for more in counts:
        for _ in range(more):
            grow(next(numbers))
        news = confirmation.add(gather(pause=lambda _: None), float(next(numbers)), pause=lambda _: None)
        found.append(news)
    return found


def test_what_atexit_keeps_is_told_and_confirmed():
    """Functions registered to run at the end are told with their number and the line that registers them."""
    gather(pause=lambda _: None)
    try:
        told = looks_after(at_exit, (300, 2_000, 2_000))[-1]
    finally:
        atexit.unregister(AtTheEnd(0))
    chain = told.data["chains"][0]
    assert told.state.value == "confirmed"
    assert (chain["path"], chain["created_at"][0]["function"]) == ("atexit", "at_exit")


def test_long_links_are_followed_and_confirmed():
    """What hangs on thousands of links, one below the other, is followed and confirmed while other objects are few."""
    assert told_alone(__file__, "looks_at_long_links") == ["confirmed", f"{HERE}.Link"]


def looks_at_long_links():
    gather(pause=lambda _: None)
    told = looks_after(linked, (400, 3_000, 3_000))[-1]
    return told.state.value, told.data["chains"][0]["class_name"]


def test_the_program_s_own_class_is_told_behind_links_of_python_s():
    """Of links that Python's own objects make the class that hangs on each is told."""
    told = all_chains(chained, begun=200, more=1_000)[0]
    assert told.culprit.path.startswith(f"{HERE}.HELD.rows")
    assert told.culprit.class_name == f"{HERE}.Result"


def test_what_a_look_itself_keeps_is_no_growth_of_the_process(monkeypatch):
    """A list that grows by less than a look itself keeps is confirmed: the first look's own tables aren't the program's."""
    monkeypatch.setitem(globals(), "STORE", [])
    gather(pause=lambda _: None)
    told = looks_after(lambda number: globals()["STORE"].append(Result(number)), (60, 300, 300))[-1]
    assert told.state.value == "confirmed"
    assert told.data["chains"][0]["path"] == f"{HERE}.STORE"


def test_what_was_not_looked_at_to_its_end_is_not_cleared(monkeypatch):
    """Where more hangs on a suspect than a look may visit, it may grow on unseen: it stays a suspect."""
    monkeypatch.setattr(walk, "_FAR_LIMIT", 0)
    gather(pause=lambda _: None)
    told = looks_after(linked, (400, 5_000, 5_000))
    assert told[1].data["chains"][0]["class_name"] == f"{HERE}.Link"
    assert told[2] is None
