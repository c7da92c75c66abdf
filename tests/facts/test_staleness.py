"""Staleness: one rule with one constant, and what else is true once."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memmon.alerts.policy import AlertPolicy
from memmon.config import Settings
from memmon.facts import defaults
from memmon.facts.plain import as_plain
from memmon.facts.run_endings import END_WORDS, MEANT_ENDS
from memmon.facts.staleness import (
    STALE_INTERVAL_COUNT,
    newest_interval_seconds,
    stale_after_seconds,
    staleness,
)
from memmon.facts.verdicts import Verdict

PACKAGE = Path(__file__).resolve().parents[2] / "memmon"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Run:
    last_at: datetime | None
    interval_seconds: float | None


@pytest.mark.parametrize(
    ("age_seconds", "interval_seconds", "is_stale"),
    [
        (180, 60, False),
        (181, 60, True),
        (900, None, False),
        (901, None, True),
        (901, 0, True),
        (901, 3600, False),
    ],
)
def test_stale_after_three_intervals(age_seconds, interval_seconds, is_stale):
    """A source is stale once more than three intervals passed; the default one counts where none is known."""
    found = staleness(NOW - timedelta(seconds=age_seconds), now=NOW, interval_seconds=interval_seconds)
    assert (found.is_stale, found.age_seconds, found.interval_seconds) == (
        is_stale,
        age_seconds,
        interval_seconds,
    )


def test_a_sample_ahead_of_the_clock_has_no_age():
    """A sample of the future is no reason to call a source stale, nor is a source without any."""
    ahead = staleness(NOW + timedelta(hours=9), now=NOW, interval_seconds=60.0)
    assert (ahead.age_seconds, ahead.is_stale) == (0.0, False)
    assert not staleness(None, now=NOW, interval_seconds=60.0).is_stale


def test_the_newest_runs_interval_counts():
    """Of several runs the one that was sampled last says how often samples are due."""
    runs = [
        Run(NOW, 5.0),
        Run(NOW - timedelta(days=1), 60.0),
        Run(NOW + timedelta(days=1), None),
        Run(None, 7.0),
    ]
    assert newest_interval_seconds(runs) == 5.0
    assert newest_interval_seconds([Run(None, 7.0)]) is None


@pytest.mark.parametrize("end_reason", sorted(END_WORDS))
def test_nobody_is_missed_after_an_end_that_was_meant(end_reason):
    """A run that was stopped on purpose is never stale; one that was killed or got lost is.

    So is an imported one: where the file ends says nothing of the program.
    """
    found = staleness(NOW - timedelta(days=9), now=NOW, interval_seconds=60.0, end_reason=end_reason)
    assert found.is_stale is (end_reason not in MEANT_ENDS or end_reason == "imported")
    assert found.age_seconds == 9 * 86_400


def test_options_derive_from_the_rule():
    """The alert policy counts the same number of intervals, the default one where none is known."""
    assert stale_after_seconds(None) == stale_after_seconds(defaults.INTERVAL_SECONDS)
    assert AlertPolicy().silent_interval_count == STALE_INTERVAL_COUNT


def interval_rules(source):
    """Return the lines of a module in which intervals are counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = [ast.unparse(node.left).lower(), ast.unparse(node.right).lower()]
            for one, other in (sides, sides[::-1]):
                if "interval" in one and re.fullmatch(r"3(\.0)?|\w*(count|intervals)\w*", other):
                    found.append(node.lineno)
    return found


def test_intervals_are_counted_in_one_place():
    """Nothing outside the rule multiplies an interval to find out what is too old."""
    found = {
        str(path.relative_to(PACKAGE)): lines
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE) != Path("facts/staleness.py")
        and (lines := interval_rules(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    ["3 * interval_seconds", "_AGE_INTERVALS * (age.interval_seconds or 0.0)", "row.interval_ms * 3"],
)
def test_a_rule_of_intervals_is_recognised(source):
    """The search finds a rule whichever way round and however the number is called."""
    assert interval_rules(source) == [1]


def test_plain_data_is_what_json_holds():
    """Enums, times, dataclasses, tuples and NaN come out as JSON knows them."""
    value = {1: (Verdict.STABLE, NOW, math.nan), "run": Run(NOW, 5.0)}
    plain = as_plain(value)
    assert plain == {
        "1": ["stable", NOW.isoformat(), None],
        "run": {"last_at": NOW.isoformat(), "interval_seconds": 5.0},
    }
    assert type(plain["1"][0]) is str


def test_every_end_of_a_run_has_words():
    """What the recorder and the next run write as the end of a run reads well, and meant ends are ends."""
    certificates = (PACKAGE / "store" / "write" / "run_endings.py").read_text(encoding="utf-8")
    written = set(re.findall(r'return "(\w+)", ', certificates)) | set(
        re.findall(r'reason="(\w+)"', certificates)
    )
    assert {"oom", "unknown", "reboot"} <= written <= set(END_WORDS)
    assert set(END_WORDS) > MEANT_ENDS


def test_defaults_stand_once():
    """Settings and policies have their defaults from one place."""
    settings, policy = Settings(), AlertPolicy()
    assert settings.interval_seconds == defaults.INTERVAL_SECONDS
    assert settings.leak_threshold_mb_per_hour == defaults.LEAK_THRESHOLD_MB_PER_HOUR
    assert policy.leak_threshold_mb_per_hour == defaults.LEAK_THRESHOLD_MB_PER_HOUR
    assert settings.high_memory_percent == policy.high_memory_percent == defaults.HIGH_MEMORY_PERCENT
