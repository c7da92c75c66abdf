"""What `memmon doctor` looks at: each function yields what it found, and how to mend it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING

from memmon.child.mark import MARK_VARIABLE, is_marked
from memmon.cli.diagnosis_access import existing, is_there, permissions, writing
from memmon.cli.diagnosis_value import Diagnosis
from memmon.cli.locate import is_absent
from memmon.cli.text import duration, local_time, printable, size
from memmon.errors import MemmonError, StoreTooOldError
from memmon.formatting import counted
from memmon.model import RUN_START_EVENT
from memmon.places import unread_config
from memmon.units import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from memmon.assessment.process import SourceProcess
    from memmon.cli.diagnosis_value import State
    from memmon.cli.locate import Place
    from memmon.config import Database
    from memmon.facts.staleness import Staleness
    from memmon.store.read import EventInfo, RunInfo, Store

OLDEST_SQLITE = (3, 35, 0)
LEAST_FREE_BYTES = 100 * MIB
_SAID_DAYS = 2.0
"""What a run said of itself is repeated for so long: it says it again daily while it holds."""
THROW_AWAY = {
    "overlay": "a container's throw-away layer: it vanishes with the container; put it on a volume",
    "aufs": "a container's throw-away layer: it vanishes with the container; put it on a volume",
    "tmpfs": "a tmpfs: it vanishes at the next boot and takes up memory; put it on a disk",
    "ramfs": "a ramfs: it vanishes at the next boot and takes up memory; put it on a disk",
}
EXTRAS = {
    "duckdb": ("duckdb", "Parquet exports"),
    "dashboard": ("starlette", "memmon serve"),
    "alerts": ("apprise", "alerts by mail and chat"),
    "metrics": ("prometheus_client", "Prometheus metrics"),
    "postgres": ("psycopg", "a history in PostgreSQL"),
    "png": ("resvg_py", "pictures of a report"),
}


def diagnose(place: Place, *, now: datetime) -> Iterator[Diagnosis]:
    """Yield everything that was found, from the ground up."""
    yield from python_and_sqlite()
    yield from mark()
    yield from extras()
    yield from configuration()
    yield from memory_limit()
    path = place.database.path
    if path is not None:
        yield from file_system(path, file_system_type=_file_system_type)
        yield from permissions(path)
        yield from left_behind(path)
    yield from writing(place.database)
    yield from history(place.database, now=now)


def python_and_sqlite(sqlite_version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Iterator[Diagnosis]:
    """Look at the interpreter and its SQLite."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis(state="ok", subject="Python", finding=f"{python} at {sys.executable}")
    shown = ".".join(map(str, sqlite_version))
    if sqlite_version < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        yield Diagnosis(
            state="problem",
            subject="SQLite",
            finding=f"{shown} is too old",
            advice=f"use a Python built with SQLite {wanted} or newer",
        )
    else:
        yield Diagnosis(state="ok", subject="SQLite", finding=shown)


def mark() -> Iterator[Diagnosis]:
    """Say that programs started from here record nothing: they bear the mark of memmon's own processes."""
    if is_marked():
        yield Diagnosis(
            state="problem",
            subject="environment",
            finding=f"{MARK_VARIABLE} is set, the mark of memmon's own processes: a recorder in a program started from here records nothing",
            advice=f"unset {MARK_VARIABLE} wherever it was exported; memmon sets it for its own processes alone",
        )


def extras() -> Iterator[Diagnosis]:
    """Say which optional packages are missing, and what for."""
    for extra, (module, purpose) in EXTRAS.items():
        if find_spec(module) is None:
            yield Diagnosis(
                state="note",
                subject=f"extra {extra}",
                finding=f"not installed (needed for {purpose})",
                advice=f"pip install 'memmon[{extra}]'",
            )


def memory_limit() -> Iterator[Diagnosis]:
    """Say which limit would kill a process here."""
    from memmon.probe.process.container import LimitProbe

    found = LimitProbe().read()
    if found.limit_bytes is None:
        yield Diagnosis(state="note", subject="memory limit", finding="unknown on this system")
        return
    used = f", {size(found.used_bytes)} used" if found.used_bytes is not None else ""
    yield Diagnosis(
        state="ok", subject="memory limit", finding=f"{size(found.limit_bytes)} ({found.origin}){used}"
    )


def file_system(path: Path, *, file_system_type: Callable[[Path], str | None]) -> Iterator[Diagnosis]:
    """Look at where the file lies: throw-away layers, memory disks, the network, free room."""
    folder = existing(path.parent)
    kind = file_system_type(path if is_there(path) else folder)
    if kind in THROW_AWAY:
        yield Diagnosis(
            state="problem", subject="file system", finding=f"the database is on {THROW_AWAY[kind]}"
        )
    elif kind is not None:
        yield Diagnosis(state="ok", subject="file system", finding=kind)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < LEAST_FREE_BYTES:
        yield Diagnosis(
            state="problem",
            subject="free room",
            finding=f"only {size(free_bytes)} left at {folder}",
            advice="make room, or lower size_ceiling_mb and run `memmon db prune`",
        )
    else:
        yield Diagnosis(state="ok", subject="free room", finding=f"{free_bytes / GIB:.1f} GB at {folder}")


def configuration() -> Iterator[Diagnosis]:
    """Say when a configuration file lies where it is looked for and can't be read."""
    unread = unread_config()
    if unread is not None:
        yield Diagnosis(
            state="note",
            subject="configuration",
            finding=unread,
            advice="let this user read it, or name another with MEMMON_CONFIG",
        )


def left_behind(path: Path) -> Iterator[Diagnosis]:
    """Look for damaged files that were moved aside and for a log that has grown."""
    from memmon.store.connect.access import beside
    from memmon.store.upkeep.maintenance import list_aside

    for aside in list_aside(path):
        yield Diagnosis(
            state="problem",
            subject="damage",
            finding=f"a damaged database was moved aside: {aside}",
            advice=f"memmon db salvage '{aside}' brings back its rows",
        )
    try:
        log_bytes = beside(path, "-wal").stat().st_size
    except OSError:
        return
    if log_bytes > 16 * MIB:
        yield Diagnosis(
            state="note",
            subject="write-ahead log",
            finding=f"{size(log_bytes)}: a reader has kept it from being folded back",
            advice="end long-running readers; it shrinks at the next write",
        )


def history(database: Database, *, now: datetime) -> Iterator[Diagnosis]:
    """Look at what is recorded, and whether it still is."""
    from memmon.assessment.children import read_unrecorded
    from memmon.assessment.own_cost import read_own_cost
    from memmon.store.read import open_store

    if database.path is not None and is_absent(database.path):
        yield Diagnosis(
            state="note",
            subject="database",
            finding=f"none yet at {database.shown}",
            advice="memmon run -- python bot.py records into it",
        )
        return
    try:
        with open_store(database.url) as opened:
            store = opened.as_of(now)
            sources = store.sources()
            starts = {one.name: _newest_start(store, one.name) for one in sources}
            costs = {one.name: read_own_cost(store, one.name) for one in sources}
            unread = {one.name: _not_recorded(store, one.name, now=now) for one in sources}
            runs = {one.name: store.runs(one.name) for one in sources}
            left_out = {one.name: read_unrecorded(database, runs[one.name], at=now) for one in sources}
    except StoreTooOldError as error:
        yield Diagnosis(state="problem", subject="database", finding=str(error), advice="memmon db upgrade")
        return
    except MemmonError as error:
        yield Diagnosis(state="problem", subject="database", finding=str(error))
        return
    yield Diagnosis(
        state="ok", subject="database", finding=f"{database.shown}, {counted(len(sources), 'source')}"
    )
    for source in sources:
        yield from _freshness(printable(source.name), runs[source.name], now=now)
        yield from _children(printable(source.name), runs[source.name], left_out[source.name])
        yield from _own_cost(printable(source.name), costs[source.name])
        newest = starts[source.name]
        if newest is not None and newest.kind == "checks_off":
            yield Diagnosis(
                state="note",
                subject=f"source {printable(source.name)}",
                finding=newest.text,
                advice="memmon alerts run --every 5m",
            )
        for said in unread[source.name]:
            yield Diagnosis(state="note", subject=f"source {printable(source.name)}", finding=said)


def _children(name: str, runs: Sequence[RunInfo], left_out: tuple[SourceProcess, ...]) -> Iterator[Diagnosis]:
    """Say which living children are not recorded: a problem where they hold so much that the rest says little."""
    from memmon.assessment.advice import UNRECORDED_ADVICE
    from memmon.assessment.unrecorded import unrecorded_of

    open_bytes = sum(run.last_rss_bytes or 0 for run in runs if run.ended_at is None)
    found = unrecorded_of(left_out, recorded_bytes=open_bytes)
    if found is not None:
        state: State = "problem" if found.is_much else "note"
        yield Diagnosis(state=state, subject=f"source {name}", finding=found.words, advice=UNRECORDED_ADVICE)


def _own_cost(name: str, told: EventInfo | None) -> Iterator[Diagnosis]:
    """Say what memmon itself costs the program."""
    if told is not None:
        yield Diagnosis(state="ok", subject=f"source {name}", finding=told.text)


def _newest_start(store: Store, name: str) -> EventInfo | None:
    """Return which came last: that a run began, or that nothing is checked in it."""
    found = store.events(name, kinds=(RUN_START_EVENT, "checks_off"), limit=1)
    return found[0] if found else None


def _not_recorded(store: Store, name: str, *, now: datetime) -> list[str]:
    """Return what was said of names and deques that are not recorded, the newest of each kind within two days."""
    since = now - timedelta(days=_SAID_DAYS)
    found = {one.kind: one.text for one in store.events(name, since, kinds=("names", "deques"))}
    return [found[kind] for kind in sorted(found)]


def _freshness(name: str, runs: Sequence[RunInfo], *, now: datetime) -> Iterator[Diagnosis]:
    from memmon.assessment.freshness import freshness_of, set_aside, set_aside_sentence

    aside = set_aside_sentence(*set_aside(runs))
    yield _age(name, freshness_of(runs, now=now).staleness, is_any=not aside)
    if aside:
        yield Diagnosis(
            state="problem",
            subject=f"source {name}",
            finding=aside,
            advice="set the clock of its machine right, or of this one; the samples stay stored, and count for nothing until then",
        )


def _age(name: str, age: Staleness, *, is_any: bool) -> Diagnosis:
    if age.last_at is None:
        finding = "no sample yet" if is_any else "no sample that does not lie in the future"
        return Diagnosis(state="note", subject=f"source {name}", finding=finding)
    said = f"last sample {local_time(age.last_at)} ({duration(age.age_seconds)} ago)"
    if age.is_stale:
        return Diagnosis(
            state="note",
            subject=f"source {name}",
            finding=said,
            advice="nothing is being recorded: does it run?",
        )
    return Diagnosis(state="ok", subject=f"source {name}", finding=said)


def _file_system_type(path: Path) -> str | None:
    from memmon.store.connect.engine import file_system_type

    return file_system_type(path)
