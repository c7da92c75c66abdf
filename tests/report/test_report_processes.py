"""Processes side by side on the faces: a server with workers, as memory_profiler writes it."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from memmon import fleet
from memmon.alerts.conditions import leak
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import PresentState
from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.gather import assess_source
from memmon.assessment.kept import record_of
from memmon.assessment.newest import assessment_of, read_standings
from memmon.cli.app import run
from memmon.config import parse_database
from memmon.evaluator.observe import judged, newest_run
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.figures import marker_words
from memmon.report.text import render_text
from memmon.store.read import open_store
from memmon.store.write.assessments import keep_assessments
from memmon.units import MIB

BEGIN = 1_795_000_000
NOW = datetime.fromtimestamp(BEGIN + 24 * 3600, UTC)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A master and three workers over a day; the second worker grows by 25 MB/hour."""
    folder = tmp_path_factory.mktemp("web")
    rng = random.Random(41)
    lines = ["CMDLINE python -m server --workers 3"]
    for step in range(24 * 12):
        at = BEGIN + 300 * step
        lines.append(f"MEM {60 + rng.gauss(0, 0.3):.4f} {at:.4f}")
        for pid, slope in ((501, 0), (502, 25), (503, 0)):
            size = 180 + slope * step / 12 + rng.gauss(0, 1)
            lines.append(f"CHLD {pid} {size:.4f} {at + 0.01 * (pid - 500):.4f}")
    (folder / "workers.dat").write_text("\n".join(lines) + "\n")
    database = str(folder / "m.db")
    assert run(["import", "--db", database, str(folder / "workers.dat"), "--source", "web"]) == 0
    return database


@pytest.fixture(scope="module")
def report(web):
    """The report of the day."""
    with open_store(web) as store:
        return build_report(store, "web", now=NOW)


def test_the_report_counts_processes_and_restarts(report):
    """Runs that overlap are processes, and no restart of anything."""
    assert (report.history.process_count, report.history.restart_count) == (4, 0)
    assert "Runs: 4 (4 processes, 0 restarts)" in render_text(report, tz=UTC)


def test_memory_is_the_sum_at_each_moment_never_a_mixture(report):
    """Current, average, least and most are those of all processes together: from 600 to 1198 MB in a day."""
    memory = report.memory
    assert memory.process_count == 4
    assert memory.current_mb == pytest.approx(1198, abs=8)
    assert memory.min_mb == pytest.approx(601, abs=8)
    assert memory.average_mb == pytest.approx(900, abs=8)
    assert memory.max_mb == pytest.approx(1198, abs=8)


def test_the_text_has_the_sum_and_a_line_for_each_process(report):
    """The worst stands first, and the verdict says whose it is."""
    text = render_text(report, tz=UTC)
    assert re.search(r"Current: 1,19\d MB \(resident memory of 4 processes, added\)", text)
    assert re.search(r"4 processes hold at most 1,19\d MB together that they\s+can't give back", text)
    lines = re.findall(r"  - (pid \d+ \(child\)|run \d+): \d", text)
    assert lines[0] == "pid 502 (child)"
    assert len(lines) == 4
    assert "This is pid 502 (child), the worst of 4 processes side by side." in text


def test_no_line_of_the_picture_joins_two_processes(web, report):
    """The picture has the sum as one line and each process as a line of its own, and the trend of the worst one alone."""
    with open_store(web) as store:
        charts = build_charts(store, report, tz=UTC)
    levels = sorted(round(line.value_mb[0] / 60) for line in charts.memory.processes)
    assert levels == [1, 3, 3, 3]
    steps = [
        abs(b - a)
        for line in charts.memory.processes
        for a, b in zip(line.value_mb, line.value_mb[1:], strict=False)
    ]
    assert max(steps) < 15
    assert None not in charts.memory.mean_mb
    assert charts.memory.mean_mb[0] == pytest.approx(601, abs=8)
    assert len(charts.memory.trend) == 1
    assert charts.memory.trend[0].middle_mb[-1] == pytest.approx(777, abs=8)
    assert all(row.mean_mb > 590 for row in charts.days)


def test_the_page_has_a_table_of_the_processes(web, report):
    """Every process has a row, and the page says what they hold together."""
    with open_store(web) as store:
        page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert "Processes side by side" in page
    assert "pid 502 (child)" in page
    assert "each process" in page
    assert "4 runs of 4 processes side by side, 0 restarts in all." in page


def test_a_start_beside_others_is_that_of_a_process_by_its_pid(web, report):
    """Where processes live side by side a start is marked as a process's, with its pid; where one does, as a run's."""
    later = [replace(one, started_at=one.started_at + timedelta(hours=6)) for one in report.history.runs]
    moved = replace(report, history=replace(report.history, runs=tuple(later)))
    with open_store(web) as store:
        charts = build_charts(store, moved, tz=UTC)
        page = render_html(moved, charts, tz=UTC)
    assert {marker_words(one, charts) for one in charts.markers} >= {
        f"process started: pid {pid}" for pid in (501, 502, 503)
    }
    assert "run started" not in page
    alone = replace(charts, memory=replace(charts.memory, processes=()))
    assert {marker_words(one, alone).partition(":")[0] for one in charts.markers} == {"run started"}


def test_commands_name_the_process_and_say_whose_the_limit_is(web, capsys):
    """`forecast`, `check` and `leaks` name the worst; a limit that is given is each process's own."""
    run(["forecast", "--db", web, "--limit", "1GiB", "--no-cross-check"])
    said = capsys.readouterr().out
    assert (
        "pid 502 (child), the first of 4 processes: Memory reaches the limit of 1,024 MB in about 9." in said
    )
    assert "The limit is taken as each process's own; all together hold at most 1,19" in said
    run(["check", "--db", web, "--limit", "1GiB"])
    said = capsys.readouterr().out
    assert "by pid 502 (child)" in said
    assert "4 processes hold at most 1,19" in said
    run(["leaks", "--db", web])
    assert "This is pid 502 (child), the worst of 4 processes" in capsys.readouterr().out
    run(["runs", "--db", web])
    assert "web: 4 runs of 4 processes, 0 restarts" in capsys.readouterr().out
    run(["watch", "--once", "--db", web, "--json"])
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert any(line.startswith("  pid 502 (child): ") for line in lines)
    assert any(re.search(r"last 24 h: 60\d to 1,19\d MB", line) for line in lines)


def test_the_fleet_has_what_they_hold_together(web):
    """A row's memory is the sum of its processes, and it says how many there are."""
    (row,) = fleet(web, now=NOW).results
    assert row.process_count == 4
    assert row.current_mb == pytest.approx(1198, abs=8)


def test_a_kept_verdict_is_told_of_each_process_beside_the_memory_of_now(web):
    """The overview's answer from a kept assessment is that of one made now: sum, processes, whose the verdict is."""
    with open_store(web) as store:
        made = assess_source(store, "web", now=NOW)
        keep_assessments(parse_database(web), [record_of(made, writer="evaluator")])
        (standing,) = read_standings(store, now=NOW + timedelta(seconds=1), policy=LeakPolicy())
    assert standing.kept is not None
    again = assessment_of(standing, standing.kept, now=NOW + timedelta(seconds=1))
    assert (again.rss_bytes, again.footprint_bytes) == (made.rss_bytes, made.footprint_bytes)
    assert again.whose == made.whose
    assert [(one.run_id, one.verdict, one.footprint_bytes) for one in again.processes] == [
        (one.run_id, one.verdict, one.footprint_bytes) for one in made.processes
    ]
    assert again.rss_bytes > 1100 * MIB


def test_an_alert_names_the_process_that_leaks(web):
    """What is told of a leak says which of several processes it is."""
    with open_store(web) as store:
        runs = store.runs("web")
        known = PresentState(at=NOW, source="web")
        present = judged(store, known, runs, at=newest_run(runs).last_at, policy=AlertPolicy())
    told = leak(present, AlertPolicy())
    assert told.level == "active"
    assert "in pid 502 (child) (the worst of 4 processes)" in told.message
