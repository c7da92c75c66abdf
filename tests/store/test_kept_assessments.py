"""What the hourly checks say is kept: written once, read as a frame, thinned with age, carried along everywhere."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from store_kit import START, StoreMaker, kept_of, ticks

from memmon.config import Settings
from memmon.export.json_lines import export_lines
from memmon.imports.importing import import_files
from memmon.store.read import open_store
from memmon.store.read.many_sources import newest_assessments
from memmon.store.retention import prune
from memmon.store.salvage import salvage
from memmon.store.transfer.dump import ensure_store
from memmon.store.write.assessments import keep_assessments

HOUR = timedelta(hours=1)


def frame(store: StoreMaker, source: str = "bot", **bounds):
    with open_store(store.database.url) as opened:
        return opened.assessments(source, **bounds)


def test_kept_assessments_are_read_as_a_frame(store):
    """One row an assessment, oldest first, what is not known NaN; `since` and `until` are both included."""
    store.add_run(ticks(3))
    records = [kept_of("bot", START + n * HOUR, severity=None if n == 2 else "ok") for n in (2, 0, 1)]
    assert keep_assessments(store.database, records) == 3
    found = frame(store)
    assert list(found.index) == [START, START + HOUR, START + 2 * HOUR]
    assert list(found["severity"].fillna("none")) == ["ok", "ok", "none"]
    assert list(found["writer"]) == ["child"] * 3
    assert list(found["last_at"]) == list(found.index)
    assert found["footprint_bytes"].isna().all()
    assert np.allclose(found["limit_share"], 0.25)
    assert found["slope_mb_per_hour"].iloc[0] == -0.5
    assert len(frame(store, since=START + HOUR, until=START + 2 * HOUR)) == 2
    assert frame(store, until=START - HOUR).empty


def test_an_assessment_is_kept_once(store):
    """The same source, moment and writer: the first stays; another writer's stands beside it; no source, no row."""
    store.add_run(ticks(3))
    assert keep_assessments(store.database, [kept_of("bot", START)]) == 1
    again = [kept_of("bot", START, verdict="leaking"), kept_of("bot", START, writer="evaluator")]
    assert keep_assessments(store.database, [*again, kept_of("nobody", START)]) == 1
    assert sorted(zip(frame(store)["writer"], frame(store)["verdict"], strict=True)) == [
        ("child", "stable"),
        ("evaluator", "stable"),
    ]


def test_the_newest_of_each_source_is_found(store):
    """It is the newest up to the moment asked for, and says when the newest run began."""
    store.add_run(ticks(3))
    store.add_run(ticks(3, start=START + 5 * HOUR), source="other")
    times = [("bot", 0), ("bot", 9), ("other", 2)]
    keep_assessments(store.database, [kept_of(name, START + hours * HOUR) for name, hours in times])
    found = {one.source: one for one in newest_assessments(store.database, START + 4 * HOUR)}
    assert {name: one.at for name, one in found.items()} == {"bot": START, "other": START + 2 * HOUR}
    assert found["other"].begun_at == START + 5 * HOUR


def test_old_assessments_become_one_a_day_and_each_change(store):
    """Past 90 days the first of a day and whatever differs from the one before stay; younger ones all stay."""
    store.add_run(ticks(3))
    verdicts = {30: "leaking", 31: "leaking", 32: "stable"}
    severities = {40: "warning", 41: "ok"}
    hours = range(72)
    old = [
        kept_of("bot", START + n * HOUR, verdict=verdicts.get(n, "stable"), severity=severities.get(n, "ok"))
        for n in hours
    ]
    young = [kept_of("bot", START + timedelta(days=50) + n * HOUR) for n in hours]
    keep_assessments(store.database, [*old, *young])
    now = START + timedelta(days=100)
    done = prune.apply(store.database, Settings(raw_days=365), now=now, pause_seconds=0.0)
    left = [round((at - START) / HOUR) for at in frame(store, until=START + timedelta(days=10)).index]
    assert left == [0, 24, 30, 32, 40, 41, 48]
    assert done.thinned_assessment_count == 72 - len(left)
    assert len(frame(store)) == len(left) + 72
    again = prune.apply(store.database, Settings(raw_days=365), now=now, pause_seconds=0.0)
    assert again.thinned_assessment_count == 0


def test_each_writer_has_changes_of_its_own(store):
    """Two writers that never agree are thinned all the same: a change is one from what the same writer said."""
    store.add_run(ticks(3))
    records = [
        kept_of("bot", START + n * HOUR, writer=writer, verdict=verdict)
        for n in range(24)
        for writer, verdict in (("child", "stable"), ("evaluator", "growing"))
    ]
    keep_assessments(store.database, records)
    prune.apply(store.database, Settings(raw_days=365), now=START + timedelta(days=200), pause_seconds=0.0)
    assert list(frame(store)["writer"]) == ["child", "evaluator"]


@pytest.fixture
def kept(store):
    store.add_run(ticks(50))
    rng = random.Random(1)
    keep_assessments(
        store.database,
        [
            kept_of("bot", START + n * HOUR, data=f'{{"version":1,"headline":"{"é" * rng.randrange(4000)}"}}')
            for n in range(40)
        ],
    )
    return store


def test_salvage_brings_assessments_back(kept, tmp_path):
    """What was kept is in the salvaged file as it was, falling slopes and long texts too."""
    salvage(kept.path, tmp_path / "new.db")
    assert frame(StoreMaker(tmp_path / "new.db")).equals(frame(kept))


def test_assessments_travel_with_the_history(kept, tmp_path):
    """Exported as JSON Lines and imported elsewhere, under another name too, they are the same; twice changes nothing."""
    lines = tmp_path / "all.jsonl"
    with lines.open("w", encoding="utf-8") as file:
        for line in export_lines(kept.database):
            file.write(line)
    target = StoreMaker(tmp_path / "other.db")
    ensure_store(target.database)
    for _ in range(2):
        list(import_files(target.database, [lines], source="renamed", now=START))
    assert frame(target, "renamed").equals(frame(kept))
