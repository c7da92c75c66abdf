"""Many sources of one release: their alerts are one message, then at most one a day."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from memmon.alerts.groups import GROUP_FROM, Stepped, grouped
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.state_machine import Observation, step
from memmon.alerts.wording import MessageWriter
from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.model import EventRecord
from memmon.notify import run_once
from memmon.store.alerts.store import AlertStore

sys.path.append(str(Path(__file__).resolve().parents[1] / "notify"))
from alert_kit import START, Bot, FlakyChannel, make_store

POLICY = AlertPolicy()


def leaks(number, at, *, since, until, severity="warning"):
    """Return what is seen of one source that leaks for a time."""
    return Observation(
        source_id=number,
        source=f"web-{number:03d}",
        fingerprint="leak",
        kind="leak",
        level="active" if since <= at < until else "clear",
        severity=severity,
        title="Memory leak detected",
        message=f"Growth rate {number}.00 MB/hour.",
        values={"growth_rate_mb_per_hour": float(number)},
    )


def run_of(number, release="1.8.1"):
    return SimpleNamespace(
        run_id=number, host=f"host-{number % 12}", pid=number, release=release, script_path="/srv/app.py"
    )


class Fleet:
    """An evaluator's memory of a fleet, and what it tells round by round."""

    def __init__(self):
        self.watches = {}
        self.told = []

    def round(self, seen, at, silenced=()):
        """One round over (observation, run) pairs; silenced ones are stepped as such."""
        steps = []
        for one, run in seen:
            before = self.watches.get((one.source_id, one.fingerprint))
            done = step(before, one, at=at, rule=POLICY.rule(one.kind), is_silenced=one in silenced)
            steps.append(Stepped(seen=one, run=run, before=before, done=done))
        for one in grouped(steps, self.watches, at=at, policy=POLICY, silenced=silenced):
            if one.done.watch is not None:
                self.watches[one.done.watch.source_id, one.done.watch.fingerprint] = one.done.watch
            if one.done.told is not None:
                self.told.append((at, one.done.told, one))


def day_of(at):
    return (at - START).days


def test_a_release_that_leaks_in_two_hundred_processes_is_told_once_and_then_once_a_day():
    """Two hundred processes are found within a day: one message, at most one a day after it, one when it is over."""
    fleet, end = Fleet(), START + timedelta(days=3)
    for hour in range(4 * 24):
        at = START + timedelta(hours=hour)
        seen = [
            (leaks(n, at, since=START + timedelta(hours=2 + (n % 20 if n > 5 else 0)), until=end), run_of(n))
            for n in range(1, 201)
        ]
        fleet.round(seen, at)
    assert [told for _, told, _ in fleet.told] == ["firing", "reminder", "reminder", "resolved"]
    assert max(Counter(day_of(at) for at, told, _ in fleet.told if told != "resolved").values()) == 1
    assert all(one.seen.group == "release 1.8.1" for _, _, one in fleet.told)
    first, last = fleet.told[0][2].seen, fleet.told[2][2].seen
    assert first.values["source_count"] == 15
    assert last.values["source_count"] == 200
    assert last.values["worst"] == "web-200"
    assert last.values["hosts"] == sorted(f"host-{n}" for n in range(12))


def test_the_message_of_a_group_names_how_many_the_worst_and_the_hosts():
    """The one message has the count, the release, the hosts and the worst, and a command that shows all of them."""
    fleet = Fleet()
    seen = [(leaks(n, START, since=START, until=START + timedelta(1)), run_of(n)) for n in range(1, 9)]
    fleet.round(seen, START)
    ((_, told, one),) = fleet.told
    message = MessageWriter(place="memmon.db").compose(
        one.seen, one.run, event=told, watch=one.done.watch, at=START
    )
    assert message.title == "[WARNING] Memory leak detected: 8 sources of release 1.8.1"
    assert "8 sources on 8 hosts (host-1, host-2, host-3, host-4, host-5 and 3 more)." in message.text
    assert "The worst, web-008 on host-8: Growth rate 8.00 MB/hour." in message.text
    assert "Also: web-007, web-006, web-005, web-004, web-003 and 2 more." in message.text
    assert message.text.endswith("memmon fleet --db memmon.db")


@pytest.mark.parametrize("count", [1, GROUP_FROM - 1])
def test_few_sources_are_told_one_by_one(count):
    """One or two sources that leak are told by themselves, as ever."""
    fleet = Fleet()
    seen = [(leaks(n, START, since=START, until=START + timedelta(1)), run_of(n)) for n in range(count)]
    fleet.round(seen, START)
    assert [one.seen.group for _, _, one in fleet.told] == [None] * count


def test_releases_are_told_apart_and_the_silenced_left_out():
    """Each release is a group of its own; what is silenced is in none, and is not told."""
    fleet = Fleet()
    seen = [
        (
            leaks(n, START, since=START, until=START + timedelta(1)),
            run_of(n, release="1.8.1" if n < 10 else "1.8.2"),
        )
        for n in range(20)
    ]
    fleet.round(seen, START, silenced=[one for one, _ in seen[:5]])
    told = {one.seen.group: one.seen.values["source_count"] for _, _, one in fleet.told}
    assert told == {"release 1.8.1": 5, "release 1.8.2": 10}


def test_a_leak_that_turns_critical_in_a_group_is_told_at_once():
    """Where the first of a group is near its end, it is told before the day is over, once."""
    fleet = Fleet()
    for hour in range(12):
        at = START + timedelta(hours=hour)
        worst = "error" if hour >= 6 else "warning"
        seen = [
            (
                leaks(n, at, since=START, until=at + timedelta(1), severity=worst if n % 2 else "warning"),
                run_of(n),
            )
            for n in range(10)
        ]
        fleet.round(seen, at)
    assert [told for _, told, _ in fleet.told] == ["firing", "worse"]


def test_sources_without_a_release_are_grouped_by_their_script():
    """Where nobody names releases, processes of one script are told together, and of none one by one."""
    fleet = Fleet()
    seen = [
        (leaks(n, START, since=START, until=START + timedelta(1)), run_of(n, release=None)) for n in range(4)
    ]
    fleet.round(seen, START)
    assert [one.seen.group for _, _, one in fleet.told] == ["script /srv/app.py"]


def test_a_fleet_that_falls_silent_is_one_message_in_a_real_store(tmp_path):
    """Thirty sources of one release stop together: the store's rounds tell it once, and that they are back once."""
    clock = ManualClock(START)
    url = make_store(tmp_path / "memmon.db")
    bots, channel = (
        [Bot(url, source=f"web-{n}", host=f"host-{n % 3}") for n in range(30)],
        FlakyChannel(clock),
    )
    for minute in range(0, 120, 10):
        if not 10 <= minute < 80:
            for bot in bots:
                bot.take(clock.now())
        run_once(url, channels=[channel], clock=clock)
        clock.advance(600)
    assert [message.event for _, message in channel.sent] == ["firing", "resolved"]
    assert channel.sent[0][1].title == "[ERROR] No snapshots arrive: 30 sources of release 1.4.2"
    assert "30 sources on 3 hosts (host-0, host-1, host-2)" in channel.sent[0][1].text
    assert AlertStore(parse_database(url)).waiting() == ()


def test_an_alert_of_one_source_says_what_it_said(tmp_path):
    """A group beside it changes nothing for a source that is alone with its alert."""
    clock = ManualClock(START)
    url = make_store(tmp_path / "memmon.db")
    bots, channel = [Bot(url, source=f"web-{n}") for n in range(5)], FlakyChannel(clock)
    for bot in bots:
        bot.take(clock.now())
    bots[0].tell(EventRecord(at=clock.now(), sequence=1, kind="dropped", data={"dropped_count": 4}))
    run_once(url, channels=[channel], clock=clock)
    ((_, message),) = channel.sent
    assert message.title == "[WARNING] Recorder trouble: web-0 on host-1"
    assert "--source web-0" in message.text
