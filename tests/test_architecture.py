"""The house: public names, units in names, revisions, and nothing heavy where it must be light."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import subprocess
import sys
from pathlib import Path

from memmon.store.schema.identity import HEAD_REVISION

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "memmon"
UNITS = (
    "_bytes",
    "_mb",
    "_seconds",
    "_hours",
    "_minutes",
    "_days",
    "_ms",
    "_percent",
    "_count",
    "_mb_per_hour",
    "_per_month",
    "_share",
    "_pct",
    "_id",
    "_ratio",
    "_lags",
)


def test_head_revision():
    """The revision that the code expects is the newest among the scripts."""
    from memmon.store.upkeep.migrate import head_of_scripts

    assert head_of_scripts() == HEAD_REVISION


def test_revisions_import_nothing_of_ours():
    """A released revision must do the same for ever: it imports nothing from the package."""
    scripts = list((ROOT / "migrations" / "versions").glob("*.py"))
    assert scripts
    for script in (*scripts, ROOT / "migrations" / "reading_columns.py"):
        assert not re.search(r"^\s*(from|import) memmon", script.read_text(encoding="utf-8"), re.MULTILINE), (
            script
        )


def test_import_is_free():
    """`import memmon` loads nothing beyond the standard library."""
    code = "import sys; before = set(sys.modules); import memmon; print(sorted(m for m in set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [name.split(".")[0] for name in ast.literal_eval(done.stdout)]
    assert not set(loaded) & {"numpy", "pandas", "sqlalchemy", "psutil", "msgspec", "click"}


def test_every_module_imports():
    """Every module of the package can be imported by itself."""
    optional = {"starlette", "uvicorn", "apprise", "prometheus_client", "duckdb", "distributed", "psycopg"}
    optional.add("PyInstaller")  # imports its hook itself
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if "_migrations" in parts or name == "memmon.__main__":
            continue
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in optional:
                raise


def test_numeric_settings_say_their_unit():
    """Every number in the settings and the snapshot has its unit in its name."""
    from memmon.config import Settings
    from memmon.model import Snapshot

    plain = {"sequence"}
    numeric = [
        field.name
        for field in dataclasses.fields(Snapshot)
        if "int" in str(field.type) or "float" in str(field.type)
    ]
    numeric = [name for name in numeric if name not in plain | {"work"}]
    numeric += [one.name for one in dataclasses.fields(Settings) if isinstance(one.default, float)]
    assert [name for name in numeric if not name.endswith(UNITS)] == []
