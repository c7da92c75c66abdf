"""The cards say what the sentences above them say: one colour, one use of the limit, one way to write a share and a span."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from page_histories import NOW, READERS, SEVEN, write

from memmon.facts.run_endings import OUT_OF_MEMORY
from memmon.facts.verdicts import Verdict
from memmon.formatting import in_percent, size
from memmon.report.build import build_report
from memmon.report.chart_data import build_charts
from memmon.report.data import HistorySection, RunRow
from memmon.report.html.cards import cards_of
from memmon.report.html.figures import memory_figure
from memmon.report.html.page import death_sentence, page_of
from memmon.store.read import open_store


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Return the report and its cards by title, of a leak, of growth below the threshold and of a healthy program."""
    folder, found = tmp_path_factory.mktemp("cards"), {}
    for what, name in (("leak", "1"), ("growth", "2"), ("healthy", "4")):
        with open_store(write(folder / f"{what}.db", READERS[name])) as store:
            report = build_report(store, now=NOW)
        found[what] = (report, {card.title: card for card in cards_of(report)})
    return found


def test_what_is_no_leak_wears_no_warning(known):
    """Growth below the threshold whose date is far, and a level program, are plain; a leak and its date are not."""
    moods = {what: (cards["Growth"].mood, cards["Limit"].mood) for what, (_, cards) in known.items()}
    assert moods == {"leak": ("warn", "warn"), "growth": ("plain", "plain"), "healthy": ("plain", "plain")}


def test_how_sure_it_is_stands_beside_what_grows_only(known):
    """Confidence is that memory grows: beside a verdict that it does not, it would read as doubt."""
    for what, (report, cards) in known.items():
        said = " ".join(cards["Growth"].lines)
        assert "a leak is 10 or more" in said
        assert (f"confidence {report.leak.finding.confidence}" in said) == (what != "healthy")


def test_the_use_of_the_limit_is_what_counts_against_it(known):
    """The size that is charged stands with its share: resident memory, another number, stands in another card."""
    for report, cards in known.values():
        used, limit = report.forecast.used_mb, report.forecast.limit_mb
        assert f"{size(used)} used ({in_percent(used / limit)})" in cards["Limit"].lines


@pytest.mark.parametrize("apart_mb", [0.0, 24.0, -300.0])
def test_a_limit_that_is_drawn_beside_its_number_says_why(tmp_path, apart_mb):
    """Its line stands where resident memory will: where that is another number than the limit's, the picture says both."""
    with open_store(write(tmp_path / "leak.db", READERS["1"])) as store:
        charts = build_charts(store, build_report(store, now=NOW), tz=UTC)
    whole_mb = charts.memory.whole_limit_mb
    memory = replace(charts.memory, limit_mb=whole_mb + apart_mb)
    why = "24.0 MB of it don't count" if apart_mb > 0 else "300.0 MB count that are no part of it"
    said = (
        ""
        if not apart_mb
        else f"is reached when resident memory stands at {size(whole_mb + apart_mb)}: {why}."
    )
    note = memory_figure(replace(charts, memory=memory), UTC).note
    assert note == (said and f"The container's limit, 2,048 MB, {said}")


@pytest.mark.parametrize(("earlier", "is_same"), [("2.7.0", True), ("2.6.0", False), (None, False)])
def test_a_killed_run_is_of_the_present_release_only_where_it_had_it(earlier, is_same):
    """What the release did before is told as its own; another release's end, and one without a name, are not."""
    started, killed = NOW - timedelta(hours=30), NOW - timedelta(hours=20)
    runs = (
        RunRow(run_id=2, started_at=killed, ended_at=None, release="2.7.0"),
        RunRow(run_id=1, started_at=started, ended_at=killed, end_reason=OUT_OF_MEMORY, release=earlier),
    )
    history = HistorySection(run_count=2, first_at=started, last_at=NOW, runs=runs)
    said = death_sentence(history, now=NOW, tz=UTC)
    whose = " of this release, 2.7.0," if is_same else f", of release {earlier}," if earlier else ""
    assert said == f"An earlier run{whose} was killed out of memory on Wednesday 4 March 20:20."


def test_both_ends_of_the_date_are_told_in_one_unit(known):
    """Two lengths of time that belong together are not hours and days."""
    _, cards = known["leak"]
    said = cards["Limit"].lines[-1]
    assert said.startswith("80 % interval 4")
    assert said.endswith(" h")
    assert " d" not in said


def test_what_fills_is_told_by_what_is_seen_to_grow(known):
    """The card has the rate that the sentence above it has, and beside it the one that was judged."""
    report, _ = known["growth"]
    finding = replace(
        report.leak.finding, verdict=Verdict.FILLING, slope_mb_per_hour=4.8, rss_slope_mb_per_hour=12.05
    )
    (card,) = (
        one
        for one in cards_of(replace(report, leak=replace(report.leak, finding=finding)))
        if one.title == "Growth"
    )
    assert (card.value, card.unit) == ("12.05", "MB/hour")
    assert card.lines[0] == "at most 4.80 MB/hour beside containers"


def test_the_page_of_a_young_program_names_the_time_that_was_recorded(tmp_path):
    """Not a day of which there is a quarter of an hour."""
    with open_store(write(tmp_path / "three.db", SEVEN["three"])) as store:
        report = build_report(store, now=NOW)
        page = page_of(report, build_charts(store, report, tz=UTC), tz=UTC)
    assert page.sub[0] == "2026-03-05 16:10 to 2026-03-05 16:20 (10 min)"


def test_an_average_says_what_it_is_of(known):
    """The picture beside it may show more days than the figures are of."""
    assert known["leak"][1]["Memory now"].lines[0].endswith(" MB in 24.0 h")
