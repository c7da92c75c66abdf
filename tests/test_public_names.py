"""The public boundary: what `memmon` exports is public, and the import paths that the documents showed go on working."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import memmon
import memmon.errors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "memmon"
HEAVY = {"numpy", "pandas", "scipy", "statsmodels", "jinja2", "rich", "click", "alembic", "prometheus_client"}
OPTIONAL = {"starlette", "uvicorn", "apprise", "prometheus_client", "duckdb", "distributed", "psycopg", "PyInstaller"}  # fmt: skip
INTERNAL = {
    "Clock",
    "Database",
    "ForkLock",
    "Gate",
    "Pass",
    "Rule",
    "Section",
    "Settings",
    "VerdictRow",
    "MonitorWindow",
}
"""Named in a public signature and not for the caller to make or to keep: injected, handed through, or a kind of list."""

DOCUMENTED_IMPORTS = {
    "memmon.analysis.cause.attribution": ["attribute_growth"],
    "memmon.analysis.cause.attribution_finding": ["AttributionSeries"],
    "memmon.analysis.cause.split": ["split_cause"],
    "memmon.analysis.cause.split_finding": ["CauseSeries"],
    "memmon.analysis.compare.releases": ["compare_histories"],
    "memmon.analysis.forecast.limit": ["forecast_limit", "forecast_readings"],
    "memmon.analysis.leak.detect": ["LeakFinding", "LeakPolicy", "detect_leak"],
    "memmon.analysis.leak.finding": ["LeakPolicy"],
    "memmon.analysis.stats.statsmodels_gate": ["ols_hac"],
    "memmon.analysis.stats.newey_west": ["ols_newey_west"],
    "memmon.analysis.cause.per_work": ["WorkSeries", "growth_per_work"],
    "memmon.analysis.robust": ["TheilSen", "hamed_rao", "mann_kendall", "median_slope", "theil_sen"],
    "memmon.analysis.leak.sequential": ["confirmed"],
    "memmon.analysis.leak.soak": ["judge_soak"],
    "memmon.analysis.leak.windows": ["trend_windows"],
    "memmon.clock": ["SystemClock"],
    "memmon.config": ["parse_database"],
    "memmon.errors": ["MemmonError"],
    "memmon.export.metrics": ["MetricsCollector", "render_metrics"],
    "memmon.facts.run_endings": ["OUT_OF_MEMORY"],
    "memmon.history": ["History"],
    "memmon.model": ["Alert", "ComponentReading", "DequeReading", "EventRecord", "RunRecord", "Snapshot"],
    "memmon.notify": ["AlertPolicy", "CallbackChannel", "run_once", "verify"],
    "memmon.probe.process.cause": ["CauseProbe"],
    "memmon.probe.registered.components": ["ComponentRegistry"],
    "memmon.probe.process.container": ["LimitProbe"],
    "memmon.probe.registered.deques": ["DequeRegistry"],
    "memmon.probe.process.process": ["ProcessProbe"],
    "memmon.monitor.monitor": ["MemoryMonitor"],
    "memmon.monitor.values": ["MemoryLeakReport", "MemorySnapshot"],
    "memmon.recorder.rejuvenation": ["Rejuvenation", "RejuvenationPolicy"],
    "memmon.many.run": ["fleet"],
    "memmon.many.processes": ["process_series"],
    "memmon.store.upkeep.migrate": ["upgrade"],
    "memmon.store.read": ["Store", "open_store"],
    "memmon.store.transfer.dump": ["dump"],
    "memmon.report.chart_pauses": ["breaks_of"],
    "memmon.report.html.geometry": ["value_frame"],
    "memmon.report.html.palette": ["palette"],
    "memmon.store.write.writer": ["Batch", "RunEnd", "Writer"],
    "memmon.units": ["GIB", "MIB", "SECONDS_PER_HOUR"],
}
"""Import paths that a document, a notebook or a benchmark has shown. A module may move; these then hand on its names."""


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def module_names() -> list[str]:
    found = [
        module.name for module in pkgutil.walk_packages(memmon.__path__, "memmon.", onerror=lambda _: None)
    ]
    return sorted({name for name in found if "_migrations" not in name and "_pyinstaller" not in name})


def test_public_names():
    """`__all__` is exactly what can be had from the package, sorted, and every name loads; the version is the installed one."""
    assert sorted(memmon.__all__) == dir(memmon)
    assert len(set(memmon.__all__)) == len(memmon.__all__)
    for name in memmon.__all__:
        assert getattr(memmon, name) is not None
    assert memmon.__version__ == version("memmon")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = memmon.no_such_name


def test_the_three_lists_agree():
    """What a type checker is told, what is loaded and what is listed are the same names, from the same homes."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told.pop("memmon_version") == "memmon.recorder.run_identity"
    assert told == memmon._HOMES
    assert {*told, "__version__"} == set(memmon.__all__)


def test_every_home_has_its_name():
    """Each public name stands in the module that the package loads it from, and is the same object there."""
    for name, home in memmon._HOMES.items():
        assert getattr(importlib.import_module(home), name) is getattr(memmon, name), (name, home)


def test_every_error_is_public():
    """Whatever error memmon raises can be caught by a name that `memmon` exports."""
    errors = {name for name, value in vars(memmon.errors).items() if inspect.isclass(value) and issubclass(value, Exception)}  # fmt: skip
    assert len(errors) > 15
    assert errors - set(memmon.__all__) == set()


def annotations_of(value: object) -> Iterator[str]:
    """Yield the annotations that a caller of `value` meets: of a function, of public methods and fields."""
    if inspect.isfunction(value):
        yield from map(str, value.__annotations__.values())
    if not inspect.isclass(value):
        return
    for home in value.__mro__:
        if not home.__module__.startswith("memmon"):
            continue
        fields = home.__dict__.get("__dataclass_fields__", {})
        yield from (str(field.type) for name, field in fields.items() if not name.startswith("_"))
        for name, method in vars(home).items():
            if name.startswith("_"):
                continue
            bare = method.fget if isinstance(method, property) else getattr(method, "__func__", method)
            if inspect.isfunction(bare):
                yield from map(str, bare.__annotations__.values())


def test_what_public_calls_take_and_return_is_public():
    """A class of ours in the signature of a public call, or in a public value's fields, is exported too."""
    ours = set()
    for name in module_names():
        if name == "memmon.__main__":
            continue
        try:
            found = vars(importlib.import_module(name))
        except ModuleNotFoundError as error:
            assert error.name in OPTIONAL  # noqa: PT017 -- an extra that is not installed
            continue
        ours |= {key for key, value in found.items() if inspect.isclass(value) and value.__module__ == name}
    missing = {
        (public, word)
        for public in memmon.__all__
        for annotation in annotations_of(getattr(memmon, public))
        for word in re.findall(r"[A-Za-z_]\w*", annotation)
        if word in ours and word not in {*memmon.__all__, *INTERNAL, "Path", "Series"}
    }
    assert missing == set()


def test_no_module_hides_a_public_name():
    """Once every module has been imported, each public name is still what it was: none is a module."""
    taken = {path.stem for path in PACKAGE.iterdir()} & set(memmon.__all__)
    assert taken == set()
    code = f"""
import importlib, json, types
import memmon
before = {{name: getattr(memmon, name) for name in memmon.__all__}}
for name in {module_names()!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name in {OPTIONAL!r}, error
print(json.dumps([
    name for name in memmon.__all__
    if getattr(memmon, name) is not before[name] or isinstance(before[name], types.ModuleType)
]))
"""
    assert json.loads(run_python(code)) == []


def test_recording_and_catching_stays_light():
    """The names that a program needs to record, to be told and to catch errors load nothing heavy."""
    light = ["Alert", "ComponentReading", "CountingDeque", "DequeReading", "MemoryMonitor", "Recorder", "RecorderStatus", "Snapshot"]  # fmt: skip
    light += [name for name in memmon.__all__ if name.endswith("Error")]
    code = f"""
import json, sys
import memmon
for name in {light!r}:
    getattr(memmon, name)
print(json.dumps(sorted(sys.modules)))
"""
    loaded = {name.split(".")[0] for name in json.loads(run_python(code))}
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("module", sorted(DOCUMENTED_IMPORTS))
def test_documented_imports(module):
    """An import path that was once documented goes on working, and is the public name where there is one."""
    found = importlib.import_module(module)
    for name in DOCUMENTED_IMPORTS[module]:
        value = getattr(found, name)
        if name in memmon.__all__:
            assert value is getattr(memmon, name)


def test_every_shown_import_is_listed():
    """No document and no notebook shows an import from inside the package that the list above does not hold."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.py")]
    shown = [
        (match[1], name.strip(" ()"))
        for page in pages
        for match in re.finditer(
            r"^ *from (memmon\.[\w.]+) import ([^#\n]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
        for name in match[2].split(",")
    ]
    assert [pair for pair in shown if pair[1] not in DOCUMENTED_IMPORTS.get(pair[0], [])] == []
