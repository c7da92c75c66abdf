"""The HTML report in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from chromium_pages import axe_findings
from report_store import record_bot
from report_values import NOW

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.store.read import open_store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")

    def make(name, **bot):
        database = record_bot(folder / f"{name}.db", **bot)
        with open_store(database) as store:
            report = build_report(store, now=NOW, since=NOW - timedelta(days=bot.get("days", 2)))
            page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
        path = folder / f"{name}.html"
        path.write_text(page, encoding="utf-8")
        return path.as_uri()

    return make


@pytest.fixture(scope="module")
def hostile_page(page_file):
    return page_file(
        "hostile", days=2, deques=14, runs=2, hostile=True, slope_mb_per_hour=12.0, limit_mb=900.0
    )


def view_of(page):
    return [int(part) for part in page.locator("html").get_attribute("data-view").split()]


def test_hostile_names_are_inert_and_nothing_is_requested(hostile_page, open_page):
    """A script as a deque's, host's, release's and event's name runs nowhere; no request leaves the page."""
    with open_page(hostile_page) as (page, seen):
        page.wait_for_selector(".uplot")
        assert page.evaluate("window.pwned") is None
        assert page.get_by_text("<script>window.pwned=1</script>", exact=False).count() >= 3
        assert page.evaluate("document.querySelectorAll('script').length") == 3
    assert seen.requests == [hostile_page]
    assert seen.complaints == []


def test_dragging_zooms_every_chart_and_a_double_click_shows_all_again(hostile_page, open_page):
    """A drag on the memory picture narrows all charts to one window; a double click undoes it."""
    with open_page(hostile_page) as (page, seen):
        whole = page.evaluate(
            "(d => d.edge - d.since)(JSON.parse(document.getElementById('memmon-data').textContent))"
        )
        box = page.locator("#chart-memory .u-over").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 80, steps=5)
        page.mouse.up()
        left, right = view_of(page)
        assert (right - left) / whole == pytest.approx(0.25, abs=0.02)
        page.locator("#chart-split .u-over").dblclick(position={"x": 200, "y": 50})
        left, right = view_of(page)
        assert right - left == pytest.approx(whole, abs=2)
    assert seen.complaints == []


def test_the_buttons_show_the_last_part_of_the_window(hostile_page, open_page):
    """'24 h' shows the last day, 'All' everything, and the pressed one is marked for screen readers."""
    with open_page(hostile_page) as (page, _):
        page.get_by_role("button", name="24 h").click()
        left, right = view_of(page)
        assert right - left == 86_400
        assert page.get_by_role("button", name="24 h").get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="All").click()
        assert page.get_by_role("button", name="24 h").get_attribute("aria-pressed") == "false"


def test_hovering_reads_all_charts_at_the_same_moment(hostile_page, open_page):
    """The value under the pointer is written out with its range, and the other charts read the same moment."""
    with open_page(hostile_page) as (page, _):
        page.locator(".deque").first.scroll_into_view_if_needed()
        page.wait_for_selector(".deque.drawn")
        page.locator("#chart-memory .u-over").hover(position={"x": 600, "y": 100})
        memory = page.locator("#chart-memory .readout").inner_text()
        split = page.locator("#chart-split .readout").inner_text()
        deque = page.locator(".deque.drawn .fill").first.inner_text()
    assert re.match(r"2026-0[23]-\d\d \d\d:\d\d to \d\d:\d\d · \d+\.\d MB", memory)
    moments = [
        datetime.strptime(words[:16], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        for words in (memory, split, deque)
    ]
    assert max(moments) - min(moments) <= timedelta(minutes=15)


def test_without_scripts_the_page_is_complete(hostile_page, open_page):
    """Every chart is there as a picture with its labels, and no control that needs a script is shown."""
    with open_page(hostile_page, java_script_enabled=False) as (page, seen):
        assert page.locator("#chart-memory .picture").is_visible()
        assert page.locator("#chart-split .picture").is_visible()
        assert page.locator(".deque svg.static").count() == 14
        assert (
            page.get_by_text("24 h", exact=True).count() == 0
            or not page.get_by_text("24 h", exact=True).is_visible()
        )
        assert page.locator(".u-over").count() == 0
    assert seen.requests == [hostile_page]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(hostile_page, scheme, width, open_page):
    """Neither in the light nor in the dark scheme, wide or on a phone, has axe a serious finding."""
    with open_page(hostile_page, color_scheme=scheme, viewport={"width": width, "height": 900}) as (page, _):
        page.wait_for_selector(".uplot")
        assert axe_findings(page) == []


def test_a_phone_needs_no_sideways_scrolling(hostile_page, open_page):
    """At 360 points the page is no wider than the screen, whatever the names."""
    with open_page(hostile_page, viewport={"width": 360, "height": 800}) as (page, _):
        page.wait_for_selector(".uplot")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_in_print_the_pictures_are_drawn_and_the_controls_are_gone(hostile_page, open_page):
    """On paper the SVG pictures stand, and neither canvases nor buttons."""
    with open_page(hostile_page) as (page, _):
        page.wait_for_selector(".uplot")
        page.emulate_media(media="print")
        assert page.locator("#chart-memory .picture").is_visible()
        assert not page.locator("#chart-memory .plot").is_visible()
        assert not page.get_by_role("button", name="All").is_visible()


def test_56_deques_draw_without_complaint(page_file, open_page):
    """A week over 3 runs draws all its charts and opens the rest of its 56 deques."""
    with open_page(page_file("week", days=7, deques=56, runs=3)) as (page, seen):
        page.wait_for_selector(".uplot")
        page.locator("summary", has_text="more deques").click()
        page.mouse.wheel(0, 600)
        page.wait_for_function("document.querySelectorAll('.deque.drawn').length > 12")
    assert seen.complaints == []


def test_a_page_says_how_old_it_is_when_it_is_opened_later(page_file, open_page):
    """Opened at once it says nothing of its age; from an hour on it says it, and goes on saying it while it is open."""
    url = page_file("aged", days=2, slope_mb_per_hour=12.0)
    for later, words in (
        (timedelta(minutes=50), []),
        (timedelta(minutes=75), ["this page is 75 min old"]),
        (timedelta(hours=26), ["this page is 26.0 h old"]),
        (timedelta(days=3), ["this page is 3.0 d old"]),
        (timedelta(hours=-5), []),
    ):
        with open_page("about:blank") as (page, seen):
            page.clock.install(time=NOW + later)
            page.goto(url)
            page.wait_for_selector(".uplot")
            assert page.locator(".sub .old").all_text_contents() == words, later
            page.clock.run_for(timedelta(hours=1) // timedelta(milliseconds=1))
            assert page.locator(".sub .old").count() == (later > timedelta(0)), later
            assert seen.complaints == []


def test_without_scripts_the_day_it_was_made_stands_there(page_file, open_page):
    """The age needs a script; the date needs none."""
    with open_page(page_file("aged-dumb", days=2), java_script_enabled=False) as (page, _):
        assert page.locator(".sub .old").count() == 0
        assert f"made on {NOW:%A} {NOW:%Y-%m-%d %H:%M}" in page.locator(".sub").text_content()
