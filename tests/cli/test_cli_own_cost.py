"""What memmon itself costs a program: the same sentence on every face."""

from __future__ import annotations

from datetime import timedelta

from memmon import Recorder, open_store
from memmon.clock import ManualClock
from memmon.model import OWN_COST_EVENT
from memmon.report.build import build_report
from memmon.report.text import render_text


def record(path, clock, count: int, seconds: float = 300.0) -> None:
    recorder = Recorder(path, source="bot", clock=clock, leak_check=False, daily_report=False)
    for _ in range(count):
        recorder.take_snapshot()
        assert recorder.flush(60.0), recorder.status
        clock.advance(seconds)
    recorder.stop()


def test_every_face_says_the_same(call, tmp_path):
    """The event, the report as text, page and JSON, and `doctor` say one sentence; the list of events leaves it out."""
    path, clock = tmp_path / "m.db", ManualClock()
    record(path, clock, 14)
    with open_store(path) as store:
        (event,) = store.events("bot", kinds=[OWN_COST_EVENT])
        report = build_report(store, "bot", now=clock.now() + timedelta(seconds=1))
    assert event.text.startswith("memmon itself: ")
    assert " ms of processor time a snapshot, taken in " in event.text
    assert event.data["snapshot_count"] == 12
    assert report.own_cost.text == event.text
    assert OWN_COST_EVENT not in {one.kind for one in report.events}
    assert event.text in " ".join(render_text(report).split())
    assert report.to_dict()["own_cost"]["text"] == event.text
    page = tmp_path / "page.html"
    call("report", "--db", path, "--format", "html", "-o", page)
    assert event.text in page.read_text(encoding="utf-8")
    said = call("doctor", "--db", path, "--json").json["diagnoses"]
    assert [one["finding"] for one in said if one["finding"].startswith("memmon itself")] == [event.text]


def test_of_several_runs_every_face_says_what_the_newest_told(call, tmp_path):
    """Report and `doctor` say the sentence of the newest run that told any, with the file's growth once that is known."""
    path, clock = tmp_path / "m.db", ManualClock()
    record(path, clock, 4, seconds=1_300.0)
    record(path, clock, 29, seconds=3_600.0)
    record(path, clock, 2)  # too young to tell anything
    with open_store(path) as store:
        told = [one.text for one in store.events("bot", kinds=[OWN_COST_EVENT])]
        report = build_report(store, "bot", now=clock.now() + timedelta(seconds=1))
    assert len(told) == 3
    assert told[-1].endswith(" more in the file a day")
    assert report.own_cost.text == told[-1]
    said = call("doctor", "--db", path, "--json").json["diagnoses"]
    assert [one["finding"] for one in said if one["finding"].startswith("memmon itself")] == told[-1:]
