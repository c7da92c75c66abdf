"""What the documentation says of the command line is complete, and the JSON keeps its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import jsonschema
import pytest

from memmon.cli import app
from memmon.cli.app import COMMANDS
from memmon.cli.schema import output_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVERYWHERE = {"--db", "--source", "--json", "-o", "--output", "--force", "--help", "-h"}
JUDGING = {"--since", "--until", "--run", "--threshold"}


def section(name: str) -> str:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section '## {name}'"
    return found.group(1)


@pytest.mark.parametrize("name", [name for name in COMMANDS if not name.startswith("_")])
def test_every_command_and_option_is_documented(name):
    """docs/cli.md has a section for each command, and names each of its options and subcommands in it."""
    text = section(name)
    command = app.main.get_command(None, name)
    subcommands = list(command.commands.values()) if isinstance(command, click.Group) else []
    for one in [command, *subcommands]:
        if one in subcommands:
            assert f"memmon {name} {one.name}" in text
        for option in one.params:
            if isinstance(option, click.Option) and not {*option.opts} & (EVERYWHERE | JUDGING):
                assert any(spelling in text for spelling in option.opts), (
                    f"{name}: {option.opts} is undocumented"
                )


def test_common_options_are_documented():
    """The options that hold everywhere and those for judging stand in the first section."""
    text = section("What holds everywhere")
    for option in (EVERYWHERE | JUDGING) - {"--help", "-h"}:
        assert f"`{option}" in text or f", `{option}" in text


def test_documented_commands_exist():
    """docs/cli.md describes no command that is not there."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^## ([a-z]+)$", text, re.MULTILINE))
    assert named == {name for name in COMMANDS if not name.startswith("_")}


def without_descriptions(value):
    if isinstance(value, dict):
        return {key: without_descriptions(item) for key, item in value.items() if key != "description"}
    return [without_descriptions(item) for item in value] if isinstance(value, list) else value


def test_documented_schema_is_the_one_that_is_printed(call):
    """docs/json-schema.json is what `memmon config schema --of json` prints (write it anew when this fails)."""
    printed = call("config", "schema", "--of", "json").json
    documented = json.loads((DOCS / "json-schema.json").read_text(encoding="utf-8"))
    assert without_descriptions(documented) == without_descriptions(printed)


def test_schema_is_one():
    """The schema itself is valid."""
    jsonschema.Draft202012Validator.check_schema(output_schema())


@pytest.mark.parametrize(
    "command",
    [
        "leaks",
        "check",
        "report",
        "report --list",
        "forecast --no-cross-check",
        "deques --suggest",
        "watch",
        "runs",
        "sql SELECT\t1",
        "doctor",
        "db status",
        "db upgrade",
        "db check",
        "db prune",
        "db vacuum",
        "config show",
        "annotate text",
    ],
)
def test_output_follows_the_schema(call, histories, command):
    """What each command prints with --json is valid by the schema, and the schema is strict about names."""
    words = [word.replace("\t", " ") for word in command.split(" ")]
    found = call(*words, "--db", histories, "--source", "leaky", "--json").json
    validator = jsonschema.Draft202012Validator(output_schema(), format_checker=jsonschema.FormatChecker())
    assert list(validator.iter_errors(found)) == []
    broken = {key: value for key, value in found.items() if key not in {"findings", "sources", "settings", "revision", "after", "rows", "diagnoses", "reports", "text", "is_ok", "retention", "before_bytes"}}  # fmt: skip
    assert list(validator.iter_errors(broken))
