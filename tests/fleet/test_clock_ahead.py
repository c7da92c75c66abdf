"""A source all of whose samples lie in the future is named everywhere, with its clock, and with what to do."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from memmon import Snapshot, assess_source, fleet, open_store
from memmon.cli import app
from memmon.clock import SystemClock
from memmon.config import parse_database
from memmon.export.metrics import render_metrics
from memmon.model import RunRecord
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, Writer

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def _write(path, source, *, ahead=timedelta(), count=200):
    snapshots = [
        Snapshot(
            at=NOW + ahead - timedelta(minutes=5 * (count - 1 - number)),
            sequence=number + 1,
            uptime_seconds=300.0 * number,
            rss_bytes=300 * 2**20,
        )
        for number in range(count)
    ]
    run = RunRecord(
        uuid=source,
        source=source,
        source_was_given=True,
        started_at=snapshots[0].at,
        interval_seconds=300.0,
        host="box",
        pid=os.getpid(),
        release="1.4",
    )
    Writer(parse_database(str(path))).write(Batch(run=run, snapshots=snapshots))


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "one.db"
    upgrade(parse_database(str(path)))
    _write(path, "right")
    _write(path, "ahead", ahead=timedelta(days=40))
    monkeypatch.setattr(SystemClock, "now", lambda _self: NOW)
    monkeypatch.chdir(tmp_path)
    return path


def _said(database, capsys, *arguments):
    code = app.run([*arguments, "--db", str(database)])
    return code, capsys.readouterr().out


def test_the_fleet_has_a_row_of_it(database):
    """Its row says that nothing can be judged, why, and what to do; the other rows are what they were."""
    found = {one.source: one for one in fleet(str(database), now=NOW).results}
    ahead = found["ahead"]
    assert (ahead.verdict, ahead.is_leak, ahead.last_at, ahead.current_mb) == (
        "cannot_say",
        False,
        None,
        None,
    )
    assert ahead.ahead_until == NOW + timedelta(days=40)
    assert (ahead.release, ahead.host, ahead.run_count) == ("1.4", "box", 1)
    assert ahead.summary.startswith("clock ahead: all samples lie in the future (up to 2026-04-29 ")
    assert "memmon doctor" in ahead.summary
    assert (found["right"].verdict, found["right"].ahead_until) == ("stable", None)


def test_a_source_without_any_sample_has_no_row(database):
    """What never recorded anything has no clock that could be ahead."""
    _write(database, "empty", count=1)
    import sqlite3

    with sqlite3.connect(database) as opened:
        opened.execute("DELETE FROM snapshot WHERE run_id = (SELECT max(id) FROM run)")
    assert {one.source for one in fleet(str(database), now=NOW).results} == {"ahead", "right"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("fleet",), 0), (("leaks",), 3), (("leaks", "--source", "ahead"), 3), (("check",), 3), (("runs",), 0)],
)
def test_every_command_over_all_sources_names_it(database, capsys, arguments, code):
    """fleet, leaks, check and runs name it with `clock ahead`; what judges says how to mend it, and is not well."""
    found, text = _said(database, capsys, *arguments)
    assert found == code
    assert "ahead" in text.replace("clock ahead", "")
    assert "clock ahead" in text
    assert arguments == ("runs",) or "set the clock right, see `memmon doctor`" in text


def test_the_json_of_check_and_leaks_has_its_freshness(database, capsys):
    """In JSON it has an assessment whose freshness is `clock_ahead`, and a finding that says nothing of a leak."""
    _, text = _said(database, capsys, "check", "--json")
    one = next(one for one in json.loads(text)["sources"] if one["source"] == "ahead")
    assert one["assessment"]["freshness"]["state"] == "clock_ahead"
    assert (one["state"], one["limit"]) == ("UNKNOWN", None)
    _, text = _said(database, capsys, "leaks", "--json")
    answer = json.loads(text)
    assert {one["source"]: one["verdict"] for one in answer["findings"]} == {
        "ahead": "cannot_say",
        "right": "stable",
    }
    _, text = _said(database, capsys, "fleet", "--json")
    assert {one["source"]: one["ahead_until"] is None for one in json.loads(text)["findings"]} == {
        "ahead": False,
        "right": True,
    }


def test_what_is_said_of_it_does_not_ask_to_wait(database):
    """Waiting brings no verdict: the sentence says so, and the advice is the clock alone."""
    with open_store(str(database)) as store:
        found = assess_source(store, "ahead", now=NOW)
    assert "waiting does not help" in found.headline
    assert "clock ahead: its newest sample lies in the future" in found.headline
    assert found.ready_at is None
    assert [line for line in found.advice if line.startswith("Set the clock right")]
    assert not [line for line in found.advice if line.startswith("Nothing yet")]


def test_the_metrics_have_it(database):
    """A gauge tells it, and is absent where the clock is right."""
    with open_store(str(database)) as store:
        lines = render_metrics(store, now=NOW).splitlines()
    assert [line for line in lines if line.startswith("memmon_clock_ahead{")] == [
        'memmon_clock_ahead{source="ahead"} 1.0'
    ]
