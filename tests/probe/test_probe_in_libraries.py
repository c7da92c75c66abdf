"""What a library keeps: its entries are weighed with what hangs far below them, and no C code is blamed for that."""

from __future__ import annotations

import sys
import types
from dataclasses import replace

from look_kit import told_alone

from memmon.probe.objects.evidence import compare, gather
from memmon.units import MIB

LEVELS, ROWS, TEXT_BYTES = 5, 12, 300
ENTRY_BYTES = ROWS * (TEXT_BYTES + sys.getsizeof("") + sys.getsizeof([0])) + LEVELS * 100


class Link:
    """As the class of a library: what it leads to lies levels below."""

    def __init__(self, number, level):
        self.rest = (
            Link(number, level - 1)
            if level
            else [[f"{number} {row}".zfill(TEXT_BYTES)] for row in range(ROWS)]
        )


def library(name, variable, value):
    """Load a module of an installed package that keeps something."""
    made = sys.modules[name] = types.ModuleType(name)
    made.__file__ = f"/srv/site-packages/{name}.py"
    setattr(made, variable, value)


def tree(level):
    return [tree(level - 1), tree(level - 1)] if level else []


def looked_at(begun, grown, entry):
    """Return two looks at a library's table, between which it got so many entries more."""
    library("made_grammar", "TREE", tree(13))  # met first, leads to much, and stays
    table = {number: entry(number) for number in range(begun)}
    library("made_registry", "TABLE", table)
    before = gather(pause=lambda seconds: None)
    table.update((number, entry(number)) for number in range(begun, begun + grown))
    return before, gather(pause=lambda seconds: None)


def told_of_what_lies_below():
    suspects = compare(*looked_at(400, 1_000, lambda number: Link(number, LEVELS)))
    (first, *_) = suspects.chains
    return {"path": first.culprit.path, "grown_bytes": first.culprit.grown_bytes, "said": suspects.sentences}


def told_of_what_is_not_followed():
    """What is said where a process grew by far more than was looked at below its entries."""
    links = {number: Link(number, 150) for number in range(1_400)}
    before, after = looked_at(400, 1_000, links.__getitem__)
    used = before.used_bytes or 0
    return compare(before, replace(after, used_before_bytes=used + 300 * MIB)).sentences


def test_what_hangs_far_below_a_librarys_entries_is_weighed():
    """1,000 entries more in a library's table are told with what lies six levels below each, within a factor of two."""
    told = told_alone(__file__, "told_of_what_lies_below")
    assert told["path"] == "made_registry.TABLE"
    assert 0.5 < told["grown_bytes"] / (1_000 * ENTRY_BYTES) < 2
    assert not [one for one in told["said"] if "C code" in one]


def test_no_c_code_is_blamed_alone_for_what_was_not_followed():
    """Where more hangs on what grew than a look follows, that is said first, and C code is one of two."""
    said = told_alone(__file__, "told_of_what_is_not_followed")
    assert said[0].startswith("what grew most: made_registry.TABLE (dict): 400 to 1,400 Link")
    assert said[1].startswith(
        "that explains less than a third of the growth: more hangs on it than a look follows, or C code"
    )
