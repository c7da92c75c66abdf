"""The overview takes what the hourly checks have kept, and is never late over what they have not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from asgi_client import AsgiClient
from report_store import record_bot
from report_values import NOW

from memmon.assessment.gather import assess_source
from memmon.assessment.kept import record_of
from memmon.clock import ManualClock
from memmon.dashboard import create_app
from memmon.formatting import size
from memmon.many.said import JUDGING_SECONDS
from memmon.store.read import open_store
from memmon.store.read.sqlite_session import SqliteSession
from memmon.store.write.assessments import keep_assessments


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "m.db"
    for name in ("one", "two", "three"):
        record_bot(path, days=1, deques=2, source=name, slope_mb_per_hour=15.0)
    with open_store(path) as opened:
        yield opened


class SlowClock(ManualClock):
    """Each look at it takes as long as judging may take in all."""

    def monotonic(self):
        self.advance(0.6 * JUDGING_SECONDS)
        return super().monotonic()


def test_the_overview_shows_the_kept_verdict_with_the_memory_of_now(store):
    """Its slope is the kept one while that holds, and is judged once the samples are newer by more than an hour."""
    assessed = assess_source(store, "one", now=NOW)
    finding = replace(assessed.finding, slope_mb_per_hour=77.0)
    record = replace(record_of(replace(assessed, finding=finding), writer="child"), rss_bytes=1)
    keep_assessments(store.database, [record])
    client = AsgiClient(create_app(store.database.url, clock=ManualClock(NOW)))
    page = client.get("/").text
    assert page.count("77.00 MB/hour") == 1
    assert size(assessed.rss_bytes / 2**20) in page
    record_bot(store.database.path, days=0.1, source="one", until=NOW + timedelta(hours=2), seed=9)
    later = AsgiClient(create_app(store.database.url, clock=ManualClock(NOW + timedelta(hours=2))))
    assert "77.00 MB/hour" not in later.get("/").text


def test_the_overview_never_waits_for_all_to_be_judged(store):
    """What there is no time for is told as not judged, and not as well; the next pages go on until all are."""
    client = AsgiClient(create_app(store.database.url, clock=SlowClock(NOW)))
    first = client.get("/").text
    assert first.count("Not judged yet") == 2
    assert "3 sources: 1 leaking, 2 not known yet. 2 not judged yet." in first
    assert 'data-seconds="3"' in first
    assert client.get("/").text.count("Not judged yet") == 1
    last = client.get("/").text
    assert "3 sources: 3 leaking." in last
    assert 'data-seconds="60"' in last


def test_a_page_reads_the_samples_of_its_window_once(store, monkeypatch):
    """Verdict, statistics and charts of a source's page are of the same samples and readings, read in one go."""
    read = []

    def counting(session, sql, parameters=None):
        if "FROM snapshot s" in sql and "group_concat" in sql:
            tables = [name for name in ("reading", "snapshot") if f"FROM {name} " in sql]
            read.append((tables[0], sql, tuple(sorted((parameters or {}).items()))))
        return rows(session, sql, parameters)

    rows = SqliteSession.rows
    monkeypatch.setattr(SqliteSession, "rows", counting)
    client = AsgiClient(create_app(store.database.url, clock=ManualClock(NOW)))
    assert client.get("/source?name=one&window=7d").status_code == 200
    since = [dict(parameters)["since_ms"] for _, _, parameters in read]
    assert sorted(table for table, *_ in read) == ["reading", "snapshot"]
    assert len(set(since)) == 1


def test_the_overview_says_which_source_has_nothing_but_the_future(store):
    """Seen a month before its samples a source has no verdict, no age and no memory; it is not called well."""
    page = (
        AsgiClient(create_app(store.database.url, clock=ManualClock(NOW - timedelta(days=30)))).get("/").text
    )
    assert page.count("Clock ahead: all samples lie in the future") == 3
    assert "3 sources with a clock ahead: set it right" in page
    assert "3 sources: 3 silent." in page
    assert " ago" not in page
    assert "/hour" not in page
