"""Recorder and evaluator remember their alerts in one table; what an older database has comes along."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from store_kit import START, StoreMaker, ticks, watch_of

from memmon.config import parse_database
from memmon.imports.importing import import_files
from memmon.store.read import open_store
from memmon.store.salvage import salvage
from memmon.store.upkeep.migrate import alembic_config, upgrade

STATE_ROWS = [
    (1, "deque:0a1b", "deque", "firing", "error", 1_000, 2_000, None),
    (1, "leak", "leak", "firing", "warning", 3_000, None, '{"slope": 1}'),
]
WATCH_ROW = (1, "leak", "leak", "firing", "error", "Memory leak", 5, 6, 7, "error", '["a"]', 5, 8, "me", 9)


def rows(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def older(path):
    """A database of the schema before, with alerts of a recorder and of the evaluator."""
    upgrade(parse_database(str(path)), revision="0004")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO source (id, name, created_ms) VALUES (1, 'bot', 1)")
        connection.executemany("INSERT INTO alert_state VALUES (?, ?, ?, ?, ?, ?, ?, ?)", STATE_ROWS)
        connection.execute(f"INSERT INTO alert_watch VALUES ({', '.join('?' * 15)})", WATCH_ROW)
    return path


def downgraded(path, revision):
    from alembic import command

    from memmon.store.connect.engine import write_engine

    config = alembic_config()
    with write_engine(parse_database(str(path))).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_alerts_of_an_older_database_come_along_and_go_back(tmp_path):
    """Each row is there after the upgrade, read as before under its old name, and back after a downgrade."""
    path = older(tmp_path / "m.db")
    tables = "SELECT name, sql FROM sqlite_master WHERE name LIKE '%alert%' AND type = 'table' ORDER BY name"
    before = rows(path, tables)
    upgrade(parse_database(str(path)))
    assert rows(path, "SELECT * FROM alert_state ORDER BY fingerprint") == STATE_ROWS
    assert rows(path, "SELECT holder, fingerprint FROM alert_watch ORDER BY holder, fingerprint") == [
        ("evaluator", "leak"),
        ("recorder", "deque:0a1b"),
        ("recorder", "leak"),
    ]
    downgraded(path, "0004")
    assert rows(path, "SELECT * FROM alert_state ORDER BY fingerprint") == STATE_ROWS
    assert rows(path, "SELECT * FROM alert_watch") == [WATCH_ROW]
    assert [name for name, _ in rows(path, tables)] == [name for name, _ in before]
    upgrade(parse_database(str(path)))
    with open_store(path) as store:
        assert {one.fingerprint: one.state for one in store.alerts("bot")} == {
            "deque:0a1b": "firing",
            "leak": "firing",
        }


@pytest.mark.parametrize("is_older", [True, False], ids=["0004", "newest"])
def test_salvage_brings_alerts_back(tmp_path, is_older):
    """What a recorder remembered comes back from a file of the schema before and of this one."""
    path = tmp_path / "m.db"
    if is_older:
        older(path)
        expected = STATE_ROWS
    else:
        store = StoreMaker(path)
        upgrade(store.database)
        store.add_run(ticks(5), watches=[watch_of("leak", "firing", told_members=("a",))])
        expected = rows(path, "SELECT * FROM alert_state")
    salvage(path, tmp_path / "new.db")
    assert rows(tmp_path / "new.db", "SELECT * FROM alert_state ORDER BY fingerprint") == expected
    if not is_older:
        every = "SELECT * FROM alert_watch ORDER BY holder, fingerprint"
        assert rows(tmp_path / "new.db", every) == rows(path, every)


def test_lines_of_an_older_version_are_imported(tmp_path):
    """JSON Lines that an older version exported bring the recorder's alerts along."""
    path = tmp_path / "old.jsonl"
    path.write_text(
        '{"type":"memmon","format":1}\n'
        '{"type":"source","name":"bot","created_ms":1}\n'
        '{"type":"alert_state","source":"bot","fingerprint":"leak","kind":"leak","state":"firing",'
        '"severity":"warning","since_ms":3000,"notified_ms":4000}\n'
    )
    target = parse_database(str(tmp_path / "m.db"))
    list(import_files(target, [path], now=START))
    assert rows(target.path, "SELECT * FROM alert_state") == [
        (1, "leak", "leak", "firing", "warning", 3_000, 4_000, None)
    ]
    assert rows(target.path, "SELECT told_severity, told_since_ms, seen_ms FROM alert_watch") == [
        ("warning", 3_000, 4_000)
    ]
