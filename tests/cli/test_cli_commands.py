"""import, export, annotate, sql, runs, deques, db, doctor: good and bad arguments."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from cli_helpers import MB, ramp_csv

from memmon.cli import diagnosis
from memmon.config import parse_database
from memmon.model import DequeReading, RunRecord, Snapshot
from memmon.store.transfer.dump import ensure_store
from memmon.store.write.writer import Batch, Writer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def with_deques(tmp_path):
    """A store with one run of a bot whose deques are fine, full, unbounded and hostile."""
    database = parse_database(tmp_path / "d.db")
    ensure_store(database)
    readings = (
        DequeReading(name="ticks", length_count=8234, maxlen_count=10000, size_bytes=3 * MB),
        DequeReading(name="full", length_count=60, maxlen_count=60, dropped_count=7),
        DequeReading(name="unbounded", length_count=5, maxlen_count=None),
        DequeReading(name='=HYPERLINK("x")', length_count=None, maxlen_count=5, is_alive=False),
    )
    run = RunRecord(
        uuid="u",
        source="bot",
        source_was_given=True,
        started_at=NOW,
        interval_seconds=60.0,
        host="h",
        pid=1,
        release="1.0",
    )
    snapshots = [
        Snapshot(at=NOW + timedelta(minutes=n), sequence=n, uptime_seconds=60.0 * n, rss_bytes=MB * n, deques=readings)
        for n in range(1, 5)
    ]  # fmt: skip
    Writer(database).write(Batch(run=run, snapshots=snapshots))
    return database.path


def test_import_says_what_it_did(call, tmp_path):
    """Each file has its line; ignored columns and placed times are said; JSON has the same."""
    path = tmp_path / "bot.csv"
    path.write_text("t_seconds,rss_bytes,colour\n0,30000000,red\n")
    answer = call("import", "--db", tmp_path / "i.db", path)
    assert answer.code == 0
    assert "-> bot: 1 new snapshots" in answer.out
    assert "columns ignored: colour" in answer.err
    again = call("import", "--db", tmp_path / "i.db", path, "--json").json
    assert again["files"][0]["snapshot_count"] == 0


@pytest.mark.parametrize("arguments", [[], ["nowhere.csv"], ["--start", "soon", "x.csv"]])
def test_import_bad_arguments(call, tmp_path, arguments):
    """No file, a missing file and a wrong time are refused; no database is made."""
    answer = call("import", "--db", tmp_path / "i.db", *arguments)
    assert answer.code == 2
    assert not (tmp_path / "i.db").exists()


def test_export_csv_can_be_read_and_imported(call, histories, tmp_path):
    """The CSV holds a row per snapshot, and importing it gives the same readings."""
    answer = call("export", "--db", histories, "--source", "leaky")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(rows) == 361
    assert {"at", "source", "run_id", "rss_bytes"} <= rows[0].keys()
    path = tmp_path / "again.csv"
    path.write_text(answer.out)
    assert call("import", "--db", tmp_path / "n.db", path).code == 0
    again = list(csv.DictReader(io.StringIO(call("export", "--db", tmp_path / "n.db").out)))
    for name in ("at", "rss_bytes", "system_percent", "available_bytes", "uptime_seconds"):
        assert [row[name] for row in again] == [row[name] for row in rows]


def test_export_guards_spreadsheets(call, tmp_path):
    """A source whose name is a formula is no formula in the CSV."""
    database = tmp_path / "f.db"
    call("import", "--db", database, "--source", "=1+1", ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0))
    rows = list(csv.DictReader(io.StringIO(call("export", "--db", database).out)))
    assert rows[0]["source"] == "'=1+1"
    shown = call("sql", "--db", database, "--format", "csv", "SELECT name, -5 AS n FROM source").out
    assert shown.splitlines() == ["name,n", "'=1+1,-5"]


@pytest.mark.parametrize("shape", ["csv", "jsonl"])
def test_export_is_no_more_open_than_the_database(call, tmp_path, shape):
    """What a private database holds is private in a new file too, and that is said; a shared one's stays shared."""
    database = tmp_path / "m.db"
    call("import", "--db", database, ramp_csv(tmp_path / "bot.csv", hours=2, mb_per_hour=0.0))
    answer = call("export", "--db", database, "--format", shape, "-o", tmp_path / "private")
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
    assert "for its owner alone" in answer.err
    database.chmod(0o640)
    answer = call("export", "--db", database, "--format", shape, "-o", tmp_path / "shared")
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o640
    assert "for its owner alone" not in answer.err


def test_export_json_lines_round_trip(call, with_deques, tmp_path):
    """Everything exported comes back: the second export is the same text."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert call("export", "--db", with_deques, "-o", first).code == 0
    assert call("import", "--db", tmp_path / "n.db", first).code == 0
    assert call("export", "--db", tmp_path / "n.db", "-o", second).code == 0
    assert first.read_text() == second.read_text()


def test_export_openmetrics(call, with_deques):
    """OpenMetrics text: types, units, a sample per reading with its time, and the end."""
    lines = call("export", "--db", with_deques, "--format", "openmetrics").out.splitlines()
    assert "# TYPE memmon_rss_bytes gauge" in lines
    samples = [line for line in lines if line.startswith("memmon_rss_bytes{")]
    assert (
        samples[0]
        == f'memmon_rss_bytes{{source="bot",run="1"}} {MB} {(NOW + timedelta(minutes=1)).timestamp():.3f}'
    )
    assert len(samples) == 4
    assert lines[-1] == "# EOF"


def test_export_parquet(call, with_deques, tmp_path):
    """The Parquet file holds the snapshots; without DuckDB the install command is told."""
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is an extra: pip install 'memmon[duckdb]'")
    path = tmp_path / "s.parquet"
    assert call("export", "--db", with_deques, "-o", path, "--json").json["row_count"] == 4
    assert duckdb.read_parquet(str(path)).project("source, rss_bytes").fetchall()[0] == ("bot", MB)


def test_missing_extra_gives_the_install_command(call, with_deques, tmp_path, monkeypatch):
    """Without DuckDB a Parquet export is one line with the exact command."""
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    answer = call("export", "--db", with_deques, "-o", tmp_path / "s.parquet")
    assert answer.code == 2
    assert "pip install 'memmon[duckdb]'" in answer.last_line
    assert not (tmp_path / "s.parquet").exists()


def test_report_as_a_picture(call, histories, tmp_path):
    """-o with the suffix, or --format png, makes a PNG of a source's report; with --dark its ground is dark."""
    pytest.importorskip("resvg_py", reason="resvg is an extra: pip install 'memmon[png]'")
    image = pytest.importorskip("PIL.Image", reason="it tells the colours")
    path = tmp_path / "report.png"
    answer = call("report", "--db", histories, "--source", "leaky", "-o", path)
    assert (answer.code, answer.out) == (0, "")
    assert path.read_bytes()[:20] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1080).to_bytes(4, "big")
    answer = call("report", "--db", histories, "--source", "leaky", "--dark", "-o", tmp_path / "dark.png")
    assert answer.code == 0
    light, dark = (
        sum(image.open(one).convert("RGB").getpixel((0, 0))) for one in (path, tmp_path / "dark.png")
    )
    assert dark < 150
    assert light > 600


def test_a_picture_without_its_renderer(call, histories, tmp_path, monkeypatch):
    """Without the extra a picture is one line with the exact command and no file; every other report goes on."""
    import sys

    monkeypatch.setitem(sys.modules, "resvg_py", None)
    answer = call("report", "--db", histories, "--source", "leaky", "-o", tmp_path / "report.png")
    assert (answer.code, answer.out) == (2, "")
    assert answer.last_line == "memmon: a PNG needs resvg-py: pip install 'memmon[png]'"
    assert not (tmp_path / "report.png").exists()
    assert call("report", "--db", histories, "--source", "leaky", "-o", tmp_path / "report.html").code == 0


def test_only_a_picture_is_dark(call, histories):
    """--dark without a picture is refused in one line."""
    answer = call("report", "--db", histories, "--source", "leaky", "--dark")
    assert (answer.code, answer.out) == (2, "")
    assert "--format png" in answer.last_line


@pytest.mark.parametrize(
    "arguments", [["--format", "jsonl", "--since", "1h"], ["--json"], ["--format", "xls"], ["--run", "99"]]
)
def test_export_bad_arguments(call, with_deques, arguments):
    """What can't be exported is refused in one line."""
    answer = call("export", "--db", with_deques, *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "fault" not in answer.err


def test_export_all_sources(call, histories, tmp_path):
    """--all-sources writes every source into one file."""
    answer = call("export", "--db", histories, "--all-sources", "-o", tmp_path / "all.jsonl", "--json")
    assert answer.json["sources"] == ["flat", "leaky", "young"]


def test_annotate_puts_an_event_on_the_axis(call, with_deques):
    """The text is stored once, at its time, and shown escaped."""
    answer = call("annotate", "--db", with_deques, "--at", "2026-03-01T12:03Z", "deployed\x1b[31m 1.1")
    assert answer.code == 0
    assert "\x1b" not in answer.out
    rows = call(
        "sql", "--db", with_deques, "--json", "SELECT at_ms, kind, text FROM event WHERE run_id IS NULL"
    ).json["rows"]
    assert rows == [
        {
            "at_ms": round((NOW + timedelta(minutes=3)).timestamp() * 1000),
            "kind": "annotation",
            "text": "deployed\x1b[31m 1.1",
        }
    ]
    for bad in (["  "], ["x", "--at", "soon"], ["x", "--source", "nobody"]):
        assert call("annotate", "--db", with_deques, *bad).code == 2


def test_sql_reads_and_only_reads(call, with_deques, monkeypatch):
    """Questions are answered as table, CSV and JSON; whatever would write is refused."""
    assert call("sql", "--db", with_deques, "SELECT count(*) AS n FROM snapshot").out.split() == ["n", "4"]
    cut = call("sql", "--db", with_deques, "--limit", 2, "SELECT seq FROM snapshot")
    assert (len(cut.out.splitlines()), "only the first 2 rows" in cut.err) == (3, True)
    before = with_deques.read_bytes()
    for statement in (
        "DELETE FROM snapshot",
        "SELECT 1; DROP TABLE run",
        "PRAGMA journal_mode=DELETE",
        "nonsense",
        "",
        "ATTACH 'x.db' AS x",
    ):
        answer = call("sql", "--db", with_deques, statement)
        assert answer.code == 2, statement
        assert len(answer.err.splitlines()) == 2
    assert with_deques.read_bytes() == before


def test_sql_from_standard_input(call, with_deques, monkeypatch):
    """- reads the statement from standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 7 AS seven"))
    assert call("sql", "--db", with_deques, "-").out.split() == ["seven", "7"]


def test_runs_lists_runs(call, with_deques):
    """Runs are listed with release and memory; --limit keeps the newest."""
    answer = call("runs", "--db", with_deques)
    assert "bot: 1 run\n" in answer.out
    assert "1.0" in answer.out
    found = call("runs", "--db", with_deques, "--json").json["sources"][0]
    assert (found["name"], found["runs"][0]["snapshot_count"]) == ("bot", 4)
    assert call("runs", "--db", with_deques, "--limit", 0).code == 2


def test_deques_failing_first(call, with_deques):
    """Deques are listed with their state, failing ones first; JSON has the same rows."""
    answer = call("deques", "--db", with_deques)
    lines = answer.out.splitlines()
    assert lines[2].startswith("unbounded")
    assert "8234" in answer.out
    assert "82.3%" in answer.out
    assert lines[-1] == "4 deques, 1 failing, 3.00 MB together in the 1 whose size is known"
    found = call("deques", "--db", with_deques, "--json").json["findings"]
    assert {row["name"]: row["state"] for row in found} == {
        "unbounded": "unbounded",
        "full": "full",
        "ticks": "ok",
        '=HYPERLINK("x")': "dead",
    }
    assert len(call("deques", "--db", with_deques, "--failing", "--json").json["findings"]) == 1


def test_deques_of_a_source_without_any(call, histories):
    """A source without deques is no error: it is said how to register some."""
    answer = call("deques", "--db", histories, "--source", "flat")
    assert (answer.code, "has registered no deques" in answer.err) == (0, True)


def test_db_upgrade_creates_and_brings_up(call, tmp_path):
    """A new store is created, an upgraded one is said to be current."""
    path = tmp_path / "new.db"
    assert "created with schema" in call("db", "upgrade", "--db", path).out
    assert "already" in call("db", "upgrade", "--db", path).out
    assert path.stat().st_mode & 0o777 == 0o600
    found = call("db", "status", "--db", path, "--json").json
    assert (found["schema_state"], found["sources"], found["aside_paths"]) == ("current", [], [])


def test_db_status_of_an_older_schema(call, tmp_path):
    """An older schema is told with the command that upgrades it; nothing is changed."""
    path = tmp_path / "old.db"
    call("db", "upgrade", "--db", path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.commit()
    connection.close()
    answer = call("db", "status", "--db", path)
    assert "schema: 0001 (older than this memmon: `memmon db upgrade`)" in answer.out
    refused = call("leaks", "--db", path)
    assert (refused.code, "memmon db upgrade" in refused.last_line) == (2, True)
    sick = call("doctor", "--db", path)
    assert (sick.code, "memmon db upgrade" in sick.out) == (1, True)


def test_doctor_finds_nothing_wrong_and_says_so(call, histories):
    """A sound installation is 0; the sources and the limit are told; JSON has the same."""
    answer = call("doctor", "--db", histories)
    assert "source flat" in answer.out
    assert {one["subject"] for one in call("doctor", "--db", histories, "--json").json["diagnoses"]} >= {
        "Python",
        "SQLite",
        "memory limit",
        "database",
    }


def test_doctor_before_anything_is_recorded(call, tmp_path):
    """Without a database the doctor says how to begin, and creates none."""
    answer = call("doctor", "--db", tmp_path / "deep" / "no.db")
    assert "none yet" in answer.out
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("kind", ["overlay", "tmpfs"])
def test_doctor_throw_away_places(tmp_path, kind):
    """A database on a container's layer or a tmpfs is a problem, with where to put it."""
    (found, _) = diagnosis.file_system(tmp_path / "m.db", file_system_type=lambda _path: kind)
    assert found.state == "problem"
    assert "put it on a" in found.finding


def test_doctor_old_sqlite_and_damage(tmp_path):
    """An old SQLite and a damaged file that was moved aside are problems with a way out."""
    assert [one.state for one in diagnosis.python_and_sqlite((3, 8, 0))] == ["ok", "problem"]
    (tmp_path / "m.db.corrupt-20260131T000000Z").write_bytes(b"x")
    (found,) = diagnosis.left_behind(tmp_path / "m.db")
    assert "memmon db salvage" in found.advice


def test_doctor_world_readable(tmp_path):
    """A file that everybody may read is pointed out with the command that closes it."""
    path = tmp_path / "m.db"
    path.write_bytes(b"")
    path.chmod(0o644)
    (found,) = diagnosis.permissions(path)
    assert (found.state, found.advice) == ("note", f"chmod o-rwx '{path}'")


def test_json_is_one_object_everywhere(call, histories, with_deques):
    """Whatever the command, --json prints one object with its version and name."""
    for command in (["runs"], ["leaks"], ["check"], ["doctor"], ["config", "show"], ["db", "status"]):
        found = json.loads(call(*command, "--db", histories, "--json").out)
        assert (found["schema_version"], found["command"]) == (2, " ".join(command))


def test_db_prune_folds_what_is_old(call, tmp_path):
    """Snapshots past raw_days become hours; nothing is lost of the history's span."""
    database = tmp_path / "p.db"
    path = ramp_csv(tmp_path / "b.csv", hours=48, mb_per_hour=1.0)
    start = (datetime.now(UTC) - timedelta(days=200)).isoformat()
    call("import", "--db", database, "--start", start, path)
    before = call("runs", "--db", database, "--json").json["sources"][0]["runs"][0]
    done = call("db", "prune", "--db", database, "--json").json["retention"]
    assert done["folded_snapshot_count"] == before["snapshot_count"]
    after = call("runs", "--db", database, "--json").json["sources"][0]["runs"][0]
    assert after["snapshot_count"] == before["snapshot_count"]
    assert after["peak_rss_bytes"] == before["peak_rss_bytes"]
    assert "folded 0 snapshots" in call("db", "prune", "--db", database).out


def test_db_salvage_brings_rows_back(call, with_deques, tmp_path):
    """The rows of a damaged file come into a new one; the damaged one stays, an existing target is refused."""
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(with_deques.read_bytes()[:-100] + b"\xff" * 100)
    before = damaged.read_bytes()
    answer = call("db", "salvage", damaged, tmp_path / "new.db")
    assert answer.code == 0
    assert "rows brought back" in answer.out
    assert damaged.read_bytes() == before
    assert call("runs", "--db", tmp_path / "new.db").code == 0
    assert call("db", "salvage", damaged, tmp_path / "new.db").code == 2
    assert call("db", "salvage", tmp_path / "absent.db").code == 2


def test_db_check_and_backup_and_vacuum(call, with_deques, tmp_path):
    """A sound database is 0, its copy is sound too, a damaged one is 1 with the way out; vacuum keeps the rows."""
    assert call("db", "check", "--db", with_deques, "--json").json["is_ok"] is True
    copy = tmp_path / "copy.db"
    assert call("db", "backup", "--db", with_deques, copy).code == 0
    assert call("db", "backup", "--db", with_deques, copy).code == 2
    assert "all is well: 4 snapshots proved" in call("db", "check", "--db", copy).out
    assert call("db", "vacuum", "--db", copy).code == 0
    assert (
        call("runs", "--db", copy, "--json").json["sources"]
        == call("runs", "--db", with_deques, "--json").json["sources"]
    )
    content = bytearray(copy.read_bytes())
    connection = sqlite3.connect(copy)
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'snapshot'").fetchone()
    connection.close()
    content[(root - 1) * page_bytes : root * page_bytes] = b"\xff" * page_bytes
    copy.write_bytes(content)
    sick = call("db", "check", "--db", copy)
    assert (sick.code, "memmon db salvage" in sick.out) == (1, True)


def test_imported_snapshots_are_proved(call, with_deques, tmp_path):
    """What was imported has its checksum: db check proves every snapshot, with its readings."""
    lines = tmp_path / "all.jsonl"
    call("export", "--db", with_deques, "-o", lines)
    call("import", "--db", tmp_path / "n.db", lines, ramp_csv(tmp_path / "b.csv", hours=1, mb_per_hour=0))
    found = call("db", "check", "--db", tmp_path / "n.db", "--json").json
    assert (found["problems"], found["proved_count"], found["unproved_count"]) == ([], 4 + 13, 0)
