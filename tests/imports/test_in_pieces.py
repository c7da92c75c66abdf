"""Files are read and stored in pieces: whatever the pieces, what is stored and said is the same."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_kit import FIRST, MB, NOW, Bench, csv_of, log, ms

from memmon.imports import side_by_side, spool
from memmon.imports.importing import import_files, read_file
from memmon.store.transfer import dump

EVERYTHING = "SELECT run_id, seq, at_ms, uptime_ms, rss_bytes, vms_bytes FROM snapshot ORDER BY run_id, seq"
SIDE = "several processes in one file"
several = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def expected(rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int, int, int]] | str:
    """Return what is stored of (second, size, size) in the file's order, with the whole of it at hand."""

    def late(times: list[int]) -> int:
        longest: list[int] = []
        for at, time in enumerate(times):
            longest.append(1 + max((longest[j] for j in range(at) if times[j] <= time), default=0))
        return len(times) - max(longest)

    times = [at for at, _, _ in rows]
    out = min(late(times), late(times[::-1]))
    needed = max(3, 0.2 * len(rows))
    if out >= needed:
        return f"{out} of {len(rows)} rows stand out of order"
    sizes = {at: [rss for time, rss, _ in rows if time == at] for at in times}
    mixed = sum(len(found) for found in sizes.values() if max(found) > 1.5 * min(found))
    if mixed >= needed:
        return f"{mixed} rows share their time"
    ordered = sorted(dict.fromkeys(rows), key=lambda row: row[0])
    first = ms(FIRST) + 1000 * ordered[0][0]
    return [
        (seq, ms(FIRST) + 1000 * at, ms(FIRST) + 1000 * at - first, rss, vms)
        for seq, (at, rss, vms) in enumerate(ordered, start=1)
    ]


@several
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from([200 * MB, 201 * MB, 390 * MB]),
            st.sampled_from([900 * MB, 901 * MB]),
        ),
        min_size=1,
        max_size=30,
    ),
    is_sorted=st.booleans(),
    moved=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=4),
    block=st.integers(1, 9),
    piece=st.integers(1, 9),
)
def test_any_pieces_store_what_the_whole_would(tmp_path_factory, rows, is_sorted, moved, block, piece):
    """Rows out of order, twice, at one time: stored or refused as one who has all before him would."""
    if is_sorted:
        rows = sorted(rows, key=lambda row: row[0])
        for one, other in moved:
            if one < len(rows) > other:
                rows[one], rows[other] = rows[other], rows[one]
    bench = Bench(tmp_path_factory.mktemp("pieces"))
    text = "at,rss_bytes,vms_bytes\n" + "".join(
        f"{(FIRST + timedelta(seconds=at)).isoformat()},{rss},{vms}\n" for at, rss, vms in rows
    )
    path = bench.put("bot.csv", text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spool, "BLOCK_ROW_COUNT", block)
        patched.setattr(side_by_side, "_BLOCK_ROW_COUNT", block)
        patched.setattr(dump, "PIECE_ROW_COUNT", piece)
        wanted = expected(rows)
        if isinstance(wanted, str):
            with pytest.raises(Exception, match=SIDE) as caught:
                bench.take(path)
            assert wanted in str(caught.value)
            assert not bench.database.path.exists()
            return
        result = bench.take(path)
    assert [row[1:] for row in bench.rows(EVERYTHING)] == wanted
    repeated = len(rows) - len(wanted)
    assert (f"{repeated} rows stand in the file twice: each was taken once" in result.notes) == bool(repeated)


class Stopped(BaseException):
    """What a signal raises."""


@several
@given(
    stop_at=st.integers(1, 60),
    count=st.integers(2, 60),
    minutes=st.sampled_from([15, 300, 1440]),
    is_dated=st.booleans(),
    has_uptimes=st.booleans(),
)
def test_a_stopped_import_goes_on(tmp_path_factory, stop_at, count, minutes, is_dated, has_uptimes):
    """An import that was stopped anywhere and is run again leaves the store that one in one go leaves."""
    whole, cut = (Bench(tmp_path_factory.mktemp(name)) for name in ("whole", "cut"))
    lines = []
    for step, (at, rss) in enumerate(log(count, minutes=minutes)):
        time = at.isoformat() if is_dated else f"{60 * minutes * step + 0.0004 * step:.4f}"
        lines.append(f"{time},{rss}" + (f",{100 + 7 * step}" if has_uptimes else ""))
    head = ("at" if is_dated else "t_seconds") + ",rss_bytes" + (",uptime_seconds" if has_uptimes else "")
    text = "\n".join([head, *lines]) + "\n"
    now = NOW + timedelta(days=90)

    def stop(progress):
        if progress.step == "storing" and progress.done == stop_at:
            raise Stopped

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("memmon.imports.importing._TOLD_ROW_COUNT", 1)
        patched.setattr(dump, "PIECE_ROW_COUNT", 3)
        path = cut.put("bot.csv", text)
        try:
            list(import_files(cut.database, [path], now=now, on_progress=stop))
        except Stopped:
            later = now if is_dated else now + timedelta(hours=1, seconds=0.4567)
            if not cut.readings():  # nothing is placed in time yet
                now = later
            cut.take(path, now=later)
        whole.take(whole.put("bot.csv", text), now=now)
    numbered = "SELECT run_id, seq, uptime_ms, rss_bytes FROM snapshot ORDER BY run_id, seq"
    assert cut.rows(numbered) == whole.rows(numbered)
    for one, other in zip(cut.readings(), whole.readings(), strict=True):
        assert abs(one[0] - other[0]) <= (0 if is_dated else 1)  # two presents, each rounded
    (mine,), (true,) = (one.rows("SELECT uuid, started_ms, ended_ms FROM run") for one in (cut, whole))
    assert mine[:2] == true[:2]
    assert mine[2] == cut.readings()[-1][0]


def test_what_is_stored_before_a_stop_stays(bench, monkeypatch):
    """Each piece is stored for good: a stop takes back the piece that is under way alone, which ends with its day."""
    monkeypatch.setattr("memmon.imports.importing._TOLD_ROW_COUNT", 1)
    monkeypatch.setattr(dump, "PIECE_ROW_COUNT", 10)

    def stop(progress):
        if progress.step == "storing" and progress.done == 250:
            raise Stopped

    with pytest.raises(Stopped):
        list(
            import_files(bench.database, [bench.put("bot.csv", csv_of(log(300)))], now=NOW, on_progress=stop)
        )
    stored = bench.readings()
    assert len(stored) == 48 + 96 + 96  # from noon on: a half day and two whole ones
    last = datetime.fromtimestamp(stored[-1][0] / 1000, UTC)
    assert last.hour == 23


def test_memory_does_not_grow_with_the_file(bench):
    """Eight times the rows take the same memory, in order and out of order."""

    def peak_bytes(count, *, is_swapped):
        readings = log(count, minutes=1)
        if is_swapped:
            for place in range(0, count - 1, 50):
                readings[place], readings[place + 1] = readings[place + 1], readings[place]
        path = bench.put("bot.csv", csv_of(readings))
        del readings
        tracemalloc.start()
        try:
            recording = read_file(path)
            (run,) = recording.runs
            rows = recording.sample_rows(run, source="a", origin_seconds=0.0)
            assert sum(1 for _ in rows) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    for is_swapped in (False, True):
        peak_bytes(100, is_swapped=is_swapped)  # what is loaded once
        few, many = (peak_bytes(count, is_swapped=is_swapped) for count in (3_000, 24_000))
        assert many < few + 200_000  # all rows at once would be 3 MB


def run_on_terminal(*arguments):
    """Run memmon with its standard error on a terminal; return what it wrote there, and its output."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-m", "memmon", *arguments],
        stdout=subprocess.PIPE,
        stderr=slave,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    output, _ = process.communicate()
    assert process.returncode == 0, shown
    return shown.decode(), output.decode()


def test_a_terminal_shows_a_bar_and_nothing_else_does(bench):
    """On a terminal a bar tells what is read and stored and goes away; into a pipe or beside JSON nothing is told."""
    path = bench.put("bot.csv", csv_of(log(6_000, minutes=1)))
    common = ["import", str(path), "--db", str(bench.folder / "t.db"), "--source"]
    shown, output = run_on_terminal(*common, "one")
    assert "reading bot.csv" in shown
    assert "storing bot.csv" in shown
    assert "snapshots" in shown
    assert "storing" not in shown[shown.rindex("\x1b[2K") :]  # the line is taken away
    assert output.count("\n") == 1
    shown, output = run_on_terminal(*common, "two", "--json")
    assert "storing" not in shown
    assert json.loads(output)["files"][0]["snapshot_count"] == 6_000
    piped = subprocess.run(
        [sys.executable, "-m", "memmon", *common, "three"], capture_output=True, text=True, check=True
    )
    assert piped.stderr.count("\n") == 1
    assert "storing" not in piped.stderr
