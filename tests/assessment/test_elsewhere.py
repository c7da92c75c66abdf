"""What counts against a limit and is held by nobody that is recorded."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from assessed_values import START, run
from report_store import NOW, record_bot

from memmon import open_store
from memmon.assessment.assess import assess
from memmon.assessment.elsewhere import elsewhere_sentence, held_elsewhere_bytes
from memmon.assessment.gather import assess_source
from memmon.assessment.limits import Limit
from memmon.assessment.lives import living_runs
from memmon.assessment.present import Present
from memmon.cli.app import run as run_command
from memmon.history import History
from memmon.report.build import build_report
from memmon.report.render_json import render_json
from memmon.report.text import render_text
from memmon.units import MIB

LIMIT = Limit(
    limit_bytes=512 * MIB,
    used_bytes=466 * MIB,
    origin="cgroup v2 /bot",
    counts="charged",
)


def test_what_no_process_holds_is_the_rest_of_what_is_charged():
    """All that is charged, without what each recorded process can't give back; never less than nothing."""
    assert held_elsewhere_bytes(LIMIT, [46 * MIB]) == 420 * MIB
    assert held_elsewhere_bytes(LIMIT, [46 * MIB, 20 * MIB]) == 400 * MIB
    assert held_elsewhere_bytes(LIMIT, [400 * MIB, 400 * MIB]) == 0


@pytest.mark.parametrize("other", [{"origin": "host"}, {"origin": "given"}, {"counts": "used"}])
def test_it_is_known_of_what_is_charged_to_a_group_alone(other):
    """The machine is everybody's, a given limit the process's own, and the older measure is another quantity."""
    assert held_elsewhere_bytes(replace(LIMIT, **other), [46 * MIB]) is None


def test_a_process_that_is_not_known_leaves_the_rest_unknown():
    """What a process holds that could not be read is not told as held by others."""
    assert held_elsewhere_bytes(LIMIT, [46 * MIB, None]) is None
    assert held_elsewhere_bytes(LIMIT, []) is None
    assert held_elsewhere_bytes(None, [MIB]) is None


def test_the_sentence_names_who_may_hold_it_where_it_is_much():
    """It is said from a tenth of what is charged on, not for page tables."""
    said = elsewhere_sentence(420 * MIB, 466 * MIB)
    assert said.startswith("Of it 420.0 MB are held by no process that is recorded here: shared memory")
    assert elsewhere_sentence(40 * MIB, 466 * MIB) == ""
    assert elsewhere_sentence(10 * MIB, 20 * MIB) == ""
    assert elsewhere_sentence(None, 466 * MIB) == ""
    assert elsewhere_sentence(50 * MIB, None) == ""


def _beside(slope_mb_per_hour, *, hours=24.0, own_slope=0.0):
    """A process of 300 MB in a container where 100 MB beside it grow."""
    at_hours = np.arange(round(hours * 12) + 1) / 12
    noise = np.random.default_rng(3).normal(0, 0.2, (2, at_hours.size))
    own = 300 + own_slope * at_hours + noise[0]
    return History.from_arrays(
        source="bot",
        at_seconds=START.timestamp() + at_hours * 3600,
        rss_bytes=own * MIB,
        charged_bytes=(own + 100 + slope_mb_per_hour * at_hours + noise[1]) * MIB,
    )


RUN = run(last_at=START + timedelta(hours=24))


def test_growth_beside_the_process_is_told_with_its_slope():
    """What grows in the container and not in the process is a sentence of its own; the verdict on the process stays."""
    assessed = assess(_beside(25.0), present=Present(runs=(RUN,), limit=LIMIT))
    assert assessed.finding.verdict == "stable"
    assert assessed.elsewhere_slope_mb_per_hour == pytest.approx(25.0, rel=0.05)
    assert assessed.elsewhere.startswith("The container grows by 2")
    assert assessed.elsewhere.endswith("outside this process.")


@pytest.mark.parametrize(
    "found", [_beside(0.0), _beside(3.0), _beside(0.0, own_slope=25.0), _beside(25.0, hours=1.0)]
)
def test_growth_of_the_process_is_not_told_as_growth_beside_it(found):
    """A level container, growth below the threshold, the process's own, and too short a time say nothing of others."""
    assert assess(found, present=Present(runs=(RUN,), limit=LIMIT)).elsewhere_slope_mb_per_hour is None


def test_growth_beside_several_processes_is_not_known():
    """What another process of the source holds is no growth outside, nor is what an older measure or no limit tells."""
    others = (RUN, run(2, last_at=RUN.last_at))
    for present in (
        Present(runs=others, limit=LIMIT),
        Present(runs=(RUN,), limit=replace(LIMIT, counts="used")),
        Present(runs=(RUN,)),
    ):
        assert assess(_beside(25.0), present=present).elsewhere_slope_mb_per_hour is None


def test_processes_beside_one_another_are_alive_and_those_before_are_not():
    """A run that ended, that fell silent, or that had not begun holds nothing at that moment."""
    at = START + timedelta(hours=5)
    alive = run(1, last_at=at - timedelta(minutes=4))
    silent = run(2, last_at=at - timedelta(minutes=40))
    ended = run(3, last_at=at - timedelta(minutes=1), end_reason="stopped")
    ended_later = run(4, last_at=at + timedelta(hours=2), end_reason="stopped")
    later = replace(run(5, last_at=at + timedelta(hours=2)), started_at=at + timedelta(hours=1))
    assert [one.run_id for one in living_runs([alive, silent, ended, ended_later, later], at)] == [1, 4]


@pytest.fixture
def shared(tmp_path):
    """A bot of some 900 MB in a container where as much again is shared memory that no process maps."""
    path = record_bot(tmp_path / "shared.db")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE snapshot SET charged_bytes = 1900 * 1048576, rss_anon_bytes = 880 * 1048576")
        database.execute("UPDATE snapshot SET rss_bytes = 950 * 1048576")
        database.execute("UPDATE snapshot SET rss_shmem_bytes = 20 * 1048576, swap_bytes = 0")
    return path


def test_the_assessment_of_a_source_knows_what_is_held_elsewhere(shared):
    """What is charged counts against the limit, and what the process does not hold of it is named."""
    with open_store(shared) as store:
        assessed = assess_source(store, now=NOW)
        assert set(store.history("orderbot").charged_bytes) == {1900 * MIB}
    assert (assessed.charged_bytes, assessed.limit_bytes) == (1900 * MIB, 2048 * MIB)
    assert assessed.held_elsewhere_bytes == 1000 * MIB
    assert "1,000 MB are held by no process that is recorded" in assessed.elsewhere
    assert assessed.severity == "warning"
    assert json.loads(json.dumps(assessed.to_dict()))["held_elsewhere_bytes"] == 1000 * MIB


def test_workers_side_by_side_hold_their_own(shared):
    """What another process of the source holds is not held elsewhere."""
    record_bot(shared, seed=2)
    with closing(sqlite3.connect(shared)) as database, database:
        database.execute("UPDATE snapshot SET charged_bytes = 1900 * 1048576, rss_anon_bytes = 700 * 1048576")
        database.execute("UPDATE snapshot SET rss_shmem_bytes = 0, swap_bytes = 50 * 1048576")
        database.execute("UPDATE snapshot SET rss_bytes = 950 * 1048576")
    with open_store(shared) as store:
        assert assess_source(store, now=NOW).held_elsewhere_bytes == 400 * MIB


def test_every_face_names_it(shared, capsys):
    """Report and check say it in the same words, and JSON carries the figure."""
    with open_store(shared) as store:
        report = build_report(store, now=NOW)
    text = " ".join(render_text(report).split())
    assert "LIMIT: 1,900 MB of the container's limit (2,048 MB) used. Of it 1,000 MB are held by" in text
    assert json.loads(render_json(report))["report"]["system"]["held_elsewhere_mb"] == 1000.0
    run_command(["check", "--db", shared])
    assert "Of it 1,000 MB are held by no process" in capsys.readouterr().out


def test_nothing_is_said_where_the_process_holds_it_all(tmp_path):
    """Older rows, which know no charge, say nothing of others."""
    path = record_bot(tmp_path / "older.db")
    with open_store(path) as store:
        assert assess_source(store, now=NOW).held_elsewhere_bytes is None
        assert "LIMIT:" not in render_text(build_report(store, now=NOW))
