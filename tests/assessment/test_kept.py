"""A kept assessment is read back as it was, stands for what would be judged now, and no longer than it is true."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.alerts.policy import AlertPolicy
from memmon.analysis.leak.detect import DEFAULT_POLICY, LeakPolicy
from memmon.assessment import gather
from memmon.assessment.by_process import judge_processes
from memmon.assessment.gather import assess_source
from memmon.assessment.kept import LONGEST_GAP, VERSION, read_kept, record_of, still_holds
from memmon.assessment.newest import assessment_of, read_standings
from memmon.child.requests import Check
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.errors import StoreBusyError
from memmon.evaluator.keep import keep_hourly
from memmon.export.metric_verdicts import _judged
from memmon.export.metrics import render_metrics
from memmon.many.run import fleet
from memmon.store.read import open_store
from memmon.store.read.many_sources import newest_assessments
from memmon.store.write.assessments import keep_assessments
from memmon.tasks.check import check
from memmon.units import MIB, SECONDS_PER_HOUR

MARK = 77.0
"""A slope that no history here has: whoever says it has it from what was kept."""


@pytest.fixture
def leaky(tmp_path):
    path = record_bot(tmp_path / "m.db", days=2, slope_mb_per_hour=20.0, limit_mb=2048.0)
    with open_store(path) as store:
        yield store


def kept_row(store, assessed, **changes):
    record = replace(record_of(assessed, writer="child"), **changes)
    keep_assessments(store.database, [record])
    (row,) = newest_assessments(store.database, record.at)
    return row


def marked(store, *, at=NOW, policy=DEFAULT_POLICY, **changes):
    """Keep an assessment whose slope gives away that it was kept."""
    assessed = assess_source(store, policy=policy, now=at)
    finding = replace(assessed.finding, slope_mb_per_hour=MARK)
    return kept_row(store, replace(assessed, finding=finding), **changes)


def test_a_kept_assessment_is_read_back_as_it_was(leaky):
    """Verdict and forecast are the same value, without the forecast's curve; the row's columns are those of the value."""
    assessed = assess_source(leaky, now=NOW)
    row = kept_row(leaky, assessed)
    kept = read_kept(row)
    assert kept.finding == assessed.finding
    assert kept.forecast == replace(assessed.forecast, curve=None)
    assert (row.source, row.at, row.last_at) == ("orderbot", NOW, leaky.last_sample_at())
    assert (row.verdict, row.confidence) == ("leaking", assessed.finding.confidence)
    assert (row.severity, row.slope_mb_per_hour) == (assessed.severity, assessed.finding.slope_mb_per_hour)
    assert (row.rss_bytes, row.charged_bytes, row.limit_bytes) == (
        assessed.rss_bytes,
        assessed.charged_bytes,
        assessed.limit_bytes,
    )
    data = json.loads(row.data)
    assert (data["version"], data["headline"]) == (VERSION, assessed.headline)
    assert len(row.data) < 6_000


def test_what_later_versions_add_does_not_hurt(leaky):
    """A field that is not known here is passed over; a verdict or a form that is not makes the row unreadable."""
    row = kept_row(leaky, assess_source(leaky, now=NOW))
    data = json.loads(row.data)
    data["weather"], data["finding"]["mood"] = "fine", {"of": ["all"]}
    assert read_kept(replace(row, data=json.dumps(data))) == read_kept(row)
    data["finding"]["verdict"] = "levitating"
    assert read_kept(replace(row, data=json.dumps(data))) is None
    assert read_kept(replace(row, version=VERSION + 1)) is None
    assert read_kept(replace(row, data="{")) is None


def test_a_kept_verdict_holds_for_an_hour_of_newer_samples(leaky):
    """Not longer, nor under another policy, nor of a restarted program, nor of one that is checked no more."""
    row = kept_row(leaky, assess_source(leaky, now=NOW))
    kept = read_kept(row)
    known = {"policy": DEFAULT_POLICY, "last_at": row.last_at + LONGEST_GAP, "is_checked": True}
    assert still_holds(row, kept, **known)
    second = timedelta(seconds=1)
    assert not still_holds(row, kept, **{**known, "last_at": row.last_at + LONGEST_GAP + second})
    assert not still_holds(row, kept, **{**known, "last_at": row.last_at - second})
    assert not still_holds(row, kept, **{**known, "policy": LeakPolicy(threshold_mb_per_hour=5.0)})
    assert not still_holds(replace(row, begun_at=row.at + second), kept, **known)
    assert not still_holds(row, kept, **{**known, "is_checked": False})
    assert still_holds(row, kept, policy=DEFAULT_POLICY, last_at=row.last_at, is_checked=False)


def test_memory_freshness_and_severity_are_of_now(leaky):
    """Of the kept one come verdict and forecast; all else is what the newest readings say, whatever was kept of it."""
    marked(leaky, rss_bytes=1, charged_bytes=2, limit_bytes=3, severity="ok")
    later = NOW + timedelta(minutes=4)
    (standing,) = read_standings(leaky, now=later)
    found, anew = assessment_of(standing, standing.kept, now=later), assess_source(leaky, now=later)
    assert found.finding.slope_mb_per_hour == MARK
    assert found.freshness == anew.freshness
    assert (found.footprint_bytes, found.held_elsewhere_bytes) == (
        anew.footprint_bytes,
        anew.held_elsewhere_bytes,
    )
    assert (found.rss_bytes, found.charged_bytes, found.limit_bytes, found.limit_share, found.severity) == (
        anew.rss_bytes,
        anew.charged_bytes,
        anew.limit_bytes,
        anew.limit_share,
        anew.severity,
    )


def trend_of(store, now):
    """Return the slope in MB per hour that the metrics tell."""
    _judged._held.clear()
    (found,) = re.findall(
        r"^memmon_trend_bytes_per_second\{.*\} (\S+)$", render_metrics(store, now=now), re.MULTILINE
    )
    return float(found) * SECONDS_PER_HOUR / MIB


def test_metrics_and_fleet_take_the_kept_verdict(leaky):
    """While it holds; of what is newer by more than a check is apart they judge themselves, as they do under `--since`."""
    marked(leaky)
    (row,) = fleet(leaky.database.url, now=NOW).results
    assert row.slope_mb_per_hour == pytest.approx(MARK)
    assert trend_of(leaky, NOW) == pytest.approx(MARK)
    anew = fleet(leaky.database.url, now=NOW, since=NOW - timedelta(days=7)).results[0]
    assert anew.slope_mb_per_hour == pytest.approx(20.0, rel=0.1)
    follows = {"slope_mb_per_hour": anew.slope_mb_per_hour, "log_e_value": anew.log_e_value}  # of the slope
    assert replace(row, **follows) == anew


def test_an_old_assessment_is_not_taken(leaky):
    """What was kept of samples long before the newest one says nothing of the present."""
    marked(leaky, last_at=NOW - timedelta(hours=2))
    assert trend_of(leaky, NOW) == pytest.approx(20.0, rel=0.1)
    (row,) = fleet(leaky.database.url, now=NOW).results
    assert row.slope_mb_per_hour == pytest.approx(20.0, rel=0.1)


def test_an_assessment_of_the_future_is_none_of_the_present(leaky):
    """A check under a clock that ran ahead does not hide the newest true one."""
    marked(leaky)
    marked(leaky, at=NOW + timedelta(days=300), last_at=NOW - timedelta(days=1))
    (standing,) = read_standings(leaky, now=NOW)
    assert standing.kept is not None


def test_the_evaluator_keeps_one_an_hour(leaky):
    """It keeps none while the program's own check does, nor of a source without newer samples."""

    def keep(at):
        assert keep_hourly(leaky, source=None, policy=AlertPolicy(), clock=ManualClock(at)) == []
        return list(leaky.assessments()["writer"])

    assert keep(NOW) == ["evaluator"]
    assert keep(NOW + timedelta(hours=3)) == ["evaluator"]
    hour = timedelta(hours=1)
    record_bot(parse_database(leaky.database.url).path, days=0.5, until=NOW + timedelta(hours=12), seed=2)
    assert keep(NOW + 0.5 * hour) == ["evaluator"]
    assert keep(NOW + hour) == ["evaluator"] * 2
    marked(leaky, at=NOW + 1.5 * hour, last_at=NOW)
    assert keep(NOW + 2.2 * hour) == ["evaluator", "evaluator", "child"]
    assert keep(NOW + 2.6 * hour) == ["evaluator", "evaluator", "child", "evaluator"]


def asked(store, **changes) -> Check:
    request = Check(
        database=store.database.url,
        source="orderbot",
        leak_check=True,
        daily_report=False,
        threshold_mb_per_hour=10.0,
        now=NOW,
        look_at_all_pages=False,
    )
    return replace(request, **changes)


def test_the_hourly_check_of_the_program_keeps_its_assessment(leaky):
    """Each check keeps one, as of the time that the program gives; a check for retention alone keeps none."""
    check(asked(leaky, leak_check=False))
    assert leaky.assessments().empty
    check(asked(leaky))
    check(asked(leaky, now=NOW + timedelta(hours=1)))
    found = leaky.assessments()
    assert list(found.index) == [NOW, NOW + timedelta(hours=1)]
    assert set(found["writer"]) == {"child"}
    assert set(found["verdict"]) == {"leaking"}
    (standing,) = read_standings(leaky, now=NOW + timedelta(minutes=1))
    assert standing.kept.finding == assess_source(leaky, now=NOW).finding


def test_a_check_judges_the_history_once(leaky, monkeypatch):
    """What is kept and what is told come of one judgement; where memory leaks, one more confirms it, over what there was an hour before."""
    judged = []

    def counted(history, *arguments, **options):
        judged.append(history)
        return judge_processes(history, *arguments, **options)

    monkeypatch.setattr(gather, "judge_processes", counted)
    answer = check(asked(leaky))
    assert "leak" in {one.kind for one in answer.alerts}
    newest, before = judged
    assert newest.last_at - before.last_at >= gather.CHECK_STEP


def test_an_assessment_that_can_not_be_kept_takes_nothing_along(leaky, monkeypatch, capsys):
    """The alerts of the check are answered all the same, and it is said why nothing was kept."""

    def busy(*_):
        raise StoreBusyError("the database is locked")

    monkeypatch.setattr("memmon.store.write.assessments.keep_assessments", busy)
    answer = check(asked(leaky))
    assert {one.kind for one in answer.seen} >= {"leak"}
    assert "the assessment is not kept: the database is locked" in capsys.readouterr().err
