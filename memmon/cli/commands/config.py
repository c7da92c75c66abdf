"""`memmon config`: which settings are in force, what is allowed, and a file to begin with."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.locate import config_origin, locate
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, write_json, write_text
from memmon.cli.text import table
from memmon.config import ENVIRONMENT_PREFIX, Settings, load_settings, setting_fields
from memmon.errors import OutputError
from memmon.places import config_path, unread_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@click.group("config")
def command() -> None:
    """Show the settings, what is allowed, and where they come from.

    The order, strongest first: options, MEMMON_* variables, the configuration file, defaults.
    """


@command.command()
@common
def show(common: Common) -> None:
    """Show every setting in force and where it comes from."""
    check_output(common)
    place = locate(common)
    rows = list(_settings(place.settings))
    if common.as_json:
        settings = [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        write_json(
            common,
            command="config show",
            database=place.database,
            database_origin=place.origin,
            configuration_file=str(config_path()),
            configuration_note=unread_config(),
            settings=settings,
        )
        return
    unread = unread_config()
    note = "" if unread is None else f"note: {unread}\n"
    shown = table(["setting", "value", "from"], [(n, "" if v is None else v, o) for n, v, o in rows])
    write_text(
        common,
        f"database: {place.database.shown} (from {place.origin})\nconfiguration file: {config_origin()}\n{note}\n{shown}",
    )


@command.command()
@click.option("--of", "what", type=click.Choice(["settings", "json"]), default="settings", show_default=True)
@common
def schema(what: str, common: Common) -> None:
    """Print the JSON Schema of the settings, or of what --json prints."""
    check_output(common)
    if what == "settings":
        from memmon.cli.settings_schema import settings_schema

        found: dict[str, Any] = settings_schema()
    else:
        from memmon.cli.schema import output_schema

        found = output_schema()
    write_text(common, json.dumps(found, indent=2, ensure_ascii=False))


@command.command()
@common
def init(common: Common) -> None:
    """Write a configuration file in which every setting stands with its default, commented out."""
    text = example()
    if common.output is not None:
        check_output(common)
        write_text(common, text)
        return
    path = config_path()
    if path.exists() and not common.force:
        raise OutputError(
            f"{path}: exists already; add --force to replace it, or -o - to look at the example"
        )
    _write(path, text)
    say(f"written: {path}")


def example() -> str:
    """Return a TOML file with every setting explained and commented out."""
    lines = ["# Settings of memmon. What is commented out has the value shown.", ""]
    for name, one in setting_fields().items():
        value = one.default
        lines.append(f"# {one.metadata['description']}")
        lines.append(f"# {name} = {json.dumps(value if value is not None else '')}")
        lines.append("")
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path}: can't be written ({error.strerror}); MEMMON_CONFIG names another place"
        ) from None


def _settings(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    from memmon.facts.masking import mask_url, shown_specs

    in_file = _names_in_file()
    for name in setting_fields():
        value = getattr(settings, name)
        if name == "database_url" and value is not None:
            value = mask_url(value)
        if name == "alert_channels" and value is not None:
            value = shown_specs(value)
        variable = ENVIRONMENT_PREFIX + name.upper()
        origin = "file" if name in in_file else "default"
        yield name, value, variable if os.environ.get(variable) else origin


def _names_in_file() -> set[str]:
    import tomllib

    load_settings()
    try:
        return set(tomllib.loads(config_path().read_text(encoding="utf-8")))
    except OSError:
        return set()
