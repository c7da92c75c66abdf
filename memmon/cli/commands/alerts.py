"""`memmon alerts`: one evaluator outside the bots, and what people answer to it."""

from __future__ import annotations

import getpass
import logging
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memmon.alerts.kinds import KINDS
from memmon.cli.alert_text import list_text
from memmon.cli.locate import locate_existing
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, say_database, write_json, write_text
from memmon.cli.parameter_types import DURATION
from memmon.cli.text import local_time, one_line, printable
from memmon.errors import ChannelError, MemmonError, NoDataError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.alerts.records import Message
    from memmon.cli.locate import Place
    from memmon.evaluator.channels.channels import Channel
    from memmon.evaluator.runner import Round
    from memmon.model import AlertInfo
    from memmon.store.alerts.store import AlertStore

EXIT_NOT_DELIVERED = 1
_LEAST_EVERY_SECONDS = 10.0
_to = click.option(
    "--to",
    "specs",
    multiple=True,
    metavar="CHANNEL",
    help="log, webhook:URL, webhook:env:NAME, apprise:env:NAME, callback:MODULE:FUNCTION (default: the settings').",
)
_kind = click.option("--kind", type=click.Choice(KINDS), help="One kind of alert only.")


@click.group("alerts")
def command() -> None:
    """Tell the right people, once: leaks, deques, memory, silent bots."""


@command.command()
@click.option("--once", is_flag=True, help="Look once and end (the default; for cron).")
@click.option("--every", type=DURATION, metavar="5m", help="Go on looking, this often, until Ctrl-C.")
@_to
@click.option("--template", metavar="FILE", help="A Jinja2 template for the text.")
@common
def run(once: bool, every: float | None, specs: tuple[str, ...], template: str | None, common: Common) -> int:  # noqa: FBT001 -- click's
    """Look at every source and tell what is to be told.

    Exit code of --once: 0 done, 1 something could not be delivered or judged (it is tried again).
    """
    if once and every is not None:
        raise click.UsageError("--once and --every exclude each other")
    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    channels = _channels(place, specs)
    words = None if template is None else _template(template)
    with _log_shown():
        if every is not None:
            seconds = max(every, _LEAST_EVERY_SECONDS)
            return _go_on(place, common, channels, every_seconds=seconds, template=words)
        done = _round(place, common, channels, template=words)
    if common.as_json:
        write_json(common, command="alerts run", database=place.database, **_round_object(done))
    else:
        write_text(common, _round_text(done))
    return EXIT_NOT_DELIVERED if done.failures else 0


@command.command("list")
@click.option("--all", "show_all", is_flag=True, help="Also what is over.")
@common
def list_(show_all: bool, common: Common) -> None:  # noqa: FBT001 -- click's
    """Show what fires, who acknowledged it, what is silenced and what waits for a channel."""
    from memmon.clock import SystemClock

    place, alerts = _opened(common)
    now = SystemClock().now()
    names, told = _sources(place, common)
    rows = [
        {**asdict(watch), "source": names[watch.source_id]}
        for watch in sorted(alerts.watches().values(), key=lambda one: one.since, reverse=True)
        if watch.source_id in names and (show_all or watch.state != "clear")
    ]
    silences = [
        {**asdict(one), "source": names.get(one.source_id) if one.source_id is not None else None}
        for one in alerts.silences(at=now)
    ]
    waiting = list(alerts.waiting())
    if common.as_json:
        write_json(
            common,
            command="alerts list",
            database=place.database,
            alerts=rows,
            silences=silences,
            waiting=waiting,
            evaluator=alerts.holder(at=now),
        )
        return
    write_text(common, list_text(rows, silences, waiting, told if show_all else {}))


@command.command()
@click.argument("fingerprint")
@common
def ack(fingerprint: str, common: Common) -> None:
    """Acknowledge an alert that fires: no reminders until it gets worse or is over.

    `memmon alerts list` shows the fingerprints.
    """
    from memmon.clock import SystemClock

    place, alerts = _opened(common)
    source = _one(place, common)
    if not alerts.acknowledge(source.source_id, fingerprint, at=SystemClock().now(), by=_me()):
        known = [
            watch.fingerprint
            for watch in alerts.watches().values()
            if watch.source_id == source.source_id and watch.state == "firing"
        ]
        fires = ", ".join(map(printable, sorted(known))) or "nothing"
        raise NoDataError(
            f"no alert {printable(fingerprint)!r} of {printable(source.name)} fires; there fires: {fires}"
        )
    _say_done(common, place, "alerts ack", f"{source.name}: {fingerprint} is acknowledged")


@command.command()
@_kind
@click.option("--for", "duration_seconds", type=DURATION, metavar="2h", help="How long (default: 1h).")
@click.option("--reason", default="", help="Why; shown by `memmon alerts list`.")
@click.option("--end", is_flag=True, help="End the silence instead.")
@common
def silence(kind: str | None, duration_seconds: float | None, reason: str, end: bool, common: Common) -> None:  # noqa: FBT001 -- click's
    """Tell nothing for a while: of --source, or of all.

    What still fires when the silence ends is told then.
    """
    from memmon.clock import SystemClock

    place, alerts = _opened(common)
    now = SystemClock().now()
    wanted = common.source or place.settings.source
    source_id = None if wanted is None else _one(place, common).source_id
    whose = "all sources" if wanted is None else wanted
    what = kind or "every kind"
    if end:
        count = alerts.end_silences(source_id=source_id, kind=kind, at=now)
        _say_done(common, place, "alerts silence", f"{count} silences of {whose}, {what}, ended")
        return
    until = now + timedelta(seconds=duration_seconds or 3_600.0)
    alerts.silence(source_id=source_id, kind=kind, since=now, until=until, reason=one_line(reason)[:200])
    _say_done(common, place, "alerts silence", f"{whose}, {what}: silent until {local_time(until)}")


@command.command()
@_to
@common
def test(specs: tuple[str, ...], common: Common) -> int:
    """Send a test message through every channel, and say what became of it.

    Exit code: 0 all arrived, 1 some did not.
    """
    check_output(common)
    place = locate_existing(common)
    channels = _channels(place, specs)
    if not channels:
        raise SettingsError(
            "no channel to test: give --to log, --to webhook:URL, or set MEMMON_ALERT_CHANNELS"
        )
    message = _test_message(place)
    with _log_shown():
        results = [{"channel": channel.name, "error": _tried(channel, message)} for channel in channels]
    if common.as_json:
        write_json(common, command="alerts test", database=place.database, results=results)
    else:
        write_text(
            common,
            "\n".join(printable(f"{one['channel']}: {one['error'] or 'delivered'}") for one in results),
        )
    return EXIT_NOT_DELIVERED if any(one["error"] for one in results) else 0


def _go_on(
    place: Place, common: Common, channels: list[Channel], *, every_seconds: float, template: str | None
) -> int:
    """Look again and again until a signal ends it; what fails is said and tried again."""
    from memmon.alerts.wording import MessageWriter
    from memmon.clock import SystemClock
    from memmon.evaluator.outage_watch import OutageWatch
    from memmon.evaluator.runner import new_holder
    from memmon.store.alerts.store import AlertStore, without_password

    holder = new_holder()
    outage = OutageWatch(
        channels, writer=MessageWriter(place=without_password(place.database)), clock=SystemClock()
    )
    with _until_signal() as stopped:
        while not stopped.is_set():
            try:
                done = _round(place, common, channels, template=template, holder=holder)
            except MemmonError as error:
                say(f"this round failed: {one_line(error)}")
                outage.failed(error)
            else:
                outage.worked()
                if done.messages or done.failures:
                    say(_round_text(done))
            stopped.wait(every_seconds)
    with suppress(MemmonError):
        AlertStore(place.database).release(holder)
    return 0


class _ToStderr(logging.Handler):
    """Shows what the channel `log` is told: this process has no handler of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error."""
        say(
            f"{local_time(datetime.fromtimestamp(record.created, UTC))} {record.levelname} {record.getMessage()}"
        )


@contextmanager
def _log_shown() -> Iterator[None]:
    logger, handler = logging.getLogger("memmon"), _ToStderr()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    stopped = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopped
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _round(
    place: Place, common: Common, channels: list[Channel], *, template: str | None, holder: str | None = None
) -> Round:
    from memmon.alerts.policy import AlertPolicy
    from memmon.evaluator.runner import run_once

    return run_once(
        place.database.url,
        channels=channels,
        policy=AlertPolicy.from_settings(place.settings),
        source=common.source,
        template=template,
        holder=holder,
    )


def _channels(place: Place, specs: tuple[str, ...]) -> list[Channel]:
    from memmon.evaluator.channels.channels import parse_channel

    chosen = specs or tuple((place.settings.alert_channels or "").split())
    channels = [parse_channel(spec) for spec in chosen]
    return list({channel.name: channel for channel in channels}.values())


def _template(name: str) -> str:
    from memmon.evaluator.template import read_template

    return read_template(Path(name))


def _opened(common: Common) -> tuple[Place, AlertStore]:
    from memmon.store.alerts.store import AlertStore

    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    return place, AlertStore(place.database)


def _one(place: Place, common: Common) -> Any:
    from memmon.store.read import open_store

    with open_store(place.database.url) as store:
        return store.resolve_source(common.source or place.settings.source)


def _sources(place: Place, common: Common) -> tuple[dict[int, str], dict[str, tuple[AlertInfo, ...]]]:
    """Return the sources' names by id, and what the recorders themselves have told."""
    from memmon.store.read import open_store

    with open_store(place.database.url) as store:
        found = store.sources() if common.source is None else (store.resolve_source(common.source),)
        return {one.source_id: one.name for one in found}, {one.name: store.alerts(one.name) for one in found}


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _tried(channel: Channel, message: Message) -> str | None:
    try:
        channel.send(message)
    except ChannelError as error:
        return str(error)
    return None


def _test_message(place: Place) -> Message:
    from memmon.alerts.state_machine import Observation
    from memmon.alerts.wording import MessageWriter
    from memmon.clock import SystemClock
    from memmon.store.alerts.store import without_password

    seen = Observation(
        source_id=0,
        source=place.settings.source or "test",
        fingerprint="test",
        kind="test",
        level="active",
        title="Test of this channel",
        message="If you can read this, alerts of memmon arrive here.",
        command=("alerts", "list"),
    )
    writer = MessageWriter(place=without_password(place.database))
    return writer.compose(seen, None, event="test", watch=None, at=SystemClock().now())


def _round_object(done: Round) -> dict[str, Any]:
    return {
        "is_holder": done.is_holder,
        "messages": [asdict(message) for message in done.messages],
        "sent_count": done.sent_count,
        "failures": list(done.failures),
    }


def _round_text(done: Round) -> str:
    if not done.is_holder:
        return "another evaluator is at work (`memmon alerts list --json` names it); nothing done"
    lines = [printable(message.title) for message in done.messages]
    lines += [f"not done: {printable(failure)}" for failure in done.failures]
    if not lines:
        lines.append("nothing to tell")
    if done.sent_count:
        lines.append(f"{done.sent_count} delivered")
    return "\n".join(lines)


def _say_done(common: Common, place: Place, command_name: str, said: str) -> None:
    if common.as_json:
        write_json(common, command=command_name, database=place.database, said=said)
    else:
        write_text(common, printable(said))
