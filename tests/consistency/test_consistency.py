"""Every surface is rendered on a hundred histories and read back: what two of them say of one fact agrees."""

from __future__ import annotations

import pytest
from consistency_kit.compare import contradictions, facts_of, mended_of, unknown_of
from consistency_kit.histories import MB, stores
from consistency_kit.known import KNOWN_CONTRADICTIONS
from consistency_kit.said import VERDICTS, Number

FACTS = (
    "verdict", "confidence", "slope_mb_per_hour", "rss_slope_mb_per_hour", "since", "before_restart", "limit_bytes", "used_percent", "hours_to_limit",
    "outlook", "growth_ahead", "is_stale", "freshness", "severity", "footprint_bytes", "growth_mb", "grown", "process_count", "worst_process",
    "resource_threads", "resource_open_files", "deques", "worst_first", "urgency", "urgency_words", "alert_leak", "alert_deque",
    "alert_high_memory", "alert_silent", "alert_forecast", "alert_restart_loop", "alert_recorder",
)  # fmt: skip

_JUDGED = {"verdict", "confidence", "slope_mb_per_hour"}
_LIMIT = {"limit_bytes", "used_percent", "hours_to_limit"}
_PAGE = {*_JUDGED, *_LIMIT, "is_stale", "deques", "severity"}
_WHOLE = {"severity", "freshness", "footprint_bytes", "resource_threads", "resource_open_files"}
_BESIDE = {"process_count", "worst_process"}
_RESOURCES = {"resource_threads", "resource_open_files"}
_SENTENCE = {"limit_bytes", "hours_to_limit"}
SPEAKS_OF = {
    "leaks": {"before_restart", *_JUDGED, *_BESIDE, *_RESOURCES, "is_stale", "grown"},
    "leaks --json": {
        "before_restart",
        *_JUDGED,
        *_RESOURCES,
        "since",
        "is_stale",
        "outlook",
        "growth_ahead",
        "grown",
    },
    "check": {
        "before_restart",
        *_JUDGED,
        *_LIMIT,
        *_BESIDE,
        *_RESOURCES,
        "is_stale",
        "severity",
        "footprint_bytes",
    },
    "check --json": {"before_restart", *_JUDGED, *_LIMIT, *_WHOLE, *_BESIDE, "since", "is_stale", "grown"},
    "headline": {"before_restart", *_BESIDE, *_RESOURCES, "verdict", "slope_mb_per_hour", *_LIMIT},
    "forecast": {*_LIMIT, "is_stale"},
    "forecast, sentence": _SENTENCE,
    "forecast --json": {*_LIMIT, "is_stale", "outlook", "growth_ahead"},
    "deques": {"deques"},
    "deques --json": {"deques", "is_stale"},
    "fleet": {"before_restart", *_JUDGED, "used_percent", "since", "urgency_words", "worst_first"},
    "fleet --json": {
        "before_restart",
        *_JUDGED,
        "used_percent",
        "process_count",
        "since",
        "urgency",
        "urgency_words",
        "worst_first",
    },
    "watch": {
        "before_restart",
        *_JUDGED,
        "process_count",
        "footprint_bytes",
        "limit_bytes",
        "used_percent",
        "urgency_words",
        "is_stale",
        "deques",
    },
    "watch, sentence": _SENTENCE,
    "watch --json": {*_JUDGED, "since"},
    "report, cause": {"growth_mb"},
    "report, culprits": {"growth_mb"},
    "report --json, culprits": {"growth_mb"},
    "report": {
        "before_restart",
        "grown",
        *_JUDGED,
        *_BESIDE,
        "growth_mb",
        "since",
        "limit_bytes",
        "hours_to_limit",
        "is_stale",
        "deques",
        "footprint_bytes",
        *_RESOURCES,
    },
    "report --json": {"before_restart", *_PAGE, *_WHOLE, *_BESIDE, "since", "growth_mb", "grown"},
    "report html": {*_PAGE, *_BESIDE, *_RESOURCES, "footprint_bytes", "grown"},
    "report html, sentence": _SENTENCE,
    "report html, hero": {"before_restart", *_BESIDE, *_RESOURCES, "verdict", "slope_mb_per_hour", *_LIMIT},
    "source page, hero": {"before_restart", *_BESIDE, *_RESOURCES, "verdict", "slope_mb_per_hour", *_LIMIT},
    "source page": {*_PAGE, *_BESIDE, *_RESOURCES, "footprint_bytes", "grown"},
    "source page, sentence": _SENTENCE,
    "overview": {
        "before_restart",
        *_JUDGED,
        "used_percent",
        "hours_to_limit",
        "is_stale",
        "urgency",
        "urgency_words",
        "worst_first",
    },
    "metrics": {"verdict", "slope_mb_per_hour", "limit_bytes", "used_percent", "freshness"},
    "evaluator": {"before_restart", *_JUDGED, *_LIMIT, "since", "is_stale", "deques", "severity", "grown"},
    "recorder": {"used_percent", "deques", "alert_high_memory", "alert_deque", "severity"},
    "hourly check": {"before_restart", *_JUDGED, "since", "alert_leak", "severity", "grown"},
    "Store.alerts()": {"alert_high_memory"},
}
"""What is read back from each surface: a reader that falls silent would agree with everybody."""


@pytest.mark.parametrize("fact", FACTS)
def test_all_surfaces_that_speak_of_a_fact_say_the_same(answers, fact):
    """Of each history all surfaces say the same of a fact, but for the contradictions that are known, and these are all still there."""
    known = [one for one in KNOWN_CONTRADICTIONS if one.fact == fact]
    found = contradictions(answers, fact)
    new = sorted(unknown_of(found, known))
    told = "\n".join(
        f"{one.history}: {side}: {answers[one.history][side][fact]}"
        for one in new[:20]
        for side in (one.one, one.other)
    )
    assert not new, f"{len(new)} contradictions are new:\n{told}"
    mended = mended_of(found, known, histories=answers.keys())
    assert not mended, f"no contradiction any more; take it out of KNOWN_CONTRADICTIONS: {mended}"


def test_every_surface_is_read_back_on_every_fact_that_it_shows(answers):
    """No reader falls silent: of every fact that a surface shows something is read back."""
    read = {}
    for said in answers.values():
        for surface, facts in said.items():
            read.setdefault(surface, set()).update(facts)
    assert read.keys() == SPEAKS_OF.keys()
    missing = {
        surface: facts - read[surface] for surface, facts in SPEAKS_OF.items() if facts - read[surface]
    }
    assert not missing
    assert facts_of(answers) == set(FACTS)


def test_the_histories_have_every_verdict_deque_state_and_limit(answers):
    """The comparison stands on every verdict, every state of a deque, both limits and none, fresh and stale sources."""
    judged = [said["leaks --json"] for said in answers.values() if "leaks --json" in said]
    assert frozenset().union(*(one["verdict"] for one in judged)) == VERDICTS
    assert {one["is_stale"] for one in judged} == {True, False}
    assert {one["confidence"] for one in judged} == {"low", "medium", "high"}
    states = [
        said["deques --json"]["deques"].values() for said in answers.values() if "deques --json" in said
    ]
    wanted = {"ok", "full", "unbounded", "above", "unexpected_maxlen", "dead", "unreadable"}
    assert {state for of in states for one in of for state in one} == wanted
    limits = [said["check --json"].get("limit_bytes") for said in answers.values() if "check --json" in said]
    assert None in limits
    assert any(one is not None and one.value == 16_000 * MB for one in limits)
    assert any(one == Number(2_048 * MB, 1.0) for one in limits)


def test_no_known_contradiction_names_a_history_that_is_not_told():
    """The table of known contradictions names only histories that there are."""
    names = {story.name for stories in stores("whole").values() for story in stories}
    named = {name for one in KNOWN_CONTRADICTIONS for name in one.histories}
    assert {name for name in named - names if not name.startswith("all of ")} == set()
