"""Write the pages that come from the code: `python docs/generate.py`.

docs/configuration.md from `memmon.config.Settings`, docs/api.md from `memmon.__all__`, and the table of layers in
docs/architecture.md from pyproject.toml and the first line of each package. A test compares them with what stands there.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memmon
from memmon.cli.settings_schema import setting_properties
from memmon.config import ENVIRONMENT_PREFIX, setting_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parent
COMMAND = "python docs/generate.py"

PRECEDENCE = """\
Strongest first: what the caller passes to `Recorder` or as an option, the environment, the configuration file (TOML,
`memmon/memmon.toml` in the user's configuration folder, or where `MEMMON_CONFIG` points), the default. `memmon config show`
prints every setting in force and where it comes from, `memmon config init` writes a file in which all stand commented out,
and `memmon config schema` prints what is allowed. What is wrong is an error that names the file or variable; a name in the
file that is not in this table is one too."""

BOUNDARY = """\
What `memmon` exports is public: it keeps its name and its meaning. Import paths inside the package that the documentation
has shown go on working; whatever else stands in a module may move. A name loads when it is first used, so that
`import memmon` and recording load neither numpy nor pandas. `memmon.__version__` is the version installed."""

MADE_BY = {"Store": "open_store"}
"""Classes that a caller does not make by hand."""

HIDDEN = {"after_fork_in_child", "collect_garbage", "end_with_program", "expected_source", "flush_lock"}
"""Methods that memmon calls itself."""

UNITS = {
    "_mb_per_hour": "MB (2**20 bytes) per hour",
    "_seconds": "seconds",
    "_minutes": "minutes",
    "_days": "days",
    "_percent": "percent",
    "_mb": "MB (2**20 bytes)",
}
TYPES = {"integer": "whole number", "string": "text", "number": "number", "boolean": "true or false"}

GROUPS = {
    "Record": "Recorder RecorderStatus MemoryMonitor MemorySnapshot MemoryLeakReport Alert CountingDeque discover Discovery "
    "Rejuvenation RejuvenationPolicy freeze_support",
    "Read what was recorded": "open_store Store SourceInfo RunInfo EventInfo ReportInfo AlertInfo DequeStatus DequeMatrix PartMatrix "
    "WindowStatistics ReadingStatistics Buckets QueryResult Snapshot DequeReading ComponentReading",
    "Judge a history": "History HistoryRun detect_leak LeakPolicy LeakFinding LeakWindow Verdict Confidence Signal trend_windows trend_model theil_sen TheilSen",
    "Assess": "assess assess_source Assessment Pace Severity SeverityReason Freshness FreshnessState Staleness Culprits Culprit SourceProcess Resource ResourceState Unrecorded ProportionalShare Limit Present GrowthReadings GrownThing BeforeRestart Suspicion",
    "Forecast": "forecast_limit Forecast ForecastCurve Backtest CrossCheck",
    "Compare releases, gate a program": "compare_releases Comparison ReleaseEstimate judge_soak SoakVerdict",
    "Find the cause": "split_cause CauseSeries CauseFinding CausePart attribute_growth AttributionSeries Attribution AttributedPart "
    "growth_per_work WorkSeries PerWork judge_deques DequeSeries DequeFinding DequeState",
    "Many processes, many sources": "fleet Fleet LeakGroup SeriesResult Urgency UrgencyRow process_series ProcessSeries",
    "Alerts and metrics": "AlertPolicy MetricsCollector render_metrics",
}
"""The order of the page. Errors follow by themselves, as a tree."""


def configuration() -> str:
    """Return the page on the settings."""
    properties = setting_properties()
    lines = [
        "# Settings",
        "",
        f"<!-- Written by `{COMMAND}` from memmon/config.py. -->",
        "",
        PRECEDENCE,
        "",
        "| setting | type | default | unit | allowed | variable | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in setting_fields().items():
        default = one.default
        cells = (
            f"`{name}`",
            _type_of(properties[name]),
            "none" if default is None else f"`{_toml(default)}`",
            next((unit for suffix, unit in UNITS.items() if name.endswith(suffix)), ""),
            _allowed(properties[name]),
            f"`{ENVIRONMENT_PREFIX}{name.upper()}`",
            properties[name].get("description", ""),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _type_of(schema: dict[str, Any]) -> str:
    kinds = [schema.get("type"), *(one.get("type") for one in schema.get("anyOf", []))]
    return next(TYPES[kind] for kind in kinds if kind in TYPES)


def _allowed(schema: dict[str, Any]) -> str:
    words = {"exclusiveMinimum": "above", "minimum": "at least", "maximum": "at most", "pattern": "matches"}
    limits = {**schema, **next((one for one in schema.get("anyOf", []) if one.get("type") != "null"), {})}
    return ", ".join(
        f"{word} `{limits[key]}`" if key == "pattern" else f"{word} {limits[key]:,}"
        for key, word in words.items()
        if key in limits
    )


def _toml(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str)
        else str(value)
    )


def api() -> str:
    """Return the page on the public names."""
    grouped = [name for names in GROUPS.values() for name in names.split()]
    errors = [name for name in memmon.__all__ if name.endswith("Error")]
    if sorted([*grouped, *errors, "__version__"]) != sorted(memmon.__all__):
        odd = set(grouped) ^ (set(memmon.__all__) - {*errors, "__version__"})
        msg = f"GROUPS in docs/generate.py and memmon.__all__ differ: {sorted(odd)}"
        raise SystemExit(msg)
    lines = [
        "# The Python interface",
        "",
        f"<!-- Written by `{COMMAND}` from memmon.__all__. -->",
        "",
        BOUNDARY,
    ]
    for title, names in GROUPS.items():
        lines += ["", f"## {title}"]
        for name in names.split():
            lines += ["", *_entry(name, getattr(memmon, name))]
    lines += ["", "## Errors", "", "Each message says what happened, to what, and what to do next.", ""]
    lines += _tree(memmon.MemmonError, depth=0)
    return "\n".join([*lines, ""])


def _entry(name: str, value: Any) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if name in MADE_BY:
        yield f"Made by `{MADE_BY[name]}`."
    elif dataclasses.is_dataclass(value) and not name.endswith("Policy"):
        fields = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
        yield "Fields: " + ", ".join(f"`{field}`" for field in fields) + "."
    else:
        yield f"`{name}{_signature(value)}`"
    yield ""
    yield sentence(value)
    methods = list(_methods(value)) if inspect.isclass(value) else []
    if methods:
        yield ""
        yield from methods


def _methods(kind: type) -> Iterator[str]:
    """Yield a line for each public method and property, also of the classes of ours that it inherits from."""
    seen = set(HIDDEN)
    for home in kind.__mro__:
        if not home.__module__.startswith("memmon"):
            continue
        for name, value in vars(home).items():
            bare = getattr(value, "__func__", value)
            is_property = isinstance(value, property)
            if name.startswith("_") or name in seen or not (is_property or inspect.isroutine(bare)):
                continue
            seen.add(name)
            signature = (
                "" if is_property else _signature(bare, skip_first=not isinstance(value, staticmethod))
            )
            yield f"- `{name}{signature}`: {sentence(value)}"


def _signature(value: Any, *, skip_first: bool = False) -> str:
    try:
        found = inspect.signature(value)
    except ValueError:
        return "(...)"
    parameters = list(found.parameters.values())[1 if skip_first else 0 :]
    shown, is_keyword = [], False
    for one in parameters:
        if one.name.startswith("_"):
            continue
        if one.kind is one.KEYWORD_ONLY and not is_keyword:
            shown.append("*")
        is_keyword = is_keyword or one.kind in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}
        stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        shown.append(f"{stars}{one.name}{_annotation(one.annotation)}{_default(one.default)}")
    answer = (
        "" if found.return_annotation in {found.empty, "None", None} else f" -> {found.return_annotation}"
    )
    return f"({', '.join(shown)}){answer}"


def _annotation(annotation: object) -> str:
    return f": {annotation}" if isinstance(annotation, str) else ""


def _default(default: object) -> str:
    if default is inspect.Parameter.empty:
        return ""
    plain = type(default) in {type(None), bool, int, float, str, tuple}
    return f" = {default!r}" if plain else " = ..."


def sentence(value: Any) -> str:
    """Return the first sentence of what a docstring says."""
    return _first_sentence(inspect.getdoc(value) or "")


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    head, stop, _ = paragraph.partition(". ")
    return head + "." if stop else paragraph


def _tree(error: type, *, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}- `{error.__name__}`: {sentence(error)}"
    for name in memmon.__all__:
        one = getattr(memmon, name)
        if inspect.isclass(one) and one.__bases__[0] is error:
            yield from _tree(one, depth=depth + 1)


def architecture() -> str:
    """Return the page on the layers as it stands, with their table made anew."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    layers = next(one["layers"] for one in contracts if one["id"] == "layers")
    rows = ["| floor | layer | what it is |", "|---|---|---|"]
    for floor, names in enumerate(reversed([re.split(r" *[|:] *", layer) for layer in layers])):
        rows[2:2] = [f"| {floor} | `{name}` | {_about(name)} |" for name in names]
    table = "\n".join(rows)
    return re.sub(
        r"(<!-- layers: begin -->\n).*?(<!-- layers: end -->)",
        lambda found: f"{found[1]}{table}\n{found[2]}",
        text,
        flags=re.DOTALL,
    )


def _about(layer: str) -> str:
    path = Path(memmon.__file__).parent.joinpath(*layer.strip("()").split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return _first_sentence(ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "")


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    return {"configuration.md": configuration(), "api.md": api(), "architecture.md": architecture()}


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"written: docs/{name}")
