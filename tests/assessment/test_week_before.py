"""The week before is read where a week by itself does not tell, and every reader then says the same."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from report_values import NOW

import memmon
from memmon.analysis.leak.detect import detect_leak
from memmon.assessment.gather import Question, assess_source, is_confirmed, judge, looked_back
from memmon.assessment.present import Bounds
from memmon.config import parse_database
from memmon.facts.verdicts import Verdict
from memmon.model import RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer
from memmon.units import MIB

DAYS = 14


def record(path, source, *, slope_mb_per_hour, days=DAYS):
    """Write a run of a bot whose load of gigabytes comes again every week, and never goes to where its floor would show."""
    hours = np.arange(0, days * 24, 0.25)
    rng = np.random.default_rng(59)
    load = rng.uniform(0, 6000, 28)[np.floor(hours / 6).astype(int) % 28]
    mb = 500 + load + rng.normal(0, 3, hours.size) + slope_mb_per_hour * hours
    start = NOW - timedelta(hours=float(hours[-1]))
    run = RunRecord(
        uuid=source,
        source=source,
        source_was_given=True,
        started_at=start,
        interval_seconds=900,
        host="trader-1",
        pid=4000,
    )
    snapshots = [
        Snapshot(
            at=start + timedelta(hours=hour),
            sequence=i,
            uptime_seconds=hour * 3600,
            rss_bytes=int(size * MIB),
        )
        for i, (hour, size) in enumerate(zip(hours.tolist(), mb.tolist(), strict=True))
    ]
    Writer(path).write(Batch(run=run, snapshots=snapshots))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("weeks") / "m.db"
    database = parse_database(path)
    upgrade(database)
    record(database, "leaky", slope_mb_per_hour=15.0)
    record(database, "level", slope_mb_per_hour=0.0)
    record(database, "young", slope_mb_per_hour=15.0, days=6.9)
    record(database, "steep", slope_mb_per_hour=400.0)
    with open_store(path) as opened:
        yield opened


def test_the_week_before_is_read_where_a_week_does_not_tell(store):
    """A stored source is judged as the whole of its history is, is confirmed an hour before, and has what is judged only."""
    source = store.resolve_source("leaky")
    question = Question(bounds=looked_back(source.last_at, memmon.LeakPolicy()))
    judged = judge(store, source, question, now=NOW)
    finding = judged.assessment.finding
    assert (finding.verdict, finding.reason) == ("leaking", "week_ago")
    assert finding == detect_leak(store.history("leaky"))
    assert is_confirmed(judged)
    assert judged.history.duration_hours <= 168.0
    assert judged.assessment.severity == "warning"


def test_no_week_before_is_read_where_it_says_nothing(store):
    """Of a run as old as the window, and of one that a week tells of, nothing more is read; a level one stays what it was."""
    assert assess_source(store, "level", now=NOW).finding.verdict == "cannot_say"
    for name in ("young", "steep"):
        source = store.resolve_source(name)
        bounds = looked_back(source.last_at, memmon.LeakPolicy())
        judged = judge(store, source, Question(bounds=bounds), now=NOW)
        assert judged.known is None
    assert judged.assessment.finding.is_leak


def test_a_window_asked_for_by_name_is_judged_by_itself(store):
    """What lies before a named window is left out: a week of it can't say anything."""
    source = store.resolve_source("leaky")
    bounds = Bounds(since=NOW - timedelta(days=6))
    question = Question(bounds=bounds, is_whole=True, asks_week_before=False, has_cause=False)
    assert judge(store, source, question, now=NOW).assessment.finding.verdict is not Verdict.LEAKING


def test_fleet_says_what_the_assessment_says(store):
    """A fleet's row has the verdict, rate and counts of the source's own assessment, with nothing kept."""
    rows = {one.source: one for one in memmon.fleet(store.database.url, now=NOW).results}
    for name in ("leaky", "level", "young"):
        finding = assess_source(store, name, now=NOW).finding
        row = rows[name]
        said = (row.verdict, row.slope_mb_per_hour, row.sample_count, row.since)
        assert said == (finding.verdict, finding.slope_mb_per_hour, finding.sample_count, finding.since)
    assert rows["leaky"].is_leak
    assert not rows["leaky"].is_new
