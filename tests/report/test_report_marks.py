"""What stands on the memory picture: releases behind it, ends and events on it, words on its lines, and where the limit is met."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from report_store import record_bot
from report_values import NOW

from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.chart_marks import MOST_TICKS, markers_of
from memmon.report.html import render_html
from memmon.report.html.figures import memory_bins, memory_figure
from memmon.store.read import EventInfo, open_store

DAYS = 6


@pytest.fixture(scope="module")
def leak(tmp_path_factory):
    """Return report, charts and page's address of a leak over three releases, of which the second was killed."""
    folder = tmp_path_factory.mktemp("marks")
    database = record_bot(folder / "leak.db", days=DAYS, runs=3, slope_mb_per_hour=14.0, limit_mb=1150.0)
    with open_store(database) as store:
        report = build_report(store, now=NOW)
        charts = build_charts(store, report, tz=UTC)
    page = folder / "leak.html"
    page.write_text(render_html(report, charts, tz=UTC), encoding="utf-8")
    return report, charts, page


def test_each_release_stands_behind_the_time_that_it_ran(leak):
    """A release reaches from its first run to the next release's, the last one to the newest sample."""
    _, charts, _ = leak
    days = [NOW - timedelta(days=DAYS - 2 * number) for number in range(4)]
    assert [one.name for one in charts.releases] == ["1.4.0", "1.4.1", "1.4.2"]
    for one, begin, end in zip(charts.releases, days, days[1:], strict=False):
        assert abs(one.from_seconds - begin.timestamp()) <= 300
        assert one.until_seconds == pytest.approx(end.timestamp(), abs=1)


def test_every_moment_of_the_picture_is_on_it_not_of_the_last_day_alone(leak):
    """Each run's collection, note and alert are there, and where a run ended; a kill for memory is a death."""
    _, charts, _ = leak
    kinds = [marker.kind for marker in charts.markers]
    assert {kind: kinds.count(kind) for kind in ("gc", "note", "alert")} == {"gc": 3, "note": 3, "alert": 3}
    assert [(one.kind, one.text) for one in charts.ends] == [
        ("end", "stopped"),
        ("death", "killed: out of memory"),
    ]


def test_passes_are_told_over_the_whole_time(leak):
    """Of a year with a pass each hour the axis tells the first as well as the last, and every one is counted; alerts stay."""
    report, _, _ = leak
    year = timedelta(days=365)
    event = EventInfo(event_id=1, at=NOW, kind="gc", text="")
    passes = [
        replace(event, at=NOW - year + timedelta(hours=hour), text=f"number {hour}")
        for hour in range(1, 8761)
    ]
    alert = replace(event, at=NOW - year / 2, kind="alert", text="leaking")
    found = markers_of(
        report, [alert], passes, first_seconds=(NOW - year).timestamp(), until_seconds=NOW.timestamp()
    )
    ticks = [marker for marker in found if marker.kind == "gc"]
    assert 100 <= len(ticks) <= MOST_TICKS
    assert (ticks[0].at_seconds, ticks[-1].text.rpartition(": ")[2]) == (
        passes[0].at.timestamp(),
        "number 8760",
    )
    assert sum(int(marker.text.split(" passes")[0]) for marker in ticks) == len(passes)
    assert "leaking" in [marker.text for marker in found]
    assert list(found) == sorted(found, key=lambda marker: marker.at_seconds)
    few = markers_of(report, [], passes[-3:], first_seconds=0.0, until_seconds=NOW.timestamp())
    assert [marker.text for marker in few if marker.kind == "gc"] == [
        "number 8758",
        "number 8759",
        "number 8760",
    ]


def end_of_stroke(stroke):
    """Return where a stroke of relative steps ends, in thousandths of the picture."""
    begin, steps = re.fullmatch(r"(\d+ \d+)(.*)", stroke).groups()
    x, y = map(int, begin.split())
    for kind, words in re.findall(r"([hvl])([^hvl]*)", steps):
        moves = [int(one) for one in re.findall(r"-?\d+", words)]
        x += 0 if kind == "v" else moves[0]
        y += 0 if kind == "h" else moves[-1]
    return x, y


def test_a_death_is_a_cross_where_the_line_ends(leak):
    """Without scripts the cross of a kill for memory stands at its moment, on the last reading."""
    _, charts, _ = leak
    figure = memory_figure(charts, UTC)
    cross = next(mark for mark in figure.marks if mark.kind == "death")
    last = next(
        piece[-1] for piece in memory_bins(charts) if piece[-1].end_seconds > charts.ends[1].at_seconds - 1
    )
    line = next(shape.path for shape in figure.shapes if shape.style == "mean")
    x, y = end_of_stroke(line.split("M")[2])
    assert (cross.x, cross.y) == (pytest.approx(x / 10, abs=0.2), pytest.approx(y / 10, abs=0.2))
    lowest, highest = (next(m for m in figure.marks if m.kind == kind).y for kind in ("gc", "reach"))
    assert highest < cross.y < lowest
    right = charts.memory.forecast.at_seconds[-1]
    share = (last.end_seconds - charts.since_seconds) / (right - charts.since_seconds)
    assert cross.x == pytest.approx(100 * share, abs=1)


def test_the_forecast_meets_the_limit_at_its_date_and_goes_no_further(leak):
    """The dot stands at the forecast's own date on the limit's line; no value of the cone lies above it."""
    report, charts, _ = leak
    reach, forecast = charts.memory.reach, charts.memory.forecast
    assert reach.at_seconds == pytest.approx(report.assessment.forecast.at.timestamp(), abs=5)
    assert reach.from_seconds < reach.at_seconds < reach.until_seconds
    assert max(forecast.high_mb) == pytest.approx(charts.memory.limit_mb)
    met = [
        at
        for at, value in zip(forecast.at_seconds, forecast.middle_mb, strict=True)
        if value >= max(forecast.high_mb)
    ]
    assert met[0] == pytest.approx(reach.at_seconds, abs=1)


def test_without_scripts_the_lines_say_what_they_are(leak):
    """Memory with its newest size, the trend with its pace, the limit, the day on which it is full, and the releases."""
    _, charts, page = leak
    drawn = re.search(r"<svg role=\"img\".*?</svg>\s*</div>", page.read_text(), re.DOTALL)[0]
    words = re.findall(r"<text class=\"on[^>]*>([^<]*)</text>", drawn)
    met = datetime.fromtimestamp(charts.memory.reach.at_seconds, UTC)
    assert {"1.4.0", "1.4.1", "1.4.2", f"full {met:%A} {met.day} {met:%B %H:%M}"} <= set(words)
    assert any(re.fullmatch(r"resident memory \d+\.\d MB", one) for one in words)
    assert any(re.fullmatch(r"trend 1\d\.\d+ MB/hour", one) for one in words)
    assert any(one.endswith("limit, 1,150 MB") for one in words)


def test_a_short_history_is_drawn_as_finely_as_a_long_one(tmp_path):
    """Seventeen minutes at five seconds give a point for each reading, not four."""
    database = record_bot(tmp_path / "short.db", days=17 / 1440, minutes=1 / 12)
    with open_store(database) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    assert sum(len(piece) for piece in memory_bins(charts)) >= 200


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_read_stands_beside_the_pointer_and_inside_the_picture(leak, open_page, width):
    """The box with range, trend and release is near the pointer and never leaves the picture's place."""
    _, charts, page = leak
    with open_page(page.as_uri(), viewport={"width": width, "height": 900}) as (view, seen):
        view.wait_for_selector(".uplot")
        over = view.locator("#chart-memory .u-over").bounding_box()
        whole = view.locator("#chart-memory").bounding_box()
        for share in (0.02, 0.5, 0.7, 0.98):
            view.mouse.move(over["x"] + share * over["width"], over["y"] + 120)
            box = view.locator("#chart-memory .readout").bounding_box()
            words = view.locator("#chart-memory .readout").inner_text()
            assert whole["x"] - 1 <= box["x"] <= box["x"] + box["width"] <= whole["x"] + whole["width"] + 1
            assert ("release 1.4." in words) == ("forecast" not in words)
            at = charts.since_seconds + share * (charts.memory.forecast.at_seconds[-1] - charts.since_seconds)
            if charts.memory.trend[-1].at_seconds[0] + 900 < at < charts.until_seconds - 900:
                assert re.search(r"\ntrend 1\d\.\d+ MB/hour: \d+\.\d MB", words)
    assert seen.complaints == []
