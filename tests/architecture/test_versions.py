"""What pyproject.toml says of versions is what the checks run with."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("dashboard", "alerts", "metrics", "postgres", "duckdb", "png")
"""What a program may ask for beside memmon itself; the others are tools of the checks."""


def pins(name: str) -> dict[str, Version]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    given = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in given}


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    asked = [PROJECT["dependencies"], *(extras[name] for name in EXTRAS)]
    return [Requirement(one) for group in asked for one in group]


def test_the_lowest_versions_are_those_that_are_promised():
    """Each bound of a dependency is a lower one, and the version that the checks install as the lowest."""
    lowest = pins(".ci/lowest.txt")
    for one in requirements():
        (bound,) = one.specifier
        assert (one.name, bound.operator) == (one.name, ">=")
        assert lowest[canonicalize_name(one.name)] == Version(bound.version), one.name


def test_every_dependency_is_imported():
    """What is installed with memmon is used by it; statsmodels brings scipy, which is not asked for."""
    imported = set()
    for path in (ROOT / "memmon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0].lower() for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0].lower())
            elif isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]+(\.\w+)+", str(node.value)):
                imported.add(node.value.split(".")[0])  # as `_loaded("statsmodels.regression")`
    assert {canonicalize_name(one.name).replace("-", "_") for one in requirements()} <= imported


def test_the_classifiers_name_interpreters_that_the_checks_run():
    """Every Python that is claimed is one that the step of the interpreters looks for."""
    step = (ROOT / ".ci" / "steps" / "interpreters").read_text(encoding="utf-8")
    looked_for = re.search(r"for version in ([\d. ]+);", step)[1].split()
    claimed = [
        one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r":: Python :: 3\.\d+$", one)
    ]
    assert len(claimed) >= 3
    assert set(claimed) <= set(looked_for)
