"""Several processes in one file are told apart, or refused: never averaged."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from import_kit import MB, csv_of, log, ms

from memmon.errors import ImportFileError

LOG = log(60)


def side_by_side(columns="at,pid,rss_bytes", *, late_seconds=2):
    lines = [f"{columns}\n"]
    for at, rss in LOG:
        lines.append(f"{at.isoformat()},17,{rss}\n")
        lines.append(f"{(at + timedelta(seconds=late_seconds)).isoformat()},99,{rss + 300 * MB}\n")
    return "".join(lines)


@pytest.mark.parametrize("column", ["pid", "PID", "container", "instance"])
def test_processes_side_by_side_are_refused_or_split(bench, column):
    """Two processes in one file are refused with the option that splits them, and split by it."""
    path = bench.put("bot.csv", side_by_side(f"at,{column},rss_bytes"))
    with pytest.raises(ImportFileError, match=f"2 processes side by side; say --split {column.lower()}"):
        bench.take(path)
    assert not bench.database.path.exists()
    result = bench.take(path, split=column)
    assert (result.snapshot_count, result.run_count) == (120, 2)
    spans = bench.rows("SELECT min(rss_bytes) > 400000000, count(*) FROM snapshot GROUP BY run_id")
    assert sorted(spans) == [(0, 60), (1, 60)]
    assert sorted(bench.rows("SELECT pid FROM run")) == [(17,), (99,)]


@pytest.mark.parametrize(
    "order",
    [
        lambda rows: [*rows[::2], *rows[1::2]],
        lambda rows: [row for pair in zip(rows[1::2], rows[::2], strict=True) for row in pair],
        lambda rows: random.Random(1).sample(rows, len(rows)),
    ],
    ids=["one_after_the_other", "in_turns", "shuffled"],
)
def test_times_that_go_back_and_forth_are_refused(bench, order):
    """Without a column that tells them apart, times that go back and forth are refused."""
    rows = [
        line.replace(",17,", ",").replace(",99,", ",")
        for line in side_by_side().splitlines(keepends=True)[1:]
    ]
    with pytest.raises(ImportFileError, match="go back and forth"):
        bench.take(bench.put("bot.csv", "at,rss_bytes\n" + "".join(order(rows))))


def test_two_sizes_at_each_time_are_refused(bench):
    """Two processes that were read at the same moments are refused too."""
    text = side_by_side(late_seconds=0).replace(",17,", ",").replace(",99,", ",").replace("at,pid,", "at,")
    with pytest.raises(ImportFileError, match="share their time with one of another size"):
        bench.take(bench.put("bot.csv", text))


@pytest.mark.parametrize("kind", ["newest_first", "clock_stepped_back", "coarse_clock"])
def test_one_process_is_not_taken_for_several(bench, kind):
    """A file with its newest row first, a clock that was set back once and a clock of minutes are one process."""
    rows = list(LOG)
    if kind == "newest_first":
        rows.reverse()
    elif kind == "clock_stepped_back":
        rows = [(at - timedelta(minutes=31) if step > 30 else at, rss) for step, (at, rss) in enumerate(rows)]
    else:
        rows = [(LOG[step // 6][0], rss) for step, (_, rss) in enumerate(rows)]
    result = bench.take(bench.put("bot.csv", csv_of(rows)))
    assert (result.snapshot_count, result.run_count) == (60, 1)


def test_processes_that_follow_one_another_are_runs(bench):
    """A pid that changes once is a restart: two runs, without being asked."""
    text = "at,pid,rss_bytes\n" + "".join(
        f"{at.isoformat()},{17 if step < 40 else 18},{rss}\n" for step, (at, rss) in enumerate(LOG)
    )
    result = bench.take(bench.put("bot.csv", text))
    assert (result.snapshot_count, result.run_count) == (60, 2)
    assert bench.rows("SELECT pid, started_ms FROM run ORDER BY id") == [
        (17, ms(LOG[0][0])),
        (18, ms(LOG[40][0])),
    ]


def test_series_of_prometheus_are_split_by_a_label(bench):
    """Two instances in OpenMetrics text are refused with the labels that differ, and split by one."""
    text = "".join(
        f'process_resident_memory_bytes{{instance="{name}",job="bot"}} {rss} {at.timestamp()}\n'
        for name in ("a:1", "b:1")
        for at, rss in LOG
    )
    path = bench.put("bot.om", text + "# EOF\n")
    with pytest.raises(ImportFileError, match=r"side by side; say --split LABEL \(instance\)"):
        bench.take(path)
    assert bench.take(path, split="instance").run_count == 2
