"""What part of the time is shown: by finger and by key, kept in the address, with one control for it."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.view_model import PageLink
from memmon.store.read import open_store

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Return the address of four days' page."""
    folder = tmp_path_factory.mktemp("view")
    database = record_bot(folder / "view.db", days=4, runs=2, slope_mb_per_hour=3.0)
    with open_store(database) as store:
        report = build_report(store, now=NOW, since=NOW - timedelta(days=4))
        charts = build_charts(store, report, tz=UTC)
    windows = (
        PageLink(href="?window=24h", label="24 h"),
        PageLink(href="?window=7d", label="7 d", is_here=True),
    )
    for name, more in (("page", {}), ("live", {"windows": windows})):
        (folder / f"{name}.html").write_text(render_html(report, charts, tz=UTC, **more), encoding="utf-8")
    return (folder / "page.html").as_uri()


def view_of(page):
    return [int(part) for part in page.locator("html").get_attribute("data-view").split()]


def whole_of(page):
    return page.evaluate(
        "(d => [d.since, d.edge])(JSON.parse(document.getElementById('memmon-data').textContent))"
    )


def touch(page, kind, *places):
    """Let fingers at these places of the memory picture (share of its width) go down, move or go up."""
    page.evaluate(
        """([kind, places]) => {
          const over = document.querySelector('#chart-memory .u-over'), box = over.getBoundingClientRect();
          places.forEach((share, id) => over.dispatchEvent(new PointerEvent(kind, { pointerId: id + 1, pointerType: 'touch',
            isPrimary: !id, bubbles: true, clientX: box.left + share * box.width, clientY: box.top + 60 })));
        }""",
        [kind, places],
    )
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_two_fingers_zoom_about_what_is_below_them_and_one_drags(address, open_page):
    """A pinch from a tenth to a half of the width shows a quarter of the time; a drag then moves it by as much as it goes."""
    with open_page(address, **PHONE) as (page, seen):
        page.wait_for_selector(".uplot")
        since, edge = whole_of(page)
        touch(page, "pointerdown", 0.45, 0.55)
        touch(page, "pointermove", 0.3, 0.7)
        touch(page, "pointerup", 0.3, 0.7)
        left, right = view_of(page)
        assert (right - left) / (edge - since) == pytest.approx(0.25, abs=0.01)
        assert (left + right) / 2 == pytest.approx((since + edge) / 2, abs=0.01 * (edge - since))
        touch(page, "pointerdown", 0.2)
        touch(page, "pointermove", 0.6)
        touch(page, "pointerup", 0.6)
        moved, _ = view_of(page)
        assert (left - moved) / (right - left) == pytest.approx(0.4, abs=0.02)
    assert seen.complaints == []


def test_one_finger_reads_where_all_is_shown(address, open_page):
    """On the whole picture a finger reads the value below it, and nothing moves."""
    with open_page(address, **PHONE) as (page, _):
        page.wait_for_selector(".uplot")
        touch(page, "pointerdown", 0.2)
        touch(page, "pointermove", 0.4)
        page.locator("#chart-memory .readout", has_text=" MB").wait_for()
        whole = " ".join(str(round(at)) for at in whole_of(page))
        assert page.locator("html").get_attribute("data-view") in {None, whole}


def test_the_page_scrolls_under_a_finger_on_a_picture(address, open_page):
    """Up and down stays the page's own, whatever lies under the finger."""
    with open_page(address, **PHONE) as (page, _):
        page.wait_for_selector(".uplot")
        assert (
            page.locator("#chart-memory .u-over").evaluate("one => getComputedStyle(one).touchAction")
            == "pan-y"
        )


def test_by_key_the_picture_is_read_zoomed_moved_and_shown_whole(address, open_page):
    """Arrows read step by step, + halves, - doubles, Shift moves, 0 shows all; the picture is reached by Tab."""
    with open_page(address) as (page, seen):
        page.wait_for_selector(".uplot")
        since, edge = whole_of(page)
        plot = page.locator("#chart-memory .plot")
        plot.focus()
        page.keyboard.press("ArrowRight")
        one = page.locator("#chart-memory .readout").inner_text()
        page.keyboard.press("ArrowRight")
        other = page.locator("#chart-memory .readout").inner_text()
        assert one[:16] < other[:16]
        assert page.locator("#chart-parts .readout").inner_text()[:13] == other[:13]
        page.keyboard.press("+")
        left, right = view_of(page)
        assert right - left == pytest.approx((edge - since) / 2, abs=2)
        page.keyboard.press("Shift+ArrowRight")
        moved, _ = view_of(page)
        assert moved - left == pytest.approx((right - left) / 10, abs=2)
        page.keyboard.press("0")
        assert view_of(page) == pytest.approx([since, edge], abs=1)
    assert seen.complaints == []


def test_a_sent_address_shows_the_same(address, open_page):
    """What is zoomed stands in the address; opened elsewhere, or typed into an open page, it shows the same."""
    with open_page(address) as (page, _):
        page.wait_for_selector(".uplot")
        page.locator("#chart-memory .plot").focus()
        page.keyboard.press("+")
        page.wait_for_url("**#*")
        shown, sent = view_of(page), page.url
        page.keyboard.press("0")
        page.wait_for_url(address)
    with open_page(sent) as (page, _):
        page.wait_for_selector(".uplot")
        assert view_of(page) == pytest.approx(shown, abs=1)
        page.evaluate("location.hash = ''")
        whole = " ".join(str(round(at)) for at in whole_of(page))
        page.locator(f"html[data-view='{whole}']").wait_for(state="attached")


def test_a_live_page_has_one_control_for_its_window(address, open_page):
    """The links to other windows are the only buttons; a zoom adds the way back, and takes it away again."""
    with open_page(address.replace("page.html", "live.html")) as (page, _):
        page.wait_for_selector(".uplot")
        assert page.get_by_role("group", name="Window").count() == 1
        assert page.get_by_role("button", name="24 h").count() == 0
        back = page.get_by_role("button", name="Whole window")
        assert not back.is_visible()
        page.locator("#chart-memory .plot").focus()
        page.keyboard.press("+")
        back.click()
        assert not back.is_visible()
