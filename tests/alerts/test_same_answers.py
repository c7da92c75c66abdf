"""The program itself and the evaluator outside say the same of the same situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from alert_kit import MB, START, Bot, make_store, minutes
from told_kit import Program

from memmon import MemoryMonitor
from memmon.alerts.policy import AlertPolicy
from memmon.child.requests import Check
from memmon.clock import ManualClock
from memmon.evaluator.observe import observe
from memmon.model import DequeReading
from memmon.store.read import open_store
from memmon.tasks.check import check


@pytest.fixture
def url(tmp_path):
    return make_store(tmp_path / "memmon.db")


def from_outside(url, *, now) -> list[tuple[str, str, str]]:
    """Return (kind, severity, title) of all that the evaluator sees active."""
    with open_store(url) as store:
        seen, failed = observe(store, now=now, policy=AlertPolicy())
    assert not failed
    return [(one.kind, one.severity, one.title) for one, _ in seen if one.level == "active"]


def from_inside(program) -> list[tuple[str, str, str]]:
    return [(alert.kind, alert.severity, alert.title) for alert in program.told]


def in_container(percent, *, limit_mb=1000):
    return {
        "limit_bytes": limit_mb * MB,
        "limit_origin": "cgroup v2 /bot",
        "limit_used_bytes": round(percent / 100 * limit_mb * MB),
    }


MEMORY = {
    "container at 97": ({"percent": 30.0, **in_container(97)}, "error"),
    "container at 85": ({"percent": 30.0, **in_container(85)}, "warning"),
    "machine at 97": ({"percent": 97.0}, "error"),
    "machine at 85": ({"percent": 85.0, "limit_origin": "host", "limit_bytes": 8000 * MB}, "warning"),
    "machine at 97, container at 50": ({"percent": 97.0, **in_container(50)}, "error"),
    "container full of shared memory": (
        {"percent": 30.0, **in_container(18), "charged_bytes": 970 * MB},
        "error",
    ),
    "container whose older measure is too high": (
        {"percent": 30.0, **in_container(97), "charged_bytes": 700 * MB},
        None,
    ),
    "machine with its swap at 85": (
        {"percent": 97.0, "limit_origin": "host", "limit_bytes": 8000 * MB, "charged_bytes": 6800 * MB},
        "warning",
    ),
    "both at 79": ({"percent": 79.0, **in_container(79)}, None),
}


@pytest.mark.parametrize("situation", MEMORY)
def test_high_memory_is_that_of_the_limit_in_force(url, situation):
    """The container's memory or the machine's, whichever is nearer to full, is told alike from both sides."""
    values, severity = MEMORY[situation]
    bot, program = Bot(url), Program(url)
    snapshot = bot.snapshot(START, **values)
    bot.write([snapshot])
    program.see(snapshot)
    expected = [] if severity is None else [("high_memory", severity, "High memory usage")]
    assert from_outside(url, now=START) == expected
    assert from_inside(program) == expected


def test_a_monitor_tells_of_its_container_too(tmp_path):
    """MemoryMonitor tells high memory of its container, and at once when it becomes very high."""
    told = []
    clock = ManualClock(START)
    monitor = MemoryMonitor(
        database_url=tmp_path / "m.db", source="bot", clock=clock, on_alert=told.append, daily_report=False
    )
    bot = Bot(make_store(tmp_path / "other.db"))
    for number, percent in enumerate((85.0, 86.0, 97.0, 98.0)):
        monitor._on_taken(bot.snapshot(START + minutes(number), percent=30.0, **in_container(percent)))
    assert monitor.flush()
    monitor.close()
    assert [(alert.kind, alert.severity) for alert in told] == [
        ("high_memory", "warning"),
        ("high_memory", "error"),
    ]
    assert "of the container's memory" in told[0].message
    assert told[0].values["of"] == "container"


@pytest.mark.parametrize(("count", "title"), [(1, "Deque limit exceeded"), (2, "Deque limits exceeded")])
def test_deques_are_told_alike(url, count, title):
    """A deque's fault has one severity and one title."""
    bot, program = Bot(url), Program(url)
    bad = [DequeReading(name=f"q{number}", length_count=5, maxlen_count=None) for number in range(count)]
    snapshot = bot.snapshot(START, deques=tuple(bad))
    bot.write([snapshot])
    program.see(snapshot)
    assert from_outside(url, now=START) == from_inside(program) == [("deque", "error", title)]


@pytest.mark.parametrize(("limit_mb", "severity"), [(1200, "error"), (1800, "warning"), (500_000, "warning")])
def test_a_leak_is_told_alike(url, limit_mb, severity):
    """A leak is an error when its limit is reached within a day, else a warning, whoever finds it."""
    bot, program = Bot(url), Program(url)
    bot.restart(START)
    taken = [
        bot.snapshot(START + minutes(5 * n), rss_mb=300 + 2 * n + 0.05 * (n % 3)) for n in range(24 * 12)
    ]
    bot.write(
        [
            replace(item, **{**in_container(50, limit_mb=limit_mb), "limit_used_bytes": item.rss_bytes})
            for item in taken
        ]
    )
    now = START + timedelta(hours=24)
    answer = check(
        Check(
            database=url,
            source="bot",
            leak_check=True,
            daily_report=False,
            threshold_mb_per_hour=10.0,
            now=now,
            look_at_all_pages=False,
        )
    )
    program.dispatcher._on_check(answer)
    assert from_outside(url, now=now) == from_inside(program) == [("leak", severity, "Memory leak detected")]
    assert answer.is_suspicious
