from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from memmon.assessment.culprits import culprits_of
from memmon.assessment.explainable import growth_between
from memmon.assessment.gather import assess_source
from memmon.config import parse_database
from memmon.model import ComponentReading, DequeReading, RunRecord, Snapshot
from memmon.store.read import open_store
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

MB = 2**20
KB = 1024
START = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 288


def store_of(tmp_path, snapshots, *, uuid="a"):
    database = parse_database(str(tmp_path / "memmon.db"))
    upgrade(database)
    run = RunRecord(
        uuid=uuid * 32,
        source="bot",
        source_was_given=True,
        started_at=START,
        interval_seconds=300.0,
        host="testhost",
        pid=1,
    )
    Writer(database).write(Batch(run=run, snapshots=snapshots))
    return open_store(tmp_path / "memmon.db")


def culprits(store, since=START - timedelta(days=1), until=START + timedelta(days=2)):
    """Return the parts of the growth and the sentences about them."""
    found = culprits_of(growth_between(store, "bot", since, until))
    return ((), ()) if found is None else (found.parts, found.sentences)


def day(rss_mb, *, deques=lambda _: (), components=lambda _: (), work=lambda _: None):
    return [
        Snapshot(
            at=START + timedelta(seconds=300 * number),
            sequence=number + 1,
            uptime_seconds=300.0 * number,
            rss_bytes=round(rss_mb(number) * MB),
            deques=tuple(deques(number)),
            components=tuple(components(number)),
            work_count=work(number),
        )
        for number in range(COUNT)
    ]


def test_the_growth_of_a_stored_day_is_shared_out(tmp_path):
    """A deque of 1 KB items and a component are told with their shares, and the rest is unexplained."""
    noise = np.random.default_rng(1).normal(0, 0.2, COUNT)

    def history(number):
        length = 100 + number * 512
        return [DequeReading(name="history", length_count=length, maxlen_count=None, size_bytes=length * KB)]

    def cache(number):
        return [ComponentReading(name="cache", size_bytes=round((5 + 0.25 * number) * MB))]

    snapshots = day(lambda n: 200 + n * (0.5 + 0.25 + 0.25) + noise[n], deques=history, components=cache)
    with store_of(tmp_path, snapshots) as store:
        shares, sentences = culprits(store)
    assert [share.name for share in shares] == ["history", "cache", "unexplained"]
    assert [share.share for share in shares] == pytest.approx([0.5, 0.25, 0.25], abs=0.02)
    assert sum(share.growth_bytes for share in shares) / MB == pytest.approx(COUNT - 1, rel=0.05)
    assert "history 50 %" in sentences[0]
    assert "Give history a maxlen" in sentences[1]


def test_sizes_that_are_told_in_steps_follow_the_length(tmp_path):
    """Between two stored sizes a deque's bytes follow its length, so that steps do not blur its share."""

    def history(number):
        length = 100 + number * 512
        known = (100 + (number // 12 * 12) * 512) * KB
        return [DequeReading(name="history", length_count=length, maxlen_count=None, size_bytes=known)]

    with store_of(tmp_path, day(lambda n: 200 + 0.5 * n, deques=history)) as store:
        shares, _ = culprits(store)
    assert shares[0].share == pytest.approx(1.0, abs=0.02)


def test_a_deque_that_is_gone_holds_nothing(tmp_path):
    """When a deque dies and its memory is freed, its growth ends with it and nothing stays unexplained."""

    def history(number):
        if number >= COUNT // 2:
            return [DequeReading(name="history", length_count=None, maxlen_count=None, is_alive=False)]
        return [DequeReading(name="history", length_count=1000, maxlen_count=None, size_bytes=100 * MB)]

    snapshots = day(lambda n: 200 + n * 0.5 + (100 if n < COUNT // 2 else 0), deques=history)
    with store_of(tmp_path, snapshots) as store:
        sizes = store.part_matrix("bot").size_bytes[:, 0]
    assert set(sizes[: COUNT // 2]) == {100 * MB}
    assert set(sizes[COUNT // 2 :]) == {0.0}


def test_growth_per_message_is_a_sentence(tmp_path):
    """Twelve KB left behind per message, under a varying load, are told."""
    rate = 300 * (1 + 0.8 * np.sin(np.arange(COUNT) / 20))
    done = np.concatenate([[0], np.cumsum(rate)[:-1]]).astype(int)
    snapshots = day(lambda n: 200 + done[n] * 12 * KB / MB, work=lambda n: int(done[n]))
    with store_of(tmp_path, snapshots) as store:
        shares, sentences = culprits(store)
    assert shares == ()
    assert sentences[0].startswith("Each unit of work leaves 12.00 KB")


def test_a_component_with_a_deques_name_is_told_apart(tmp_path):
    """Two parts of one name keep their own bytes."""
    snapshots = day(
        lambda n: 200 + n,
        deques=lambda n: [
            DequeReading(name="x", length_count=n + 1, maxlen_count=None, size_bytes=(n + 1) * KB)
        ],
        components=lambda n: [ComponentReading(name="x", size_bytes=n * MB)],
    )
    with store_of(tmp_path, snapshots) as store:
        assert set(store.part_matrix("bot").names) == {"x", "x (component)"}
        assert culprits(store)[0][0].name == "x (component)"


def test_without_anything_registered_nothing_is_said(tmp_path):
    """A bot without deques, components and work has neither shares nor sentences; nor has a level one."""
    with store_of(tmp_path, day(lambda n: 200 + n)) as store:
        assert culprits(store) == ((), ())
        assert culprits(store, START + timedelta(days=9), START + timedelta(days=10)) == ((), ())
    (tmp_path / "level").mkdir()
    level = day(lambda n: 200 + n % 2, components=lambda _: [ComponentReading(name="x", size_bytes=MB)])
    with store_of(tmp_path / "level", level) as store:
        assert culprits(store) == ((), ())


def test_gathering_loads_without_pandas():
    """Gathering and assessing load numpy and nothing heavier."""
    code = "import sys, memmon.assessment.gather; print(sorted({m.split('.')[0] for m in sys.modules}))"
    import subprocess

    root = Path(__file__).parents[2]
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    ).stdout
    assert "'pandas'" not in loaded
    assert "'statsmodels'" not in loaded
    assert "'scipy'" not in loaded


def test_growth_that_is_swapped_out_has_its_culprit(tmp_path):
    """Resident memory stands still while a component grows into swap: the component is named with its share."""
    snapshots = [
        replace(
            one,
            rss_bytes=100 * MB,
            rss_anon_bytes=80 * MB,
            rss_file_bytes=20 * MB,
            rss_shmem_bytes=0,
            swap_bytes=round(number * 0.5 * MB),
            work_count=number * 100,
        )
        for number, one in enumerate(
            day(
                lambda _: 100,
                components=lambda n: [ComponentReading(name="cache", size_bytes=round((5 + 0.5 * n) * MB))],
            )
        )
    ]
    with store_of(tmp_path, snapshots) as store:
        found = assess_source(store, "bot", now=START + timedelta(days=1))
    assert found.finding.verdict == "growing"
    assert [part.name for part in found.culprits.parts] == ["cache", "unexplained"]
    assert found.culprits.parts[0].share == pytest.approx(1.0, abs=0.02)
    assert found.cause.growth_bytes == pytest.approx(found.finding.growth_mb * MB)


def test_growth_in_mapped_files_has_one_total(tmp_path):
    """The cause of growth in mapped files is a part of what resident memory grew from the first to the last sample."""
    rng = np.random.default_rng(6)
    snapshots = [
        replace(
            one,
            rss_anon_bytes=round((90 + rng.normal(0, 0.5)) * MB),
            rss_file_bytes=round((12 + 1.4 * number) * MB),
            rss_shmem_bytes=0,
            swap_bytes=0,
        )
        for number, one in enumerate(day(lambda number: 102 + 1.4 * number))
    ]
    with store_of(tmp_path, snapshots) as store:
        found = assess_source(store, "bot", now=START + timedelta(days=1))
    assert found.finding.verdict == "mapped_files"
    assert found.cause.cause == "file"
    assert found.cause.growth_bytes == pytest.approx(1.4 * (COUNT - 1) * MB, rel=0.01)
    assert sum(part.growth_bytes for part in found.cause.parts) == pytest.approx(found.cause.growth_bytes)
    assert found.cause.share_of("file") > 0.98
