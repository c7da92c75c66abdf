"""What a developer does to add a reading, done in a copy of the tree: few edits, and it is everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_kit import StoreMaker, ticks

from memmon.store.schema.identity import HEAD_REVISION

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).resolve().with_name("new_reading_program.py")
COPIED = (
    "memmon",
    "migrations",
    "docs",
    "tests",
    "benchmarks",
    "pyproject.toml",
    "CHANGELOG.md",
    "README.md",
)
COLUMN = "page_table_bytes"
NEXT = f"{int(HEAD_REVISION) + 1:04}"
MOST_EDITS = 6
COMMANDS = (
    ("migrations/make_fresh_script.py",),
    ("docs/make_tables.py",),
    ("tests/golden/make.py",),
)
"""What writes the rest: each is named by the test that fails without it."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the new reading is Linux's"),
]


@dataclass(frozen=True)
class Edit:
    """Text put into a file below a line that is there, or in its stead; without `at`, a new file."""

    path: str
    text: str
    at: str = ""
    replaces: bool = False


EDITS = (
    Edit(
        "memmon/probe/process/process.py",
        f'    {COLUMN}: int | None = _from_status(b"VmPTE")\n',
        at='    swap_bytes: int | None = _from_status(b"VmSwap")\n',
    ),
    Edit("memmon/model.py", f"    {COLUMN}: int | None = None\n", at="    swap_bytes: int | None = None\n"),
    Edit(
        "memmon/facts/readings.py",
        f"""    Reading(
        column="{COLUMN}",
        unit="bytes",
        meaning="page tables",
        since="{NEXT}",
        beside=("max",),
        metric=ReadingMetric(name="memmon_{COLUMN}", help="Page tables, summed over the live processes.", unit="bytes"),
        backfill=ReadingMetric(name="memmon_{COLUMN}", help="Page tables of the process.", unit="bytes"),
    ),
""",
        at='    Reading(column="swap_bytes", unit="bytes", meaning="what was swapped out", since="0001"),\n',
    ),
    Edit(
        f"migrations/versions/{NEXT}_page_tables.py",
        f'''"""Page tables of the process."""

from __future__ import annotations

from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD_REVISION}"
ADDED = (("{COLUMN}", "bytes", ("max",)),)


def upgrade() -> None:
    op.add_readings(revision)


def downgrade() -> None:
    op.drop_readings(revision)
''',
    ),
    Edit(
        "memmon/store/schema/identity.py",
        f'HEAD_REVISION = "{NEXT}"\n',
        at=f'HEAD_REVISION = "{HEAD_REVISION}"\n',
        replaces=True,
    ),
    Edit("CHANGELOG.md", "\n- Page tables are recorded (`page_table_bytes`).\n", at="\n### Added\n"),
)


def run(tree: Path, *arguments: str) -> str:
    """Run Python on the copy; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the tree with the reading added, by hand and by the commands that follow."""
    tree = tmp_path_factory.mktemp("new") / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tree / name)
    for edit in EDITS:
        path = tree / edit.path
        if not edit.at:
            path.write_text(edit.text, encoding="utf-8")
            continue
        text = path.read_text(encoding="utf-8")
        assert text.count(edit.at) == 1, edit
        new = edit.text if edit.replaces else edit.at + edit.text
        path.write_text(text.replace(edit.at, new), encoding="utf-8")
    for command in COMMANDS:
        run(tree, *command)
    return tree


def test_a_reading_takes_few_edits():
    """At most six edits, each in a file of its own; what is generated is no edit."""
    assert len(EDITS) <= MOST_EDITS
    assert len({edit.path for edit in EDITS}) == len(EDITS)


def test_a_new_reading_is_seen_everywhere(tree, tmp_path, empty_store):
    """Recorded into an older store it is in frame, view, rollup, exports, metrics, report, and what was salvaged."""
    older = tmp_path / "memmon.db"
    shutil.copy(empty_store, older)
    before = datetime.now(UTC) - timedelta(hours=2)
    StoreMaker(older).add_run(ticks(3, start=before), source="bot")
    found = json.loads(run(tree, str(PROGRAM), COLUMN, str(older), str(tmp_path)).splitlines()[-1])
    assert Path(found["code"]).is_relative_to(tree)
    assert found["upgraded"] == NEXT
    assert found["revisions"] == {"left": []}
    taken = found["taken"]
    assert taken > 0
    assert found["frame"][:3] == [None, None, None]
    assert found["frame"][-1] > 0
    assert taken in found["frame"]
    known = [value for value in found["frame"] if value is not None]
    assert {COLUMN, f"max_{COLUMN}"} <= set(found["view"])
    assert [float(cell) for cell in found["csv"] if cell] == known
    assert found["jsonl"] == known
    exported = [line.split() for line in found["openmetrics"] if not line.startswith("#")]
    assert {float(cells[1]) for cells in exported} == set(known)
    # Two snapshots of one millisecond are one there.
    assert len(known) - 1 <= len({cells[2] for cells in exported}) == len(exported) <= len(known)
    (metric,) = [line for line in found["metrics"] if not line.startswith("#")]
    assert float(metric.split()[-1]) in known
    (row,) = found["report"]
    assert (row["last"], row["max"]) == (known[-1], max(known))
    assert found["salvaged"] == found["frame"]
    assert found["rollup"] == found["view_rolled"]
    assert found["rollup"][-1][1] == max(known)
    assert found["frame_rolled"][-1] == found["rollup"][-1][0] > 0
    assert found["salvaged_rolled"] == found["frame_rolled"]
    assert not any({**found["refused"], **found["refused_rolled"]}.values())


def test_a_new_reading_breaks_nothing(tree):
    """The tests of the store, of its documents and of the house pass in the copy as they do here."""
    run(
        tree,
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
        *("tests/store/test_readings.py", "tests/store/test_series_kinds.py", "tests/store/test_salvage.py"),
        *("tests/store/test_create.py", "tests/store/test_views.py", "tests/store/test_golden.py"),
        *("tests/test_reading_tables.py", "tests/test_architecture.py", "tests/probe/test_probe_sampler.py"),
        *("tests/probe/test_probe_process.py", "tests/export/test_json_lines.py"),
    )
