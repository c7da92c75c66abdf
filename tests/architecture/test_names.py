"""One name, one thing."""

from __future__ import annotations

import ast
from collections import defaultdict

from tree import ROOT, modules


def test_a_class_name_means_one_class():
    """No two classes of the package bear the same name, private ones included: a search finds the one that is meant."""
    places = defaultdict(list)
    for path, tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
