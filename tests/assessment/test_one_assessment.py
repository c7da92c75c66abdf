"""Nobody beside the assessment works out a fact of a source; those that still do are listed, and the list shrinks."""

from __future__ import annotations

import ast
from pathlib import Path

import memmon

PACKAGE = Path(memmon.__file__).parent
FACTS = frozenset(
    {
        "detect_leak",
        "forecast_limit",
        "split_cause",
        "attribute_growth",
        "growth_per_work",
        "recorded_limit",
        "given_limit",
        "limit_of",
        "severity_reasons",
    }
)
NOT_MOVED_YET = {}
"""Modules that work out facts of their own, and which: none may be added."""


def calls(path):
    """Return the names that a module calls, by whatever name it was imported, and where it takes them from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            yield aliases.get(name, name)


def test_no_face_works_out_a_fact_of_its_own():
    """Outside the analysis and the assessment verdict, forecast, cause, limit and severity are never worked out."""
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in {"analysis", "assessment"}
        and (names := FACTS & set(calls(path)))
    }
    assert found == NOT_MOVED_YET


def test_check_leaks_and_the_report_are_rendered_only():
    """The faces that are moved take what they say of an assessment: they are not on the list."""
    moved = ("cli/commands/check.py", "cli/commands/leaks.py", "report/", "cli/", "dashboard/", "evaluator/")
    assert [name for name in NOT_MOVED_YET if name.startswith(moved)] == []
