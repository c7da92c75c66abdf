"""Who imports whom: no cycles, no import by name."""

from __future__ import annotations

import ast

from tree import ROOT, cycles, imports, modules

BY_NAME = {"memmon/__init__.py", "memmon/cli/lazy.py"}
"""Where modules are loaded by their names: public names and commands, when they are first used."""


def test_no_cycles():
    """No module imports itself on any way, those under TYPE_CHECKING and inside functions included."""
    assert cycles(imports()) == []


def test_cycles_are_found_where_no_linter_looks(tmp_path):
    """A cycle of three is found: over an import for types only, one inside a function and a relative one."""
    house = tmp_path / "house"
    (house / "inner").mkdir(parents=True)
    (house / "__init__.py").write_text("")
    (house / "inner" / "__init__.py").write_text("")
    (house / "one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house import two\n"
    )
    (house / "two.py").write_text("def late():\n    from house.inner.three import name\n")
    (house / "inner" / "three.py").write_text("from ..one import name\nfrom . import four\n")
    (house / "inner" / "four.py").write_text("import house.two\n")
    assert cycles(imports("house", tmp_path)) == [
        ("house.inner.four", "house.inner.three", "house.one", "house.two")
    ]


def test_no_import_by_name():
    """A module of a known name is imported by a statement, which linters and readers see."""
    found = {}
    for path, tree in modules().values():
        shown = path.relative_to(ROOT).as_posix()
        count = sum(_is_by_name(node) for node in ast.walk(tree))
        if count and shown not in BY_NAME:
            found[shown] = count
    assert found == {}


def _is_by_name(node):
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    literal = bool(node.args) and isinstance(node.args[0], (ast.Constant, ast.JoinedStr))
    return called in {"import_module", "__import__"} and literal
