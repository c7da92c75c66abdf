from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest

from memmon.cli import app
from memmon.cli.schema import output_schema

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "fleet"))
from simulated import build


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("json") / "fleet.db")
    build(path, source_count=3)
    return path


@pytest.mark.parametrize(
    "command",
    [
        "fleet",
        "alerts run --to callback:builtins:id",
        "alerts list --all",
        "alerts silence --kind leak",
        "alerts silence --kind leak --end",
        "alerts test --to callback:builtins:id",
        "soak --allow-inconclusive -- PYTHON -c pass",
    ],
)
def test_fleet_commands_follow_the_documented_schema(url, command, capfd):
    """What these commands print with --json is one object that is valid by the documented schema."""
    words = [sys.executable if word == "PYTHON" else word for word in command.split(" ")]
    name = words[0] if words[0] in {"fleet", "soak"} else " ".join(words[:2])
    place = ["--json"] if name == "soak" else ["--json", "--db", url]
    # Options of soak stand before its program.
    at = words.index("--") if "--" in words else len(words)
    code = app.run([*words[:at], *place, *words[at:]])
    told = capfd.readouterr()
    assert code in {0, 1}, told.err
    found = json.loads(told.out)
    assert found["command"] == name
    validator = jsonschema.Draft202012Validator(output_schema(), format_checker=jsonschema.FormatChecker())
    assert list(validator.iter_errors(found)) == []
    assert os.environ.get("MEMMON_DATABASE_URL") is None
