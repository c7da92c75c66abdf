"""The words on the picture without scripts, on paper and on the picture for phones: beside the lines, and within the picture."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from page_histories import NOW, READERS, SEVEN, write
from test_report_labels import DIFFERENT

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html import render_html
from memmon.report.html.figures import memory_figure
from memmon.report.html.picture import picture_svg
from memmon.report.html.placing import first_free
from memmon.report.html.view_model import PlacedLabel
from memmon.store.read import open_store

pytestmark = pytest.mark.browser

WIDTHS = (1440, 1024, 390)
HISTORIES = {**DIFFERENT, "reader-1": READERS["1"], "damaged": SEVEN["damaged"]}

_STRUCK = """() => {
  const found = [];
  const root = document.querySelector('#chart-memory .static.picture') || document.documentElement;
  const paths = [...root.querySelectorAll('path.mean, path.trend, path.forecast, path.limit')];
  const points = paths.flatMap(path => {
    const length = path.getTotalLength(), matrix = path.getScreenCTM(), count = 1500;
    return Array.from({ length: count + 1 }, (_, i) => path.getPointAtLength(length * i / count).matrixTransform(matrix));
  });
  const frame = root.querySelector('svg[role=img]') || document.querySelector('svg');
  const edge = frame.getBoundingClientRect();
  root.querySelectorAll('text.on.trend').forEach(text => {
    if (getComputedStyle(text).display === 'none') { return; }
    const box = text.getBoundingClientRect();
    const inside = points.filter(p => p.x > box.left + 1 && p.x < box.right - 1 && p.y > box.top + 3 && p.y < box.bottom - 3);
    found.push({ words: text.textContent, struck: inside.length, out: box.left < edge.left - 1 || box.right > edge.right + 1 });
  });
  return found;
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the address of each history's page, and of its picture for phones."""
    folder = tmp_path_factory.mktemp("static")
    found = {}
    for name, past in HISTORIES.items():
        with open_store(write(folder / f"{name}.db", past)) as store:
            since = NOW - timedelta(days=100 if name == "level-months" else 30)
            report = build_report(store, now=NOW, since=since)
            charts = build_charts(store, report, tz=UTC)
        (folder / f"{name}.html").write_text(render_html(report, charts, tz=UTC), encoding="utf-8")
        (folder / f"{name}.svg").write_text(picture_svg(report, charts, tz=UTC), encoding="utf-8")
        found[name] = (folder / f"{name}.html").as_uri(), (folder / f"{name}.svg").as_uri()
    return found


def test_without_scripts_no_line_goes_through_the_trend_s_words(pages, open_page):
    """Whatever the history and the width; where there is a leak its pace is told on a laptop."""
    told = {}
    for name, (address, picture) in pages.items():
        for width in WIDTHS:
            with open_page(address, viewport={"width": width, "height": 900}, bypass_csp=True) as (page, _):
                page.add_style_tag(content=".live .chart .static.picture { display: grid !important; }")
                told[name, width] = page.evaluate(_STRUCK)
        with open_page(picture) as (page, _):
            told[name, "phone"] = page.evaluate(_STRUCK)
    wrong = {view: found for view, found in told.items() if any(one["struck"] or one["out"] for one in found)}
    assert wrong == {}
    for name in ("reader-1", "reader-3", "month", "gaps", "hostile"):
        assert told[name, WIDTHS[0]], name


def test_the_trend_s_words_stand_over_the_readings(tmp_path):
    """Beside a trend that has room they do not hang over the forecast."""
    with open_store(write(tmp_path / "gaps.db", SEVEN["gaps"])) as store:
        report = build_report(store, now=NOW)
        charts = build_charts(store, report, tz=UTC)
    labels = {one.kind: one for one in memory_figure(charts, UTC).labels}
    assert labels["trend"].x <= labels["memory"].x


def test_the_newest_reading_s_words_name_no_earlier_run(tmp_path):
    """Where a run before ended far above, the words stand beside their own line's end, or nowhere."""
    with open_store(write(tmp_path / "killed.db", READERS["5"])) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    figure = memory_figure(charts, UTC)
    reach = next(one for one in figure.labels if one.kind == "reach")
    (words,) = [one for one in figure.labels if one.kind == "memory"]
    assert reach.y + 15 < words.y  # the run before reaches nearly to the limit
    assert words.x <= reach.x


def label(*, x, y=50.0, dy=0, anchor="start", words="trend 1.00"):
    return PlacedLabel(kind="trend", words=words, x=x, y=y, dy=dy, anchor=anchor)


@pytest.mark.parametrize(
    ("line", "taken", "is_free"),
    [
        (((0, 900), (1000, 900)), (), True),
        (((0, 500), (1000, 490)), (), False),
        (((520, 0), (520, 1000)), (), False),
        (((0, 900), (1000, 900)), (label(x=52.0),), False),
    ],
)
def test_a_place_is_free_of_lines_and_of_words(line, taken, is_free):
    """A stroke through it, or other words on it, make a place none."""
    found = first_free([label(x=50.0)], lines=[line], taken=taken)
    assert (found is not None) == is_free


def test_the_place_that_is_free_on_most_widths_is_taken():
    """Of two places the one that is free on a phone as well; what reaches out of the picture is none."""
    wide_only, everywhere = label(x=75.0, words="trend 12.98 MB/hour"), label(x=10.0)
    assert first_free([wide_only, everywhere], lines=[], taken=()) is everywhere
    assert first_free([label(x=99.0)], lines=[], taken=()) is None
    assert first_free([everywhere], lines=[], taken=(), right_percent=12.0) is None
    assert everywhere.least_width_points == 0


def test_what_is_free_on_wide_pictures_alone_is_shown_there_alone():
    """Words that a phone has no room for stand on a laptop, and say from which width on."""
    found = first_free(
        [label(x=20.0, words="trend 12.98 MB/hour")], lines=[((600, 0), (600, 1000))], taken=()
    )
    assert 250 < found.least_width_points <= 620
