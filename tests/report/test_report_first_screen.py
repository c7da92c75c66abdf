"""The first screen of the page: what is going on, what to do, and the picture, before anything is scrolled."""

from __future__ import annotations

from datetime import UTC

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.assessment.plainly import plainly
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.page import steps_of
from memmon.report.html.view_model import NextStep
from memmon.store.read import open_store

pytestmark = pytest.mark.browser
SCREENS = [(1440, 900), (1024, 768), (390, 844)]


@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    """Return the address of a leak's page, and its assessment."""
    folder = tmp_path_factory.mktemp("first")
    database = record_bot(folder / "leak.db", days=7, deques=8, slope_mb_per_hour=12.0, limit_mb=2400.0)
    with open_store(database) as store:
        report = build_report(store, now=NOW)
        page = folder / "leak.html"
        page.write_text(render_html(report, build_charts(store, report, tz=UTC), tz=UTC), encoding="utf-8")
    return page.as_uri(), report.assessment


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_what_is_going_on_and_the_picture_are_in_the_first_screen(leak, open_page, width, height):
    """On a laptop, a small one and a phone: all sentences, the step with its command, and the picture's top."""
    address, found = leak
    with open_page(address, viewport={"width": width, "height": height}) as (page, _):
        page.wait_for_selector(".uplot")
        hero = page.locator(".hero")
        text = " ".join(hero.inner_text().split())
        for sentence in plainly(found, tz=UTC):
            assert sentence in text
        assert "Do:" in text
        assert hero.locator(".command code").first.inner_text().startswith("memmon ")
        box = hero.bounding_box()
        assert box["y"] + box["height"] < height
        assert page.locator("#chart-memory .plot").bounding_box()["y"] <= height - 150
        assert page.locator(".cards").bounding_box()["y"] > page.locator("#chart-memory").bounding_box()["y"]


def test_the_page_looks_as_urgent_as_it_is(leak, open_page):
    """A leak whose limit is near is red."""
    address, found = leak
    assert found.severity == "critical"
    with open_page(address) as (page, _):
        assert page.locator(".hero.bad").count() == 1


def test_the_command_is_copied_as_it_stands(leak, open_page):
    """The button puts the whole command on the clipboard, and nothing else."""
    address, _ = leak
    with open_page(address, permissions=["clipboard-read", "clipboard-write"]) as (page, seen):
        command = page.locator(".command code").first.inner_text()
        page.locator(".copy").first.click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == command
    assert seen.complaints == []


def test_statistics_are_folded_away_and_complete(leak, open_page):
    """Slope, interval, confidence and the trend's windows are there for whoever opens them, and not before."""
    address, found = leak
    with open_page(address) as (page, _):
        judged = page.locator("details.judged")
        assert "Theil-Sen" not in page.locator("main").inner_text()
        judged.locator("summary").click()
        text = " ".join(judged.inner_text().split())
    assert found.finding.summary in text
    assert "Theil-Sen" in text
    assert "LEAK DETECTED (confidence: high)" in text
    assert "The trend, window by window" in text


def test_a_step_gives_its_command_apart():
    """The first two steps stand with the first that has a command; the backquotes are gone."""
    steps = steps_of(["Bound it.", "Restart it.", "Wait.", "See what grew: `memmon report --since 24h`"])
    assert steps == (
        NextStep(words="Bound it."),
        NextStep(words="Restart it."),
        NextStep(words="See what grew:", command="memmon report --since 24h"),
    )
    inside = "Give pending a maxlen, it has none (`memmon deques --suggest` says at what)."
    assert steps_of([inside]) == (NextStep(words=inside),)
    assert steps_of([]) == ()
