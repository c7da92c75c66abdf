"""What memmon writes, memmon reads back."""

from __future__ import annotations

import csv
import io
import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from import_kit import FIRST, MB

from memmon.config import parse_database
from memmon.errors import ImportFileError
from memmon.export.cells import plain_cell, safe_cell
from memmon.export.json_lines import export_lines
from memmon.export.write_snapshots import csv_lines, openmetrics_lines, write_parquet
from memmon.model import RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.transfer.dump import ensure_store
from memmon.store.write.writer import Batch, RunEnd, Writer

SOURCES = ("bot", "=cmd()|'x'", "näht; 'a'", 'two\nlines, "quoted" \\n')


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A store of four sources, one with two runs, with every kind of reading and unknown ones."""
    database = parse_database(tmp_path_factory.mktemp("recorded") / "a.db")
    ensure_store(database)
    for number, source in enumerate([*SOURCES, SOURCES[0]]):
        start = FIRST + timedelta(hours=5 * number)
        snapshots = [
            Snapshot(
                at=start + timedelta(minutes=5 * step, milliseconds=step),
                sequence=step + 1,
                uptime_seconds=42.5 + 300.0 * step,
                rss_bytes=None if step == 3 else 90 * MB + 4096 * step + number,
                vms_bytes=500 * MB + step,
                system_percent=33.3 + step / 7,
                system_available_bytes=4096 * MB,
                limit_bytes=2**31,
                limit_used_bytes=95 * MB + step,
                swap_bytes=step,
                python_block_count=10_000 + step,
                thread_count=4,
                fd_count=9,
                work_count=step * 3,
                uss_bytes=80 * MB if step == 0 else None,
            )
            for step in range(12)
        ]
        run = RunRecord(
            uuid=f"run-{number}",
            source=source,
            source_was_given=True,
            started_at=start,
            interval_seconds=300.0,
            host="h",
            pid=7,
        )
        Writer(database).write(
            Batch(run=run, snapshots=snapshots, end=RunEnd(at=snapshots[-1].at, reason="stopped"))
        )
    return database


def frames_of(database):
    with open_store(database.path) as store:
        return [(one.name, store.snapshots(one.name)) for one in store.sources()]


def csv_of(database):
    return "".join(csv_lines(frames_of(database)))


def without_run(text):
    return [{**row, "run_id": ""} for row in csv.DictReader(io.StringIO(text))]


def test_csv_comes_back_with_its_sources(bench, recorded):
    """A CSV of several sources gives each its own, every column of a snapshot and its uptime, and the same CSV again."""
    text = csv_of(recorded)
    result = bench.take(bench.put("all.csv", text))
    assert set(result.sources) == set(SOURCES)
    assert (result.snapshot_count, result.run_count) == (60, 5)
    assert without_run(csv_of(bench.database)) == without_run(text)
    assert [note for note in result.notes if "ignored" in note] == []


def test_rows_of_hours_are_said(bench, recorded):
    """A row that stands for an hour comes in with its mean, and that is said."""
    text = csv_of(recorded)
    hours = text.replace(",1,0.0\n", ",12,3600.0\n")
    assert hours != text
    result = bench.take(bench.put("all.csv", hours))
    assert any(note.startswith("60 rows stand for hours or days") for note in result.notes)


def test_parquet_comes_back(bench, recorded):
    """A Parquet file gives the same store as the CSV."""
    pytest.importorskip("duckdb", reason="DuckDB is an extra: pip install 'memmon[duckdb]'")
    bench.take(bench.put("all.parquet", write_parquet(frames_of(recorded))))
    assert without_run(csv_of(bench.database)) == without_run(csv_of(recorded))


def test_openmetrics_comes_back(bench, recorded):
    """OpenMetrics text gives the same text again, runs numbered anew, whatever stands in the labels."""
    text = "".join(openmetrics_lines(frames_of(recorded)))
    result = bench.take(bench.put("all.prom", text))
    assert set(result.sources) == set(SOURCES)
    again = "".join(openmetrics_lines(frames_of(bench.database)))
    assert sorted(map(unnumbered, again.splitlines())) == sorted(map(unnumbered, text.splitlines()))


def unnumbered(line):
    head, mark, tail = line.rpartition('run="')
    return head + mark + tail.partition('"')[2] if mark else line


def test_json_lines_come_back(bench, recorded):
    """JSON Lines give the same lines again."""
    text = "".join(export_lines(recorded))
    bench.take(bench.put("all.jsonl", text))
    assert "".join(export_lines(bench.database)) == text


def test_torn_json_lines_keep_what_came_before(bench, recorded):
    """JSON Lines that were cut off in their last line lose that line, and say so."""
    text = "".join(export_lines(recorded))
    result = bench.take(bench.put("all.jsonl", text[:-9]))
    assert "torn" in result.notes[0]
    assert "".join(export_lines(bench.database)) == text[: text[:-9].rindex("\n") + 1]


def test_several_sources_are_not_put_under_one_name(bench, recorded):
    """A file of several sources is refused under one new name, and nothing is stored."""
    with pytest.raises(ImportFileError, match="leave out --source"):
        bench.take(bench.put("all.csv", csv_of(recorded)), source="one")
    assert not bench.database.path.exists()


def test_one_source_takes_another_name(bench, recorded):
    """A file of one source goes under the name that is given."""
    text = "".join(csv_lines(frames_of(recorded)[:1]))
    assert bench.take(bench.put("one.csv", text), source="twin").sources == ("twin",)


@given(st.text(alphabet=string.printable + "'=+-@ä", max_size=9))
def test_a_guarded_cell_is_the_text_again(text):
    """Whatever a text begins with, what guards it in a spreadsheet comes off again."""
    assert plain_cell(safe_cell(text)) == text
