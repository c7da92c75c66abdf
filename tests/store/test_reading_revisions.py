"""What revisions call to add a reading does for ever what it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.util import load_python_file

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture(scope="module")
def helper():
    return load_python_file(str(MIGRATIONS), "reading_columns.py")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_view_without_additions_is_the_one_that_was_released(helper, dialect):
    """With nothing added the view is, letter by letter, the one of the revision that made it."""
    released = load_python_file(str(MIGRATIONS / "versions"), "0003_views.py")
    time = {"sqlite": released._SQLITE_TIME, "postgresql": released._POSTGRESQL_TIME}[dialect]
    assert helper.snapshot_view(dialect, ()) == released._snapshot(time)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_is_added_comes_last(helper, dialect):
    """New columns stand behind all older ones, so that a server replaces the view and the rights on it stay."""
    first, second = (("a_bytes", "bytes", ("min", "max")),), (("b_count", "count", ()),)
    query = helper.snapshot_view(dialect, (first, second))
    shown = query.split("\nFROM (")[0]
    assert shown.endswith("AS resolution_seconds, q.a_bytes, q.min_a_bytes, q.max_a_bytes, q.b_count")
    assert shown.startswith(helper.snapshot_view(dialect, (first,)).split("\nFROM (")[0])
    assert "s.a_bytes AS min_a_bytes, s.a_bytes AS max_a_bytes" in query
    assert "h.min_a_bytes, h.max_a_bytes" in query


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_is_added_to_the_light_views_comes_last(dialect):
    """Nor does a new column of the view in few words come before an older one, and rollups tell its extremes."""
    light = load_python_file(str(MIGRATIONS / "versions"), "0009_light_views.py")
    first, second = [("a_bytes", "a_bytes"), ("a_bytes", "max_a_bytes")], [("b_count", "b_count")]
    raw, old = light.snapshot(dialect, [*first, *second]).split("\nFROM (")[1].split(" UNION ALL ")
    shown = light.snapshot(dialect, [*first, *second]).split("\nFROM (")[0]
    assert shown == light.snapshot(dialect, first).split("\nFROM (")[0] + ", b_count"
    assert shown.endswith("AS resolution_seconds, a_bytes, max_a_bytes, b_count")
    assert "work_count, a_bytes, a_bytes AS max_a_bytes, b_count" in raw
    assert "work_count, a_bytes, max_a_bytes, b_count FROM rollup" in old
