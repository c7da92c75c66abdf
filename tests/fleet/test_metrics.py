from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip(
    "prometheus_client", reason="prometheus-client is not installed (pip install 'memmon[metrics]')"
)
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from memmon.config import parse_database
from memmon.errors import MissingExtraError
from memmon.export.metrics import MetricsCollector, families, render_metrics
from memmon.model import DequeReading, RunRecord, Snapshot
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer

NOW = datetime(2026, 3, 8, tzinfo=UTC)
MB = 2**20
GRAFANA = Path(__file__).resolve().parents[2] / "docs" / "grafana"
ODD = 'odd "name"\\with\nlines'


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("metrics") / "empty.db"
    upgrade(parse_database(str(path)))
    return path


@pytest.fixture
def url(tmp_path, empty):
    shutil.copy(empty, tmp_path / "m.db")
    return str(tmp_path / "m.db")


def _run(url, number, *, source="bot", count=3, ended=False, last_at=NOW, slope_mb=0.0):
    run = RunRecord(
        uuid=f"{source}-{number}",
        source=source,
        source_was_given=True,
        started_at=last_at - timedelta(minutes=5 * count),
        interval_seconds=300.0,
        host="h",
        pid=os.getpid(),
    )
    snapshots = [
        Snapshot(
            at=last_at - timedelta(minutes=5 * (count - 1 - n)),
            sequence=n + 1,
            uptime_seconds=300.0 * n,
            rss_bytes=round((100 + slope_mb * n) * MB) + n % 3 * 4096,
            pss_bytes=None if n else 50 * MB,
            vms_bytes=300 * MB,
            system_percent=50.0,
            system_available_bytes=4000 * MB,
            limit_bytes=8000 * MB,
            limit_origin="host",
            thread_count=4,
            fd_count=9,
            deques=(
                DequeReading(name=ODD, length_count=5, maxlen_count=10),
                DequeReading(name="free", length_count=7, maxlen_count=None),
            ),
        )
        for n in range(count)
    ]
    end = RunEnd(at=last_at, reason="stopped") if ended else None
    Writer(parse_database(url)).write(Batch(run=run, snapshots=snapshots, end=end))


def _samples(text) -> dict[tuple[str, tuple], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_metrics_are_what_the_parsers_accept(url):
    """Both parsers read the text; every family has help and a type, names carry base units, odd names survive."""
    _run(url, 1, source=ODD, count=40, slope_mb=2.0)
    with open_store(url) as store:
        text = render_metrics(store, now=NOW)
        parsed = list(parse(text))
        strict = list(parse_openmetrics(render_metrics(store, now=NOW, openmetrics=True)))
    assert {family.name for family in strict} == {family.name.removesuffix("_total") for family in parsed}
    for family in parsed:
        assert family.documentation
        assert re.fullmatch(r"memmon_[a-z_]+", family.name)
        assert not re.search(r"(_mb|_kb|percent|milli|_hours)", family.name)
        for sample in family.samples:
            assert sample.labels["source"] == ODD
            assert set(sample.labels) <= {"source", "deque", "kind", "severity"}
    values = _samples(text)
    assert values["memmon_deque_length", (("deque", ODD), ("source", ODD))] == 5
    assert values["memmon_system_used_ratio", (("source", ODD),)] == 0.5
    slope = values["memmon_trend_bytes_per_second", (("source", ODD),)]
    assert slope == pytest.approx(24 * MB / 3600, rel=0.05)
    assert values["memmon_verdict_timestamp_seconds", (("source", ODD),)] == NOW.timestamp()


def test_metrics_sum_over_live_processes(url):
    """Three workers of one source are one series with their sums; one that ended does not count."""
    for number in range(3):
        _run(url, number)
    _run(url, 9, ended=True)
    with open_store(url) as store:
        values = _samples(render_metrics(store, now=NOW))
    bot = (("source", "bot"),)
    assert values["memmon_processes", bot] == 3
    assert values["memmon_rss_bytes", bot] == 3 * (100 * MB + 2 * 4096)
    assert values["memmon_pss_bytes", bot] == 150 * MB
    assert values["memmon_runs_total", bot] == 4
    assert values["memmon_threads", bot] == 12


def test_metrics_go_stale_with_their_source(url):
    """After three intervals without a snapshot only its time, `up` = 0 and the runs are left."""
    _run(url, 1)
    with open_store(url) as store:
        fresh = _samples(render_metrics(store, now=NOW + timedelta(minutes=15)))
        stale = _samples(render_metrics(store, now=NOW + timedelta(minutes=16)))
    assert fresh["memmon_source_up", (("source", "bot"),)] == 1
    assert {name for name, _ in stale} == {
        "memmon_last_snapshot_timestamp_seconds",
        "memmon_source_up",
        "memmon_processes",
        "memmon_runs_total",
    }
    assert stale["memmon_source_up", (("source", "bot"),)] == 0
    assert stale["memmon_last_snapshot_timestamp_seconds", (("source", "bot"),)] == NOW.timestamp()


def test_metrics_of_a_thousand_restarts_add_no_series(url):
    """After 1,000 more runs the same series are there, and no label names a process or run."""
    _run(url, 0)
    with open_store(url) as store:
        before = set(_samples(render_metrics(store, now=NOW)))
    with write_engine(parse_database(url)).begin() as connection:
        for number in range(1, 1001):
            connection.exec_driver_sql(
                "INSERT INTO run (uuid, source_id, host, pid, interval_ms, started_ms, ended_ms, end_reason) "
                "VALUES (?, 1, 'h', ?, 300000, ?, ?, 'exit')",
                (f"r{number}", 5000 + number, number, number + 1),
            )
            connection.exec_driver_sql(
                "INSERT INTO snapshot (run_id, seq, at_ms, uptime_ms, rss_bytes) VALUES (?, 1, ?, 0, 1)",
                (number + 1, number),
            )
    with open_store(url) as store:
        values = _samples(render_metrics(store, now=NOW))
    assert set(values) == before
    assert values["memmon_runs_total", (("source", "bot"),)] == 1001


def test_metrics_collector_lives_in_a_registry_of_the_hosts(url):
    """The collector can be registered in a host's own registry, before the database is even there."""
    from prometheus_client import CollectorRegistry, generate_latest

    from memmon.clock import ManualClock

    registry = CollectorRegistry()
    registry.register(MetricsCollector(url, clock=ManualClock(NOW), with_verdicts=False))
    _run(url, 1)
    text = generate_latest(registry).decode()
    assert "memmon_rss_bytes" in text
    assert "memmon_leak" not in text


def test_metrics_without_their_package_name_the_install_command(url, monkeypatch):
    """Without prometheus-client the error says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'memmon\[metrics\]'"):
        MetricsCollector(url)


def _names(url) -> set[str]:
    with open_store(url) as store:
        found = families(store, now=NOW)
        return {f"{family.name}_total" if family.type == "counter" else family.name for family in found}


def test_metrics_dashboard_and_rules_use_names_that_exist(url):
    """Every metric that the dashboard and the alert rules ask for is one that is exported."""
    _run(url, 1)
    known = _names(url)
    dashboard = json.loads((GRAFANA / "memmon-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [note["expr"] for note in dashboard["annotations"]["list"]]
    expressions += re.findall(r"expr: (.*)", (GRAFANA / "memmon-rules.yml").read_text())
    asked = {name for text in expressions for name in re.findall(r"memmon_[a-z_]+", text)}
    assert len(expressions) == 22
    assert asked <= known
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_metrics_pass_prometheus_own_checks(url):
    """Promtool finds nothing to complain about in the metrics and the alert rules."""
    promtool = shutil.which("promtool") or os.environ.get("PROMTOOL")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    _run(url, 1, count=40)
    with open_store(url) as store:
        text = render_metrics(store, now=NOW)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    rules = subprocess.run(
        [promtool, "check", "rules", GRAFANA / "memmon-rules.yml"],
        text=True,
        capture_output=True,
        check=False,
    )
    assert rules.returncode == 0, rules.stdout + rules.stderr
