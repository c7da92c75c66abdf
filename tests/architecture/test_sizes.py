"""Files, classes and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tree import ROOT, modules

MOST_FILE_LINES, MOST_CLASS_LINES, MOST_BODY_LINES = 400, 250, 50

WRITTEN_BY_A_PROGRAM = {"memmon/store/schema/fresh_sqlite.py", "memmon/store/schema/fresh_postgresql.py"}

INTERFACES = {("memmon/monitor/monitor.py", "MemoryMonitor")}
"""A class that programs embed as it is."""


def nodes(*kinds):
    for path, tree in modules().values():
        shown = path.relative_to(ROOT).as_posix()
        yield from ((shown, node) for node in ast.walk(tree) if isinstance(node, kinds))


def test_files_stay_small():
    """No module is longer than 400 lines, save what a program writes."""
    long = {
        shown: count
        for path, _ in modules().values()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_FILE_LINES
        and (shown := path.relative_to(ROOT).as_posix()) not in WRITTEN_BY_A_PROGRAM
    }
    assert long == {}


def test_classes_stay_small():
    """No class is longer than 250 lines, save an interface that programs embed as it is."""
    long = {
        (shown, node.name)
        for shown, node in nodes(ast.ClassDef)
        if node.end_lineno - node.lineno + 1 > MOST_CLASS_LINES
    }
    assert long == INTERFACES


def test_functions_stay_small():
    """No function's body is longer than 50 lines, its docstring not counted."""
    long = {
        (shown, node.name)
        for shown, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if _body_lines(node) > MOST_BODY_LINES
    }
    assert long == set()


def _body_lines(node):
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return body[-1].end_lineno - body[0].lineno + 1
