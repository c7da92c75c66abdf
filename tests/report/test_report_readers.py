"""Six questions, answered by the first screen alone: is it leaking, since when, how fast, who is it, when does it die, what do I do."""

from __future__ import annotations

from datetime import UTC

import pytest
from page_histories import LONG, NOW, READERS, SEVEN, write

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.store.read import open_store

pytestmark = pytest.mark.browser
SCREENS = [(1440, 900), (1024, 768), (390, 844)]
ANSWERS = {
    "1": (
        "Leaking 18.",
        " MB/hour since Tuesday 3 March 21:",
        "with release 5.2.0.",
        "session_cache holds ",
        "The container's limit, 2,048 MB, is reached in about 46.",
        "on Saturday 7 March 1",
        "Do: Bound or clear session_cache",
        "And: Go back to 5.1.1 until the leak is mended.",
    ),
    "2": (
        "Growing, too slowly to count as a leak: 3.1",
        " MB/hour since Thursday 26 February 16:17 or earlier (a leak is 10.00 MB/hour or more).",
        "of the growth is native allocations; nothing that is registered explains it.",
        "The container's limit, 4,096 MB, is reached in about 39.",
        "on Tuesday 14 April",
        "Do: Attach a native profiler",
    ),
    "3": (
        "Leaking 46.",
        " MB/hour since Thursday 5 March 07:5",
        "unsent_messages holds 95 % of the growth.",
        "The machine's memory, 32.0 GB, is reached in about 16.",
        "on Saturday 21 March",
        "Do: Bound or clear unsent_messages",
    ),
    "4": (
        "No leak: memory is stable.",
        "27 % of the container's limit (1,024 MB) is used, and nothing grows towards it.",
        "Do: Nothing.",
    ),
    "5": (
        "Leaking 46.",
        " MB/hour since it started on Wednesday 4 March 19:",
        "; the run before leaked too, since Tuesday 3 March 16:3",
        ", with release 2.7.0.",
        "seen_articles holds 71 % of the growth.",
        "The container's limit, 1,536 MB, is reached in about 7.6 h, on Thursday 5 March 23:57",
        "An earlier run of this release, 2.7.0, was killed out of memory on Wednesday 4 March 19:36.",
        "Do: Bound or clear seen_articles",
        "And: Restart it, or raise the limit, before Thursday 5 March 23:33.",
    ),
    "6": (
        "Growing, too slowly to count as a leak: 0.9",
        " MB/hour since Thursday 26 February 16:18 or earlier (a leak is 10.00 MB/hour or more).",
        "price_history holds 90 % of the growth.",
        "The container's limit, 2,048 MB, is reached in about 71.8 d",
        "on Saturday 16 May",
        "Do: Bound or clear price_history",
    ),
}
"""What each page says in its first screen, by what was put into its history."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the addresses of the six pages."""
    folder, found = tmp_path_factory.mktemp("readers"), {}
    for name, past in {**READERS, "hostile": SEVEN["hostile"]}.items():
        database = write(folder / f"history-{name}.db", past)
        with open_store(database) as store:
            report = build_report(store, now=NOW)
            text = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
        page = folder / f"{name}.html"
        page.write_text(text.replace(f"{folder}/", ""), encoding="utf-8")
        found[name] = page.as_uri()
    return found


@pytest.mark.parametrize(("width", "height"), SCREENS)
@pytest.mark.parametrize("name", READERS)
def test_the_first_screen_answers_six_questions(pages, open_page, name, width, height):
    """Every answer stands above the screen's lower edge, in the words of what was put in, and so does the picture's top."""
    with open_page(pages[name], viewport={"width": width, "height": height}) as (page, seen):
        page.wait_for_selector(".uplot")
        hero = page.locator(".hero")
        text = " ".join(hero.inner_text().split())
        assert [words for words in ANSWERS[name] if words not in text] == []
        box = hero.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] < height
        assert page.locator("#chart-memory .plot").bounding_box()["y"] <= height - 150
    assert seen.complaints == []


@pytest.mark.parametrize(("width", "height"), [*SCREENS, (320, 700)])
def test_names_of_64_letters_leave_the_picture_in_the_first_screen(pages, open_page, width, height):
    """Long names are shortened in the middle where sentences name them; whole on hover, and in what is copied."""
    with open_page(pages["hostile"], viewport={"width": width, "height": height}) as (page, seen):
        page.wait_for_selector(".uplot")
        if (width, height) in SCREENS:
            assert page.locator("#chart-memory .plot").bounding_box()["y"] <= height - 150
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert f"{LONG} (component) holds " in page.locator(".hero .plain").text_content()
        assert page.locator(".hero .plain .cut").first.get_attribute("title") == LONG
        assert LONG in page.locator(".command code").text_content()
        for cut in page.locator(".hero .cut").all():
            assert cut.bounding_box()["width"] < 0.6 * width
    assert seen.complaints == []
