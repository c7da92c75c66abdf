from __future__ import annotations

import sys
from pathlib import Path

import memmon

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "fleet"))
from simulated import build


def test_pg_fleet_is_the_same_on_both_kinds_of_store(pg_empty_url, tmp_path):
    """The same histories give the same table from SQLite and from PostgreSQL."""
    build(pg_empty_url, source_count=10)
    build(str(tmp_path / "m.db"), source_count=10)
    found = memmon.fleet(pg_empty_url)
    assert found == memmon.fleet(str(tmp_path / "m.db"))
    assert found.leak_count == 2
