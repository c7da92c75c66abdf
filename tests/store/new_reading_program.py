"""Runs in a copy of the tree to which a reading was added: where is it seen? Prints JSON.

python new_reading_program.py COLUMN OLDER_STORE FOLDER
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMN, OLDER, FOLDER = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
os.environ["MEMMON_DATABASE_URL"] = str(OLDER)

import memmon  # noqa: E402
from memmon import Recorder, open_store  # noqa: E402
from memmon.config import Settings, parse_database  # noqa: E402
from memmon.export.metrics import render_metrics  # noqa: E402
from memmon.store.retention import prune  # noqa: E402
from memmon.store.salvage import salvage  # noqa: E402
from memmon.store.upkeep.migrate import alembic_config, upgrade  # noqa: E402


def memmon_says(*arguments: str) -> str:
    """Return what the command line prints about the source that was recorded."""
    given = [sys.executable, "-m", "memmon", *arguments, "--db", str(OLDER), "--source", "bot"]
    return subprocess.run(given, capture_output=True, text=True, check=True).stdout


def columns(statement: str, path: Path = OLDER) -> list[str]:
    with open_store(path) as store:
        return list(store.query(statement, row_limit=1).columns)


def values(path: Path = OLDER) -> list[float | None]:
    """Return the reading at every sample, the newest last."""
    with open_store(path) as store:
        return [None if value != value else value for value in store.snapshots("bot")[COLUMN]]  # noqa: PLR0124 -- NaN


def revisions() -> dict[str, object]:
    """Return what Alembic says of the new revision: compared, taken back and made again."""
    from alembic import command

    config = alembic_config()
    command.check(config)
    command.downgrade(config, "-1")
    with closing(sqlite3.connect(OLDER)) as connection:
        left = [row[1] for row in connection.execute("PRAGMA table_info(snapshot)")]
        left += [row[1] for row in connection.execute("PRAGMA table_info(rollup)")]
        left += [row[1] for row in connection.execute("PRAGMA table_info(v_snapshot)")]
    command.upgrade(config, "head")
    return {"left": [name for name in left if COLUMN in name]}


def damaged_copy() -> Path:
    """Return a copy of the store without its first page, that of the schema."""
    path = FOLDER / "damaged.db"
    with closing(sqlite3.connect(OLDER)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(OLDER, path)
    with path.open("r+b") as file:
        file.write(bytes(4096))
    return path


found: dict[str, object] = {"code": memmon.__file__, "upgraded": upgrade(parse_database(str(OLDER))).after}
found["revisions"] = revisions()
with Recorder(OLDER, source="bot", interval_seconds=3600.0) as recorder:
    taken = recorder.take_snapshot()
    with open_store(OLDER) as store:
        recorder.flush()
        found["metrics"] = [line for line in render_metrics(store).splitlines() if "page_table" in line]
found["taken"] = getattr(taken, COLUMN)
found["frame"] = values()
found["view"] = columns("SELECT * FROM v_snapshot")
table = list(csv.DictReader(io.StringIO(memmon_says("export", "--format", "csv"))))
found["csv"] = [row[COLUMN] for row in table]
found["openmetrics"] = [
    line for line in memmon_says("export", "--format", "openmetrics").splitlines() if "page_table" in line
]
lines = [json.loads(line) for line in memmon_says("export", "--format", "jsonl").splitlines()]
found["jsonl"] = [row[COLUMN] for row in lines if COLUMN in row]
report = json.loads(memmon_says("report", "--format", "json"))["report"]
found["report"] = [row for row in report["readings"] if row["name"] == COLUMN]
saved = salvage(damaged_copy(), FOLDER / "saved.db")
found["salvaged"] = values(FOLDER / "saved.db")
found["refused"] = dict(saved.refused_count)
later = datetime.now(UTC) + timedelta(days=91)
prune.apply(parse_database(str(OLDER)), Settings(), now=later, pause_seconds=0.0)
with open_store(OLDER) as store:
    rolled = store.query(f"SELECT {COLUMN}, max_{COLUMN} FROM rollup ORDER BY at_ms", row_limit=100).rows
    seen = store.query(f"SELECT {COLUMN}, max_{COLUMN} FROM v_snapshot ORDER BY at_ms", row_limit=100).rows
    found["rollup"], found["view_rolled"] = [list(row) for row in rolled], [list(row) for row in seen]
found["frame_rolled"] = values()
saved = salvage(damaged_copy(), FOLDER / "saved_later.db")
found["salvaged_rolled"] = values(FOLDER / "saved_later.db")
found["refused_rolled"] = dict(saved.refused_count)
print(json.dumps(found))
