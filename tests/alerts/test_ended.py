"""An alert that is over reads as over: in the store, in the view, and on the command line."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from alert_kit import START, Bot, FlakyChannel, make_store, minutes
from told_kit import Program

from memmon.alerts import conditions
from memmon.alerts.findings import Leak
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import PresentState
from memmon.alerts.records import Watch
from memmon.child.requests import Checked, SeenAnswer
from memmon.cli import app
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.model import DequeReading, RunRecord
from memmon.notify import run_once
from memmon.store.alerts.store import AlertStore
from memmon.store.read import open_store
from memmon.store.write.writer import Batch, RunEnd, Writer

OPEN_DEQUE = DequeReading(name="q", length_count=5, maxlen_count=None)


@pytest.fixture
def url(tmp_path):
    return make_store(tmp_path / "memmon.db")


class Stored(Program):
    """A program whose memory of its alerts is written as its recorder writes it."""

    def see(self, snapshot) -> None:
        super().see(snapshot)
        self.keep()

    def keep(self, *, end: RunEnd | None = None) -> None:
        Writer(parse_database(self.url)).write(Batch(run=self.state.record, watches=self.watches, end=end))
        self.stored.clear()


def states(url) -> dict[str, str]:
    with open_store(url) as store:
        found = {one.fingerprint: one.state for one in store.alerts("bot")}
        rows = store.query("SELECT fingerprint, state FROM alert_state").rows
    assert dict(rows) == found
    return found


def test_high_memory_that_fell_is_over(url):
    """High memory ends below its lower level, not between the two, and tells the host nothing then."""
    program, bot = Stored(url), Bot(url, source="maker")
    found = []
    for number, percent in enumerate((85.0, 77.0, 60.0, 60.0)):
        program.see(bot.snapshot(START + minutes(5 * number), percent=percent))
        found.append(states(url)["high_memory"])
    assert found == ["firing", "firing", "clear", "clear"]
    assert len(program.told) == 1
    with open_store(url) as store:
        (alert,) = store.alerts("bot")
    assert not alert.is_firing
    assert alert.resolved_at == START + minutes(10)
    assert alert.notified_at == START


def test_a_deque_within_its_limit_again_is_over(url):
    """A deque's alert ends with its last fault."""
    program, bot = Stored(url), Bot(url, source="maker")
    for number, deques in enumerate(((OPEN_DEQUE,), ())):
        program.see(bot.snapshot(START + minutes(5 * number), deques=deques))
        assert states(url) == {"deque": ("firing", "clear")[number]}


def told_hourly(url, verdicts) -> list[str]:
    """Return the state of the leak's alert after each hourly check that says these."""
    program = Stored(url)
    program.dispatcher.source = "bot"
    found = []
    for verdict in verdicts:
        is_leak = verdict == "leaking"
        leak = Leak(verdict=verdict, is_leak=is_leak, confidence="high", duration_hours=9.0)
        at = program.dispatcher._clock.now()
        present = PresentState(at=at, source="bot", leak=leak, is_leak_confirmed=is_leak)
        seen = conditions.observe(present, AlertPolicy(), in_process=True)
        answers = tuple(SeenAnswer.of(one) for one in seen)
        program.dispatcher._on_check(
            Checked(damage=None, alerts=(), seen=answers, report=None, is_suspicious=False)
        )
        program.keep()
        found.append(states(url)["leak"])
        program.dispatcher._clock.advance(3600.0)
    assert [alert.kind for alert in program.told] == ["leak"]
    return found


def test_a_leak_that_is_found_no_more_is_over_after_two_hours(url):
    """Only when the hourly check has said something else for two hours is a leak over."""
    assert told_hourly(url, ("leaking", "stable", "stable", "stable")) == ["firing"] * 3 + ["clear"]


def test_a_leak_of_which_nothing_can_be_said_is_not_over(url):
    """A night in which the checks can't say whether a leak pauses takes no alert back; a calm word for two hours does."""
    found = told_hourly(url, ("leaking", *["cannot_say"] * 14, "stable", "stable", "stable"))
    assert found == ["firing"] * 17 + ["clear"]


def firing(at=START) -> Watch:
    return Watch(
        source_id=0,
        fingerprint="high_memory",
        kind="high_memory",
        state="firing",
        severity="warning",
        title="High memory usage",
        since=at,
        seen_at=at,
        told_at=at,
        told_severity="warning",
        told_since=at,
    )


def run_of(number, *, at=START, pid=None) -> RunRecord:
    return RunRecord(
        uuid=f"run-{number}",
        source="bot",
        source_was_given=True,
        started_at=at,
        interval_seconds=300.0,
        host="host-1",
        pid=os.getpid() if pid is None else pid,
    )


def write(url, number, *, at=START, pid=None, **more) -> None:
    Writer(parse_database(url)).write(Batch(run=run_of(number, at=at, pid=pid), **more))


def test_a_run_that_ends_leaves_no_alert(url):
    """With the end of a source's last run its alerts are over, also one that was told after the end."""
    write(url, 1, watches=[firing()])
    assert states(url) == {"high_memory": "firing"}
    write(url, 1, end=RunEnd(at=START + minutes(5), reason="stopped"))
    assert states(url) == {"high_memory": "clear"}
    write(url, 1, watches=[firing(START + minutes(5))])
    assert states(url) == {"high_memory": "clear"}


def test_a_source_that_starts_anew_has_no_ghosts(url):
    """What a killed run left firing ends when the next one begins; when it was told stays known."""
    write(url, 1, watches=[firing()], pid=2**22 + 1)
    written = Writer(parse_database(url)).write(Batch(run=run_of(2, at=START + timedelta(hours=1))))
    assert states(url) == {"high_memory": "clear"}
    assert written.watches["high_memory"].told_at == START


def test_a_process_beside_another_leaves_its_alerts_alone(url):
    """A second process of a source ends nothing that the first still tells, but what nobody tells any more."""
    write(url, 1, watches=[firing()])
    write(url, 2, at=START + timedelta(hours=1))
    assert states(url) == {"high_memory": "firing"}
    write(url, 3, at=START + timedelta(hours=9))
    assert states(url) == {"high_memory": "clear"}


def test_alerts_list_says_resolved(url, capfdbinary):
    """`memmon alerts list --all` tells what still fires of the recorder's alerts and what is resolved."""
    write(url, 1, watches=[firing()])
    assert app.run(["alerts", "list", "--all", "--db", url]) == 0
    assert b"(warning) 2026-03-01" in (before := capfdbinary.readouterr().out)
    assert b"firing since" in before
    write(url, 1, end=RunEnd(at=START + minutes(5), reason="stopped"))
    assert app.run(["alerts", "list", "--all", "--db", url]) == 0
    after = capfdbinary.readouterr().out
    assert b"resolved 2026-03-01" in after
    assert b"firing" not in after


def test_the_evaluator_keeps_a_memory_of_its_own(url):
    """What the recorder told, the evaluator tells once through its channels, and acknowledges as its own."""
    clock = ManualClock(START)
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.take(START, percent=90.0)
    bot.writer.write(Batch(run=bot.record, watches=[firing()]))
    for _ in range(3):
        run_once(url, channels=[channel], clock=clock)
        clock.advance(300)
        bot.take(clock.now(), percent=90.0)
    assert [message.event for _, message in channel.sent] == ["firing"]
    assert AlertStore(parse_database(url)).acknowledge(1, "high_memory", at=clock.now(), by="me")
    with open_store(url) as store:
        both = store.alerts("bot", holder=None)
    assert sorted((one.holder, one.state) for one in both) == [
        ("evaluator", "firing"),
        ("recorder", "firing"),
    ]
    bot.end(RunEnd(at=clock.now(), reason="stopped"))
    with open_store(url) as store:
        both = store.alerts("bot", holder=None)
    assert sorted((one.holder, one.state) for one in both) == [("evaluator", "firing"), ("recorder", "clear")]
