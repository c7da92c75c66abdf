"""Importing: what other recorders wrote becomes a history, whole or not at all, once."""

from __future__ import annotations

import gzip
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memmon.config import parse_database
from memmon.errors import ImportFileError, StoreTooOldError
from memmon.imports.importing import default_source, import_files, read_file
from memmon.imports.options import ReadOptions
from memmon.store.transfer.dump import ensure_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MB = 2**20


@pytest.fixture
def database(tmp_path):
    return parse_database(tmp_path / "store" / "m.db")


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(database, sql):
    connection = sqlite3.connect(database.path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def contents(database):
    tables = ("source", "run", "series", "snapshot", "reading", "event")
    return {table: rows(database, f"SELECT * FROM {table}") for table in tables}


def imported(database, *paths, **options):
    """Import files whose sizes are as small as they read best."""
    options = {"options": ReadOptions(unit="B"), **options}
    return list(import_files(database, paths, now=NOW, **options))


def test_relative_times_end_now(tmp_path, database):
    """A t_seconds column without --start is placed so that its last row is now, and uptime runs from its first row."""
    path = put(tmp_path, "bot.csv", f"t_seconds_scaled,rss_bytes\n10,{MB}\n310,{2 * MB}\n610,{3 * MB}\n")
    (result,) = imported(database, path)
    assert (result.sources, result.snapshot_count, result.run_count) == (("bot",), 3, 1)
    at = [
        datetime.fromtimestamp(ms / 1000, UTC)
        for (ms,) in rows(database, "SELECT at_ms FROM snapshot ORDER BY seq")
    ]
    assert at == [NOW - timedelta(seconds=600), NOW - timedelta(seconds=300), NOW]
    assert rows(database, "SELECT uptime_ms, rss_bytes FROM snapshot ORDER BY seq") == [
        (0, MB),
        (300_000, 2 * MB),
        (600_000, 3 * MB),
    ]
    assert rows(database, "SELECT interval_ms, started_ms - 0, ended_ms FROM run") == [
        (300_000, round(at[0].timestamp() * 1000), round(NOW.timestamp() * 1000))
    ]


def test_start_places_relative_times(tmp_path, database):
    """With --start, second 0 of the file is that moment."""
    path = put(tmp_path, "bot.csv", "t_seconds,rss_bytes\n0,1\n60,2\n")
    imported(database, path, start=datetime(2026, 1, 1, tzinfo=UTC))
    first = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert [ms for (ms,) in rows(database, "SELECT at_ms FROM snapshot ORDER BY seq")] == [
        first,
        first + 60_000,
    ]


def test_absolute_times_offsets_and_optional_columns(tmp_path, database):
    """`at` is read with its offset (none: UTC, and said), optional columns are kept, others ignored and said so."""
    path = put(
        tmp_path,
        "a.b.csv",
        "at,rss_bytes,vms_bytes,system_percent,available_bytes,colour\n"
        f"2026-01-01T01:00:00+01:00,{MB},{5 * MB},12.5,{9 * MB},red\n"
        f"2026-01-01T00:05:00,{MB},,,,blue\n",
    )
    (result,) = imported(database, path)
    assert result.sources == ("a",)
    assert rows(
        database,
        "SELECT at_ms, rss_bytes, vms_bytes, system_percent, available_bytes FROM snapshot ORDER BY seq",
    ) == [
        (1767225600000, MB, 5 * MB, 12.5, 9 * MB),
        (1767225900000, MB, None, None, None),
    ]
    assert result.notes == ("columns ignored: colour", "times without an offset were read as UTC")


def test_missing_reading_is_null_not_zero(tmp_path, database):
    """An empty or NaN cell is stored as missing."""
    path = put(tmp_path, "m.csv", "at,rss_bytes\n2026-01-01,5\n2026-01-02,\n2026-01-03,NaN\n")
    imported(database, path)
    assert rows(database, "SELECT rss_bytes FROM snapshot ORDER BY seq") == [(5,), (None,), (None,)]


def test_runs_are_told_apart_and_sorted(tmp_path, database):
    """`run_id` separates runs; rows are ordered by time within each, whatever the file's order."""
    path = put(
        tmp_path,
        "r.csv",
        "at,rss_bytes,run_id\n2026-01-02T01:00Z,4,b\n2026-01-02T00:00Z,3,b\n2026-01-01T00:00Z,1,a\n2026-01-01T01:00Z,2,a\n",
    )
    imported(database, path)
    assert rows(database, "SELECT run_id, seq, rss_bytes FROM snapshot ORDER BY run_id, seq") == [
        (1, 1, 1),
        (1, 2, 2),
        (2, 1, 3),
        (2, 2, 4),
    ]


def test_same_file_again_changes_nothing(tmp_path, database):
    """The second import of a file, plain or packed and at a later time, changes no row."""
    text = "t_seconds,rss_bytes\n0,1\n60,2\n"
    imported(database, put(tmp_path, "bot.csv", text))
    before = contents(database)
    packed = tmp_path / "bot.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    (again,) = list(
        import_files(database, [packed], now=NOW + timedelta(hours=5), options=ReadOptions(unit="B"))
    )
    assert again.is_known
    assert "imported before: nothing changed" in again.notes
    assert contents(database) == before


def test_another_source_gets_the_same_file(tmp_path, database):
    """The same file under another name is another history."""
    path = put(tmp_path, "bot.csv", "t_seconds,rss_bytes\n0,1\n60,2\n")
    imported(database, path)
    (other,) = imported(database, path, source="twin")
    assert other.snapshot_count == 2
    assert rows(database, "SELECT name FROM source ORDER BY id") == [("bot",), ("twin",)]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", 0, "empty"),
        ("at,rss_bytes\n", 1, "expected at least one line"),
        ("time,rss_bytes\n1,2\n", 1, "no time column among time, rss_bytes; expected a CSV header with `at`"),
        ("at,memory\n2026-01-01,2\n", 1, "no column `rss_bytes`"),
        ("at,rss_bytes,at\n2026-01-01,2,3\n", 1, "stands twice"),
        ("t_seconds_a,t_seconds_b,rss_bytes\n1,2,3\n", 1, "several time columns"),
        ("at,rss_bytes\n2026-01-01,1\nyesterday,2\n", 3, "expected ISO 8601"),
        ("at,rss_bytes\n2026-01-01,1\n2026-01-02,12MB\n", 3, "expected a size in bytes"),
        ("at,rss_bytes\n2026-01-01,-1\n", 2, "expected a size in bytes"),
        ("at,rss_bytes\n2026-01-01,inf\n", 2, "expected a size in bytes"),
        ("at,rss_bytes\n2026-01-01,1e30\n", 2, "expected a size in bytes"),
        ("at,rss_bytes\n2026-01-01,1\n\n2026-01-02,1,1\n", 4, "3 cells; expected 2"),
        ("at,rss_bytes,system_percent\n2026-01-01,1,400\n", 2, "percentage from 0 to 100"),
        ("t_seconds,rss_bytes\nnan,1\n", 2, "expected seconds, a number"),
        ("at,rss_bytes\n2026-01-01,\n", 2, "no line has a value for `rss_bytes`"),
        ('at,rss_bytes\n"2026-01-01,1\n', 2, "not CSV"),
        ("MEM 12.5 1400000000.0\nMEM twelve 1400000001.0\n", 2, "expected a size in MB"),
        ("MEM 12.5 1400000000.0\nMOM 12.5 1400000001.0\n", 2, "expected `MEM"),
        ("CMDLINE python x.py\n", 1, "no `MEM` line"),
        (
            "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n 0.0 1.0 2.0\n",
            2,
            "expected `elapsed seconds",
        ),
        ("# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n", 1, "no readings"),
        ('{"type": "memmon", "format": 1}\n{"type": "planet"}\n', 2, "unknown type 'planet'"),
        ('{"type": "memmon", "format": 1}\n{"type": "run"\n', 2, "not JSON"),
        ('{"type": "memmon", "format": 9}\n', 1, "upgrade"),
        ('{"type": "source"}\n', 1, "as the first line"),
        (
            '{"type": "memmon", "format": 1}\n{"type": "snapshot", "run": "x", "seq": 1}\n',
            2,
            "was not introduced",
        ),
        (
            '{"type": "memmon", "format": 1}\n{"type": "source", "name": "a", "created_ms": NaN}\n',
            2,
            "not JSON",
        ),
        (
            '{"type": "memmon", "format": 1}\n{"type": "source", "name": "a", "created_ms": "x"}\n',
            2,
            "whole number",
        ),
        ('{"type": "memmon", "format": 1}\n{"type": "source", "name": "a"}\n', 2, "needs 'created_ms'"),
        (
            '{"type": "memmon", "format": 1}\n{"type": "source", "name": "a", "created_ms": 1, "x": 1}\n',
            2,
            "no field 'x'",
        ),
    ],
)
def test_bad_file_names_file_line_and_what_was_expected(tmp_path, database, text, line, expected):
    """What can't be understood is refused with file, line and expectation, and nothing of any file is imported."""
    good = put(tmp_path, "good.csv", "at,rss_bytes\n2026-01-01,1\n")
    imported(database, good, source="before")
    before = contents(database)
    bad = put(tmp_path, "bad.csv", text)
    with pytest.raises(ImportFileError) as caught:
        imported(database, good, bad)
    message = str(caught.value)
    assert f"{bad}, line {line}: " in message or line == 0
    assert expected in message
    assert "\n" not in message
    if not text.startswith("{"):  # a JSON Lines file is loaded as it is read: after the files before it
        assert contents(database) == before
    assert rows(database, "SELECT count(*) FROM source WHERE name = 'a'") == [(0,)]


def test_damaged_files_are_refused(tmp_path, database):
    """A cut gzip file, a folder, a missing file and binary data are each refused by name."""
    packed = gzip.compress(b"at,rss_bytes\n" + b"2026-01-01,1\n" * 5000)
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "binary.csv").write_bytes(b"at,rss_bytes\n\xff\xfe\x00\n")
    for name in ("cut.csv.gz", "binary.csv", ".", "absent.csv"):
        with pytest.raises(ImportFileError, match=r"absent\.csv|cut|binary|folder"):
            imported(database, tmp_path / name)
    assert not database.path.exists()


def test_memory_profiler_file(tmp_path, database):
    """A .dat file's MEM lines are MiB at absolute times; children are runs of their own; FUNC lines are left out."""
    path = put(
        tmp_path,
        "mprofile_2026.dat",
        "CMDLINE python bot.py\n"
        "MEM 10.500000 1767225600.2500\n"
        "CHLD 0 3.000000 1767225600.3000\n"
        "FUNC __main__.f 10.1 1767225600.1 10.2 1767225600.2 0\n"
        "MEM 11.000000 1767225601.2500\n",
    )
    (result,) = imported(database, path, options=ReadOptions())
    assert (result.kind, result.sources, result.run_count) == ("memory_profiler", ("mprofile_2026",), 2)
    assert rows(
        database,
        "SELECT r.role, s.at_ms, s.rss_bytes FROM snapshot s JOIN run r ON r.id = s.run_id ORDER BY s.at_ms",
    ) == [
        (None, 1767225600250, round(10.5 * MB)),
        ("child", 1767225600300, 3 * MB),
        (None, 1767225601250, 11 * MB),
    ]
    assert result.notes == ("1 lines on functions (FUNC) were left out",)


@pytest.mark.parametrize(
    "text",
    [
        (
            "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n       0.000        0.000       12.500       40.000\n"
            "       1.000       99.000       13.500       41.000\n"
        ),
        "elapsed_time,nproc,cpu,mem_real,mem_virtual\n0.0,1,0.0,12.5,40.0\n1.0,1,99.0,13.5,41.0\n",
    ],
    ids=["plain", "csv"],
)
def test_psrecord_log(tmp_path, database, text):
    """Both forms of a psrecord log give the same samples: MiB, ending now."""
    (result,) = imported(database, put(tmp_path, "activity.txt", text))
    assert (result.kind, result.sources) == ("psrecord", ("activity",))
    assert rows(database, "SELECT at_ms, rss_bytes, vms_bytes FROM snapshot ORDER BY seq") == [
        (round(NOW.timestamp() * 1000) - 1000, round(12.5 * MB), 40 * MB),
        (round(NOW.timestamp() * 1000), round(13.5 * MB), 41 * MB),
    ]


def test_default_source_is_the_name_without_any_suffix():
    """The default source is the file's name up to its first dot; a name that is all dots is refused."""
    assert default_source(Path("/x/pandas_readcsv_leak.csv.gz")) == "pandas_readcsv_leak"
    assert default_source(Path(".hidden.csv")) == "hidden"
    with pytest.raises(ImportFileError, match="--source"):
        default_source(Path("..."))


def test_older_store_is_left_alone(tmp_path, database):
    """A store with an older schema is refused with the command that upgrades it."""
    ensure_store(database)
    connection = sqlite3.connect(database.path)
    connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreTooOldError, match="memmon db upgrade"):
        imported(database, put(tmp_path, "b.csv", "at,rss_bytes\n2026-01-01,1\n"))


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    """A file saved by a spreadsheet (BOM, CRLF, spaces in the header) is understood."""
    path = tmp_path / "w.csv"
    path.write_bytes(b"\xef\xbb\xbfat, rss_bytes\r\n2026-01-01T00:00:00Z,5\r\n")
    recording = read_file(path, ReadOptions(unit="B"))
    assert recording.sample_count == 1
    assert [values for _, _, values in recording.runs[0].samples()] == [(5,)]


def test_progress_is_told(tmp_path, database):
    """Whoever asks is told which file is read and how much is stored; an importer that does not ask is left in peace."""
    said = []
    path = put(tmp_path, "b.csv", "at,rss_bytes\n2026-01-01,1\n")
    imported(database, path, on_progress=said.append)
    assert [(one.step, one.name, one.total, one.unit) for one in said] == [
        ("reading", "b.csv", path.stat().st_size, "bytes"),
        ("reading", "b.csv", path.stat().st_size, "bytes"),
        ("reading", "b.csv", path.stat().st_size, "bytes"),
        ("storing", "b.csv", 1, "snapshots"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "t_seconds,rss_bytes\n0,1\n200000000000,2\n",
        "at,rss_bytes\n0001-01-01T00:00:00+00:00,1\n",
        "at,rss_bytes\n9999-12-31T23:59:59+00:00,1\n",
    ],
)
def test_times_that_no_recording_has(tmp_path, database, text):
    """Times outside the years 1900 to 2199 (milliseconds taken for seconds, say) are refused, and nothing is stored."""
    with pytest.raises(ImportFileError, match="1900 to 2199"):
        imported(database, put(tmp_path, "far.csv", text))
    assert not database.path.exists()


def test_different_files_of_one_source_are_different_runs(tmp_path, database):
    """Two recordings with the same first row under one source are two runs, not one file known again."""
    first = put(tmp_path, "a.csv", "at,rss_bytes\n2026-01-01,1\n2026-01-02,2\n")
    second = put(tmp_path, "b.csv", "at,rss_bytes\n2026-01-01,1\n2026-01-03,3\n")
    results = imported(database, first, second, source="bot")
    assert [result.run_count for result in results] == [1, 1]
    assert rows(database, "SELECT count(*) FROM snapshot") == [(4,)]
