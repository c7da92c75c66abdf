from __future__ import annotations

import itertools
import math
import os
import random
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from alert_kit import MB, START, Bot, FlakyChannel, make_store, minutes

from memmon.clock import ManualClock
from memmon.config import parse_database
from memmon.evaluator.observe import observe, present_of
from memmon.model import DequeReading, EventRecord
from memmon.notify import AlertPolicy, run_once
from memmon.store.alerts.store import AlertStore
from memmon.store.read import open_store
from memmon.store.write.writer import RunEnd


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def url(tmp_path):
    """A store, in memory where the system offers that: hundreds of rounds wait for no disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield make_store(Path(folder) / "memmon.db")


def _round(url, channel, **more):
    return run_once(url, channels=[channel], clock=channel.clock, **more)


@pytest.mark.slow
def test_alerts_through_a_day_of_flapping_memory(url, clock):
    """24 h of memory flapping between 79 and 81 %, with 5 restarts and the channel down for 10 minutes."""
    bot, channel = Bot(url, interval_seconds=600), FlakyChannel(clock)
    queued = []
    for minute in range(0, 24 * 60 + 30, 10):
        if minute in {60, 300, 610, 900, 1200}:
            bot.restart(clock.now(), end=RunEnd(at=clock.now(), reason="sigterm"))
        # The first alert and a reminder both fall into times when the channel is down.
        channel.is_down = minute == 0 or 240 <= minute < 250
        percent = 70.0 if minute >= 24 * 60 else 81.0 if (minute // 10) % 2 == 0 else 79.0
        bot.take(clock.now(), percent=percent)
        done = _round(url, channel)
        queued += done.messages
        clock.advance(600)
    sent = [(at, message.event) for at, message in channel.sent]
    events = [event for _, event in sent]
    assert events == ["firing", *["reminder"] * 5, "resolved"]
    assert [message.uuid for message in queued] == [message.uuid for _, message in channel.sent]
    alerts = [at for at, event in sent if event != "resolved"]
    assert all(later - earlier >= minutes(30) for earlier, later in itertools.pairwise(alerts))


def test_alerts_wait_while_their_channel_is_down(url, clock):
    """What is told while a channel is down for ten minutes arrives once, in order, when it is back."""
    bot, channel, other = Bot(url), FlakyChannel(clock), FlakyChannel(clock, name="other")
    channel.is_down = True
    for minute, percent in ((0, 90.0), (5, 60.0), (10, 60.0), (15, 60.0)):
        channel.is_down = minute < 10
        bot.take(clock.now(), percent=percent)
        run_once(url, channels=[channel, other], clock=clock)
        clock.advance(300)
    run_once(url, channels=[channel, other], clock=clock)
    assert [message.event for _, message in other.sent] == ["firing", "resolved"]
    assert [message.event for _, message in channel.sent] == ["firing", "resolved"]
    assert AlertStore(_database(url)).waiting() == ()


def test_alerts_of_a_long_outage_are_not_repeated_when_it_ends(url, clock):
    """A channel that was down over two episodes of one alert says once that it fires, not twice."""
    bot, channel = Bot(url), FlakyChannel(clock)
    channel.is_down = True
    for minute in range(0, 180, 5):
        percent = 60.0 if 30 <= minute < 60 else 90.0
        bot.take(clock.now(), percent=percent)
        _round(url, channel)
        clock.advance(300)
    channel.is_down = False
    bot.take(clock.now(), percent=90.0)
    _round(url, channel)
    assert [message.event for _, message in channel.sent] == ["firing"]


def _database(url):
    from memmon.config import parse_database

    return parse_database(url)


def test_alerts_of_evaluators_at_once_are_told_once(url, clock):
    """Of eight evaluators that run at the same moment, one tells, and each message is sent once."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.take(clock.now(), percent=90.0)
    gate, done, failures = threading.Barrier(8), [], []

    def evaluate() -> None:
        gate.wait()
        try:
            done.append(_round(url, channel))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=evaluate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [message.event for _, message in channel.sent] == ["firing"]
    assert sum(len(one.messages) for one in done) == 1


def test_alerts_lease_passes_on_when_its_holder_dies(url, clock):
    """An evaluator that stops without a word is replaced after its lease, not before."""
    Bot(url).take(clock.now(), percent=90.0)
    first, second = FlakyChannel(clock), FlakyChannel(clock)
    assert _round(url, first, holder="a").is_holder
    clock.advance(300)
    assert not _round(url, second, holder="b").is_holder
    clock.advance(3600)
    assert _round(url, second, holder="b").is_holder
    assert not AlertStore(_database(url)).record("a", [], [], channels=[])


def test_alerts_say_that_a_source_fell_silent(url, clock):
    """After three intervals without a snapshot the evaluator speaks up, once; when it is back, once more."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.take(clock.now())
    for _ in range(6):
        clock.advance(300)
        _round(url, channel)
    bot.take(clock.now())
    clock.advance(60)
    _round(url, channel)
    told = [(at - START, message.kind, message.event, message.severity) for at, message in channel.sent]
    assert told == [
        (minutes(20), "silent", "firing", "error"),
        (minutes(31), "silent", "resolved", "error"),
    ]


@pytest.mark.parametrize(("reason", "told"), [("stopped", []), ("sigterm", []), ("sigkill", ["silent"])])
def test_alerts_do_not_miss_who_was_meant_to_stop(url, clock, reason, told):
    """A bot that was stopped on purpose is not called silent; one that was killed is."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.take(clock.now())
    bot.end(RunEnd(at=clock.now(), reason=reason))
    clock.advance(3600)
    _round(url, channel)
    assert [message.kind for _, message in channel.sent] == told


def test_alerts_find_a_restart_loop(url, clock):
    """Five short runs within an hour are a restart loop; eight workers that start together are none."""
    bot, channel = Bot(url), FlakyChannel(clock)
    for _ in range(6):
        bot.restart(clock.now())
        bot.take(clock.now())
        clock.advance(60)
        bot.end(RunEnd(at=clock.now(), reason="oom"))
    bot.restart(clock.now())
    bot.take(clock.now())
    workers = [Bot(url, source="prefork") for _ in range(8)]
    for number, worker in enumerate(workers):
        worker.number = 10 * number
        worker.take(clock.now())
    _round(url, channel)
    assert [(message.kind, message.source) for _, message in channel.sent] == [("restart_loop", "bot")]
    assert "out of memory" in channel.sent[0][1].text


def test_alerts_tell_of_deques_and_of_each_new_one(url, clock):
    """All failing deques stand in one message; one that fails later is told at once."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bad = [DequeReading(name=f"q{number}", length_count=5, maxlen_count=None) for number in range(3)]
    good = DequeReading(name="fine", length_count=5, maxlen_count=10)
    for count in (2, 2, 3, 0):
        bot.take(clock.now(), deques=(*bad[:count], good))
        _round(url, channel)
        clock.advance(300)
    assert [message.event for _, message in channel.sent] == ["firing", "worse", "resolved"]
    assert "q0 has no maxlen; q1 has no maxlen" in channel.sent[0][1].text
    assert "2 of 3 deques" in channel.sent[0][1].text
    assert "q2" in channel.sent[1][1].text
    assert "fine" not in channel.sent[0][1].text


def test_alerts_tell_of_a_leak_with_its_forecast(url, clock):
    """A leak is told with growth rate, total growth and confidence; it is an error when the limit is near."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.restart(clock.now())
    snapshots = [
        bot.snapshot(START + minutes(5 * n), rss_mb=300 + 2 * n + 0.05 * (n % 3)) for n in range(24 * 12)
    ]
    bot.write(
        [
            _with(item, limit_bytes=1200 * MB, limit_origin="cgroup v2 /bot", limit_used_bytes=item.rss_bytes)
            for item in snapshots
        ]
    )
    clock.advance(24 * 3600 - 300)
    _round(url, channel, policy=AlertPolicy())
    (message,) = [message for _, message in channel.sent if message.kind == "leak"]
    assert message.severity == "error"
    for words in (
        "Growth rate 24.",
        "MB/hour",
        "total growth 5",
        "confidence high",
        "is reached in",
        "since 20",
    ):
        assert words in message.text
    assert f"memmon report --db {url} --source bot" in message.text
    assert "host host-1, source bot, run 1 (pid " in message.text
    assert "release 1.4.2), 2026-03-0" in message.text
    assert message.values["hours_to_limit"] == pytest.approx((1200 - 874) / 24, rel=0.2)


@pytest.mark.parametrize(("budget", "told"), [(0.0, 1), (3.0, 1), (1e-200, 0)])
def test_a_budget_tells_only_leaks_that_are_sure_enough(url, clock, budget, told):
    """A sure leak is told with a budget as without one; one that is not sure enough waits, and what was told stays so."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.restart(clock.now())
    rng = random.Random(5)
    grown = [300 + 2 * n + rng.uniform(0, 20) for n in range(25 * 12)]
    bot.write([bot.snapshot(START + minutes(5 * n), rss_mb=mb) for n, mb in enumerate(grown) if n < 24 * 12])
    clock.advance(24 * 3600 - 300)
    policy = AlertPolicy(false_alarms_per_month=budget)
    _round(url, channel, policy=policy)
    assert [message.kind for _, message in channel.sent if message.kind == "leak"] == ["leak"] * told
    bot.write([bot.snapshot(START + minutes(5 * n), rss_mb=mb) for n, mb in enumerate(grown) if n >= 24 * 12])
    clock.advance(3600)
    _round(url, channel, policy=AlertPolicy(false_alarms_per_month=1e-200))
    events = [message.event for _, message in channel.sent if message.kind == "leak"]
    assert events == ["firing"] * told
    (watch,) = [one for one in AlertStore(parse_database(url)).watches().values() if one.kind == "leak"] or [
        None
    ]
    assert (watch is not None and watch.state == "firing") is bool(told)


def test_a_budget_counts_the_sources_that_were_not_asked_for(url, clock):
    """A round over one source alone holds it to the bar of all of them."""
    seen = {}
    for count in (1, 30):
        for number in range(count if count > 1 else 0):
            Bot(url, source=f"other-{number}").take(clock.now())
        bot = Bot(url, source=f"leaky-{count}")
        bot.restart(START)
        rng = random.Random(5)
        bot.write(
            [
                bot.snapshot(START + minutes(5 * n), rss_mb=300 + 2 * n + rng.uniform(0, 40))
                for n in range(6 * 12)
            ]
        )
        with open_store(url) as store:
            at = START + minutes(6 * 60 - 5)
            source = store.resolve_source(bot.source)
            ((present, _),) = present_of(store, source, now=at, policy=AlertPolicy())
            least = 720 * math.exp(-present.leak_log_e_value)
            policy = AlertPolicy(false_alarms_per_month=least * 1.5)
            found, failed = observe(store, now=at, policy=policy, source=bot.source)
        assert failed == []
        seen[count] = [one.level for one, _ in found if one.kind == "leak"]
    assert seen == {1: ["active"], 30: ["between"]}


def _with(item, **values):
    from dataclasses import replace

    return replace(item, **values)


def test_alerts_tell_of_the_limit_from_a_slow_growth_too(url, clock):
    """Growth below the leak threshold is told when it reaches the limit within 72 h."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.restart(clock.now())
    snapshots = []
    for n in range(48 * 12):
        item = bot.snapshot(START + minutes(5 * n), rss_mb=300 + 0.5 * n + 0.05 * (n % 3))
        limits = {
            "limit_bytes": 800 * MB,
            "limit_origin": "cgroup v2 /bot",
            "limit_used_bytes": item.rss_bytes,
        }
        snapshots.append(_with(item, **limits))
    bot.write(snapshots)
    clock.advance(48 * 3600 - 300)
    _round(url, channel, policy=AlertPolicy())
    kinds = [(message.kind, message.event) for _, message in channel.sent]
    assert kinds == [("forecast", "firing")]
    assert "memory reaches 800.0 MB" in channel.sent[0][1].text
    assert "memmon forecast --db" in channel.sent[0][1].text


def test_alerts_tell_high_memory_with_its_figures_once_per_host(url, clock):
    """High memory tells RSS, percent, the process's share and what is available; two bots of a host tell once."""
    for name in ("a", "b"):
        Bot(url, source=name).take(clock.now(), percent=85.0, rss_mb=800.0)
    Bot(url, source="c", host="host-2").take(clock.now(), percent=85.0)
    channel = FlakyChannel(clock)
    _round(url, channel)
    assert [message.source for _, message in channel.sent] == ["a", "c"]
    text = channel.sent[0][1].text
    for words in (
        "85.0 % of the host's memory",
        "holds 800.0 MB (RSS), 10.0 % of it all",
        "1,200 MB available",
    ):
        assert words in text


def test_alerts_tell_of_dropped_snapshots(url, clock):
    """Snapshots that a recorder had to give up are told as trouble of the recorder."""
    bot, channel = Bot(url), FlakyChannel(clock)
    bot.take(clock.now())
    bot.tell(EventRecord(at=clock.now(), sequence=1, kind="dropped", text="x", data={"dropped_count": 7}))
    _round(url, channel)
    assert [(message.kind, "7 snapshots" in message.text) for _, message in channel.sent] == [
        ("recorder", True)
    ]


def test_alerts_are_quiet_while_silenced_and_after_an_acknowledgement(url, clock):
    """A silence and an acknowledgement keep quiet; the recovery of what was told is still told."""
    bot, channel = Bot(url), FlakyChannel(clock)
    alerts = AlertStore(_database(url))
    bot.take(clock.now(), percent=90.0)
    alerts.silence(
        source_id=1, kind="high_memory", since=clock.now(), until=START + minutes(12), reason="deploy"
    )
    for _ in range(4):
        _round(url, channel)
        clock.advance(300)
        bot.take(clock.now(), percent=90.0)
    assert [at - START for at, _ in channel.sent] == [minutes(15)]
    assert alerts.acknowledge(1, "high_memory", at=clock.now(), by="me")
    for _ in range(35):
        clock.advance(600)
        bot.take(clock.now(), percent=90.0)
        _round(url, channel)
    assert len(channel.sent) == 1
    bot.take(clock.now() + timedelta(seconds=1), percent=50.0)
    _round(url, channel)
    assert channel.sent[-1][1].event == "resolved"
    assert not alerts.acknowledge(1, "high_memory", at=clock.now(), by="me")


def test_alerts_template_that_fails_still_tells(url, clock):
    """A template of the operator's is used; one that fails is told in the standard words, with the reason."""
    Bot(url).take(clock.now(), percent=90.0)
    for template, words in (
        ("{{ source }} at {{ values.percent }}", "bot at 90.0"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ oops", "TemplateSyntaxError"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{% if true %}{% endif %}", "85"),
    ):
        from memmon.alerts.state_machine import Observation
        from memmon.alerts.wording import MessageWriter
        from memmon.evaluator.template import filler

        seen = Observation(
            source_id=1,
            source="bot",
            fingerprint="x",
            kind="x",
            level="active",
            message="85 %",
            values={"percent": 90.0},
        )
        message = MessageWriter(place="/db", fill=filler(template)).compose(
            seen, None, event="firing", watch=None, at=START
        )
        assert words in message.text
