"""The dashboard in a real browser, served by uvicorn."""

from __future__ import annotations

import threading

import pytest
import uvicorn
from chromium_pages import axe_findings
from report_values import NOW

from memmon.clock import ManualClock
from memmon.dashboard import create_app
from memmon.dashboard.server import bind

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(database):
    app = create_app(database, clock=ManualClock(NOW))
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


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
        page.get_by_role("button", name="24 h").click()
        view = page.locator("html").get_attribute("data-view")
        page.reload()
        page.wait_for_selector(".uplot")
        assert page.locator("html").get_attribute("data-view") == view
    assert seen.complaints == []


@pytest.mark.parametrize("path", ["/", "/events", "/data", "/data/v_run", "/source?name=quiet"])
def test_hostile_names_are_inert_and_axe_is_content(open_page, address, path):
    """On every page: a script as a name stays text, and axe has no serious finding."""
    with open_page(address + path) as (page, seen):
        assert page.evaluate("window.pwned") is None
        assert axe_findings(page) == []
    assert seen.complaints == []


def test_the_page_stays_live_until_the_reader_stops_it(open_page, address):
    """'Live' is on at first and loads the page anew; once stopped it stays stopped on the next page."""
    with open_page(address + "/") as (page, seen):
        button = page.get_by_role("button", name="Live")
        assert button.get_attribute("aria-pressed") == "true"
        button.click()
        page.goto(address + "/source?name=quiet")
        assert page.get_by_role("button", name="Live").get_attribute("aria-pressed") == "false"
    assert seen.complaints == []
