from __future__ import annotations

import json
import sys
from datetime import UTC, timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.analysis.leak.detect import LeakPolicy
from memmon.errors import UnknownSourceError
from memmon.facts.readings import READINGS
from memmon.report.build import build_report, stored_sections
from memmon.report.render_json import render_json
from memmon.report.text import headline, render_text
from memmon.store.read import open_store


@pytest.fixture(scope="module")
def bot(tmp_path_factory):
    return record_bot(tmp_path_factory.mktemp("bot") / "m.db", days=3.0, runs=3, deques=6)


def test_a_report_has_24_hour_figures_beside_a_verdict_over_all_runs(bot):
    """Memory is of the last 24 hours (288 samples at 5 minutes); the history counts every run and restart."""
    with open_store(bot) as store:
        report = build_report(store, now=NOW)
    assert report.title == "24-HOUR MEMORY USAGE REPORT"
    assert report.memory.sample_count == 288
    assert report.history is not None
    assert (report.history.run_count, report.history.sample_count) == (3, 3 * 288)
    assert report.judged_from == NOW - timedelta(days=7)
    assert report.deques.rows[0].name == "pending_orders"
    assert report.deques.failing_count == 1
    text = render_text(report, tz=UTC)
    assert "Runs: 3 (2 restarts)" in text
    assert "❌ pending_orders: 864 (no maxlen)" in text
    assert headline(report).startswith("orderbot: ")


def test_the_window_asked_for_is_the_window_shown(bot):
    """`since` and `until` bound the figures, and the verdict rests on the same window."""
    with open_store(bot) as store:
        report = build_report(
            store, "orderbot", since=NOW - timedelta(hours=48), until=NOW - timedelta(hours=6), now=NOW
        )
    assert report.title == "42-HOUR MEMORY USAGE REPORT"
    assert report.memory.sample_count == 42 * 12 + 1
    assert report.leak.finding is not None
    assert report.leak.finding.window.start >= NOW - timedelta(hours=48)


def test_one_run_can_be_asked_for(bot):
    """With a run id the figures are those of that run alone."""
    with open_store(bot) as store:
        first = store.runs("orderbot")[0]
        report = build_report(store, run_id=first.run_id, now=NOW)
    assert report.memory.sample_count == 288
    assert report.memory.current_mb == pytest.approx(first.last_rss_bytes / 2**20)


def test_a_threshold_of_ones_own_is_used_and_shown(bot):
    """The policy handed in decides, and its threshold stands in the report."""
    with open_store(bot) as store:
        report = build_report(store, policy=LeakPolicy(threshold_mb_per_hour=3.0), now=NOW)
    assert "(threshold: 3.0)" in render_text(report)


def test_an_old_last_sample_is_stale(bot):
    """When the source has been silent for hours, the report says so and still shows its figures."""
    with open_store(bot) as store:
        report = build_report(store, now=NOW + timedelta(hours=5))
    assert report.staleness is not None
    assert report.staleness.is_stale
    assert "Stale: the last sample is of" in render_text(report)
    assert report.memory.sample_count == 288


def test_a_window_without_a_sample_is_empty_and_says_so(bot):
    """Nothing recorded in the window: no figure is made up, and the history tells what there is."""
    with open_store(bot) as store:
        report = build_report(store, since=NOW - timedelta(days=90), until=NOW - timedelta(days=80), now=NOW)
    assert report.is_empty
    assert render_text(report) == "No memory data available"
    assert report.history is not None
    assert report.history.first_at is not None


def test_an_unknown_source_is_refused_with_the_known_ones(bot):
    """The error names the sources that there are."""
    with open_store(bot) as store, pytest.raises(UnknownSourceError, match="orderbot"):
        build_report(store, "nobody", now=NOW)


def test_the_store_adds_history_and_events_for_a_host(bot):
    """What the store adds to a host's own report: where, runs, events, how old the newest sample is."""
    with open_store(bot) as store:
        stored = stored_sections(store, "orderbot", now=NOW)
        shown = store.database.shown
    assert stored.database == shown
    assert stored.history is not None
    assert stored.history.run_count == 3
    assert {event.kind for event in stored.events} == {"gc", "annotation", "alert"}


def test_the_whole_report_is_plain_json(bot):
    """Every section survives the way through JSON."""
    with open_store(bot) as store:
        data = json.loads(render_json(build_report(store, now=NOW)))
    assert data["report"]["history"]["run_count"] == 3
    assert data["findings"][0]["source"] == "orderbot"


def test_the_text_report_needs_neither_pandas_nor_statsmodels(bot):
    """A fresh interpreter that prints the report loads no pandas, statsmodels, scipy or Jinja2."""
    import subprocess

    code = (
        "import sys; from datetime import datetime, UTC\n"
        "from memmon.store.read import open_store\n"
        "from memmon.report.build import build_report\n"
        "from memmon.report.text import render_text\n"
        f"render_text(build_report(open_store({bot!r}), now=datetime.now(UTC)))\n"
        "print(sorted({'pandas', 'statsmodels', 'scipy', 'jinja2', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    return record_bot(
        tmp_path_factory.mktemp("leak") / "m.db", days=1.5, deques=3, slope_mb_per_hour=14.0, limit_mb=1000.0
    )


def test_the_forecast_says_when_the_recorded_limit_is_reached(leaking):
    """A steady leak towards a recorded limit has a forecast that begins at the last reading."""
    with open_store(leaking) as store:
        report = build_report(store, now=NOW)
    forecast = report.forecast
    assert forecast is not None
    assert forecast.limit_mb == pytest.approx(1000.0)
    assert forecast.hours_to_limit_low < forecast.hours_to_limit < forecast.hours_to_limit_high
    assert forecast.curve.at_seconds[0] == NOW.timestamp()
    assert forecast.curve.middle_mb[0] == pytest.approx(report.memory.current_mb)
    assert "FORECAST:\n  Memory reaches the limit of" in render_text(report)


def test_the_cause_of_growth_is_split_where_there_is_growth(leaking, bot):
    """The parts of a leak's growth are named with their shares; what does not grow needs no cause."""
    with open_store(leaking) as store:
        report = build_report(store, now=NOW)
    assert report.cause is not None
    assert sum(share.share for share in report.cause.shares) == pytest.approx(1.0, abs=0.1)
    assert "CAUSE:\n  Of " in render_text(report)
    with open_store(bot) as store:
        quiet = build_report(store, since=NOW - timedelta(hours=18), now=NOW)
    assert quiet.cause is None or quiet.leak.finding.verdict in {
        "growing",
        "saturating",
        "filling",
        "stepped",
    }


def test_two_releases_are_compared_in_the_report(bot):
    """The newest release stands beside the one before it, in text and as a table of the page."""
    from memmon.report.chart_data import build_charts
    from memmon.report.html import render_html

    with open_store(bot) as store:
        report = build_report(store, now=NOW)
        page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert report.comparison is not None
    assert (report.comparison.before.release, report.comparison.after.release) == ("1.4.1", "1.4.2")
    assert "RELEASES:\n  1.4.2 against 1.4.1: no difference" in render_text(report)
    assert "Releases compared" in page


def test_the_newest_evidence_is_shown(tmp_path):
    """What the recorder found out inside the process has a section of its own, in text and page."""
    from memmon.config import parse_database
    from memmon.model import EventRecord, RunRecord
    from memmon.report.chart_data import build_charts
    from memmon.report.html import render_html
    from memmon.store.write.writer import Batch, Writer

    path = record_bot(tmp_path / "m.db", days=1, deques=1)
    run = RunRecord(
        uuid="orderbot-1-0",
        source="orderbot",
        source_was_given=True,
        started_at=NOW,
        interval_seconds=300,
        host="h",
        pid=1,
    )
    words = ["an older finding", "dict grew by 40,000 objects, held by bot.cache <b>"]
    events = [
        EventRecord(at=NOW - timedelta(minutes=9 - n), sequence=90 + n, kind="evidence", text=text)
        for n, text in enumerate(words)
    ]
    Writer(parse_database(path)).write(Batch(run=run, events=events))
    with open_store(path) as store:
        report = build_report(store, now=NOW)
        page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    section = render_text(report, tz=UTC).split("EVIDENCE:\n")[1].split("\n\n")[0]
    assert (
        " ".join(section.split())
        == "2026-03-01 11:52 +00:00 dict grew by 40,000 objects, held by bot.cache <b>"
    )
    assert "held by bot.cache &lt;b&gt;" in page


def test_json_has_every_reading_of_the_window(bot):
    """What was read in the window stands in the JSON under its own name, in its own unit, and nothing that was not."""
    with open_store(bot) as store:
        report = build_report(store, now=NOW)
        frame = store.snapshots("orderbot", report.since, report.until)
    rows = {row["name"]: row for row in json.loads(render_json(report))["report"]["readings"]}
    known = [one.column for one in READINGS if frame[one.column].notna().any()]
    assert list(rows) == known
    assert len(known) < len(READINGS)
    for name, row in rows.items():
        seen = frame[name].dropna()
        assert row["last"] == seen.iloc[-1]
        assert (row["min"], row["max"]) == (seen.min(), seen.max())
    assert rows["rss_bytes"]["mean"] == pytest.approx(frame["rss_bytes"].mean())
    assert rows["rss_bytes"]["mean"] / 2**20 == pytest.approx(report.memory.average_mb)
