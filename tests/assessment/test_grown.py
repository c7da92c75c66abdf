"""What grows is told wherever a leak is: in the assessment, in print, in alerts, between releases and at the end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon import open_store
from memmon.alerts.policy import AlertPolicy
from memmon.assessment.gather import assess_source
from memmon.assessment.kept import read_kept, record_of
from memmon.assessment.newest import assessment_of, read_standings
from memmon.cli import app
from memmon.clock import SystemClock
from memmon.config import parse_database
from memmon.evaluator.observe import observe
from memmon.facts.grown import GrowthTold, grown_of
from memmon.facts.suspicion import Suspicion
from memmon.model import EventRecord, RunRecord
from memmon.store.read.many_sources import newest_assessments
from memmon.store.write.assessments import keep_assessments
from memmon.store.write.writer import Batch, Writer

PATH = "bot.CACHE.rows"
WORDS = f"{PATH} (dict): 1,500 to 4,500 Row, 1.0 kB each, 3.0 MB more; Row is created at bot.py:12 (keep)"


def chain(path=PATH, signature="ab12"):
    return {
        "path": path,
        "kind": "dict",
        "grown_bytes": 3 * 2**20,
        "entry_count_before": 1_500,
        "entry_count": 4_500,
        "item_bytes": 1_048,
        "class_name": "bot.Row",
        "class_at": "/srv/bot.py:3",
        "created_at": [{"file": "/srv/bot.py", "line": 12, "function": "keep"}],
        "signature": signature,
        "words": WORDS.replace(PATH, path),
    }


def tell(path, *events, number=0, source="orderbot"):
    """Add events to a run of the recorded bot: (hours before now, kind, data)."""
    run = RunRecord(
        uuid=f"{source}-1-{number}",
        source=source,
        source_was_given=True,
        started_at=NOW,
        interval_seconds=300,
        host="h",
        pid=1,
    )
    records = [
        EventRecord(at=NOW - timedelta(hours=hours), sequence=9_000 - hours, kind=kind, text="; ".join(
            (state_beginning(data), WORDS)), data=data)
        for hours, kind, data in events
    ]  # fmt: skip
    Writer(parse_database(path)).write(Batch(run=run, events=records))


def state_beginning(data):
    return Suspicion(data["state"]).beginning


@pytest.fixture
def at_noon(monkeypatch):
    monkeypatch.setattr(SystemClock, "now", lambda _self: NOW)


@pytest.fixture
def leaking(tmp_path, at_noon):
    """A bot that leaks, of which a suspect and then evidence were told."""
    path = record_bot(tmp_path / "m.db", days=2, deques=1, slope_mb_per_hour=20.0)
    suspect = {"state": "suspect", "chains": [chain()]}
    tell(path, (30, "suspect", suspect), (29, "evidence", {"state": "confirmed", "chains": [chain()]}))
    return path


def printed(capsys, *arguments):
    app.run([*map(str, arguments)])
    return capsys.readouterr().out


def test_the_assessment_carries_it(leaking):
    """The confirmed thing is a part of the assessment, of its plain data and of the advice."""
    with open_store(leaking) as store:
        found = assess_source(store, now=NOW)
    assert found.finding.is_leak
    grown = found.grown
    assert (grown.path, grown.kind, grown.class_name) == (PATH, "dict", "bot.Row")
    assert grown.state is Suspicion.CONFIRMED
    assert grown.created_at == ("/srv/bot.py:12 (keep)",)
    assert grown.sentence == f"Confirmed by another look, it goes on growing: {WORDS}."
    assert found.to_dict()["grown"]["state"] == "confirmed"
    assert (
        f"Bound or clear {PATH}; what it holds is probably created at /srv/bot.py:12 (keep)." in found.advice
    )


def test_a_suspect_is_called_one(tmp_path, at_noon):
    """What no later look confirmed is told as what grew most, and the advice asks whether it is meant to grow."""
    path = record_bot(tmp_path / "m.db", days=2, deques=1, slope_mb_per_hour=20.0)
    tell(path, (3, "suspect", {"state": "suspect", "chains": [chain()]}))
    with open_store(path) as store:
        found = assess_source(store, now=NOW)
    assert found.grown.sentence == f"What grew most: {WORDS}."
    assert any(said.startswith(f"See whether {PATH} is meant to grow") for said in found.advice)


def test_where_memory_is_stable_nothing_is_said_to_grow(tmp_path, at_noon):
    """Beside a verdict that no memory leaks or grows, what was once told is not told on."""
    path = record_bot(tmp_path / "m.db", days=2, deques=1, slope_mb_per_hour=0.0)
    tell(path, (3, "evidence", {"state": "confirmed", "chains": [chain()]}))
    with open_store(path) as store:
        found = assess_source(store, now=NOW)
    assert not found.finding.is_leak
    assert found.grown is None


def test_commands_print_it(leaking, capsys):
    """`memmon leaks` and `memmon report` say it in words, and carry it in JSON."""
    for command in ("leaks", "report"):
        assert PATH in " ".join(printed(capsys, command, "--db", leaking).split())
    (source,) = json.loads(printed(capsys, "leaks", "--json", "--db", leaking))["sources"]
    assert (source["grown"]["path"], source["grown"]["signature"]) == (PATH, "ab12")
    report = json.loads(printed(capsys, "report", "--json", "--db", leaking))
    assert report["assessment"]["grown"]["created_at"] == ["/srv/bot.py:12 (keep)"]


def test_reports_tell_what_was_found_before_their_window(leaking, capsys):
    """A report of a day tells what was found to grow 29 hours ago, with the time at which it was; so does the page."""
    found = printed(capsys, "report", "--db", leaking)
    section = " ".join(found.split("EVIDENCE:\n")[1].split("\n\n")[0].split())
    assert section.startswith("2026-02-28 07:00")
    assert "Confirmed by another look" in section
    page = printed(capsys, "report", "--db", leaking, "--format", "html")
    assert "Confirmed by another look, it goes on growing: bot.CACHE.rows" in page


def test_the_leak_alert_says_it(leaking):
    """The alert of a leak ends with what grows, and hands it over in its values."""
    with open_store(leaking) as store:
        seen, _ = observe(store, now=NOW, policy=AlertPolicy())
    (leak,) = [one for one, _ in seen if one.kind == "leak"]
    assert leak.message.endswith(f"it goes on growing: {WORDS}.")
    assert leak.values["grown"]["path"] == PATH


def test_a_kept_assessment_keeps_it(leaking):
    """What the hourly check keeps is read back with what grows."""
    with open_store(leaking) as store:
        found = assess_source(store, now=NOW)
        keep_assessments(store.database, [record_of(found, writer="child")])
        (row,) = newest_assessments(store.database, NOW)
        assert read_kept(row).grown == found.grown
        (standing,) = read_standings(store, now=NOW)
        assert assessment_of(standing, standing.kept, now=NOW).grown == found.grown


def test_releases_are_compared_by_what_grows(tmp_path, at_noon, capsys):
    """Where the same thing grows in both releases, that is said; else what grows in each."""
    path = record_bot(tmp_path / "m.db", days=4, deques=1, runs=2, slope_mb_per_hour=20.0)
    tell(path, (50, "evidence", {"state": "confirmed", "chains": [chain()]}), number=0)
    tell(path, (2, "evidence", {"state": "confirmed", "chains": [chain()]}), number=1)
    said = printed(capsys, "compare", "1.4.0", "1.4.1", "--db", path)
    assert f"The same thing grows in both. Confirmed by another look, it goes on growing: {PATH}" in said
    tell(path, (1, "evidence", {"state": "confirmed", "chains": [chain("bot.OTHER", "cd34")]}), number=1)
    said = printed(capsys, "compare", "1.4.0", "1.4.1", "--db", path)
    assert f"In 1.4.0: Confirmed by another look, it goes on growing: {PATH}" in said
    assert "In 1.4.1: Confirmed by another look, it goes on growing: bot.OTHER" in said


def told(*events):
    return [GrowthTold(at=NOW, run_id=run_id, data=data) for run_id, data in events]


def suspect(*chains):
    return {"state": "suspect", "chains": list(chains)}


def confirmed(*chains):
    return {"state": "confirmed", "chains": list(chains)}


OTHER = chain("bot.OTHER", "cd34")


@pytest.mark.parametrize(
    ("events", "run_id", "expected"),
    [
        ([], None, None),
        ([(1, {"path": "/x.damaged"})], None, None),
        ([(1, suspect(chain()))], None, (PATH, "suspect")),
        ([(1, suspect(OTHER)), (1, confirmed(chain()))], None, (PATH, "confirmed")),
        ([(1, confirmed(chain())), (1, suspect(OTHER))], None, (PATH, "confirmed")),
        (
            [(1, suspect(chain())), (1, {"state": "cleared", "cleared": [chain()], "chains": [OTHER]})],
            None,
            ("bot.OTHER", "suspect"),
        ),
        ([(1, confirmed(chain())), (1, {"state": "cleared", "cleared": [chain()]})], None, None),
        ([(1, confirmed(chain())), (2, suspect(OTHER))], None, ("bot.OTHER", "suspect")),
        ([(1, confirmed(chain())), (2, suspect(chain()))], None, (PATH, "confirmed")),
        ([(1, confirmed(chain())), (2, suspect(OTHER))], 1, (PATH, "confirmed")),
        ([(1, confirmed(chain())), (2, suspect(OTHER))], 7, ("bot.OTHER", "suspect")),
        ([(1, {"state": "suspect", "chains": ["no chain", {"path": 3}, chain()]})], None, (PATH, "suspect")),
    ],
)
def test_what_of_all_that_was_told_stands(events, run_id, expected):
    """What is confirmed comes before suspects of its run, the newest run's first; what was cleared is gone."""
    found = grown_of(told(*events), run_id=run_id)
    assert (None if found is None else (found.path, found.state.value)) == expected
