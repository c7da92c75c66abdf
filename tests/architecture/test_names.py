"""One name, one thing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict

from tree import ROOT, modules

RECORDING_SIDE = ("memmon.guest", "memmon.child", "memmon.recorder", "memmon.monitor")
HOST = re.compile(r"(?<![\w./=@])hosts?\b(?![=:/.@(])", re.IGNORECASE)
"""Of prose: an address, an attribute or a keyword is none."""


def test_a_class_name_means_one_class():
    """No two classes of the package bear the same name, private ones included: a search finds the one that is meant."""
    places = defaultdict(list)
    for path, tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_vague_file_name_means_one_file():
    """Of a name that could mean anything there is one file at most, so that whoever knows the name finds the thing."""
    vague = {"faults", "guard", "identity", "limits", "parts", "utils", "helpers", "common", "values"}
    names = [path.stem for path, _ in modules().values()]
    assert {name for name in vague if names.count(name) > 1} == set()


def test_what_embeds_memmon_is_the_program():
    """On the recording side no comment, docstring or message calls the program a host: that word means a machine."""
    found = [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for name, (path, _) in modules().items()
        if name.startswith(RECORDING_SIDE)
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type in (tokenize.COMMENT, tokenize.STRING) and HOST.search(token.string)
    ]
    assert found == []
