"""The JSON Schema of the settings, made from what is known of each."""

from __future__ import annotations

from typing import Any

from memmon.config import Settings, setting_fields

_TYPES = {float: "number", int: "integer", bool: "boolean", str: "string"}
_RULES = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum", "pattern": "pattern"}


def settings_schema() -> dict[str, Any]:
    """Return the schema of a configuration file."""
    found: dict[str, Any] = {
        "title": "Settings",
        "description": Settings.__doc__,
        "type": "object",
        "properties": setting_properties(),
        "required": [],
        "additionalProperties": False,
    }
    return {"$ref": "#/$defs/Settings", "$defs": {"Settings": found}}


def setting_properties() -> dict[str, dict[str, Any]]:
    """Return the schema of each setting, by name."""
    found: dict[str, dict[str, Any]] = {}
    for name, one in setting_fields().items():
        kind: dict[str, Any] = (
            {"anyOf": [{"type": "string"}, {"type": "null"}]}
            if one.default is None
            else {"type": _TYPES[type(one.default)]}
        )
        rules = {word: one.metadata[rule] for rule, word in _RULES.items() if rule in one.metadata}
        found[name] = {"description": one.metadata["description"], **kind, **rules, "default": one.default}
    return found
