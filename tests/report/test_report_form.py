"""The page's form: tables that sort, names that are long, fingers, narrow screens and paper."""

from __future__ import annotations

import re
from datetime import UTC, timedelta

import pytest
from page_histories import NOW as HISTORY_NOW
from page_histories import SEVEN, write
from report_store import record_bot
from report_values import NOW

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.view_model import Column, Table
from memmon.store.read import open_store

pytestmark = pytest.mark.browser
LONG = "a_name_of_a_trading_bot_that_is_exactly_sixty_four_letters_long_"


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    """Return the address of the page of a month of a bot with a name of 64 letters, 56 deques and six runs."""
    folder = tmp_path_factory.mktemp("form")
    database = record_bot(
        folder / "month.db",
        days=30,
        minutes=30,
        deques=56,
        runs=6,
        hostile=True,
        source=LONG,
        slope_mb_per_hour=2.0,
    )
    with open_store(database) as store:
        report = build_report(store, now=NOW, since=NOW - timedelta(days=30))
        page = folder / "month.html"
        page.write_text(render_html(report, build_charts(store, report, tz=UTC), tz=UTC), encoding="utf-8")
    return page.as_uri()


def test_a_cell_s_bar_is_its_share_of_the_largest():
    """Half of the largest is half as long; what is no figure, and a column without bars, have none."""
    columns = (Column(label="Runs", is_number=True), Column(label="MB", is_number=True, has_bars=True))
    table = Table(key="t", title="T", columns=columns, rows=(("3", "1,200.0"), ("2", "600.0"), ("1", "-")))
    assert [table.bar(row, 1) for row in table.rows] == [100.0, 50.0, None]
    assert table.bar(table.rows[0], 0) is None


def test_a_table_sorts_up_then_down_then_as_it_was(month, open_page):
    """A click on a column's name sorts by its figures, not by their letters, and says so to screen readers."""
    with open_page(month) as (page, seen):
        table = page.locator("section[aria-labelledby=h-days] table")

        def column():
            cells = table.locator("tbody tr td:nth-child(5)").all_inner_texts()
            return [float(cell.replace(",", "")) for cell in cells]

        before = column()
        head = table.get_by_role("button", name="Max MB")
        head.click()
        assert column() == sorted(before)
        assert table.locator("th[aria-sort=ascending]").inner_text().strip() == "Max MB"
        head.click()
        assert column() == sorted(before, reverse=True)
        head.click()
        assert column() == before
        assert table.locator("th[aria-sort]").count() == 0
        assert table.locator("td.bar svg rect").count() == len(before)
    assert seen.complaints == []


def test_a_duration_sorts_by_how_long_it_is(month, open_page):
    """Days stand above hours, whatever their figures."""
    with open_page(month) as (page, _):
        table = page.locator("section[aria-labelledby=h-runs] table")
        table.locator("tbody tr td:nth-child(2)").first.evaluate("one => { one.textContent = '46.0 h'; }")
        table.get_by_role("button", name="Lasted").click()
        assert table.locator("tbody tr td:nth-child(2)").first.inner_text() == "46.0 h"


def test_a_long_name_is_cut_in_its_middle_and_whole_when_pointed_at_or_copied(month, open_page):
    """Both ends of a long name are seen; its title and what a selection takes are the whole of it."""
    with open_page(month, viewport={"width": 1024, "height": 768}) as (page, _):
        page.locator(".more summary").click()
        name = page.locator(".deque .name", has_text="binance_price_history").first
        name.evaluate("one => { one.style.width = '18ch'; }")
        whole = name.locator(".cut").get_attribute("title")
        assert len(whole) > 24
        wide = name.locator(".cut").evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert wide[0] > wide[1]
        assert whole.endswith(name.locator(".uncut").inner_text())
        assert (
            name.evaluate(
                "one => { getSelection().selectAllChildren(one); return getSelection().toString(); }"
            )
            == whole
        )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return the address of a page whose source, release, components and deques all have names that are long or hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    database = write(folder / "hostile.db", SEVEN["hostile"])
    with open_store(database) as store:
        report = build_report(store, now=HISTORY_NOW)
        page = folder / "hostile.html"
        page.write_text(render_html(report, build_charts(store, report, tz=UTC), tz=UTC), encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize(
    ("width", "media"), [(320, "screen"), (390, "screen"), (720, "screen"), (1024, "screen"), (703, "print")]
)
def test_no_name_makes_the_page_wider_than_the_screen(hostile, open_page, width, media):
    """Whatever is long (a culprit, a legend's entry, a bar's label, a command) wraps or is shortened, on screen and on paper."""
    with open_page(hostile, viewport={"width": width, "height": 800}) as (page, seen):
        page.wait_for_selector(".uplot")
        page.emulate_media(media=media)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.complaints == []


def test_a_bar_s_long_label_shows_both_its_ends_on_a_phone(hostile, open_page):
    """At least twenty letters of a label are seen on 390 points, its end among them, and its title is the whole."""
    with open_page(hostile, viewport={"width": 390, "height": 800}) as (page, _):
        label = page.locator(".bars .label:has(.cut)").first
        cut = label.locator(".cut")
        letter = cut.evaluate("one => one.scrollWidth / one.textContent.length")
        box = label.bounding_box()
        assert box["x"] + box["width"] <= 390
        assert cut.bounding_box()["width"] / letter >= 20
        assert cut.get_attribute("title").endswith(label.locator(".uncut").inner_text())


@pytest.mark.parametrize("width", [320, 390])
def test_a_finger_finds_every_button_and_nothing_scrolls_sideways(month, open_page, width):
    """From 320 points on no part but a table is wider than the screen, and each button is 44 points high."""
    with open_page(month, viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True) as (
        page,
        _,
    ):
        page.wait_for_selector(".uplot")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        low = page.locator("main button, main summary").evaluate_all(
            "all => all.filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
        )
        assert low == []


def test_on_paper_it_is_three_pages_with_the_picture_on_the_first(month, open_page):
    """Sentences, picture and cards are on the first of at most three pages, whatever is folded or zoomed."""
    with open_page(month, viewport={"width": 703, "height": 1000}) as (page, _):
        page.wait_for_selector(".uplot")
        paper = page.pdf(format="A4", prefer_css_page_size=True)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 3
        page.emulate_media(media="print")
        picture = page.locator("#chart-memory").bounding_box()
        assert picture["y"] + picture["height"] < 1030


@pytest.mark.parametrize(("width", "media"), [(1440, "screen"), (720, "screen"), (703, "print")])
def test_bars_stand_below_each_other_and_cards_of_a_rank_side_by_side(hostile, open_page, width, media):
    """All rails of a list begin and end alike, whatever is written beside them; the small cards fill one row."""
    with open_page(hostile, viewport={"width": width, "height": 800}) as (page, _):
        page.emulate_media(media=media)
        rails = page.locator("#h-bars + .bars .rail").evaluate_all(
            "all => all.map(one => { const box = one.getBoundingClientRect(); return [Math.round(box.left), Math.round(box.width)]; })"
        )
        assert len(rails) > 1
        assert len(set(map(tuple, rails))) == 1
        rows = {
            kind: page.locator(kind).evaluate_all(
                "all => [...new Set(all.map(one => Math.round(one.getBoundingClientRect().top)))]"
            )
            for kind in (".card:not(.second)", ".card.second")
        }
        assert {kind: len(tops) for kind, tops in rows.items()} == {
            ".card:not(.second)": 1,
            ".card.second": 1,
        }


def test_long_names_leave_the_tables_whole_on_a_laptop(hostile, open_page):
    """No column of a table is out of sight, and a name's end is never cut off."""
    with open_page(hostile, viewport={"width": 1440, "height": 900}) as (page, _):
        page.wait_for_selector(".uplot")
        wide = page.locator("section .scroll").evaluate_all(
            "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.getAttribute('aria-label'))"
        )
        assert wide == []
        cut = page.locator(".deque .name:has(.cut)").evaluate_all(
            "all => all.filter(one => one.querySelector('.uncut').getBoundingClientRect().right > one.getBoundingClientRect().right + 1).map(one => one.textContent)"
        )
        assert cut == []


def test_on_paper_the_colours_are_the_light_ones(hostile, open_page):
    """Whoever has a dark screen prints on white paper."""
    names = ["mean", "trend", "forecast", "limit", "alert", "gc", "end", "death", "culprit-0", "hatch"]
    ask = "names => names.map(name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim())"
    with open_page(hostile, color_scheme="light") as (page, _):
        light = page.evaluate(ask, names)
    with open_page(hostile, color_scheme="dark") as (page, _):
        assert page.evaluate(ask, names) != light
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(ask, names) == light
