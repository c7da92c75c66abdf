"""JSON Lines: everything that is stored, out and in again."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from memmon.alerts.records import Watch
from memmon.config import parse_database
from memmon.errors import ImportFileError
from memmon.export.json_lines import export_lines
from memmon.imports.importing import import_files
from memmon.model import ComponentReading, DequeReading, EventRecord, RunRecord, Snapshot
from memmon.store.transfer.dump import ensure_store, load
from memmon.store.write.writer import Batch, RunEnd, StoredReport, Writer

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def batch(uuid, source, *, first=1, count=20):
    at = [START + timedelta(minutes=5 * number) for number in range(count)]
    return Batch(
        run=RunRecord(
            uuid=uuid,
            source=source,
            source_was_given=True,
            started_at=START,
            interval_seconds=300.0,
            host="näht",
            pid=2**33,
            release="1.4.2",
        ),
        snapshots=[
            Snapshot(
                at=moment,
                sequence=number,
                uptime_seconds=300.0 * number,
                rss_bytes=None if number == 3 else 10**8 + number,
                system_percent=33.3,
                limit_bytes=2**31,
                limit_origin="host",
                deques=(
                    DequeReading(
                        name="ticks", length_count=min(number, 10), maxlen_count=10, size_bytes=number * 100
                    ),
                    DequeReading(name='=cmd()|"x"', length_count=None, maxlen_count=None),
                ),
                components=(ComponentReading(name="cache", size_bytes=number),),
            )
            for number, moment in enumerate(at, start=first)
        ],
        events=[EventRecord(at=START, sequence=1, kind="gc", text="pass", data={"freed_bytes": 5})],
        watches=[
            Watch(
                source_id=0,
                fingerprint="leak",
                kind="leak",
                state="firing",
                severity="warning",
                title="Memory leak detected",
                since=START,
                seen_at=START,
                told_at=START,
                told_severity="warning",
                told_since=START,
            )
        ],
        reports=[StoredReport(at=START, window_hours=24.0, text="text", data="{}")],
        end=RunEnd(at=at[-1], reason="stopped"),
    )


@pytest.fixture
def filled(tmp_path):
    database = parse_database(tmp_path / "a.db")
    ensure_store(database)
    for uuid, source in (("run-1", "bot"), ("run-2", "bot"), ("run-3", "other")):
        Writer(database).write(batch(uuid, source))
    load(
        database,
        [
            {"type": "source", "name": "bot", "created_ms": 1},
            {"type": "event", "source": "bot", "at_ms": 5, "kind": "annotation", "text": "deployed"},
        ],
    )
    return database


def exported(database, path, **options):
    path.write_text("".join(export_lines(database, **options)), encoding="utf-8")
    return path


def everything(database):
    connection = sqlite3.connect(database.path)
    try:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
            if not name.startswith(("sqlite_", "alembic_"))
        ]
        found = {}
        for table in tables:
            columns = [
                row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "digest"
            ]
            found[table] = sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {table}"), key=repr)
        return found
    finally:
        connection.close()


def test_export_then_import_gives_the_same_store(tmp_path, filled):
    """Every row of every table comes back: readings, events, reports and alert states too."""
    path = exported(filled, tmp_path / "all.jsonl")
    copy = parse_database(tmp_path / "b.db")
    (result,) = import_files(copy, [path], now=NOW)
    assert result.sources == ("bot", "other")
    assert result.snapshot_count == 60
    assert everything(copy) == everything(filled)
    assert exported(copy, tmp_path / "again.jsonl").read_text() == path.read_text()


def test_import_of_the_same_lines_changes_nothing(tmp_path, filled):
    """A second import, also of events that belong to no run, adds no row."""
    path = exported(filled, tmp_path / "all.jsonl")
    before = everything(filled)
    (result,) = import_files(filled, [path], now=NOW)
    assert result.is_known
    assert everything(filled) == before


def test_one_source_alone_and_under_another_name(tmp_path, filled):
    """One source can be exported alone, and comes back under a name of its own beside the first."""
    path = exported(filled, tmp_path / "bot.jsonl", sources=["bot"])
    assert "other" not in path.read_text()
    (result,) = import_files(filled, [path], now=NOW, source="twin")
    assert result.sources == ("twin",)
    assert (result.snapshot_count, result.run_count) == (40, 2)
    (again,) = import_files(filled, [path], now=NOW, source="twin")
    assert again.is_known


def test_two_sources_cannot_share_one_new_name(tmp_path, filled):
    """A file of two sources is refused under one name, and nothing of it stays."""
    path = exported(filled, tmp_path / "all.jsonl")
    before = everything(filled)
    with pytest.raises(ImportFileError, match=r"line .*a second source 'other'"):
        list(import_files(filled, [path], now=NOW, source="one"))
    assert everything(filled) == before


def test_later_export_brings_what_was_recorded_since(tmp_path, filled):
    """A later export of a run that went on adds its new snapshots and its end to the earlier copy."""
    copy = parse_database(tmp_path / "b.db")
    lines = list(export_lines(filled))
    early = [line for line in lines if not ('"type":"snapshot"' in line and json.loads(line)["seq"] > 5)]
    path = tmp_path / "early.jsonl"
    path.write_text("".join(early), encoding="utf-8")
    assert next(iter(import_files(copy, [path], now=NOW))).snapshot_count == 15
    assert (
        next(iter(import_files(copy, [exported(filled, tmp_path / "l.jsonl")], now=NOW))).snapshot_count == 45
    )
    assert everything(copy) == everything(filled)


def test_lines_are_plain_json_with_names_for_references(filled):
    """Each line is an object with its type; rows name their run by uuid and their series by name."""
    lines = [json.loads(line) for line in export_lines(filled)]
    assert lines[0] == {"type": "memmon", "format": 1}
    reading = next(line for line in lines if line["type"] == "reading")
    assert reading["run"] == "run-1"
    assert reading["series"][0] == "bot"
    assert all(value is not None for line in lines for value in line.values())


def test_what_is_folded_here_does_not_come_back_raw(tmp_path, filled):
    """Rows of an older export that are part of a rollup by now are left out: they would be counted twice."""
    path = exported(filled, tmp_path / "all.jsonl")
    connection = sqlite3.connect(filled.path)
    (first_ms,) = connection.execute("SELECT min(at_ms) FROM snapshot WHERE run_id = 1").fetchone()
    hour_ms = 3_600_000
    bucket_ms = first_ms // hour_ms * hour_ms
    folded = "run_id = 1 AND at_ms < ?"
    (last_seq,) = connection.execute(
        f"SELECT max(seq) FROM snapshot WHERE {folded}", (bucket_ms + hour_ms,)
    ).fetchone()
    connection.execute(
        "INSERT INTO rollup (run_id, resolution_ms, bucket_ms, sample_count, rss_count, at_ms, uptime_ms)"
        " VALUES (1, ?, ?, 12, 12, ?, 0)",
        (hour_ms, bucket_ms, first_ms),
    )
    connection.execute(f"DELETE FROM snapshot WHERE {folded}", (bucket_ms + hour_ms,))
    connection.execute("DELETE FROM reading WHERE run_id = 1 AND seq < ?", (last_seq,))
    connection.commit()
    connection.close()
    before = everything(filled)
    assert len(before["snapshot"]) < 60
    (result,) = import_files(filled, [path], now=NOW)
    assert result.is_known
    assert everything(filled) == before
