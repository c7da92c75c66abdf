"""How often the database is asked: as often for many sources as for few, and once for what is read of one."""

from __future__ import annotations

import pytest
from asgi_client import AsgiClient
from report_store import record_bot
from report_values import NOW

from memmon.alerts.policy import AlertPolicy
from memmon.clock import ManualClock
from memmon.dashboard import create_app
from memmon.evaluator.keep import keep_hourly
from memmon.store.read import open_store
from memmon.store.read.many_sources import component_sizes, deque_statuses
from memmon.store.read.sqlite_session import SqliteSession


def fleet_of(path, count):
    """Fill a store with kept assessments of so many sources, each with two runs and some deques."""
    for number in range(count):
        record_bot(path, days=0.1, deques=3, runs=2, source=f"bot-{number}", seed=number, limit_mb=400.0)
    with open_store(path) as store:
        keep_hourly(store, source=None, policy=AlertPolicy(), clock=ManualClock(NOW))
    return path


@pytest.fixture
def asked(monkeypatch):
    """The statements that have been run."""
    found = []

    def counting(session, sql, parameters=None):
        found.append(sql)
        return rows(session, sql, parameters)

    rows = SqliteSession.rows
    monkeypatch.setattr(SqliteSession, "rows", counting)
    return found


@pytest.mark.parametrize("page", ["/", "/metrics"])
def test_a_page_over_all_sources_asks_no_more_often_for_more_of_them(tmp_path, asked, page):
    """Two sources take as many statements as seven, but for the samples of those that may be near their limit: one each."""
    counts = []
    for number in (2, 7):
        path = fleet_of(tmp_path / f"{number}.db", number)
        asked.clear()
        answer = AsgiClient(create_app(str(path), clock=ManualClock(NOW))).get(page)
        assert answer.text.count("bot-") >= number
        own = [sql for sql in asked if "group_concat" not in sql]
        assert len(asked) - len(own) <= number
        counts.append(len(own))
    assert counts[0] == counts[1]


def test_what_is_read_of_all_sources_at_once_is_what_is_read_of_each(tmp_path):
    """Deques, histories and runs of several sources equal those that are asked for one by one."""
    path = fleet_of(tmp_path / "m.db", 3)
    with open_store(path) as opened:
        store = opened.as_of(NOW)
        sources = store.sources()
        together = deque_statuses(store.database, sources[1:], NOW)
        assert set(together) == {one.source_id for one in sources[1:]}
        for one in sources[1:]:
            assert together[one.source_id] == store.deque_status(one.name)
            assert len(together[one.source_id]) == 3
            assert together[one.source_id][0].size_bytes
        assert component_sizes(store.database, sources, NOW) == {}
        for one, history in zip(sources, store.histories(sources), strict=True):
            alone = store.history(one.name)
            assert history.runs == alone.runs
            assert history.source == one.name
            assert history.deque_bytes.tolist() == alone.deque_bytes.tolist()
            assert history.rss_bytes.tolist() == alone.rss_bytes.tolist()
