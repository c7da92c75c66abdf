"""A log that is imported again and again is stored once, in one run."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_kit import MB, NOW, Bench, csv_of, log, ms

from memmon.store.read import open_store

SHAPE = "SELECT count(*), count(DISTINCT at_ms), count(DISTINCT run_id) FROM snapshot"


def test_only_the_new_rows_go_in(bench):
    """Each day's import of a growing log brings that day's rows into the same run, which ends later."""
    everything = log(3 * 96)
    for day in (1, 2, 3):
        result = bench.take(bench.put("bot.csv", csv_of(everything[: 96 * day])))
        assert (result.snapshot_count, result.run_count) == (96, int(day == 1))
    assert "192 of 288 rows are in run 1 already" in result.notes
    assert bench.rows(SHAPE) == [(288, 288, 1)]
    assert bench.readings() == [(ms(at), rss) for at, rss in everything]
    assert bench.rows("SELECT seq, uptime_ms FROM snapshot ORDER BY seq DESC LIMIT 1") == [
        (288, 287 * 900_000)
    ]
    assert bench.rows("SELECT ended_ms FROM run") == [(ms(everything[-1][0]),)]
    again = bench.take(bench.put("bot.csv", csv_of(everything)))
    assert again.is_known
    assert "288 of 288 rows are in run 1 already, from beginning to end" in again.notes


def test_a_rotated_log_goes_on(bench):
    """A log whose beginning was cut off since goes on in the same run."""
    bench.take(bench.put("bot.csv", csv_of(log(96))))
    result = bench.take(bench.put("bot.csv", csv_of(log(96, first=48))))
    assert (result.snapshot_count, result.run_count) == (48, 0)
    assert bench.rows(SHAPE) == [(144, 144, 1)]


def test_rows_that_come_too_late_are_said(bench):
    """Rows before those that are stored have no place in their run: they are left out and counted."""
    bench.take(bench.put("bot.csv", csv_of(log(96, first=48))))
    result = bench.take(bench.put("bot.csv", csv_of(log(144))))
    assert result.snapshot_count == 0
    assert any(note.startswith("48 rows before or between those of run 1") for note in result.notes)


def test_another_process_at_the_same_time_is_a_run_of_its_own(bench):
    """Other readings at the same times are another process: nothing of them is taken for known."""
    bench.take(bench.put("a.csv", csv_of(log(96))), source="bot")
    other = [(at, rss + 5) for at, rss in log(96)]
    result = bench.take(bench.put("b.csv", csv_of(other)), source="bot")
    assert (result.snapshot_count, result.run_count) == (96, 1)


def test_a_growing_log_without_dates_keeps_its_beginning(bench):
    """A log of seconds goes on where its first import placed it, though its last row would be now again."""
    lines = [f"{300 * step},{200 * MB + 100_003 * step}\n" for step in range(20)]
    head = "t_seconds,rss_bytes\n"
    bench.take(bench.put("bot.csv", head + "".join(lines[:12])), now=NOW)
    result = bench.take(bench.put("bot.csv", head + "".join(lines)), now=NOW + timedelta(hours=5))
    assert (result.snapshot_count, result.run_count) == (8, 0)
    assert [at - ms(NOW) for at, _ in bench.readings()][10:14] == [-300_000, 0, 300_000, 600_000]


def test_rows_twice_in_one_file_are_stored_once(bench):
    """A row that stands in a file twice is taken once, and that is said."""
    rows = csv_of(log(96)).splitlines(keepends=True)
    result = bench.take(bench.put("bot.csv", "".join([*rows[:51], *rows[50:]])))
    assert result.snapshot_count == 96
    assert "1 rows stand in the file twice: each was taken once" in result.notes


def test_what_is_folded_is_not_stored_again(bench):
    """Rows that were folded into hours since the last import are known, and the new ones still go in."""
    bench.take(bench.put("bot.csv", csv_of(log(96))))
    connection = sqlite3.connect(bench.database.path)
    (first_ms,) = connection.execute("SELECT min(at_ms) FROM snapshot").fetchone()
    connection.execute(
        "INSERT INTO rollup (run_id, resolution_ms, bucket_ms, sample_count, rss_count, at_ms, uptime_ms)"
        " VALUES (1, 3600000, ?, 4, 4, ?, 0)",
        (first_ms, first_ms),
    )
    connection.execute("DELETE FROM snapshot WHERE at_ms < ?", (first_ms + 3_600_000,))
    connection.commit()
    connection.close()
    result = bench.take(bench.put("bot.csv", csv_of(log(100))))
    assert (result.snapshot_count, result.run_count) == (4, 0)
    assert result.notes == ("96 of 100 rows are in run 1 already",)
    assert bench.rows(SHAPE) == [(96, 96, 1)]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ends=st.lists(st.integers(min_value=1, max_value=60), min_size=2, max_size=5))
def test_imports_in_any_steps_are_the_import_of_all(tmp_path_factory, ends):
    """Whatever the steps in which a log is imported, in the end each reading is there once, in one run."""
    bench = Bench(tmp_path_factory.mktemp("steps"))
    everything = log(60)
    for end in ends:
        bench.take(bench.put("bot.csv", csv_of(everything[:end])))
    assert bench.readings() == [(ms(at), rss) for at, rss in everything[: max(ends)]]
    assert bench.rows("SELECT count(*) FROM run") == [(1,)]
    with open_store(bench.database.path) as store:
        assert len(store.history("bot")) == max(ends)


def test_a_history_that_was_exported_comes_back_to_nothing_new(bench):
    """Memmon's own CSV, imported where its run is, stores nothing twice."""
    from memmon.export.write_snapshots import csv_lines

    bench.take(bench.put("bot.csv", csv_of(log(96))))
    with open_store(bench.database.path) as store:
        text = "".join(csv_lines([("bot", store.snapshots("bot"))]))
    assert bench.take(bench.put("out.csv", text)).is_known


@pytest.mark.parametrize("count", [1, 2])
def test_short_logs_are_known_too(bench, count):
    """A log of one row that grows is one run."""
    bench.take(bench.put("bot.csv", csv_of(log(count))))
    result = bench.take(bench.put("bot.csv", csv_of(log(count + 3))))
    assert (result.snapshot_count, result.run_count) == (3, 0)
