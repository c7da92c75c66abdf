"""The growth's cause is read again only when it can have changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from memmon.analysis.leak.detect import DEFAULT_POLICY
from memmon.assessment import explainable
from memmon.assessment.explainable import KnownGrowth
from memmon.assessment.gather import Question, judge, looked_back
from memmon.config import parse_database
from memmon.model import ComponentReading, RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer

MB = 2**20
START = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 288
RUN = RunRecord(
    uuid="a" * 32,
    source="bot",
    source_was_given=True,
    started_at=START,
    interval_seconds=300.0,
    host="testhost",
    pid=1,
)


def snapshot(number: int) -> Snapshot:
    return Snapshot(
        at=START + timedelta(seconds=300 * number),
        sequence=number + 1,
        uptime_seconds=300.0 * number,
        rss_bytes=round((200 + 2 * number) * MB),
        components=(ComponentReading(name="cache", size_bytes=round((10 + 1.6 * number) * MB)),),
    )


@pytest.fixture
def database(tmp_path):
    found = parse_database(str(tmp_path / "memmon.db"))
    upgrade(found)
    Writer(found).write(Batch(run=RUN, snapshots=[snapshot(number) for number in range(COUNT)]))
    return found


@pytest.fixture
def reads(monkeypatch):
    """Count how often the cause is read."""
    seen, real = [], explainable.read_growth
    monkeypatch.setattr(explainable, "read_growth", lambda *given: seen.append(given) or real(*given))
    return seen


def culprits(database, known, minute):
    """Return who is found in a look some minutes after the first day."""
    now = START + timedelta(days=1, minutes=minute)
    with open_store(database.path) as store:
        found = store.resolve_source("bot")
        asked = looked_back(found.last_at, DEFAULT_POLICY)
        question = Question(bounds=asked, known_growth=known)
        fresh = judge(store, found, replace(question, known_growth=None), now=now).assessment.culprits
        seen = judge(store, found, question, now=now).assessment.culprits
    assert seen == fresh
    return seen


def test_a_look_without_anything_new_reads_no_cause_again(database, reads):
    """The second look at the same samples says the same and reads nothing; a new sample, and an end, are read anew."""
    known = KnownGrowth()

    def read_count(minute):
        before = len(reads)
        assert culprits(database, known, minute).parts[0].name == "cache"
        return len(reads) - before - 1  # the look that knows nothing reads by itself

    assert [read_count(minute) for minute in (0, 1, 2)] == [1, 0, 0]
    Writer(database).write(Batch(run=RUN, snapshots=[snapshot(COUNT)]))
    assert [read_count(minute) for minute in (5, 6)] == [1, 0]
    end = RunEnd(at=START + timedelta(days=1, minutes=7), reason="stopped")
    Writer(database).write(Batch(run=RUN, end=end))
    assert [read_count(minute) for minute in (8, 9)] == [1, 0]


def test_another_source_is_another_growth(database, reads):
    """What is known of one source is not told of another."""
    other = replace(RUN, uuid="b" * 32, source="other")
    Writer(database).write(
        Batch(run=other, snapshots=[replace(snapshot(n), components=()) for n in range(COUNT)])
    )
    known = KnownGrowth()
    with open_store(database.path) as store:
        for name in ("bot", "other", "bot"):
            found = store.resolve_source(name)
            asked = looked_back(found.last_at, DEFAULT_POLICY)
            question = Question(bounds=asked, known_growth=known)
            told = judge(store, found, question, now=START + timedelta(days=1)).assessment.culprits
            names = [] if told is None else [part.name for part in told.parts]
            assert ("cache" in names) == (name == "bot")
    assert len(reads) == 3
