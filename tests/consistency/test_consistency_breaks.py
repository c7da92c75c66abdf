"""The comparison is not blind: a surface that is broken on purpose is caught, and named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from consistency_kit.compare import Contradiction, contradictions, mended_of, unknown_of
from consistency_kit.histories import Machine, Run, Story
from consistency_kit.known import Known
from consistency_kit.said import Number, agree, told_rates
from consistency_kit.surfaces import everything_said, fixed_present
from consistency_kit.writing import write_all

from memmon import DequeReading
from memmon.assessment.check_state import CheckState
from memmon.facts.urgency import Urgency

HOURS = np.arange(-288, 1) / 12
MB = 300.0 + 25.0 * (HOURS + 24.0) + np.random.default_rng(5).normal(0, 0.3, HOURS.size)
NOTHING = np.zeros(HOURS.size)
NEWEST = Run(
    hours=HOURS,
    mb=MB,
    parts_mb={
        "rss_anon_bytes": MB - 40.0,
        "rss_file_bytes": NOTHING + 40.0,
        "rss_shmem_bytes": NOTHING,
        "swap_bytes": NOTHING,
    },
    counts={"thread_count": NOTHING + 12.0, "fd_count": 40.0 + np.floor(6.0 * (HOURS + 24.0))},
    machine=Machine(limit_mb=2_000.0),
    deques=lambda _n, _c: [DequeReading(name="orders", length_count=70, maxlen_count=None)],
)
LEAKING = Story(name="leaking", runs=(replace(NEWEST, hours=HOURS - 24.2, end="oom"), NEWEST))


def _wrong_rate(slope_mb_per_hour):
    return f"{1.1 * slope_mb_per_hour:.2f} MB/hour"


def _always_stale(found):
    def broken(*arguments, **options):
        return replace(found(*arguments, **options), is_stale=True)

    return broken


def _always_well(found):
    def broken(*arguments, **options):
        return replace(found(*arguments, **options), urgency=Urgency.WELL)

    return broken


def _never_bad(found):
    def broken(*arguments, **options):
        return CheckState.OK, found(*arguments, **options)[1]

    return broken


def _one_more(found):
    def broken(*arguments, **options):
        return [line.replace(": 184", ": 185") for line in found(*arguments, **options)]

    return broken


def _another_card(found):
    def broken(*arguments, **options):
        return [replace(one, value="7") for one in found(*arguments, **options)]

    return broken


def _never_grows(found):
    def broken(*arguments, **options):
        return [{**one, "state": "steady"} for one in found(*arguments, **options)]

    return broken


def _another_thing(found):
    def broken(*arguments, **options):
        return tuple((at, words.replace("bot.", "other.")) for at, words in found(*arguments, **options))

    return broken


def _one_run_more(found):
    def broken(*arguments, **options):
        return found(*arguments, **options).replace("the run before", "the 2 runs before")

    return broken


BREAKS = {
    "the text report's rate": ("memmon.report.words.rate", lambda _: _wrong_rate, "slope_mb_per_hour", "report"),
    "the overview's rate": ("memmon.dashboard.overview_row.rate", lambda _: _wrong_rate, "slope_mb_per_hour", "overview"),
    "the overview's staleness": ("memmon.dashboard.overview.row_of", _always_stale, "is_stale", "overview"),
    "the overview's state": ("memmon.dashboard.overview.row_of", _always_well, "urgency", "overview"),
    "the cards' sizes": ("memmon.report.html.cards.size", lambda _: lambda _mb: "99.0 MB", "limit_bytes", "report html"),
    "the page's look": ("memmon.report.html.page.mood_of", lambda _: lambda _assessed: "good", "severity", "report html"),
    "the page's first sentence": ("memmon.assessment.plainly.rate", lambda _: _wrong_rate, "slope_mb_per_hour", "report html, hero"),
    "check's state": ("memmon.cli.commands.check.check_state", _never_bad, "severity", "check --json"),
    "the evaluator's severity": ("memmon.alerts.conditions.severity_here", lambda _: lambda _present: "error", "severity", "evaluator"),
    "the text report's footprint": ("memmon.report.text.mb_from_bytes", lambda _: lambda _bytes: 1.0, "footprint_bytes", "report"),
    "the cause's growth": ("memmon.analysis.cause.split_wording.mb_from_bytes", lambda _: lambda _bytes: 1.0, "growth_mb", "report, cause"),
    "the text report's open files": ("memmon.report.text._resources", _one_more, "resource_open_files", "report"),
    "the card of threads": ("memmon.report.html.cards._resources", _another_card, "resource_threads", "report html"),
    "the text report's evidence": ("memmon.report.text.evidence_told", _another_thing, "grown", "report"),
    "the resources of leaks": ("memmon.cli.commands.leaks.as_plain", _never_grows, "resource_open_files", "leaks --json"),
    "the overview's runs before": ("memmon.dashboard.overview_row._since", _one_run_more, "before_restart", "overview"),
    "the text report's fill": ("memmon.report.text.fill", lambda _: lambda _row: "7/9 (77.8% full)", "deques", "report"),
}  # fmt: skip


DRAWN_TOGETHER = {
    "report html": {"source page"},
    "report html, hero": {"source page, hero"},
    "check --json": {"check"},
    "evaluator": {"hourly check"},
    "the text report's rate": {"leaks"},
}
"""Surfaces that one renderer makes, by the first of them or by what is broken: all are wrong when it is."""


def _said(folder):
    with fixed_present(folder):
        write_all(folder / "one.db", [LEAKING])
        return everything_said(folder / "one.db", [LEAKING])


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """What is said of the one history while nothing is broken."""
    return _said(tmp_path_factory.mktemp("sound"))


@pytest.mark.parametrize("what", BREAKS)
def test_a_surface_that_is_broken_on_purpose_is_caught(tmp_path, monkeypatch, sound, what):
    """When one renderer prints a wrong figure, the comparison finds it, and the surface that it names is that one."""
    target, breaking, fact, surface = BREAKS[what]
    module, _, name = target.rpartition(".")
    whole = getattr(__import__(module, fromlist=[name]), name)
    monkeypatch.setattr(target, breaking(whole))
    found = contradictions(_said(tmp_path), fact) - contradictions(sound, fact)
    assert any(surface in {one.one, one.other} for one in found)
    blamed = {surface, *DRAWN_TOGETHER.get(surface, ()), *DRAWN_TOGETHER.get(what, ())}
    assert all(blamed & {one.one, one.other} for one in found)


@pytest.mark.parametrize(
    ("verdict", "text", "told"),
    [
        ("leaking", "20.04 MB/hour (threshold 10)", {"slope_mb_per_hour": 20.04}),
        ("leaking", "20.04 MB/hour a leak is 10 or more, at most 3 times", {"slope_mb_per_hour": 20.04}),
        (
            "filling",
            "12.05 MB/hour, containers apart at most 4.80 (threshold 10)",
            {"rss_slope_mb_per_hour": 12.05, "slope_mb_per_hour": 4.80},
        ),
        (
            "filling",
            "12.05 MB/hour at most 4.80 MB/hour beside containers a leak is 10 or more",
            {"rss_slope_mb_per_hour": 12.05, "slope_mb_per_hour": 4.80},
        ),
    ],
)
def test_while_deques_fill_both_rates_are_read(verdict, text, told):
    """The one that is seen and the one that is judged are two facts, and each is compared with its own."""
    read = told_rates({"verdict": frozenset({verdict})}, text)
    assert {name: figure.value for name, figure in read.items()} == told


@pytest.mark.parametrize(
    ("one", "other", "are_the_same"),
    [
        (Number(20.04, 0.005), Number(20.0449), True),
        (Number(20.04, 0.005), Number(20.0451), False),
        (Number(float("inf")), Number(float("inf")), True),
        (Number(float("inf")), Number(9_000.0, 10.0), False),
        (frozenset({"stable", "stepped"}), frozenset({"stepped"}), True),
        (frozenset({"stable", "stepped"}), frozenset({"growing"}), False),
        ({"a": frozenset({"ok"})}, {"b": frozenset({"dead"})}, True),
        ({"a": frozenset({"ok"})}, {"a": frozenset({"dead"})}, False),
    ],
)
def test_answers_agree_within_their_printed_rounding_and_no_further(one, other, are_the_same):
    """Two figures agree when the exact one rounds to the printed one; less exact words leave open what they do."""
    assert agree(one, other) is are_the_same
    assert agree(other, one) is are_the_same


def _known(*histories, other=("report", "watch")):
    sides = {"one": frozenset({"check"}), "other": frozenset(other)}
    return Known(fact="since", why="they differ", histories=frozenset(histories), **sides)


def test_a_known_contradiction_that_is_mended_must_leave_the_table():
    """An entry is strict: a history or a surface on which it is no more seen is named; one that was not told is not."""
    found = {
        Contradiction("since", "a", "check", "report"),
        Contradiction("since", "b", "check", "watch"),
        Contradiction("since", "b", "fleet", "watch"),
    }
    whole = _known("a", "b", "not told")
    assert mended_of(found, [whole], histories=["a", "b", "c"]) == []
    assert mended_of(found, [_known("a", "b", "c")], histories=["a", "b", "c"]) == [("they differ", "c")]
    assert mended_of(found, [_known("a")], histories=["a", "b"]) == [("they differ", "watch")]
    assert mended_of(set(), [_known("not told")], histories=["a"]) == []
    assert unknown_of(found, [whole]) == {Contradiction("since", "b", "fleet", "watch")}
