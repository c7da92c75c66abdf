from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache, partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from page_histories import SEVEN, write
from report_store import record_bot
from report_values import NOW, finding, held

from memmon.report.build import build_report
from memmon.report.chart_data import bucket_seconds, build_charts
from memmon.report.data import CauseShare
from memmon.report.from_snapshots import report_from_snapshots
from memmon.report.html import render_html
from memmon.report.html.encoding import encode_times, encode_values, script_json
from memmon.report.html.figures import memory_bins
from memmon.report.html.geometry import BOX, Frame, line_path, time_ticks, value_ticks
from memmon.report.words import share_words
from memmon.store.read import open_store

SIZE_LIMIT_BYTES = 500_000


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    return record_bot(tmp_path_factory.mktemp("month") / "m.db", days=30, deques=56, runs=7)


def page_of(database, *, days=None, tz=UTC):
    with open_store(database) as store:
        report = build_report(store, now=NOW, since=None if days is None else NOW - timedelta(days=days))
        charts = build_charts(store, report, tz=tz)
        return report, charts, render_html(report, charts, tz=tz)


@pytest.fixture(scope="module")
def month_page(month):
    """Return what makes a page of the month; each is made once, as nobody changes the month."""
    return cache(partial(page_of, month))


def test_a_month_with_56_deques_fits_into_500_kb(month_page):
    """30 days at 5 minutes with 56 deques, full resolution, stay within half a megabyte."""
    _, charts, page = month_page(days=30)
    assert len([value for value in charts.memory.mean_mb if value is not None]) == 7 * 1234
    assert len(charts.deques) == 56
    assert len(page.encode()) <= SIZE_LIMIT_BYTES


@pytest.mark.parametrize("days", [7, 30, 365])
def test_no_window_hides_the_peak(month_page, days):
    """However coarse the buckets, the highest reading is the top of the band."""
    report, charts, _ = month_page(days=days)
    highest = max(value for value in charts.memory.max_mb if value is not None)
    assert highest == pytest.approx(report.memory.max_mb)
    bins = [one for piece in memory_bins(charts) for one in piece]
    assert max(one.high for one in bins) == pytest.approx(report.memory.max_mb)
    assert len(bins) <= 360 + 2 * 7


def test_the_default_pictures_show_what_the_verdict_saw(month_page):
    """Without a window the figures are of 24 hours, the pictures of the 7 days that the verdict looked at."""
    report, charts, page = month_page()
    assert report.memory.sample_count == 288
    assert (charts.until_seconds - charts.since_seconds) / 86_400 == pytest.approx(7, abs=0.01)
    assert 'data-zoom="86400"' in page


def test_the_policy_names_the_hash_of_every_script_and_style(month_page):
    """What is inline is allowed by its hash alone; nothing may be fetched."""
    _, _, page = month_page()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    inline = re.findall(r"<style>(.*?)</style>", page, re.DOTALL) + re.findall(
        r"<script>(.*?)</script>", page, re.DOTALL
    )
    assert len(inline) == 3
    for text in inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(
        r'\s(?:src|style|on\w+)="', re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    )


def test_the_chart_library_keeps_its_licence(month_page):
    """The page holds a copy of uPlot, and so its copyright and permission notice."""
    _, _, page = month_page()
    assert "Copyright (c) 2022 Leon Sorokin" in page
    assert "Permission is hereby granted" in page


def test_every_name_is_escaped(tmp_path):
    """A hostile name never stands raw in the page, neither in text nor in attributes nor in the data."""
    database = record_bot(
        tmp_path / "h.db", days=1, deques=4, runs=2, hostile=True, source="<img src=x onerror=1>"
    )
    _, _, page = page_of(database)
    assert "<script>window.pwned" not in page
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;window.pwned" in page
    data = re.search(r'id="memmon-data">(.*?)</script>', page, re.DOTALL)[1]
    assert any("window.pwned" in deque["name"] for deque in json.loads(data)["deques"])


def test_a_report_without_data_is_a_page_that_says_so(month):
    """An empty window gives a page that tells what is recorded, without a script."""
    with open_store(month) as store:
        report = build_report(
            store, now=NOW, since=NOW - timedelta(days=400), until=NOW - timedelta(days=390)
        )
        page = render_html(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert "No memory data available" in page
    assert "2026-01-30" in page
    assert "<script" not in page
    assert "Do:" not in page


def test_a_source_without_a_sample_has_a_page_that_says_what_to_do(tmp_path):
    """Nothing was recorded yet: the page says so, and gives the ready command that finds out why."""
    database = write(tmp_path / "empty.db", SEVEN["empty"])
    with open_store(database) as store:
        page = render_html(build_report(store, now=NOW), None, tz=UTC)
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "Nothing has been recorded for this source yet." in words
    assert f"memmon doctor --db {database} --source nothing-yet" in words


def test_a_report_without_a_verdict_says_why(month):
    """When the analysis could not run, its reason stands where the verdict would be."""
    report = report_from_snapshots(held([1.0, 2.0]), source="bot", now=NOW, leak_missing_reason="no headroom")
    with open_store(month) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    page = render_html(report, charts, tz=UTC)
    assert "No verdict: no headroom." in page


def test_restarts_break_the_line_and_mark_the_axis(month_page):
    """Between two runs the line has a gap, and each start is marked; a new release is a deploy."""
    _, charts, _ = month_page(days=30)
    assert charts.memory.mean_mb.count(None) == 6
    kinds = [marker.kind for marker in charts.markers]
    assert kinds.count("deploy") == 2
    assert kinds.count("restart") == 5 - 1


def test_the_method_quotes_the_numbers_of_the_finding(month_page):
    """The plain words under 'How this was judged' carry the finding's own figures."""
    _, charts, _ = month_page()
    report = report_from_snapshots(held([1.0, 2.0]), source="bot", now=NOW, finding=finding())
    page = render_html(report, charts, tz=UTC)
    for words in ("2.15 MB/hour", "-0.20 to 4.50", "2.20 MB/hour", "1.25 MB/hour", "288 samples"):
        assert words in page


def decoded_values(code):
    level, out = 0, []
    for step in code["d"]:
        if step is None:
            out.append(None)
            continue
        level += step
        out.append(level * code["q"])
    return out


def decoded_times(code):
    out = [code["o"]] if code["n"] else []
    for step, count in code["r"]:
        for _ in range(count):
            out.append(out[-1] + step)
    return out


numbers = st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False))


@settings(deadline=None, max_examples=60)
@given(st.lists(numbers, max_size=60))
@example([5e-324])
@example([5e-324, None, 1e-310])
def test_encoded_values_come_back_to_within_a_screen_pixel(values):
    """Decoding gives every value back to within 1/2000 of the range, and every gap as a gap."""
    code = json.loads(json.dumps(encode_values(values)))
    known = [value for value in values if value is not None]
    spread = (max(known) - min(known)) or max(map(abs, known)) or 1.0 if known else 1.0
    for before, after in zip(values, decoded_values(code), strict=True):
        assert (before is None) == (after is None)
        if before is not None:
            assert after == pytest.approx(before, abs=spread / 2000 + 1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10**9), max_size=50).map(sorted))
def test_encoded_times_come_back_exactly(times):
    """Whole seconds survive the run-length encoding."""
    assert decoded_times(json.loads(json.dumps(encode_times(times)))) == times


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(60, 400 * 86_400))
def test_ticks_stand_within_the_picture(bottom, height, seconds):
    """Axis labels are few, distinct and inside the picture, at any scale."""
    frame = Frame(left_seconds=1.7e9, right_seconds=1.7e9 + seconds, bottom=bottom, top=bottom + height)
    ticks = value_ticks(frame)
    assert 1 <= len(ticks) <= 8
    assert len({tick.label for tick in ticks}) == len(ticks)
    assert all(-0.1 <= tick.percent <= 100.1 for tick in ticks)
    assert all(3 <= tick.percent <= 97 for tick in time_ticks(frame, UTC))
    assert len(time_ticks(frame, UTC)) <= 8


def test_a_year_s_ticks_are_the_beginnings_of_months():
    """Not every 66th day: months, evenly apart, with the year at the first of them and at each January."""
    since = datetime(2025, 3, 5, 16, tzinfo=UTC).timestamp()
    year = Frame(left_seconds=since, right_seconds=since + 396 * 86_400, bottom=0, top=1)
    assert [tick.label for tick in time_ticks(year, UTC)] == ["Apr 2025", "Jul", "Oct", "Jan 2026"]
    decade = Frame(left_seconds=since, right_seconds=since + 3_650 * 86_400, bottom=0, top=1)
    assert [tick.label for tick in time_ticks(decade, UTC)] == [
        f"Jan {year}" for year in range(2026, 2035, 2)
    ]


@pytest.mark.parametrize(
    ("growth", "words"), [(1037.12, "+1,037 MB"), (254.51, "+254.5 MB"), (-12.0, "-12.0 MB")]
)
def test_a_part_s_growth_is_written_as_every_size_is(growth, words):
    """Whole and grouped from 1,000 MB on, with its sign."""
    assert share_words(CauseShare(name="cache", growth_mb=growth)) == words


def test_script_data_cannot_close_its_element():
    """A closing tag inside a string is written so that no browser sees it."""
    text = script_json({"name": "</script><!--&\u2028"})
    assert "<" not in text
    assert json.loads(text)["name"] == "</script><!--&\u2028"


def test_a_path_stays_in_its_box_and_breaks_at_gaps():
    """A missing value ends a stroke and begins another."""
    frame = Frame(left_seconds=0, right_seconds=4, bottom=0, top=10)
    path = line_path(frame, [0, 1, 2, 3, 4], (0.0, 10.0, None, 5.0, 5.0))
    assert path == f"M0 {BOX}l250-1000M750 500h250"


@pytest.mark.parametrize(("days", "seconds"), [(1, 300), (30, 300), (365, 3600)])
def test_buckets_are_round_and_no_finer_than_needed(days, seconds):
    """A month stays at full resolution, a year comes in hours."""
    assert bucket_seconds(days * 86_400, 9_000, at_least_seconds=300) == seconds
