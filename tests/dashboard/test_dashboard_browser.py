"""The dashboard in a real browser, served by uvicorn."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from chromium_pages import axe_findings
from report_store import record_bot
from report_values import NOW
from served import Served

from memmon.config import parse_database
from memmon.dashboard import app, overview
from memmon.model import EventRecord, RunRecord
from memmon.store.write.writer import Batch, Writer
from memmon.units import MIB

Error = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'"
).Error

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(database):
    served = Served(database)
    yield served.address
    served.stop()


@pytest.fixture(scope="module")
def long_database(tmp_path_factory):
    database = tmp_path_factory.mktemp("long") / "m.db"
    for letter in "ab":
        record_bot(database, days=0.5, deques=1, source=letter * 180, host=letter * 180, release=letter * 180)
    gone = NOW - timedelta(hours=9)
    record_bot(database, days=0.5, deques=1, source="c" * 180, host="c" * 180, until=gone)
    return str(database)


@pytest.fixture(scope="module")
def long_names(long_database):
    served = Served(long_database)
    yield served.address
    served.stop()


def look_now(page):
    """Let the page ask for itself as it does when its reader comes back to it."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def until(page, question, *, looks=200):
    """Wait until a question to the page is answered by yes; the policy forbids Playwright's own way."""
    for _ in range(looks):
        try:
            if page.evaluate(question):
                return
        except Error:  # the page is being loaded anew
            page.wait_for_load_state()
        page.wait_for_timeout(100)
    pytest.fail(f"never: {question}")


def test_from_the_overview_to_a_source_and_another_window(open_page, address):
    """Click the worst source, then another window: the charts follow, nothing else is fetched, nothing complains."""
    with open_page(address + "/") as (page, seen):
        page.get_by_role("link", name="leaky").click()
        page.wait_for_selector(".uplot")
        before = page.evaluate("JSON.parse(document.getElementById('memmon-data').textContent).since")
        page.get_by_role("link", name="24 h").click()
        page.wait_for_selector(".uplot")
        after = page.evaluate("JSON.parse(document.getElementById('memmon-data').textContent).since")
    assert after > before
    assert all(url.startswith((address, "data:")) for url in seen.requests)
    assert seen.complaints == []


def test_a_zoomed_view_survives_loading_the_page_anew(open_page, address):
    """The view is in the address: a reload, by hand or by the clock, shows the same part."""
    with open_page(address + "/source?name=leaky") as (page, seen):
        page.wait_for_selector(".uplot")
        page.locator("#chart-memory .plot").focus()
        page.keyboard.press("+")
        view = page.locator("html").get_attribute("data-view")
        page.reload()
        page.wait_for_selector(".uplot")
        assert page.locator("html").get_attribute("data-view") == view
    assert seen.complaints == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?group=release",
        "/?state=silent",
        "/events",
        "/data",
        "/data/v_run",
        "/source?name=quiet",
        "/source?name=nobody",
        "/nowhere",
    ],
)
def test_hostile_names_are_inert_and_axe_is_content(open_page, address, path):
    """On every page: a script as a name stays text, and axe finds nothing serious or moderate."""
    with open_page(address + path) as (page, seen):
        if path == "/source?name=quiet":
            page.wait_for_selector(".uplot")
        assert page.evaluate("window.pwned") is None
        assert axe_findings(page) == []
    # The browser notes an address that leads nowhere.
    assert [words for words in seen.complaints if "404 (Not Found)" not in words] == []


def test_the_page_stays_live_until_the_reader_stops_it(open_page, address):
    """'Live' is on at first and loads the page anew; once stopped it stays stopped on the next page."""
    with open_page(address + "/") as (page, seen):
        button = page.get_by_role("button", name="Live")
        assert button.get_attribute("aria-pressed") == "true"
        button.click()
        page.goto(address + "/source?name=quiet")
        assert page.get_by_role("button", name="Live").get_attribute("aria-pressed") == "false"
    assert seen.complaints == []


def test_a_source_page_outlives_its_server(open_page, database):
    """Through two restarts: it says that it reconnects, and comes back zoomed, opened, in focus and in place as it was, logged in."""
    served = Served(database, token="s3cret-token")
    zoomed = (
        f"{served.address}/source?name=leaky#{int(NOW.timestamp()) - 40_000}-{int(NOW.timestamp()) - 4_000}"
    )
    try:
        with open_page(zoomed) as (page, _):
            page.fill("#token", "wrong")
            page.get_by_role("button", name="Open").click()
            assert page.get_by_role("alert").inner_text() == "This is not the token of this dashboard."
            page.fill("#token", "s3cret-token")
            page.get_by_role("button", name="Open").click()
            page.wait_for_selector(".uplot")
            view = page.locator("html").get_attribute("data-view")
            assert page.url == zoomed
            page.locator("details > summary").last.press("Enter")
            place = "document.querySelector('details:last-of-type > summary').getBoundingClientRect().top"
            for _ in range(2):
                served.stop()
                # What stands above is higher now than it will be, as where a line of the verdict goes.
                page.evaluate("document.querySelector('main').style.paddingTop = '150px'")
                page.evaluate(f"scrollBy(0, {place} - 200)")
                assert page.evaluate(place) == pytest.approx(200, abs=1.0)
                look_now(page)
                page.wait_for_selector(".live-state.lost")
                assert page.locator(".uplot").count() > 0
                page.evaluate("window.isOld = true")
                served.start()
                until(page, "!window.isOld && document.querySelector('.uplot') !== null")
                assert page.locator("html").get_attribute("data-view") == view
                assert page.locator("details").last.get_attribute("open") is not None
                assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
                assert page.evaluate(place) == pytest.approx(200, abs=1.0)
    finally:
        served.stop()


def test_the_overview_outlives_its_server(open_page, database):
    """It stays as it is while the server is away, and goes on with what was sought and where the reader was."""
    served = Served(database)
    try:
        with open_page(served.address + "/") as (page, _):
            page.keyboard.press("/")
            page.keyboard.type("qui")
            page.keyboard.press("Enter")
            served.stop()
            look_now(page)
            page.wait_for_selector(".live-state.lost")
            assert page.locator(".live-state").inner_text() == "reconnecting\u2026"
            assert page.locator("tr.row:visible").count() == 1
            page.evaluate("document.querySelector('tr.row').setAttribute('data-old', '')")
            served.start()
            until(page, "document.querySelector('[data-old]') === null")
            assert page.locator(".live-state").inner_text() == ""
            assert page.locator("tr.row:visible").count() == 1
            assert page.input_value("#find") == "qui"
            assert page.evaluate("document.activeElement.textContent") == "quiet"
    finally:
        served.stop()


def test_the_overview_is_searched_and_walked_by_keys(open_page, address):
    """`/` finds, Enter goes to the first that was found, `j` and `k` from one to the next, Esc shows all; a link has it too."""
    with open_page(address + "/") as (page, seen):
        page.keyboard.press("/")
        page.keyboard.type("LEAK")
        assert page.locator("tr.row:visible").count() == 1
        assert page.locator("#found").inner_text() == "1 found"
        assert page.url.endswith("/?q=LEAK")
        page.reload()
        assert page.locator("tr.row:visible").count() == 1
        page.locator("#find").focus()
        page.keyboard.press("Escape")
        assert page.locator("tr.row:visible").count() == 3
        page.keyboard.press("Enter")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.textContent") != first
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.textContent") == first == "leaky"
        page.keyboard.press("Enter")
        page.wait_for_url("**/source?name=leaky")
    assert seen.complaints == []


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?group=host",
        "/?group=release&sort=memory",
        "/?state=silent&group=host",
        "/events",
        "/data",
        "/data/v_run",
        "/data/v_assessment",
        "/source",
        "/source?name=nobody",
        "/nowhere",
        f"/source?name={'a' * 180}",
        f"/events?name={'a' * 180}&kind=gc&since=2026-02-28T00:00Z",
    ],
)
def test_no_page_scrolls_sideways_on_a_phone(open_page, long_names, width, path):
    """Also with names, hosts and releases of 180 letters without a space, each page is as wide as the phone."""
    with open_page(long_names + path, viewport={"width": width, "height": 844}) as (page, _):
        if path.startswith("/source?name=a"):
            page.wait_for_selector(".uplot")
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("path", ["/", "/?group=host"])
def test_the_overview_fits_every_window_with_its_sparklines(open_page, database, monkeypatch, path):
    """As a table or as cards: every source has a day of memory drawn, and at no width does the page scroll sideways."""
    drawn = dict.fromkeys(range(10), ((0, 210 * MIB), (1, 280 * MIB), (2, 250 * MIB)))
    monkeypatch.setattr(overview, "recent_memory", lambda *_: drawn)
    served = Served(database)
    try:
        with open_page(served.address + path) as (page, _):
            assert page.locator("svg.spark").count() == page.locator("tr.row").count() == 3
            # The longest words that these two columns have.
            page.evaluate(
                """() => document.querySelectorAll("tr.row").forEach(row => {
                    row.querySelector('[data-label="To the limit"]').textContent = "18.1 h at the present pace";
                    row.querySelector("td.last").innerHTML = '59 min ago <span class="badge bad">stale</span>';
                })"""
            )
            for width in (1440, 1280, 1101, 1100, 1024, 981, 980, 900, 821, 820, 600, 390, 320):
                page.set_viewport_size({"width": width, "height": 768})
                assert page.evaluate("document.documentElement.scrollWidth") == width
    finally:
        served.stop()


@pytest.mark.parametrize("width", [390, 320])
def test_the_form_for_the_token_is_as_wide_as_the_phone(open_page, database, width):
    """With an address of 180 letters behind it, and after a wrong token; axe is content with it, dark and light."""
    served = Served(database, token="s3cret-token")
    try:
        for scheme in ("dark", "light"):
            options = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
            with open_page(f"{served.address}/source?name={'a' * 180}", **options) as (page, _):
                assert axe_findings(page) == []
                page.fill("#token", "wrong")
                page.keyboard.press("Enter")
                page.wait_for_selector("[role=alert]")
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert axe_findings(page) == []
    finally:
        served.stop()


@pytest.mark.parametrize("is_live", [True, False])
def test_a_slow_source_page_fills_in(open_page, long_database, monkeypatch, is_live):
    """A reader sees what is known while the page is made, and the charts take its place by themselves, live or not."""
    gate, make, name = threading.Event(), app.source_page.source_page, "a" * 180
    monkeypatch.setattr(app.source_page, "source_page", lambda *asked: gate.wait(30) and make(*asked))
    served = Served(long_database)
    try:
        with open_page(served.address + "/data") as (page, seen):
            page.evaluate(f"sessionStorage.setItem('memmon-live', '{'on' if is_live else 'off'}')")
            page.goto(
                f"{served.address}/source?name={name}#{int(NOW.timestamp()) - 9000}-{int(NOW.timestamp()) - 900}"
            )
            assert page.locator(".being [role=status]").inner_text().startswith("Being judged")
            assert page.locator("h1").inner_text() == name
            assert axe_findings(page) == []
            page.set_viewport_size({"width": 320, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") == 320
            gate.set()
            page.wait_for_selector(".uplot")
            assert page.locator("html").get_attribute("data-view") is not None
    finally:
        gate.set()
        served.stop()
    assert seen.complaints == []


def annotate(database, *, minutes, words):
    """Record an event so many minutes before now, by a run of its own."""
    at = NOW - timedelta(minutes=minutes)
    run = RunRecord(
        uuid=words,
        source="quiet",
        source_was_given=True,
        started_at=at,
        interval_seconds=300.0,
        host="h",
        pid=1,
    )
    event = EventRecord(at=at, sequence=1, kind="annotation", text=words)
    Writer(parse_database(database)).write(Batch(run=run, snapshots=[], events=[event]))


@pytest.mark.parametrize("path", ["/events", "/data/v_event"])
def test_events_and_tables_are_live_where_the_reader_is(open_page, tmp_path, path):
    """What is recorded comes in above; the row under the reader's eyes and the link in focus stay where they were."""
    database = record_bot(tmp_path / "m.db", days=1, deques=1, source="quiet")
    for number in range(60):
        annotate(database, minutes=100 - number, words=f"step {number}")
    served = Served(database)
    try:
        with open_page(served.address + path, viewport={"width": 1000, "height": 500}) as (page, seen):
            row = page.locator("tbody tr", has_text="step 30")
            row.evaluate("one => one.scrollIntoView({ block: 'center' })")
            row.locator("a").first.evaluate("one => one.focus({ preventScroll: true })")
            place = row.bounding_box()["y"]
            annotate(database, minutes=1, words="came later")
            page.evaluate("document.querySelector('.scroll').setAttribute('data-old', '')")
            look_now(page)
            until(page, "document.querySelector('[data-old]') === null")
            assert page.locator("tbody tr", has_text="came later").count() == 1
            assert row.bounding_box()["y"] == pytest.approx(place, abs=1.0)  # a row is 33 high
            assert "step 30" in page.evaluate("document.activeElement.closest('tr').textContent")
    finally:
        served.stop()
    assert seen.complaints == []
