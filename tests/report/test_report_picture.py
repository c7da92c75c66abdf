"""The picture for phones: a PNG of the page's first words and its chart, whose words are seen."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial

import numpy as np
import page_histories
import pytest

from memmon.errors import MissingExtraError
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.html.page import page_of
from memmon.report.html.palette import palette, picture_rules
from memmon.report.html.picture import picture_svg, scaled_path, text_width, wrapped
from memmon.report.png import WIDTH_PIXELS, render_png
from memmon.store.read import open_store

resvg_py = pytest.importorskip("resvg_py")
image = pytest.importorskip("PIL.Image")

HISTORIES = {
    "leak": (page_histories.READERS["1"], timedelta(days=10)),
    "healthy": (page_histories.READERS["4"], timedelta(days=14)),
    "killed": (page_histories.READERS["5"], timedelta(days=5)),
    "hostile": (page_histories.SEVEN["hostile"], timedelta(hours=60)),
    "empty": (page_histories.SEVEN["empty"], timedelta(days=1)),
}


@pytest.fixture(scope="module", params=HISTORIES)
def drawn(request, tmp_path_factory):
    """A history's name, its report and its charts."""
    past, back = HISTORIES[request.param]
    database = page_histories.write(tmp_path_factory.mktemp(request.param) / "memmon.db", past)
    now = page_histories.NOW
    with open_store(database) as store:
        report = build_report(store, now=now, since=now - back)
        return request.param, report, None if report.is_empty else build_charts(store, report, tz=UTC)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def colour(name: str, *, is_dark: bool = False) -> np.ndarray:
    text = palette(is_dark=is_dark)[name]
    return np.array([int(text[place : place + 2], 16) for place in (1, 3, 5)])


def count_of(shown: np.ndarray, name: str, *, is_dark: bool = False) -> int:
    return int((shown == colour(name, is_dark=is_dark)).all(axis=-1).sum())


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_picture_is_as_wide_as_a_phone_and_shows_what_the_page_shows(drawn, is_dark):
    """It is a PNG 1080 wide, in the page's colours of that scheme, with memory's line where there is memory."""
    name, report, charts = drawn
    shown = pixels(render_png(report, charts, tz=UTC, is_dark=is_dark))
    page = page_of(report, charts, tz=UTC)
    assert shown.shape[1] == WIDTH_PIXELS
    assert shown.shape[0] > WIDTH_PIXELS / 2
    assert (shown[0, 0] == colour("bg", is_dark=is_dark)).all()
    assert count_of(shown, page.mood, is_dark=is_dark) > 1_000
    assert (count_of(shown, "mean", is_dark=is_dark) > 1_000) == (name != "empty")
    assert (count_of(shown, "limit", is_dark=is_dark) > 1_000) == (name in {"leak", "killed", "hostile"})


def test_its_words_are_seen_and_none_leaves_the_picture(drawn):
    """Without its texts the picture is another one, at every line of them; at both edges nothing is written."""
    _, report, charts = drawn
    svg = picture_svg(report, charts, tz=UTC)
    rows = [float(y) for y in re.findall(r'<text x="[\d.]+" y="([\d.]+)" font-size', svg)]
    with_words, without = (
        pixels(resvg_py.svg_to_bytes(svg_string=text, width=WIDTH_PIXELS))
        for text in (svg, re.sub(r"(<text[^>]*>)[^<]*", r"\1", svg))
    )
    assert len(rows) >= 5
    scale = WIDTH_PIXELS / 432
    for y in rows:
        middle = int((y - 4) * scale)
        assert (with_words[middle - 6 : middle + 6] != without[middle - 6 : middle + 6]).any(), y
    edge = int(8 * scale) - 2
    assert (with_words[:, :edge] == without[:, :edge]).all()
    assert (with_words[:, -edge:] == without[:, -edge:]).all()


def test_it_says_the_pages_first_words_and_draws_the_pages_shapes(drawn):
    """The words are those of the page's first screen, whole; a path of the chart for each of the page's."""
    name, report, charts = drawn
    page = page_of(report, charts, tz=UTC)
    svg = picture_svg(report, charts, tz=UTC)
    said = "".join(re.findall(r"font-size[^>]*>([^<]*)</text>", svg)).replace(" ", "")
    for words in [*page.plain] if not page.is_empty else [page.headline, page.empty_words]:
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped.replace("'", "&#39;").replace('"', "&#34;").replace(" ", "") in said
    if page.memory is not None:
        styles = [shape.style for shape in page.memory.shapes]
        assert [one for one in re.findall(r'<path class="([\w-]+)" d="M', svg) if one in styles][
            : len(styles)
        ] == styles
        deaths = sum(mark.kind == "death" for mark in page.memory.marks)
        assert len(re.findall(r'<g class="mark death" transform="translate', svg)) == deaths
        assert (deaths > 0) == (name in {"killed", "hostile"})


def test_a_machine_without_fonts_gets_no_picture_without_words(drawn, monkeypatch):
    """Where no font is installed the error says so, and what to install."""
    _, report, charts = drawn
    monkeypatch.setattr(resvg_py, "svg_to_bytes", partial(resvg_py.svg_to_bytes, skip_system_fonts=True))
    with pytest.raises(MissingExtraError, match=r"font.*fonts-dejavu-core"):
        render_png(report, charts, tz=UTC)


def test_without_its_renderer_the_install_command_is_told(drawn, monkeypatch):
    """The extra is named where it is missing."""
    _, report, charts = drawn
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'memmon\[png\]'"):
        render_png(report, charts, tz=UTC)


def test_a_stale_source_and_a_limit_far_above_are_told(drawn):
    """What the page says of a last sample that is old stands in the picture, in the colour of a fault."""
    name, report, charts = drawn
    old = replace(report.staleness, is_stale=True) if report.staleness else None
    svg = picture_svg(replace(report, staleness=old), charts, tz=UTC)
    assert ("Stale. The last" in svg) == (name != "empty")
    assert ("far above this picture" in svg) == (name == "healthy")


def test_lines_fit_their_room_and_lose_nothing():
    """Words are kept in their order; a word longer than a line is cut into some."""
    text = "a few short words, " + "W" * 80 + " and_" * 3
    lines = wrapped(text, 200.0, size=12.0)
    assert all(text_width(line, size=12.0) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_paths_are_drawn_longer_and_shorter():
    """Each step of a path is scaled by its own direction; closing stays closing."""
    assert scaled_path("M0 500h1000v-10l10-20l-3 4z", 0.3, 0.2) == "M0 100h300v-2l3-4l-0.9 0.8z"


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_pictures_rules_have_their_colours_in_them(is_dark):
    """The style sheet's rules of a picture are all there, and none asks for a variable."""
    rules = picture_rules(is_dark=is_dark)
    assert "var(" not in rules
    for needed in (".static .mean", ".static .limit", ".release", ".mark.death", ".labels text"):
        assert needed in rules
    assert palette(is_dark=is_dark)["mean"] in rules


def test_the_dark_has_colours_of_its_own():
    """The dark scheme's ground, letters and lines are others than the light's, and dark."""
    light, dark = palette(), palette(is_dark=True)
    assert set(light) == set(dark)
    assert all(light[name] != dark[name] for name in ("bg", "panel", "ink", "mean", "trend", "bad-bg"))
    assert colour("bg", is_dark=True).sum() < colour("ink", is_dark=True).sum()
    assert colour("bg").sum() > colour("ink").sum()
