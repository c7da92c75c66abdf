"""A store of every released schema opens, migrates and reads as on the day it was written."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from golden_figures import figures

from memmon.config import parse_database
from memmon.store.schema.identity import HEAD_REVISION
from memmon.store.upkeep.maintenance import check
from memmon.store.upkeep.migrate import upgrade

GOLDEN = sorted((Path(__file__).resolve().parents[1] / "golden").glob("*.db"))


def test_this_schema_has_a_golden_store():
    """The newest schema is among them."""
    assert HEAD_REVISION in {path.stem for path in GOLDEN}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_golden_stores_read_the_same(golden, tmp_path):
    """After the migration to this version every figure is what it was, and the checks find nothing."""
    path = tmp_path / "golden.db"
    shutil.copy(golden, path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(golden.stem,)]
    upgrade(parse_database(str(path)))
    expected = json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(figures(path))) == expected
    assert check(parse_database(str(path))).is_ok
