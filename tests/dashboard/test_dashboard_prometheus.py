"""A real Prometheus scrapes the dashboard with its default time-out, and what Grafana asks of it has answers."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from functools import reduce
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from prometheus_server import prometheus
from report_store import record_bot
from report_values import NOW
from served import Served

from memmon.alerts.policy import AlertPolicy
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.evaluator.keep import keep_hourly
from memmon.facts.urgency import Urgency
from memmon.formatting import local_time
from memmon.model import ComponentReading, DequeReading, RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.write.writer import Batch, RunEnd, Writer

pytest.importorskip(
    "prometheus_client", reason="prometheus-client is not installed (pip install 'memmon[metrics]')"
)

GRAFANA = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "memmon-dashboard.json"
LINES = 20
SMALL_SOURCES = 30
MB = 2**20


def record_small(database, number):
    """Record one short run of a source with everything that the metrics tell."""
    run = RunRecord(
        uuid=f"small-{number}",
        source=f"small-{number:02d}",
        source_was_given=True,
        started_at=NOW - timedelta(minutes=15),
        interval_seconds=300.0,
        host="h",
        pid=1,
        release="1.0",
    )
    snapshots = [
        Snapshot(
            at=NOW - timedelta(minutes=5 * (2 - place)),
            sequence=place + 1,
            uptime_seconds=300.0 * place,
            rss_bytes=(50 + number) * MB,
            pss_bytes=40 * MB,
            limit_bytes=500 * MB,
            limit_origin="host",
            charged_bytes=(60 + number) * MB,
            deques=(DequeReading(name="d", length_count=number, maxlen_count=100),),
            components=(ComponentReading(name="cache", size_bytes=number * MB),),
        )
        for place in range(3)
    ]
    end = RunEnd(at=NOW - timedelta(minutes=1), reason="sigterm") if number == 0 else None
    Writer(parse_database(database)).write(Batch(run=run, snapshots=snapshots, end=end))


@pytest.fixture(scope="module")
def scraped(tmp_path_factory, database):
    folder = tmp_path_factory.mktemp("prometheus")
    store = str(shutil.copy(database, folder / "m.db"))
    record_bot(store, days=2, deques=0, source="doomed", slope_mb_per_hour=15.0, limit_mb=1500.0, seed=5)
    with open_store(store) as read:
        keep_hourly(read, source=None, policy=AlertPolicy(), clock=ManualClock(NOW))
    for number in range(SMALL_SOURCES):
        record_small(store, number)
    served = Served(store)
    try:
        with prometheus(folder, served.address.removeprefix("http://")) as found:
            found.wait_for("up")
            yield found
    finally:
        served.stop()


def asked(expression, *, source=".*"):
    return expression.replace("$source", source).replace("$lines", str(LINES)).replace("[24h]", "[5m]")


def test_a_real_prometheus_scrapes_the_metrics(scraped):
    """With its defaults it takes every sample of the page, and holds what the store says."""
    assert scraped.value("up") == 1
    assert scraped.value("scrape_samples_scraped") == scraped.value('count({__name__=~"memmon_.*"})')
    assert scraped.value("count(memmon_runs_total)") == 4 + SMALL_SOURCES
    assert scraped.value('memmon_rss_bytes{source="small-07"}') == 57 * MB
    assert scraped.value('memmon_component_bytes{source="small-07", component="cache"}') == 7 * MB
    release = 'memmon_release_timestamp_seconds{source="small-07", release="1.0"}'
    assert scraped.value(release) == (NOW - timedelta(minutes=15)).timestamp()
    assert (
        scraped.value('memmon_run_end_timestamp_seconds{source="small-00", reason="sigterm"}')
        == (NOW - timedelta(minutes=1)).timestamp()
    )
    left = scraped.value('memmon_time_to_limit_seconds{source="doomed"}')
    assert 0 < scraped.value('memmon_time_to_limit_low_seconds{source="doomed"}') < left < 90 * 3600


def test_no_panel_has_more_lines_than_can_be_told_apart(scraped):
    """Of many sources each panel draws the first twenty at most, and every one of them draws something."""
    panels = json.loads(GRAFANA.read_text())["panels"]
    for panel in panels:
        for target in panel["targets"]:
            found = scraped.lines(asked(target["expr"]))
            assert 0 < len(found) <= LINES, (panel["title"], len(found))
    drawn = next(panel for panel in panels if panel["title"] == "Resident memory")["targets"][0]["expr"]
    whole = scraped.value("count(memmon_rss_bytes)")
    assert whole > LINES
    least = scraped.value(f"quantile(0, {asked(drawn)})")
    assert scraped.value(f"count(memmon_rss_bytes > {least})") < LINES


def test_releases_and_ends_are_annotations_of_few_sources(scraped):
    """Chosen sources show their releases and ends at their time; of all sources at once there would be too many."""
    for note in json.loads(GRAFANA.read_text())["annotations"]["list"]:
        assert scraped.lines(asked(note["expr"])) == []
        found = scraped.lines(asked(note["expr"], source="small-0.*"))
        assert {one["metric"]["source"] for one in found} <= {f"small-0{digit}" for digit in range(10)}
        times = [float(value) / 1000 for one in found for _, value in one["values"]]
        assert times
        assert all(NOW.timestamp() - 1000 < at <= NOW.timestamp() for at in times)


def test_every_link_of_the_grafana_dashboard_leads_somewhere(client):
    """Its links are addresses of memmon's own dashboard, which shows the source, the window, the events and the state."""
    dashboard = json.loads(GRAFANA.read_text())
    links = [link["url"] for link in dashboard["links"]]
    links += [
        link["url"]
        for panel in dashboard["panels"]
        for link in panel["fieldConfig"]["defaults"].get("links", [])
    ]
    written = {
        "${memmon}": "",
        "${__field.labels.source:percentencode}": "leaky",
        "${__from:date:iso}": f"{NOW - timedelta(hours=6):%Y-%m-%dT%H:%M:%S}.000Z",
        "${__to:date:iso}": f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z",
    }
    for link in sorted(set(links)):
        address = reduce(lambda text, pair: text.replace(*pair), written.items(), link)
        assert "$" not in address
        page = client.get(address)
        assert page.status_code == 200, address
        asked_for = dict(parse_qsl(urlsplit(address).query))
        assert {*asked_for} <= {"name", "since", "until", "state"}
        if "state" in asked_for:
            assert asked_for["state"] in tuple(Urgency)
            chosen = re.search(r'<a href="([^"]*)"[^>]*aria-current="true"><b>', page.text)
            assert f"state={asked_for['state']}" in chosen[1]
        if "name" in asked_for:
            assert "leaky" in page.text
            assert "quiet" not in page.text
        if address.startswith("/events") and "since" in asked_for:
            begin = NOW - timedelta(hours=6)
            assert f"from {local_time(begin)} · to {local_time(NOW)}" in unescape(page.text)
        elif "since" in asked_for:
            drawn = re.search(r'id="memmon-data"[^>]*>(.*?)</script>', page.text, re.DOTALL)[1]
            assert json.loads(drawn)["since"] >= (NOW - timedelta(hours=6)).timestamp() - 300
    assert len(set(links)) >= 6
