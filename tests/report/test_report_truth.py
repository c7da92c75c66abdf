"""What the pictures draw, against the store, in a real browser: nothing where nothing was recorded, and no other value."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.store.read import open_store
from memmon.units import MIB

pytestmark = pytest.mark.browser

DAYS = 4
SHOWN = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d) to (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d) · (\d+\.\d) MB(?: \((\d+\.\d) to (\d+\.\d)\))?"
)
_RECORD_STEPS = """
window.steps = [];
for (const name of ['moveTo', 'lineTo']) {
  const own = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (x, y) {
    if (name === 'lineTo' && this.memmonAt) {
      window.steps.push([this.canvas.closest('[data-chart], [data-deque]')?.dataset.chart || 'deque', ...this.memmonAt, x, y]);
    }
    this.memmonAt = [x, y];
    return own.call(this, x, y);
  };
}
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Return a store with a restart and two pauses of 17 hours, its page's address and its charts."""
    folder = tmp_path_factory.mktemp("truth")
    database = record_bot(
        folder / "gaps.db",
        days=DAYS,
        deques=5,
        runs=2,
        slope_mb_per_hour=5.0,
        limit_mb=700.0,
        pause_hours=(18.0, 35.0),
    )
    with open_store(database) as store:
        report = build_report(store, now=NOW, since=NOW - timedelta(days=DAYS))
        charts = build_charts(store, report, tz=UTC)
    page = folder / "gaps.html"
    page.write_text(render_html(report, charts, tz=UTC), encoding="utf-8")
    return database, page.as_uri(), charts


def subpaths(path):
    """Yield the points of each stroke of a path in relative steps."""
    points, x, y = [], 0.0, 0.0
    for letter, numbers in re.findall(r"([Mlhvz])([^Mlhvz]*)", path):
        if letter == "z":
            continue
        found = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if letter == "M":
            if points:
                yield points
            points, (x, y) = [], found
        else:
            x += found[0] if letter in "lh" else 0.0
            y += found[-1] if letter in "lv" else 0.0
        points.append((x, y))
    if points:
        yield points


def test_the_history_has_pauses_and_a_restart(history):
    """What follows is tested on two pauses of 17 hours and a restart that takes no time."""
    _, _, charts = history
    lengths = [round((one.until_seconds - one.from_seconds) / 3600, 1) for one in charts.pauses]
    assert lengths == [16.9, 0.0, 16.9]


@pytest.mark.parametrize("scripts", [True, False])
def test_no_path_of_the_pictures_crosses_a_pause(history, open_page, scripts):
    """Without scripts and in print: no stroke and no area has a point on either side of a pause or restart."""
    _, address, charts = history
    with open_page(address, java_script_enabled=scripts) as (page, _):
        page.emulate_media(media="print")
        edge = (
            page.evaluate("JSON.parse(document.getElementById('memmon-data').textContent).edge")
            if scripts
            else None
        )
        found = page.locator("figure svg path, .deque svg.static path").evaluate_all(
            "all => all.map(one => [one.getAttribute('class'), one.getAttribute('d'), !!one.closest('.deque')])"
        )
    edge = edge or charts.memory.forecast.at_seconds[-1]
    drawn = 0
    for style, path, is_deque in found:
        if not style or style.split()[0] in {"marker", "limit"}:
            continue
        right = charts.until_seconds if is_deque else edge
        for points in subpaths(path):
            drawn += 1
            xs = [x for x, _ in points]
            for pause in charts.pauses:
                one, other = (
                    1000 * (at - charts.since_seconds) / (right - charts.since_seconds)
                    for at in (pause.from_seconds, pause.until_seconds)
                )
                assert not min(xs) < one - 2 < other + 2 < max(xs), (style, pause)
    assert drawn > 40


def test_no_segment_on_the_canvas_crosses_a_pause(history, open_page):
    """Every step that the script draws, in all pictures, zoomed out and zoomed in, stays on its side of a pause."""
    _, address, charts = history
    with open_page("about:blank") as (page, _):
        page.add_init_script(_RECORD_STEPS)
        page.goto(address)
        page.wait_for_selector("#chart-split .uplot")
        for view in (None, (charts.pauses[0].from_seconds - 7200, charts.pauses[0].until_seconds + 7200)):
            if view is not None:
                page.evaluate("steps.length = 0")
                page.goto(f"{address}#{view[0]:.0f}-{view[1]:.0f}")
                page.reload()
                page.wait_for_selector("#chart-split .uplot")
            left, right = view or (charts.since_seconds, charts.memory.forecast.at_seconds[-1])
            steps = page.evaluate("steps")
            assert len(steps) > 200
            width = page.locator("#chart-memory .u-over").evaluate(
                "one => one.clientWidth * devicePixelRatio"
            )
            place = page.locator("#chart-memory .u-over").evaluate("one => one.offsetLeft * devicePixelRatio")
            crossing = [
                step
                for step in steps
                if step[0] in {"memory", "split"} and abs(step[2] - step[4]) > 0.01
                for pause in charts.pauses
                if _spans(step, pause, left, right, place, width)
            ]
            assert crossing == []


def _spans(step, pause, left, right, place, width):
    one, other = (
        place + width * (at - left) / (right - left) for at in (pause.from_seconds, pause.until_seconds)
    )
    low, high = sorted((step[1], step[3]))
    return low < one - 0.5 and high > other + 0.5


def stored(database, since, until):
    """Return mean, least and largest resident memory that the store has from one moment up to another."""
    with open_store(database) as store:
        frame = store.history("orderbot", since, until - timedelta(milliseconds=1))
        rss = frame.rss_bytes / MIB
    return rss.mean(), rss.min(), rss.max()


def test_what_is_read_under_the_pointer_is_what_the_store_has(history, open_page):
    """At 200 random points the value, its extremes and its range are the store's; in a pause nothing is claimed."""
    database, address, charts = history
    places = random.Random(7)
    paused = read = 0
    with open_page(address, viewport={"width": 1440, "height": 1800}) as (page, _):
        page.wait_for_selector(".uplot")
        over = page.locator("#chart-memory .u-over")
        box = over.bounding_box()
        edge = page.evaluate("JSON.parse(document.getElementById('memmon-data').textContent).edge")
        for _ in range(200):
            x = places.uniform(1, box["width"] - 1)
            page.mouse.move(box["x"] + x, box["y"] + 150)
            words = page.locator("#chart-memory .readout").inner_text()
            at = charts.since_seconds + x / box["width"] * (edge - charts.since_seconds)
            slack = 2 / box["width"] * (edge - charts.since_seconds)
            if any(one.from_seconds + slack < at < one.until_seconds - slack for one in charts.pauses):
                assert words.endswith("nothing was recorded")
                paused += 1
            elif any(
                min(abs(at - one.from_seconds), abs(at - one.until_seconds)) <= slack for one in charts.pauses
            ):
                continue  # the pointer may be on either side
            elif found := SHOWN.match(words):
                since = datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
                until = datetime.strptime(
                    f"{found[2] or found[1][:10]} {found[3]}", "%Y-%m-%d %H:%M"
                ).replace(tzinfo=UTC)
                assert since.timestamp() - slack <= at <= until.timestamp() + slack
                values = stored(database, since, until)
                for said, value in zip(
                    (found[4], found[5] or found[4], found[6] or found[4]), values, strict=True
                ):
                    assert float(said) == pytest.approx(value, abs=0.16)
                read += 1
            else:
                assert at > charts.until_seconds - slack
                assert "forecast" in words
    assert paused > 20
    assert read > 80


def test_the_page_says_of_the_limit_one_number(history, open_page):
    """The limit that stands in the picture, on the card and in the sentences is one and the same."""
    _, address, _ = history
    with open_page(address) as (page, _):
        page.wait_for_selector(".uplot")
        text = page.locator("main").inner_text()
    said = set(re.findall(r"limit(?: of|,) (\d[\d.,]* [MG]B)", text)) | set(
        re.findall(r"of (\d[\d.,]* [MG]B) \(the container's limit\)", text)
    )
    assert said == {"700.0 MB"}
