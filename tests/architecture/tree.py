"""memmon's modules as syntax trees, and which imports which."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def modules(package="memmon", root=ROOT):
    """Return {dotted name: (path, tree)} of every module of the package."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if "_migrations" not in parts:
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def imports(package="memmon", root=ROOT):
    """Return {module: modules of the package that it imports}: also inside functions and under TYPE_CHECKING."""
    found = modules(package, root)
    return {
        name: {one for node in ast.walk(tree) for one in _imported(node, name, path, found)} - {name}
        for name, (path, tree) in found.items()
    }


def _imported(node, name, path, found):
    if isinstance(node, ast.Import):
        names = [one.name for one in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = _base(node, name, path)
        names = [f"{base}.{one.name}" if f"{base}.{one.name}" in found else base for one in node.names]
    else:
        return []
    return [one for one in names if one in found]


def _base(node, name, path):
    if not node.level:
        return node.module
    parts = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def cycles(graph):
    """Return the groups of modules of which each imports, on some way, each other."""
    reached = {name: _reached_from(name, graph) for name in graph}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in graph
        if name in reached[name]
    }
    return sorted(groups)


def _reached_from(name, graph):
    found, ahead = set(), [name]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead.extend(new)
    return found
