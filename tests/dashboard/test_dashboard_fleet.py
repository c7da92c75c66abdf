"""A fleet in a real browser: the most urgent first, and found by keyboard alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from chromium_pages import axe_findings
from report_store import record_bot
from report_values import NOW
from served import Served

pytestmark = pytest.mark.browser

FLEET = (
    # name, how it is recorded, how its badge begins
    ("doomed", {"days": 2, "slope_mb_per_hour": 15.0, "limit_mb": 1250.0}, "limit in "),
    ("gone", {"days": 2, "until": NOW - timedelta(hours=9)}, "silent"),
    ("tight", {"days": 2, "limit_mb": 290.0}, "8"),
    ("leaky", {"days": 2, "slope_mb_per_hour": 15.0, "limit_mb": 90_000.0}, "leaks"),
    ("young", {"days": 0.1}, ""),
    ("calm", {"days": 2}, ""),
)
"""The most urgent first: the limit's date, silence, the limit's use (80 to 89 %), a leak, then those that ask for nothing."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    database = tmp_path_factory.mktemp("fleet") / "m.db"
    for seed, (name, options, _) in enumerate(sorted(FLEET, key=lambda one: one[0]), 1):
        record_bot(database, deques=0, source=name, seed=seed, **options)
    served = Served(str(database))
    yield served.address
    served.stop()


def names(page):
    return page.locator("tr.row:visible th a").all_inner_texts()


def all_judged(page, address):
    """Open the overview until every source is judged."""
    for _ in range(50):
        page.goto(address + "/")
        if "not judged yet" not in page.locator('[data-part="sub"]').inner_text():
            return
    pytest.fail("not all were judged")


def focus_by_tab(page, words):
    """Press Tab until what has these words is in focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if words in (page.evaluate("document.activeElement.textContent") or ""):
            return
    pytest.fail(f"no Tab leads to {words!r}")


def test_what_is_urgent_stands_first(open_page, fleet):
    """What dies first, what is silent, what is near its limit, what leaks; then what warms up, and last what is well."""
    with open_page(fleet + "/") as (page, seen):
        all_judged(page, fleet)
        assert names(page) == [name for name, _, _ in FLEET]
        badges = page.locator("tr.row td.state > .badge").all_inner_texts()
        for (name, _, words), badge in zip(FLEET, badges, strict=True):
            assert badge.startswith(words), name
        moods = dict(
            page.evaluate(
                "Array.from(document.querySelectorAll('tr.row'), row => [row.querySelector('th a').textContent, row.className])"
            )
        )
        assert [name for name, mood in moods.items() if "good" in mood] == ["calm"]
        assert "bad" in moods["gone"]
        assert page.title().startswith("(4) ")
        assert "%234" not in page.locator("#icon").get_attribute("href")
        assert ">4<" in page.evaluate("decodeURIComponent(document.getElementById('icon').href)")
        assert axe_findings(page) == []
    assert seen.complaints == []


def test_states_and_groups_are_chosen_by_keyboard(open_page, fleet):
    """Tab and Enter narrow the table to a state, group it, and lead back to all."""
    with open_page(fleet + "/") as (page, seen):
        all_judged(page, fleet)
        focus_by_tab(page, "1 silent")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?state=silent")
        assert names(page) == ["gone"]
        focus_by_tab(page, "by release")
        page.keyboard.press("Enter")
        page.wait_for_url("**state=silent&group=release")
        assert page.locator("tr.group").count() == 1
        focus_by_tab(page, "6 all")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?group=release")
        assert sorted(names(page)) == sorted(name for name, _, _ in FLEET)
        page.keyboard.press("/")
        page.keyboard.type("tig")
        page.keyboard.press("Enter")
        assert names(page) == ["tight"]
        assert page.evaluate("document.activeElement.textContent") == "tight"
    assert seen.complaints == []


def test_what_is_sought_is_kept_when_a_state_a_group_or_an_order_is_chosen(open_page, fleet):
    """By keyboard alone: find, then narrow, group and sort what was found; Esc shows all of that state again."""
    with open_page(fleet + "/") as (page, seen):
        all_judged(page, fleet)
        page.keyboard.press("/")
        page.keyboard.type("g")
        assert sorted(names(page)) == ["gone", "tight", "young"]
        focus_by_tab(page, "1 silent")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?state=silent&q=g")
        assert names(page) == ["gone"]
        focus_by_tab(page, "all")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=g")
        focus_by_tab(page, "by host")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?group=host&q=g")
        focus_by_tab(page, "Source")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?sort=source&order=asc&group=host&q=g")
        assert names(page) == ["gone", "tight", "young"]
        page.keyboard.press("Escape")
        assert sorted(names(page)) == sorted(name for name, _, _ in FLEET)
        focus_by_tab(page, "1 silent")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?sort=source&order=asc&state=silent&group=host")
    assert seen.complaints == []


def test_the_rows_that_are_read_stay_where_they_are(open_page, tmp_path):
    """Sources that become urgent come in above; the rows in the reader's window, and what is in focus, keep their place."""
    database = tmp_path / "m.db"
    for number in range(14):
        record_bot(database, days=0.1, deques=0, source=f"bot-{number:02}", seed=number)
    served = Served(str(database))
    try:
        with open_page(served.address + "/", viewport={"width": 1000, "height": 500}) as (page, _):
            all_judged(page, served.address)
            before = names(page)
            row = page.locator("tr.row").nth(9)
            row.evaluate("one => one.scrollIntoView({ block: 'center' })")
            row.locator("th a").evaluate("one => one.focus({ preventScroll: true })")
            place = row.bounding_box()["y"]
            page.evaluate("document.querySelector('tr.row').setAttribute('data-old', '')")
            served.stop()
            for number in range(3):
                gone = NOW - timedelta(hours=9)
                record_bot(database, days=1, deques=0, source=f"gone-{number}", seed=20 + number, until=gone)
            served.start()
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            page.wait_for_selector("text=gone-2", state="attached")
            for _ in range(100):
                if "not judged yet" not in page.locator('[data-part="sub"]').inner_text():
                    break
                page.wait_for_timeout(100)
            assert {name[:4] for name in names(page)[:3]} == {"gone"}
            same = page.locator("tr.row", has=page.get_by_role("link", name=before[9], exact=True))
            assert same.bounding_box()["y"] == pytest.approx(place, abs=2.0)  # a row is 57 high
            assert page.evaluate("document.activeElement.textContent") == before[9]
    finally:
        served.stop()


def test_a_row_that_changes_its_place_takes_nobody_with_it(open_page, tmp_path):
    """The reader stays with most of the rows that are looked at, though one of them is where it stood before."""
    database = tmp_path / "m.db"
    for number in range(16):
        record_bot(database, days=0.1, deques=0, source=f"bot-{number:02}", seed=number)

    def moved(route):
        """Answer with three more rows above, and the thirteenth row where it was."""
        answer = route.fetch()
        text = answer.text()
        rows = re.findall(r'<tr class="row.*?</tr>', text, re.DOTALL)
        first, last = text.index(rows[0]), text.index(rows[-1]) + len(rows[-1])
        above = [re.sub(r"bot-\d\d", f"new-{number}", rows[0]) for number in range(3)]
        others = above + rows[:12] + rows[13:]
        route.fulfill(
            response=answer, body=text[:first] + "".join([*others[:12], rows[12], *others[12:]]) + text[last:]
        )

    served = Served(str(database))
    try:
        with open_page(served.address + "/", viewport={"width": 1000, "height": 500}) as (page, _):
            all_judged(page, served.address)
            row = page.locator("tr.row").nth(9)
            name = row.locator("th a").inner_text()
            row.evaluate("one => scrollBy(0, one.getBoundingClientRect().top - 80)")
            place = row.bounding_box()["y"]
            page.route("**/*", moved)
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            page.wait_for_selector("text=new-2", state="attached")
            same = page.locator("tr.row", has=page.get_by_role("link", name=name, exact=True))
            assert same.bounding_box()["y"] == pytest.approx(place, abs=2.0)
    finally:
        served.stop()
