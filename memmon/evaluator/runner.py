"""One round: take the lease, look at every source, write what changed, deliver what waits."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from memmon.alerts.groups import Stepped, grouped
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.state_machine import has_changed, step
from memmon.alerts.wording import MessageWriter
from memmon.clock import SystemClock
from memmon.config import load_settings, resolve_database
from memmon.errors import ChannelError, MemmonError
from memmon.evaluator.keep import keep_hourly
from memmon.evaluator.observe import observe
from memmon.evaluator.template import filler
from memmon.store.alerts.store import AlertStore, without_password
from memmon.store.read import open_store

if TYPE_CHECKING:
    import os as _os
    from collections.abc import Sequence
    from datetime import datetime

    from memmon.alerts.records import Message, MessageEvent, Silence
    from memmon.alerts.state_machine import Observation
    from memmon.clock import Clock
    from memmon.evaluator.channels.channels import Channel
    from memmon.store.read import Store

LEASE_SECONDS = 900.0
"""How long a silent evaluator keeps the others off; a round renews it."""
FIRST_RETRY_SECONDS = 30.0
LONGEST_RETRY_SECONDS = 300.0
_CLAIM = timedelta(seconds=120)
_GIVE_UP = timedelta(hours=48)
_KEEP = timedelta(days=90)
_MOST_MESSAGES = 1_000
_ROUND_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did."""

    is_holder: bool
    """False: another evaluator holds the lease and did it."""
    messages: tuple[Message, ...] = ()
    sent_count: int = 0
    failures: tuple[str, ...] = ()
    """Channels that did not deliver and sources that could not be judged; without secrets."""


def new_holder() -> str:
    """Return a name for this evaluator that no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


def run_once(
    database_url: str | _os.PathLike[str] | None = None,
    *,
    channels: Sequence[Channel] = (),
    policy: AlertPolicy | None = None,
    source: str | None = None,
    clock: Clock | None = None,
    holder: str | None = None,
    template: str | None = None,
) -> Round:
    """Evaluate every source (or one) once and deliver what is to be told.

    Safe to run from many places at once: one holds the lease, and the others do nothing. With no
    `holder` the lease is given back at the end. Raises MemmonError when the store can't be used.
    """
    database = resolve_database(database_url)
    policy = policy or AlertPolicy.from_settings(load_settings())
    clock = clock or SystemClock()
    alerts = AlertStore(database)
    name = holder or new_holder()
    if not alerts.acquire(name, at=clock.now(), lasting=timedelta(seconds=LEASE_SECONDS)):
        return Round(is_holder=False)
    try:
        writer = MessageWriter(
            place=without_password(database), fill=None if template is None else filler(template)
        )
        with open_store(database.url) as store:
            messages, failures = _evaluate(
                store,
                alerts,
                name,
                policy=policy,
                source=source,
                at=clock.now(),
                writer=writer,
                channels=channels,
            )
            failures += keep_hourly(store, source=source, policy=policy, clock=clock)
        now = clock.now()
        alerts.expire(before=now - _GIVE_UP, forget_before=now - _KEEP)
        sent_count, undelivered = deliver(alerts, channels, clock=clock)
        return Round(
            is_holder=True,
            messages=tuple(messages),
            sent_count=sent_count,
            failures=(*failures, *undelivered),
        )
    finally:
        if holder is None:
            alerts.release(name)


def _evaluate(
    store: Store,
    alerts: AlertStore,
    holder: str,
    *,
    policy: AlertPolicy,
    source: str | None,
    at: datetime,
    writer: MessageWriter,
    channels: Sequence[Channel],
) -> tuple[list[Message], list[str]]:
    known = alerts.watches()
    silences = alerts.silences(at=at)
    seen, failures = observe(store, now=at, policy=policy, source=source)
    steps = [
        Stepped(
            seen=observation,
            run=run,
            before=(before := known.get((observation.source_id, observation.fingerprint))),
            done=step(
                before,
                observation,
                at=at,
                rule=policy.rule(observation.kind),
                is_silenced=is_silenced(observation, silences),
            ),
        )
        for observation, run in seen
    ]
    if source is None:
        quiet = [observation for observation, _ in seen if is_silenced(observation, silences)]
        steps = grouped(steps, known, at=at, policy=policy, silenced=quiet)
    watches = [
        one.done.watch
        for one in steps
        if one.done.watch is not None and has_changed(one.before, one.done.watch)
    ]
    messages = [_message(writer, one, one.done.told, at) for one in steps if one.done.told is not None]
    if not alerts.record(holder, watches, messages, channels=[channel.name for channel in channels]):
        # Another evaluator took over while this one was held up: it tells what there is to tell.
        return [], [*failures, "the lease was lost during the round; nothing was written"]
    return messages, failures


def _message(writer: MessageWriter, one: Stepped, told: MessageEvent, at: datetime) -> Message:
    # A recovery tells of the episode that is over.
    episode = one.before if told == "resolved" else one.done.watch
    return writer.compose(one.seen, one.run, event=told, watch=episode, at=at)


def is_silenced(seen: Observation, silences: Sequence[Silence]) -> bool:
    """Tell whether one of the silences covers an observation."""
    return any(one.source_id in {None, seen.source_id} and one.kind in {None, seen.kind} for one in silences)


def deliver(alerts: AlertStore, channels: Sequence[Channel], *, clock: Clock) -> tuple[int, list[str]]:
    """Send what waits, each channel in its own order; returns how many arrived, and what did not.

    Each channel has a thread of its own, so that a slow one delays no other. One that fails is left
    alone until its next try (30 s, doubling to 5 min); its messages stay.
    """
    if len(channels) == 1:
        return _deliver_to(alerts, channels[0], clock)
    if not channels:
        return 0, []
    with ThreadPoolExecutor(max_workers=len(channels), thread_name_prefix="memmon-channel") as pool:
        done = list(pool.map(lambda channel: _deliver_to(alerts, channel, clock), channels))
    return sum(count for count, _ in done), [words for _, failed in done for words in failed]


def _deliver_to(alerts: AlertStore, channel: Channel, clock: Clock) -> tuple[int, list[str]]:
    sent_count, until = 0, clock.monotonic() + _ROUND_SECONDS
    for _ in range(_MOST_MESSAGES):
        item = alerts.claim(channel.name, at=clock.now(), lasting=_CLAIM)
        if item is None:
            break
        try:
            channel.send(item.message)
        except MemmonError as error:
            words = str(error) if isinstance(error, ChannelError) else f"{channel.name}: {error}"
            wait = min(FIRST_RETRY_SECONDS * 2 ** (item.attempt_count - 1), LONGEST_RETRY_SECONDS)
            alerts.failed(item, words, next_at=clock.now() + timedelta(seconds=wait))
            return sent_count, [words]
        alerts.delivered(item, at=clock.now())
        sent_count += 1
        if clock.monotonic() > until:  # a slow receiver does not hold the round: the rest waits for the next
            break
    return sent_count, []
