"""What a look knows of a class it has met before is told again only where it still holds."""

from __future__ import annotations

import gc

import pytest

from memmon.probe.objects.kinds import Kinds
from memmon.probe.objects.labels import UNKNOWN, Labels


class Order:
    def __init__(self, first, second):
        self.first = first
        self.second = second


def labels_of(labels, value):
    """Return what an object leads to, by label, without its class."""
    found = gc.get_referents(value)
    told = labels.of(value, None, 40, found, is_namespace=False)
    return {label: one for label, one in zip(told, found, strict=True) if one is not type(value)}


def test_a_type_at_the_address_of_a_freed_one_is_not_taken_for_it():
    """From step to step a type stays known; another one that comes to its address is asked anew."""
    kinds, addresses = Kinds(), []
    for number in range(100):
        made = type(f"Made{number}", (), {})
        addresses.append(id(made))
        assert kinds.of(made()).name.endswith(f"Made{number}")
        kinds.forget()
        assert kinds.of(made()).name.endswith(f"Made{number}")
        kinds.forget()
        del made
        gc.collect()
    assert len(set(addresses)) < len(addresses), "no address came twice: the test shows nothing"


@pytest.mark.parametrize("change", ["none", "without one", "set anew", "with another"])
def test_attributes_are_named_where_they_lie_now(change):
    """Of a class that is known each object's attributes have their own names, whatever was deleted or set since."""
    labels, other = Labels(), Order(["a"], {"b": 1})
    assert labels_of(labels, Order(["x"], {"y": 1})) == {".first": ["x"], ".second": {"y": 1}}
    if change in {"without one", "set anew"}:
        del other.first
    if change == "set anew":
        other.first = ["a"]
    if change == "with another":
        other.third = ("c",)
    found = labels_of(labels, other)
    named = {label[1:]: one for label, one in found.items() if label != UNKNOWN}
    assert named == vars(other)


def test_two_attributes_that_changed_places_keep_their_names():
    """What lies where another attribute of the class's last object lay is told by its own name."""

    class Slotted:
        __slots__ = ("first", "second")

    labels = Labels()
    one = Slotted()
    one.first, one.second = ["x"], {"y": 1}
    assert labels_of(labels, one) == {".first": ["x"], ".second": {"y": 1}}
    lists = [["p"], ["q"]]
    two = Slotted()
    two.first, two.second = lists
    found = gc.get_referents(two)[::-1]
    found.append(found.pop(0))  # the class last, the attributes the other way round
    told = labels.of(two, None, 40, found, is_namespace=False)
    assert [label for label, held in zip(told, found, strict=True) if held is lists[0]] == [".first"]
