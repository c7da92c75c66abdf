"""Moments are told in one form, from one moment on, in the sentences and on the picture, however old the page is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from page_histories import NOW, READERS, Life, Past, write

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.chart_values import Reach
from memmon.report.html import render_html
from memmon.report.html.figures import words_of
from memmon.report.html.page import page_of
from memmon.store.read import open_store

MINUTES = {"ten minutes": 10, "forty minutes": 40, "an hour and a half": 90}


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=2), timedelta(days=9), timedelta(days=400)])
def test_the_picture_dates_the_limit_as_the_sentence_does(tmp_path, later):
    """Made at once, days later and after a New Year: the label on the line, where it has one, is a part of the sentence."""
    with open_store(write(tmp_path / "leak.db", READERS["1"])) as store:
        report = build_report(store, now=NOW + later, until=NOW)
        charts = build_charts(store, report, tz=UTC)
        page = page_of(report, charts, tz=UTC)
    at = report.assessment.forecast.at.timestamp()
    known = replace(charts.memory, reach=Reach(at_seconds=at, from_seconds=None, until_seconds=None))
    words = words_of(charts, UTC)
    (full,) = re.findall(r"on (Saturday 7 March [\d :]+) \(", " ".join(page.plain))
    assert ("2026" in full) == (later.days > 300)
    told = [one.partition("full ")[2] for kind, one in words.items() if kind in {"reach", "forecast"}]
    assert told == ([] if later else [full])
    assert words_of(replace(charts, memory=known), UTC)["reach"] == f"full {full}"


def early(path, minutes, *, ended=None):
    hours = minutes / 60
    life = Life(ago_hours=hours, hours=hours, minutes=1.0, deques=3, ended=ended)
    return write(path, Past(source="newcomer", lives=(life,)))


@pytest.mark.parametrize("name", MINUTES)
def test_in_its_first_hours_a_page_says_when_the_first_verdict_comes(tmp_path, name):
    """The hour of this very day, what is there of what is needed, and that nothing is to be done yet."""
    with open_store(early(tmp_path / "early.db", MINUTES[name])) as store:
        report = build_report(store, now=NOW)
        page = page_of(report, build_charts(store, report, tz=UTC), tz=UTC)
    start = NOW - timedelta(minutes=MINUTES[name])
    opening, _, rest = page.plain[0].partition(": ")
    assert opening == "No verdict can be given yet"
    assert rest.startswith(f"first verdict at about {start + timedelta(hours=2):%H}:")
    done = {10: "10 of 24 samples", 40: "39 min of 2 h", 90: "1.5 of 2 h"}[MINUTES[name]]
    assert rest.endswith(f" ({done}).")
    assert page.steps[0].words.startswith("Nothing yet: ")
    assert page.steps[0].command.startswith("memmon leaks ")


def test_a_run_that_ended_too_early_is_told_so_and_leaves_nothing_to_do(tmp_path):
    """What is over waits for nothing: the page says so, and what would bring a verdict."""
    with open_store(early(tmp_path / "over.db", 5, ended="stopped")) as store:
        report = build_report(store, now=NOW)
        page = page_of(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert "its run has ended" in page.plain[0]
    assert [step.words for step in page.steps] == [
        "Nothing: it has ended. A run that goes on for longer brings a verdict."
    ]


@pytest.mark.browser
def test_a_page_without_samples_copies_its_command(tmp_path, open_page):
    """Where there is no chart there is a command all the same, and its button works."""
    past = Past(source="nothing-yet", lives=(Life(ago_hours=0.05, hours=0.0),))
    with open_store(write(tmp_path / "empty.db", past)) as store:
        text = render_html(build_report(store, now=NOW), None, tz=UTC)
    page_file = tmp_path / "empty.html"
    page_file.write_text(text, encoding="utf-8")
    granted = ["clipboard-read", "clipboard-write"]
    with open_page(page_file.as_uri(), permissions=granted) as (page, seen):
        page.locator(".copy").first.click()
        page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
        assert page.evaluate("navigator.clipboard.readText()").startswith("memmon doctor ")
    assert seen.complaints == []
