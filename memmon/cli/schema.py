"""The JSON Schema of what `--json` prints, made from the Python values themselves."""

from __future__ import annotations

from typing import Any, get_type_hints

from memmon.facts.json_schema import JSON_SCHEMA_VERSION
from memmon.facts.verdicts import Confidence

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_SIZE_OR_NULL: dict[str, Any] = {"type": ["integer", "null"]}
_NUMBER_OR_NULL: dict[str, Any] = {"type": ["number", "null"]}


def output_schema() -> dict[str, Any]:
    """Return the schema of every object that a command prints with --json."""
    definitions = _definitions()
    commands = _commands()
    return {
        "$schema": DRAFT,
        "title": "memmon --json",
        "description": (
            "One object per call. Sizes are in bytes or MB (2**20 bytes) as the names say, times ISO 8601 with offset,"
            " what is unknown is null."
        ),
        "type": "object",
        "required": ["schema_version", "command"],
        "properties": {
            "schema_version": {"const": JSON_SCHEMA_VERSION},
            "command": {"enum": list(commands)},
            "database": {"type": "string", "description": "Where the history is kept; passwords are masked."},
        },
        "allOf": [
            {
                "if": {"properties": {"command": {"const": name}}, "required": ["command"]},
                "then": {"properties": properties, "required": sorted(properties)},
            }
            for name, properties in commands.items()
        ],
        "$defs": definitions,
    }


def _definitions() -> dict[str, Any]:
    import msgspec

    from memmon.alerts.pace import Pace
    from memmon.analysis.cause.split_finding import CauseFinding
    from memmon.analysis.compare.finding import Comparison
    from memmon.analysis.deques.finding import DequeFinding, DequeSuggestion
    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.before_restart import BeforeRestart
    from memmon.facts.grown import GrownThing
    from memmon.facts.staleness import Staleness
    from memmon.many.run import LeakGroup
    from memmon.many.series import SeriesResult
    from memmon.model import AlertInfo, DequeReading
    from memmon.store.read.answers import RunInfo, SourceInfo

    _resolve(Assessment, AlertInfo, BeforeRestart, CauseFinding, DequeReading, Forecast, GrownThing, Pace)
    values = (
        Assessment,
        LeakFinding,
        Forecast,
        Comparison,
        DequeFinding,
        DequeSuggestion,
        Staleness,
        SourceInfo,
        RunInfo,
        SeriesResult,
        LeakGroup,
    )
    _, components = msgspec.json.schema_components(
        values, schema_hook=_of_anything, ref_template="#/$defs/{name}"
    )
    states = {
        f"#/$defs/{name}": {"enum": found["enum"]} for name, found in components.items() if "enum" in found
    }
    return {name: _spelled(found, states) for name, found in components.items() if "enum" not in found}


def _resolve(kind: type, *named: type) -> None:
    """Give a value's annotations their meaning: msgspec looks in its module, which loads `named` for type checkers alone."""
    kind.__annotations__ = get_type_hints(kind, localns={one.__name__: one for one in named})


def _of_anything(kind: type) -> dict[str, Any]:
    """Return the schema of a value of which nothing is promised."""
    assert kind is object, kind
    return {"description": "Not promised."}


def _spelled(schema: Any, states: dict[str, dict[str, Any]]) -> Any:
    """Return a schema in which the states of an enum stand where they may occur."""
    if isinstance(schema, dict):
        stated = states.get(schema.get("$ref", ""))
        return stated or {key: _spelled(value, states) for key, value in schema.items()}
    return [_spelled(one, states) for one in schema] if isinstance(schema, list) else schema


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(name: str) -> dict[str, Any]:
    return {"anyOf": [_ref(name), {"type": "null"}]}


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _finding(name: str, **more: dict[str, Any]) -> dict[str, Any]:
    """Return a list of a Python value's fields beside the source's name."""
    return _list(
        {"allOf": [_ref(name)], "properties": {"source": _TEXT, **more}, "required": ["source", *more]}
    )


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _commands() -> dict[str, dict[str, Any]]:
    fresh = {
        "source": _TEXT,
        "last_at": {"type": ["string", "null"], "format": "date-time"},
        "age_seconds": _NUMBER_OR_NULL,
        "interval_seconds": _NUMBER_OR_NULL,
        "is_stale": {"type": "boolean"},
    }
    limit = _object(
        limit_bytes=_WHOLE,
        used_bytes=_WHOLE,
        used_percent={"type": "number"},
        rss_at_limit_bytes=_WHOLE,
        origin=_TEXT,
    )
    leak = _finding("LeakFinding")
    return {
        "leaks": {
            "exit_code": {"enum": [0, 1, 3]},
            "fail_on": {"enum": [level.value for level in Confidence]},
            "findings": leak,
            "sources": _list(
                _object(
                    **fresh,
                    resources=_list(_ref("Resource")),
                    grown=_or_null("GrownThing"),
                    before_restart=_or_null("BeforeRestart"),
                )
            ),
        },
        "check": _check_command(leak),
        "report": {
            "findings": leak,
            "assessment": _or_null("Assessment"),
            "report": {"type": "object"},
        },
        "forecast": {"findings": _finding("Forecast"), "limit": limit, "staleness": _ref("Staleness")},
        "deques": {
            "findings": _finding("DequeFinding"),
            "suggestions": _list(_ref("DequeSuggestion")),
            "staleness": _ref("Staleness"),
        },
        "compare": {"findings": _finding("Comparison")},
        "watch": {"findings": leak, "lines": _list(_TEXT)},
        "demo": {"findings": leak, "html": {"type": "object", "additionalProperties": _TEXT}},
        **_history_commands(),
        **_setup_commands(),
        **_alert_commands(),
        **_fleet_and_soak(),
        **_database_commands(),
    }


def _check_command(leak: dict[str, Any]) -> dict[str, Any]:
    state = {"enum": ["OK", "WARNING", "CRITICAL", "UNKNOWN"]}
    assessment = _or_null("Assessment")
    return {
        "exit_code": {"enum": [0, 1, 2, 3]},
        "state": state,
        "assessment": assessment,
        "findings": leak,
        "sources": _list(_object(source=_TEXT, state=state, reasons=_list(_TEXT), assessment=assessment)),
    }


def _history_commands() -> dict[str, dict[str, Any]]:
    imported = _object(
        path=_TEXT,
        kind=_TEXT,
        sources=_list(_TEXT),
        snapshot_count=_WHOLE,
        run_count=_WHOLE,
        notes=_list(_TEXT),
    )
    source = {
        "allOf": [_ref("SourceInfo")],
        "properties": {"runs": _list(_ref("RunInfo")), "unrecorded": _list(_ref("SourceProcess"))},
        "required": ["runs", "unrecorded"],
    }
    return {
        "report --list": {
            "source": _TEXT,
            "reports": _list(_object(at=_TIME, window_seconds={"type": "number"})),
        },
        "report --saved": {"source": _TEXT, "at": _TIME, "text": _TEXT, "data": {}},
        "runs": {"sources": _list(source)},
        "import": {"files": _list(imported)},
        "export": {"format": _TEXT, "output": _TEXT, "sources": _list(_TEXT), "row_count": _WHOLE},
        "annotate": {"source": _TEXT, "at": _TIME, "text": _TEXT},
        "sql": {"columns": _list(_TEXT), "rows": _list({"type": "object"}), "is_cut": {"type": "boolean"}},
    }


def _setup_commands() -> dict[str, dict[str, Any]]:
    return {
        "doctor": {
            "exit_code": {"enum": [0, 1]},
            "diagnoses": _list(
                _object(state={"enum": ["ok", "note", "problem"]}, subject=_TEXT, finding=_TEXT, advice=_TEXT)
            ),
        },
        "config show": {
            "database_origin": _TEXT,
            "configuration_file": _TEXT,
            "configuration_note": _TEXT_OR_NULL,
            "settings": _list(_object(name=_TEXT, value={}, origin=_TEXT)),
        },
    }


def _fleet_and_soak() -> dict[str, dict[str, Any]]:
    return {
        "fleet": {
            "findings": _list(_ref("SeriesResult")),
            "leak_count": _WHOLE,
            "new_leak_count": _WHOLE,
            "alarm_count": _WHOLE,
            "false_alarms_per_month": _NUMBER_OR_NULL,
            "by_release": _list(_ref("LeakGroup")),
            "by_host": _list(_ref("LeakGroup")),
        },
        "soak": {
            "outcome": {"enum": ["PASS", "FAIL", "INCONCLUSIVE"]},
            "detect_mb_per_hour": {"type": "number"},
            "smallest_visible_slope_mb_per_hour": _NUMBER_OR_NULL,
            "summary": _TEXT,
            "program_exit_code": _WHOLE,
            "unmeasured_process_count": _WHOLE,
            "findings": _finding("LeakFinding"),
            "processes": _list(
                _object(name=_TEXT, outcome={"enum": ["PASS", "FAIL", "INCONCLUSIVE"]}, summary=_TEXT)
            ),
        },
    }


def _alert_commands() -> dict[str, dict[str, Any]]:
    return {
        "alerts run": {
            "is_holder": {"type": "boolean"},
            "messages": _list({"type": "object"}),
            "sent_count": _WHOLE,
            "failures": _list(_TEXT),
        },
        "alerts list": {
            "alerts": _list({"type": "object", "required": ["source", "fingerprint", "state", "severity"]}),
            "silences": _list({"type": "object"}),
            "waiting": _list({"type": "object"}),
            "evaluator": _TEXT_OR_NULL,
        },
        "alerts ack": {"said": _TEXT},
        "alerts silence": {"said": _TEXT},
        "alerts test": {"results": _list(_object(channel=_TEXT, error=_TEXT_OR_NULL))},
    }


def _database_commands() -> dict[str, dict[str, Any]]:
    return {
        "db upgrade": {"before": _TEXT_OR_NULL, "after": _TEXT, "copy_path": _TEXT_OR_NULL},
        "db prune": {"retention": {"type": "object"}},
        "db salvage": {"salvage": {"type": "object"}},
        "db check": {
            "exit_code": {"enum": [0, 1]},
            "is_ok": {"type": "boolean"},
            "problems": _list(_TEXT),
            "proved_count": _WHOLE,
            "unproved_count": _WHOLE,
        },
        "db backup": {"path": _TEXT, "size_bytes": _WHOLE},
        "db vacuum": {"before_bytes": _SIZE_OR_NULL, "after_bytes": _SIZE_OR_NULL},
        "db status": {
            "revision": _TEXT_OR_NULL,
            "schema_state": _TEXT,
            "row_count": {"type": "object", "additionalProperties": _WHOLE},
            "file_bytes": _SIZE_OR_NULL,
            "free_bytes": _SIZE_OR_NULL,
            "wal_bytes": _SIZE_OR_NULL,
            "aside_paths": _list(_TEXT),
            "sources": _list(_ref("SourceInfo")),
        },
    }
