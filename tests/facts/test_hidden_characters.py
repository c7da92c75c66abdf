"""Which characters are hidden in names and escaped in text: told without the table of Unicode wherever that can be."""

from __future__ import annotations

import sys
import unicodedata

from memmon.facts.names import is_hidden
from memmon.formatting import shown

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
EVERY = [chr(number) for number in range(sys.maxunicode + 1)]


def test_what_is_hidden_is_what_unicode_says():
    """Of every character it is told as its category says, also of those that are not looked up."""
    found = {one for one in EVERY if is_hidden(one)}
    assert found == {one for one in EVERY if unicodedata.category(one) in HIDDEN}


def test_what_is_escaped_is_what_unicode_says():
    """Text shows every character but those that are hidden, private or unassigned."""
    escaped = {one for one in EVERY if shown(one) != one}
    assert escaped == {one for one in EVERY if unicodedata.category(one) in HIDDEN | {"Co", "Cn"}}
