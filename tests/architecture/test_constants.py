"""A number that a judgement rests on says what it is, and where it comes from."""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from enum import Enum

import numpy as np
from tree import modules

ANALYSIS = ("memmon.analysis.",)
JUDGING = (*ANALYSIS, "memmon.alerts.", "memmon.assessment.")
ORIGIN = re.compile(
    r"\b(Chosen|Tuned|Measured|Given with|By definition|By convention|As in|From its source)\b"
    r"|\([^()]*\b(19|20)\d\d\)|IEEE 754"
)
"""How a constant says where it comes from; what a paper gives bears its year, and its authors."""


def constants(places=ANALYSIS):
    """Yield (module, name, value, the literal under it) of each number, or group of numbers, of these packages."""
    for module, (path, tree) in modules().items():
        if not module.startswith(places) or not _own_names(tree):
            continue
        loaded = importlib.import_module(module)
        if loaded.__file__ == str(path):
            for name, below in _own_names(tree).items():
                value = getattr(loaded, name)
                if _is_number(value):
                    yield module, name, value, below


def _own_names(tree):
    following = [*tree.body[1:], None]
    return {
        target.id: below
        for node, below in zip(tree.body, following, strict=True)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def _is_number(value):
    if isinstance(value, dict):
        return bool(value) and all(_is_number(one) for one in (*value, *value.values()))
    if isinstance(value, tuple):
        return bool(value) and all(_is_number(one) for one in value)
    return isinstance(value, int | float | np.number | np.ndarray) and not isinstance(value, bool | Enum)


def _line_of(below):
    is_literal = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    return below.value.value if is_literal and isinstance(below.value.value, str) else ""


def test_each_number_of_the_analysis_is_explained():
    """Under each numeric constant of the analysis stands a sentence that says what it is."""
    found = list(constants())
    assert len(found) > 150
    assert [(module, name) for module, name, _, below in found if not _line_of(below).strip()] == []


def test_each_number_says_where_it_comes_from():
    """A number that a judgement, an alert or an assessment rests on says whether it was chosen, tuned, measured or given."""
    found = list(constants(JUDGING))
    assert len(found) > 350
    assert [(module, name) for module, name, _, below in found if not ORIGIN.search(_line_of(below))] == []


def test_one_name_is_one_number():
    """Two constants of the analysis with the same name, leading underscore or not, have the same value."""
    values = defaultdict(list)
    for module, name, value, _ in constants():
        values[name.lstrip("_")].append((module, np.asarray(value).tolist()))
    differing = {name: found for name, found in values.items() if any(one[1] != found[0][1] for one in found)}
    assert differing == {}
