"""What is written on the pictures, in a real browser: words stand on no line, in their own layer, and say what the cards say."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, timedelta
from itertools import pairwise

import numpy as np
import pytest
from page_histories import NOW, READERS, SEVEN, Life, Past, write

from memmon.formatting import size
from memmon.report import chart_data
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.figures import shows_limit, words_of
from memmon.report.html.payload import payload_of
from memmon.store.read import open_store

pytestmark = pytest.mark.browser

DIFFERENT = {
    **{name: SEVEN[name] for name in ("month", "three", "gaps", "hostile")},
    **{f"reader-{name}": READERS[name] for name in ("2", "3", "5")},
    "restarts": Past(
        source="quote-feed",
        lives=tuple(
            Life(ago_hours=ago, hours=hours, release="3.4.0", ended=ended, leak_mb_per_hour=33.0)
            for ago, hours, ended in ((109.8, 50, "oom"), (59.6, 40, "sigterm"), (19.4, 19.4, None))
        ),
    ),
    "level-months": Past(
        source="steady",
        lives=tuple(
            Life(ago_hours=2_400 - 600 * month, hours=599.5, release=f"4.{month}", minutes=30.0)
            for month in range(4)
        ),
    ),
}
WIDTHS = (1440, 1024, 390)

_RECORD = """
window.words = []; window.strokes = []; window.areas = [];
const own = CanvasRenderingContext2D.prototype, pen = {};
for (const name of ['beginPath', 'moveTo', 'lineTo', 'stroke', 'fill', 'fillText', 'clearRect']) pen[name] = own[name];
const chart = c => (c.canvas.closest('[data-chart]') || { dataset: {} }).dataset.chart;
own.clearRect = function (...all) { // a new drawing begins
  for (const kept of [words, strokes, areas]) { const others = kept.filter(one => one.chart !== chart(this)); kept.length = 0; kept.push(...others); }
  return pen.clearRect.apply(this, all);
};
own.beginPath = function () { this.memmonPath = []; return pen.beginPath.call(this); };
own.moveTo = function (x, y) { (this.memmonPath ??= []).push([[x, y]]); return pen.moveTo.call(this, x, y); };
own.lineTo = function (x, y) { this.memmonPath?.at(-1)?.push([x, y]); return pen.lineTo.call(this, x, y); };
own.stroke = function (...all) {
  if (!all.length) { strokes.push({ chart: chart(this), colour: this.strokeStyle, wide: this.lineWidth, lines: this.memmonPath || [] }); }
  return pen.stroke.apply(this, all);
};
own.fill = function (...all) { areas.push({ chart: chart(this), lines: this.memmonPath || [] }); return pen.fill.apply(this, all); };
own.fillText = function (text, x, y) {
  const wide = this.measureText(text).width, from = this.textAlign === 'left' ? x : this.textAlign === 'right' ? x - wide : x - wide / 2;
  words.push({ chart: chart(this), text, box: [from, from + wide, y - 9 * devicePixelRatio, y] });
  return pen.fillText.apply(this, arguments);
};
"""

_COLOURS = "() => Object.fromEntries(['mean', 'trend', 'forecast', 'limit'].map(name => [getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(), name]))"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the address of each history's page."""
    folder = tmp_path_factory.mktemp("labels")
    found = {}
    for name, past in DIFFERENT.items():
        with open_store(write(folder / f"{name}.db", past)) as store:
            since = NOW - timedelta(days=100 if name == "level-months" else 30)
            report = build_report(store, now=NOW, since=since)
            text = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
        page = folder / f"{name}.html"
        page.write_text(text, encoding="utf-8")
        found[name] = page.as_uri()
    return found


ZOOMED = ("+", "+", *["ArrowLeft"] * 3)


def taken(page, *keys):
    """Return what was written, stroked and filled on each picture once these keys were pressed on it."""
    page.locator("#chart-memory .plot").focus()
    for key in keys:
        page.keyboard.press(key)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("({ words, strokes, areas })")


@contextmanager
def recorded(opening, address):
    """Open a page that records what is drawn."""
    with opening("about:blank", viewport={"width": WIDTHS[0], "height": 900}) as (page, seen):
        page.add_init_script(_RECORD)
        page.goto(address)
        page.wait_for_selector("#chart-split .uplot")
        yield page
        assert seen.complaints == []


@pytest.fixture(scope="module")
def drawn(pages, open_page):
    """Return what was drawn of each history, on each width, whole and zoomed, with the colours and the card's figure."""
    found = {}
    for name, address in pages.items():
        with recorded(open_page, address) as page:
            more = {"colours": page.evaluate(_COLOURS), "card": page.locator(".card .big").first.inner_text()}
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                more["right"] = page.locator("#chart-memory .u-over").evaluate(
                    "one => one.offsetLeft + one.clientWidth"
                )
                for keys in (("0",), ZOOMED):
                    found[name, width, keys is ZOOMED] = {**taken(page, *keys), **more}
    return found


def crosses(box, start, end):
    """Tell whether a stroke goes through a box (left, right, top, bottom)."""
    first, last = 0.0, 1.0
    for one, other, low, high in (
        (start[0], end[0], box[0], box[1]),
        (start[1], end[1], box[2], box[3]),
    ):
        if one == other:
            if not low < one < high:
                return False
            continue
        ends = sorted(((low - one) / (other - one), (high - one) / (other - one)))
        first, last = max(first, ends[0]), min(last, ends[1])
    return first < last


def test_no_words_stand_on_a_line(drawn):
    """Whatever the history, the screen and the view: no line goes through the words on the memory picture."""
    struck = {}
    for view, found in drawn.items():
        lines = [
            (found["colours"][one["colour"]], line)
            for one in found["strokes"]
            if one["chart"] == "memory" and one["colour"] in found["colours"]
            for line in one["lines"]
        ]
        # Zoomed in, the one with restarts shows its forecast alone.
        assert any(kind == "mean" for kind, _ in lines) or (view[0] == "restarts" and view[2])
        for one in found["words"]:
            if one["chart"] == "memory" and re.match(
                "resident|trend|full|forecast|the container|the machine", one["text"]
            ):
                hits = {
                    kind
                    for kind, line in lines
                    for start, end in pairwise(line)
                    if crosses(one["box"], start, end)
                }
                if hits:
                    struck[(*view, one["text"])] = hits
    assert struck == {}


def test_a_layer_s_name_stands_within_it(drawn):
    """In the stacks each name lies whole in one area; where it would not, the legend alone has it."""
    outside, named = [], 0
    for view, found in drawn.items():
        for one in found["words"]:
            if one["chart"] not in {"parts", "split"} or re.match(r"\d|[A-Z][a-z][a-z]$", one["text"]):
                continue  # the axes' words
            named += 1
            areas = [
                line for area in found["areas"] if area["chart"] == one["chart"] for line in area["lines"]
            ]
            if not any(_holds(area, one["box"]) for area in areas):
                outside.append((*view, one["text"]))
    assert named
    assert outside == []


def test_a_layer_s_name_that_is_cut_can_still_be_read(drawn):
    """A name is cut to no fewer than twelve letters; where a narrow run has no room for it, a wider one before it bears it."""
    cut, named = [], set()
    for (name, width, is_zoomed), found in drawn.items():
        for one in found["words"]:
            if one["chart"] in {"parts", "split"} and "\u2026" in one["text"]:
                cut.append(one["text"])
            if one["chart"] == "parts" and one["text"] == "not registered":
                named.add((name, width, is_zoomed))
    assert [text for text in cut if len(text) < 12] == []
    assert ("gaps", 1440, False) in named
    assert ("level-months", 1024, False) in named


def test_the_trend_is_named_wherever_there_is_room(drawn):
    """Beside waves its words stand below them; in a part of the picture, beside the newest trend that is in sight."""
    words = {
        view: [one["text"] for one in found["words"] if one["text"].startswith("trend ")]
        for view, found in drawn.items()
    }
    assert words["level-months", 1440, False]
    assert words["gaps", 1440, True]
    assert all(len(one) <= 1 for one in words.values())


def words_on(opening, path, past, *, days, width):
    """Return what is written on the pictures of a history of so many days."""
    with open_store(write(path / f"{past.source}.db", past)) as store:
        report = build_report(store, now=NOW, since=NOW - timedelta(days=days))
        text = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    page_file = path / f"{past.source}.html"
    page_file.write_text(text, encoding="utf-8")
    with recorded(opening, page_file.as_uri()) as page:
        page.set_viewport_size({"width": width, "height": 900})
        return taken(page, "0")["words"]


def test_a_layer_is_named_in_the_newest_run_that_has_room(tmp_path, open_page):
    """A run that began lately is too narrow for words: the run before it bears them, whole."""
    lives = (Life(ago_hours=960, hours=900, ended="stopped"), Life(ago_hours=55, hours=55))
    said = words_on(open_page, tmp_path, Past(source="lately", lives=lives), days=40, width=1024)
    assert [one["text"] for one in said if one["chart"] == "parts" and "reg" in one["text"]] == [
        "not registered"
    ]


@pytest.mark.parametrize("day_mb", [14.0, 22.0, 30.0])
def test_the_trend_is_named_beside_waves(tmp_path, open_page, day_mb):
    """Where memory swings about a level trend the words stand below the waves, or above them."""
    past = Past(source="waves", lives=(Life(ago_hours=160, hours=160, day_mb=day_mb, limit_mb=None),))
    said = words_on(open_page, tmp_path, past, days=7, width=1440)
    assert any(one["text"].startswith("trend ") for one in said)


def _holds(area, box):
    """Tell whether a box's corners and its middle's ends lie in a polygon that its edges do not enter."""
    edges = list(zip(area, [*area[1:], area[0]], strict=True))
    if any(crosses(box, start, end) for start, end in edges):
        return False
    x, y = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
    right = [
        1
        for (ax, ay), (bx, by) in edges
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax
    ]
    return len(right) % 2 == 1


def test_the_same_view_drawn_again_is_the_same_picture(pages, open_page):
    """Zoomed in and out again, no line of the grid has become wider or another colour."""
    with recorded(open_page, pages["month"]) as page:
        strokes = [
            [
                (one["colour"], one["wide"], len(one["lines"]))
                for one in found["strokes"]
                if one["chart"] == "memory"
            ]
            for found in (taken(page), taken(page, "+", "0"), taken(page, "+", "+", "-", "0"))
        ]
    assert strokes[0] == strokes[1] == strokes[2]


def test_the_line_ends_with_the_newest_reading_and_its_words_say_the_card_s_figure(drawn):
    """The figure of the card stands at the line's end, as far as words fit; in a short history the last reading is in sight."""
    for name in DIFFERENT:
        found = drawn[name, WIDTHS[0], False]
        words = [one["text"] for one in found["words"] if one["text"].startswith("resident memory")]
        assert words in ([f"resident memory {found['card']}"], [])
    found = drawn["three", WIDTHS[0], False]
    line = next(
        line
        for one in found["strokes"]
        if one["chart"] == "memory" and found["colours"].get(one["colour"]) == "mean"
        for line in one["lines"]
    )
    assert line[-1][0] == pytest.approx(found["right"], abs=2)
    assert line[-1][1] < line[-3][1] - 5


@pytest.mark.parametrize("width", WIDTHS)
def test_the_newest_reading_is_not_told_at_the_end_of_an_earlier_run(drawn, width):
    """Where a run before ended far above, its end is not named by the newest reading's words: they stand at theirs, or nowhere."""
    found = drawn["restarts", width, False]
    lines = [
        line
        for one in found["strokes"]
        if one["chart"] == "memory" and found["colours"].get(one["colour"]) == "mean"
        for line in one["lines"]
    ]
    end = max((line[-1] for line in lines), key=lambda point: point[0])
    words = [
        one for one in found["words"] if one["chart"] == "memory" and one["text"].endswith(found["card"])
    ]
    for one in words:
        left, right, top, bottom = one["box"]
        assert abs((top + bottom) / 2 - end[1]) < 45
        assert left - 20 <= end[0] <= right + 20


def test_the_newest_reading_is_told_whatever_the_buckets_mean_is(tmp_path, monkeypatch):
    """Over a long window a bucket is hours; what stands at its end is the last reading, as on the card."""
    monkeypatch.setattr(chart_data, "MEMORY_POINTS", 40)
    with open_store(write(tmp_path / "leak.db", READERS["1"])) as store:
        report = build_report(store, now=NOW)
        charts = build_charts(store, report, tz=UTC)
    last = next(value for value in reversed(charts.memory.mean_mb) if value is not None)
    assert size(last) != size(report.memory.current_mb)
    assert words_of(charts, UTC)["now"] == size(report.memory.current_mb)


def test_a_level_year_s_forecast_is_level(tmp_path):
    """A forecast of weeks is drawn without the hours of its days: no scribble where nothing grows."""
    past = DIFFERENT["level-months"]
    with open_store(write(tmp_path / "level.db", past)) as store:
        report = build_report(store, now=NOW, since=NOW - timedelta(days=100))
        middle = build_charts(store, report, tz=UTC).memory.forecast.middle_mb
    inner = middle[len(middle) // 8 : -len(middle) // 8]
    assert max(inner) - min(inner) < 3.0
    assert max(report.forecast.curve.middle_mb) - min(report.forecast.curve.middle_mb) > 8.0


def test_a_forecast_that_rises_evenly_is_drawn_evenly(tmp_path):
    """Far ahead, where the curve has few points, what is drawn goes through them and begins at the present."""
    life = Life(
        ago_hours=150, hours=150, leak_mb_per_hour=22.0, leaks_after_hours=118, limit_mb=None, day_mb=0.0
    )
    with open_store(write(tmp_path / "even.db", Past(source="even", lives=(life,)))) as store:
        report = build_report(store, now=NOW)
        drawn = build_charts(store, report, tz=UTC).memory.forecast
    curve = report.forecast.curve
    asked = np.interp(drawn.at_seconds, curve.at_seconds, curve.middle_mb)
    assert np.diff(curve.at_seconds).max() > 10 * 3600
    assert np.abs(np.array(drawn.middle_mb) - asked).max() < 3.0


def test_where_the_limit_is_met_the_limit_is_drawn(tmp_path):
    """However far above the readings it lies: its dot must stand on its line, and not on the axis."""
    lives = (
        Life(ago_hours=160, hours=109, release="2.0.4", ended="stopped", base_mb=300),
        Life(
            ago_hours=50.8,
            hours=50.8,
            release="2.1.0",
            base_mb=300,
            leak_mb_per_hour=13.6,
            culprit="positions",
        ),
    )
    with open_store(write(tmp_path / "far.db", Past(source="far", lives=lives))) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    memory = charts.memory
    assert memory.reach is not None
    assert memory.limit_mb > 2 * max(value for value in memory.max_mb if value is not None)
    assert shows_limit(memory)
    assert payload_of(charts, UTC)["memory"]["limit"] == memory.limit_mb
    assert {"limit", "reach"} <= set(words_of(charts, UTC))
