"""`memmon fleet`: all sources of a database in one table, the most urgent first."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from memmon.cli.locate import locate_existing
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say_database, write_json, write_text
from memmon.cli.parameter_types import DURATION, RATE, NumberRange
from memmon.cli.source_table import HEADINGS, SourceCells, is_screen
from memmon.cli.text import local_time, one_line, printable, table
from memmon.clock import SystemClock
from memmon.errors import MissingExtraError, SettingsError
from memmon.facts.urgency import counted_states
from memmon.formatting import counted
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from memmon.many.run import Fleet, LeakGroup
    from memmon.many.series import SeriesResult

_CONNECT_SECONDS = "10s"


@click.command("fleet")
@click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Judge in N processes (default: in this one)."
)
@click.option("--dask", "dask_address", metavar="tcp://HOST:8786", help="Judge on an existing Dask cluster.")
@click.option(
    "--look-back", "look_back_seconds", type=DURATION, metavar="7d", help="History judged (default: 7d)."
)
@click.option("--threshold", type=RATE, metavar="MB/H", help="Growth that counts as a leak (default: 10).")
@click.option(
    "--false-alarms",
    "false_alarms_per_month",
    type=NumberRange(min=0, min_open=True, max=1e6),
    metavar="N",
    help="False alarms that all sources may give together in 30 days of hourly looks (default: no budget).",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Rows shown; --json has all."
)
@common
def command(
    *,
    jobs: int | None,
    dask_address: str | None,
    look_back_seconds: float | None,
    threshold: float | None,
    false_alarms_per_month: float | None,
    limit: int,
    common: Common,
) -> None:
    """Judge every source and print one table, the most urgent first, with the leaks by release and host."""
    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.many.run import fleet

    if jobs is not None and dask_address is not None:
        raise click.UsageError("--jobs and --dask exclude each other")
    if common.source is not None:
        raise click.UsageError("fleet judges all sources; `memmon leaks --source` judges one")
    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    defaults = LeakPolicy()
    hours = defaults.look_back_hours if look_back_seconds is None else look_back_seconds / SECONDS_PER_HOUR
    policy = LeakPolicy(
        threshold_mb_per_hour=threshold or place.settings.leak_threshold_mb_per_hour, look_back_hours=hours
    )
    with _cluster(dask_address) as executor:
        found = fleet(
            place.database.url,
            executor=executor,
            jobs=jobs,
            policy=policy,
            false_alarms_per_month=false_alarms_per_month or place.settings.false_alarms_per_month or None,
        )
    if common.as_json:
        write_json(
            common,
            command="fleet",
            database=place.database,
            findings=[one.to_dict() for one in found.results],
            leak_count=found.leak_count,
            new_leak_count=found.new_leak_count,
            alarm_count=found.alarm_count,
            false_alarms_per_month=found.false_alarms_per_month,
            by_release=[asdict(one) for one in found.by_release],
            by_host=[asdict(one) for one in found.by_host],
        )
    else:
        write_text(common, _text(found, limit, now=SystemClock().now(), on_screen=is_screen(common.output)))


@contextmanager
def _cluster(address: str | None) -> Iterator[Executor | None]:
    """Yield the executor of a Dask cluster; raises MissingExtraError and SettingsError."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError("--dask needs distributed: pip install 'memmon[dask]'") from None
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]  # the package has no types
    except (OSError, ValueError, TimeoutError) as error:
        words = one_line(str(error) or type(error).__name__)
        raise SettingsError(
            f"no Dask scheduler answers at {address} ({words}); give tcp://HOST:PORT of one"
        ) from None
    with client:
        yield client.get_executor(pure=False)  # type: ignore[no-untyped-call]  # same


def _text(found: Fleet, limit: int, *, now: datetime, on_screen: bool) -> str:
    shown = found.results[:limit]
    rows = [
        (
            *_cells(one, now).texts(is_screen=on_screen),
            f"{one.verdict.heading}{', new' if one.is_new else ''}{_unsure(one)}{_missed(one)}",
            one.confidence if one.is_leak else "",
            local_time(one.since) if one.is_leak else "",
            one.release or "",
            one.host or "",
        )
        for one in shown
    ]
    headings = [*HEADINGS, "verdict", "confidence", "since", "release", "host"]
    head = f"{counted(len(found.results), 'source')}: {counted(found.leak_count, 'leak')}, {found.new_leak_count} of them new"
    if found.false_alarms_per_month is not None:
        head += f"; {found.alarm_count} sure enough for {found.false_alarms_per_month:g} false alarms a month"
    states = counted_states(one.urgency for one in found.results)
    parts = [
        f"{head}\n{states}" if states else head,
        table(headings, rows),
    ]
    if len(found.results) > limit:
        parts.append(f"... ({len(found.results)} in all; --limit shows more)")
    parts += [f"{printable(one.source)}: {one.summary}" for one in found.results if one.ahead_until]
    told = [(one.source, one.before_restart) for one in shown if one.before_restart is not None]
    parts += [f"{printable(name)}: {printable(before.sentence(local_time))}" for name, before in told]
    for title, groups in (("release", found.by_release), ("host", found.by_host)):
        if groups:
            parts.append(f"leaks by {title}:\n{_groups(title, groups)}")
    return "\n\n".join(parts)


def _unsure(one: SeriesResult) -> str:
    """Return that a leak is not sure enough for the budget."""
    return ", not sure enough yet" if one.is_leak and not one.is_alarm else ""


def _cells(one: SeriesResult, now: datetime) -> SourceCells:
    return SourceCells(
        state=one.urgency_words,
        source=one.source,
        rss_bytes=None if one.current_mb is None else one.current_mb * MIB,
        used_percent=one.used_percent,
        left=one.time_words,
        slope_mb_per_hour=one.slope_mb_per_hour,
        age_seconds=None if one.last_at is None else (now - one.last_at).total_seconds(),
    )


def _missed(one: SeriesResult) -> str:
    """Return what is wrong with its newest sample."""
    if one.ahead_until is not None:
        return ", clock ahead"
    return ", stale" if one.is_stale else ""


def _groups(title: str, groups: Sequence[LeakGroup]) -> str:
    rows = [(one.name or "unknown", one.source_count, one.leak_count, one.new_leak_count) for one in groups]
    return table([title, "sources", "leaks", "new"], rows)
