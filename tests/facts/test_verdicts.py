"""Verdicts: one table, from which every list, order and word of them derives."""

from __future__ import annotations

import ast
import json
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from memmon.cli.schema import output_schema
from memmon.facts.plain import as_plain
from memmon.facts.verdicts import Confidence, Verdict

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "memmon" / "facts" / "verdicts.py"
SIGNS = {"good": "✅", "warn": "⚠️", "wait": "⏳"}


def named_states(node):
    """Return the verdicts that a literal collection lists, as text or as members."""
    if isinstance(node, ast.Dict):
        items = [key for key in node.keys if key is not None]
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        items = node.elts
    else:
        return set()
    found = {item.value for item in items if isinstance(item, ast.Constant)}
    members = {item.attr for item in items if isinstance(item, ast.Attribute)}
    return {state for state in Verdict if state.value in found or state.name in members}


def listings(source):
    """Return the lines of a module in which verdicts are listed."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if len(named_states(node)) > 1]


def test_verdicts_are_listed_once():
    """No module beside the table lists verdicts: whoever needs some of them asks their rows."""
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "memmon").rglob("*.py")
        if path != TABLE and (lines := listings(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        'WORST = ("leaking", "growing")',
        'Verdict = Literal["leaking", "growing"]',
        'WORDS = {"stable": "fine", "filling": "wait"}',
        "known = verdict in {Verdict.STEPPED, Verdict.STABLE}",
    ],
)
def test_a_list_of_verdicts_is_recognised(source):
    """The search for listings finds tuples, annotations, tables and sets, of texts and of members."""
    assert listings(source) == [1]


def test_each_verdict_has_a_row_of_its_own():
    """Rows are distinct, ranks count from 0 without a gap, and the leak comes first and peace last."""
    ranked = sorted(Verdict, key=lambda one: one.rank)
    assert [one.rank for one in ranked] == list(range(len(Verdict)))
    assert (
        len({one.row.meaning for one in Verdict})
        == len({one.row.sentence for one in Verdict})
        == len(Verdict)
    )
    assert (ranked[0], ranked[-1]) == (Verdict.LEAKING, Verdict.STABLE)


def test_each_verdict_has_a_rule():
    """The leak analysis gives every verdict somewhere: one that nothing can reach is a rule that was forgotten."""
    given = {
        node.value.attr
        for path in (ROOT / "memmon" / "analysis" / "leak").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and ast.unparse(node).startswith("verdict=Verdict.")
    }
    assert given == {one.name for one in Verdict}


def test_a_forgotten_row_fails_the_type_check(tmp_path):
    """A state that is added without its row is an error for mypy, which names the match that forgot it."""
    pytest.importorskip("mypy", reason="the type checker is an extra: pip install -e '.[lint]'")
    copy = tmp_path / "memmon" / "facts" / "verdicts.py"
    copy.parent.mkdir(parents=True)
    (tmp_path / "memmon" / "__init__.py").touch()
    (copy.parent / "__init__.py").touch()
    shutil.copy(TABLE, copy)
    check = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(copy)]
    options = {"cwd": tmp_path, "capture_output": True, "text": True}
    sound = subprocess.run(check, check=False, **options)
    assert sound.returncode == 0, sound.stdout
    text = copy.read_text(encoding="utf-8")
    copy.write_text(
        text.replace('    STABLE = "stable"\n', '    STABLE = "stable"\n    ODD = "odd"\n'), "utf-8"
    )
    forgotten = subprocess.run(check, check=False, **options)
    assert forgotten.returncode == 1
    assert "assert_never" in forgotten.stdout
    assert "Verdict.ODD" in forgotten.stdout


def test_a_verdict_is_its_text():
    """Comparing, looking up, formatting, JSON, pickles and frames see the plain text."""
    verdict = Verdict.LOAD_DRIVEN
    assert verdict == "load_driven"
    assert {"load_driven": 1}[verdict] == 1
    assert (f"{verdict}", str(verdict), repr(verdict)) == ("load_driven", "load_driven", "'load_driven'")
    assert json.dumps({"verdict": verdict}) == '{"verdict": "load_driven"}'
    assert msgspec.json.encode(verdict) == b'"load_driven"'
    assert pickle.loads(pickle.dumps(verdict)) is verdict
    assert type(as_plain({"a": [verdict]})["a"][0]) is str
    frame = pd.DataFrame({"verdict": [verdict, Verdict.STABLE]})
    assert frame.query("verdict == 'load_driven'").shape == (1, 1)
    assert frame.to_csv(index=False).split() == ["verdict", "load_driven", "stable"]


def test_confidences_rank():
    """Low is below medium is below high."""
    assert sorted(["high", "low", "medium"], key=lambda one: Confidence(one).rank) == [
        "low",
        "medium",
        "high",
    ]


def test_schema_has_every_verdict():
    """The JSON schema lists the states of the table wherever a verdict may stand."""
    definitions = output_schema()["$defs"]
    for name in ("LeakFinding", "SeriesResult"):
        properties = definitions[name]["properties"]
        assert properties["verdict"] == {"enum": sorted(Verdict)}
        assert properties["confidence"] == {"enum": sorted(Confidence)}


def test_documented_verdicts_are_the_tables():
    """The table in docs/how-memmon-judges.md has each verdict with the headline that the report gives it."""
    text = (ROOT / "docs" / "how-memmon-judges.md").read_text(encoding="utf-8")
    table = text.split("### What the verdict says")[1].split("**Confidence**")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", table, re.MULTILINE)
    headlines = {one.value: one.row.headline.split(" (")[0] for one in Verdict}
    assert dict(rows) == {
        name: f"{SIGNS[Verdict(name).row.tone]} {words}" for name, words in headlines.items()
    }
    assert f"one of {['seven', 'eight', 'nine', 'ten'][len(Verdict) - 7]}" in table
