"""Assessing a stored source: what is read of a real store is what the value says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.analysis.leak.detect import LeakPolicy, detect_leak
from memmon.assessment.gather import Question, assess_source, judge, looked_back, read_limit
from memmon.assessment.present import Bounds
from memmon.errors import UnknownSourceError
from memmon.store.read import open_store
from memmon.units import MIB


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    path = record_bot(
        tmp_path_factory.mktemp("assessed") / "m.db", days=2, slope_mb_per_hour=20.0, limit_mb=2048.0
    )
    with open_store(path) as store:
        yield store


def test_a_stored_source_is_assessed_whole(leaky):
    """Verdict, memory, limit, forecast, cause, culprits, deques and freshness are those of the store."""
    assessed = assess_source(leaky, now=NOW + timedelta(minutes=3))
    (run,) = leaky.runs("orderbot")
    assert (assessed.source, assessed.finding.verdict) == ("orderbot", "leaking")
    assert assessed.finding == detect_leak(leaky.history("orderbot"))
    assert assessed.rss_bytes == run.last_rss_bytes
    assert (assessed.limit_origin, assessed.limit_bytes) == ("cgroup v2 /docker/ab12", 2048 * MIB)
    assert assessed.charged_bytes == pytest.approx(assessed.rss_bytes - 42 * MIB, abs=2)
    assert assessed.rss_at_limit_bytes == assessed.rss_bytes + 2048 * MIB - assessed.charged_bytes
    assert assessed.forecast.hours_to_limit > 0
    assert assessed.cause.cause == "python" or assessed.cause.growth_bytes > 500 * MIB
    assert {one.name for one in assessed.deques} == {one.name for one in leaky.deque_status("orderbot")}
    assert (assessed.freshness.state, assessed.freshness.age_seconds) == ("live", 180.0)
    assert assessed.severity == "warning"


def test_a_window_narrows_what_is_judged_and_not_how_fresh_it_is(leaky):
    """Of a past window verdict, memory and limit are those of its end; the source is as fresh as it is."""
    source = leaky.resolve_source()
    end = NOW - timedelta(hours=12)
    bounds = Bounds(since=end - timedelta(hours=20), until=end)
    judged = judge(leaky, source, Question(bounds=bounds), now=NOW)
    assert judged.history.last_at <= end
    assert judged.assessment.finding.window.end == judged.history.last_at
    assert judged.assessment.rss_bytes == int(judged.history.rss_bytes[-1])
    assert judged.assessment.charged_bytes < read_limit(leaky, source, Bounds()).used_bytes - 200 * MIB
    assert judged.assessment.freshness.last_at == source.last_at


def test_what_is_not_asked_for_is_not_worked_out(leaky):
    """Without forecast and cause they are None, and so is the severity that would rest on them."""
    source = leaky.resolve_source()
    question = Question(bounds=Bounds(), is_brief=True, has_cause=False)
    assessed = judge(leaky, source, question, now=NOW).assessment
    left_out = (assessed.forecast, assessed.cause, assessed.culprits, assessed.severity)
    assert left_out == (None, None, None, None)
    assert (assessed.limit_bytes, assessed.deques) == (2048 * MIB, ())


def test_the_limit_that_is_asked_for_is_forecast(leaky):
    """A given limit is one on what the process can't give back; the host's is the host's."""
    source = leaky.resolve_source()
    footprint_bytes = leaky.window_statistics(source.name).last_footprint_bytes
    given = judge(leaky, source, Question(bounds=Bounds(), limit=4096 * MIB), now=NOW).assessment
    assert (given.limit_origin, given.charged_bytes) == ("given", footprint_bytes)
    assert given.forecast.limit_bytes == 4096 * MIB
    host = judge(leaky, source, Question(bounds=Bounds(), limit="host"), now=NOW).assessment
    assert host.limit_origin == "host"
    assert host.limit_bytes > 8000 * MIB


def test_a_window_asked_for_by_name_is_judged_whole(tmp_path):
    """The look-back of the policy does not cut a window that was named; without a name it does."""
    path = record_bot(tmp_path / "long.db", days=9, minutes=30.0)
    with open_store(path) as store:
        source = store.resolve_source()
        bounds = Bounds(since=NOW - timedelta(days=30))
        whole, cut = (
            judge(store, source, Question(bounds=bounds, is_whole=is_whole, has_cause=False), now=NOW)
            for is_whole in (True, False)
        )
        assert whole.assessment.finding.window.duration_hours > 8.9 * 24
        assert cut.assessment.finding.window.duration_hours <= 7 * 24
        assert looked_back(NOW, LeakPolicy(look_back_hours=10.0)).since == NOW - timedelta(hours=10)


def test_each_run_has_the_limit_that_was_its_own(tmp_path):
    """A run that is asked for alone is measured by its own limit, not by that of a later one."""
    import sqlite3

    path = record_bot(tmp_path / "moved.db", days=2, runs=2)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE run SET limit_origin = 'host' WHERE id = (SELECT min(id) FROM run)")
    with open_store(path) as store:
        source, (first, second) = store.resolve_source(), store.runs()
        limits = [read_limit(store, source, Bounds(run_id=run.run_id)) for run in (first, second)]
    assert [limit.origin for limit in limits] == ["host", "cgroup v2 /docker/ab12"]


def test_a_source_without_samples_and_an_unknown_one(tmp_path):
    """A source that never gave a sample is silent and cannot be judged; an unknown one is an error."""
    import sqlite3

    path = record_bot(tmp_path / "empty.db", days=0.02)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM snapshot")
    with open_store(path) as store:
        assessed = assess_source(store, now=NOW)
        assert (assessed.freshness.state, assessed.finding.verdict) == ("silent", "cannot_say")
        assert (assessed.rss_bytes, assessed.limit_bytes) == (None, None)
        with pytest.raises(UnknownSourceError):
            assess_source(store, "nobody", now=NOW)
