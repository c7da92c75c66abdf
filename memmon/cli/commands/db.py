"""`memmon db`: keep the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.locate import Place, locate, locate_existing
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, say_database, write_json, write_text
from memmon.cli.text import local_time, printable, size, table
from memmon.errors import OutputError, StoreNotFoundError, StoreTooNewError, StoreTooOldError

if TYPE_CHECKING:
    from memmon.store.upkeep.maintenance import StatusReport


EXIT_PROBLEM = 1


@click.group("db")
def command() -> None:
    """Keep the database: its schema, its size, its health."""


@command.command()
@common
def upgrade(common: Common) -> None:
    """Bring the database to this version's schema; creates it when there is none.

    A copy of a database that holds rows is laid beside it first.
    """
    from memmon.store.transfer.dump import upgrade_store

    check_output(common)
    place = locate(common)
    say_database(place.database)
    done = upgrade_store(place.database, file_mode=int(place.settings.file_mode, 8))
    if common.as_json:
        write_json(
            common,
            command="db upgrade",
            database=place.database,
            before=done.before,
            after=done.after,
            copy_path=None if done.copy_path is None else str(done.copy_path),
        )
        return
    if done.before == done.after:
        said = f"schema {done.after} already"
    elif done.before is None:
        said = f"created with schema {done.after}"
    else:
        said = f"schema {done.before} -> {done.after}; the old file is kept as {done.copy_path}"
    write_text(common, said)


@command.command()
@common
def status(common: Common) -> None:
    """Show the schema, the size and what is stored."""
    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    values = _status(place)
    if common.as_json:
        write_json(common, command="db status", database=place.database, **values)
        return
    lines = [f"schema: {values['revision']} ({values['schema_state']})"]
    if values["file_bytes"] is not None:
        free, wal = size(values["free_bytes"]), size(values["wal_bytes"])
        lines.append(f"size: {size(values['file_bytes'])} (free in it: {free}; write-ahead log: {wal})")
    lines += [f"{name}: {count} rows" for name, count in values["row_count"].items() if count]
    lines += [
        f"damaged, moved aside: {printable(path)} (`memmon db salvage`)" for path in values["aside_paths"]
    ]
    if values["sources"]:
        rows = [(one.name, one.run_count, local_time(one.last_at)) for one in values["sources"]]
        lines.append(table(["source", "runs", "last sample"], rows))
    write_text(common, "\n".join(lines))


@command.command()
@common
def prune(common: Common) -> None:
    """Fold what is past its time into hours and days, and keep the file under its ceiling.

    The settings raw_days, hourly_days and size_ceiling_mb say what is kept; recording goes on meanwhile.
    """
    from memmon.clock import SystemClock
    from memmon.store.retention.prune import apply

    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    done = apply(place.database, place.settings, now=SystemClock().now())
    if common.as_json:
        write_json(common, command="db prune", database=place.database, retention=asdict(done))
        return
    lines = [
        (
            f"folded {done.folded_snapshot_count} snapshots and {done.folded_hour_count} hours;"
            f" deleted {done.deleted_event_count} events, {done.deleted_report_count} reports,"
            f" {done.thinned_assessment_count} assessments and {done.forgotten_name_count} names that are gone"
        ),
        f"kept: every snapshot for {done.raw_days:g} days, hours for {done.hourly_days:g} days",
    ]
    if done.is_over_ceiling:
        lines.append("still over size_ceiling_mb with the least detail: raise it, or `memmon db vacuum`")
    write_text(common, "\n".join(lines))


@command.command()
@common
def check(common: Common) -> int:
    """Check pages, keys and checksums; reads only. Exit code: 0 all is well, 1 something is wrong."""
    from memmon.store.upkeep.maintenance import check as look

    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    found = look(place.database)
    code = 0 if found.is_ok else EXIT_PROBLEM
    if common.as_json:
        values = {"is_ok": found.is_ok, "exit_code": code, **asdict(found)}
        write_json(common, command="db check", database=place.database, **values)
        return code
    proved = f"{found.proved_count} snapshots proved by their checksum, {found.unproved_count} have none"
    lines = [printable(problem) for problem in found.problems]
    if lines:
        lines.append("`memmon db salvage` brings the sound rows into a new database")
    else:
        lines.append(f"all is well: {proved}")
    write_text(common, "\n".join(lines))
    return code


@command.command()
@click.argument("target", type=click.Path(path_type=Path))
@common
def backup(target: Path, common: Common) -> None:
    """Copy the database as it is at this moment to TARGET; recording goes on meanwhile."""
    from memmon.store.upkeep.maintenance import backup as copy

    check_output(common)
    place = locate_existing(common)
    if not target.absolute().parent.is_dir():
        raise OutputError(
            f"{target}: there is no folder {target.absolute().parent}; create it or copy elsewhere"
        )
    say_database(place.database)
    done = copy(place.database, target.absolute(), file_mode=int(place.settings.file_mode, 8))
    if common.as_json:
        values = {"path": str(done.path), "size_bytes": done.size_bytes}
        write_json(common, command="db backup", database=place.database, **values)
    else:
        write_text(common, f"copied: {printable(done.path)} ({size(done.size_bytes)})")


@command.command()
@common
def vacuum(common: Common) -> None:
    """Rewrite the database without its free room; what is recorded meanwhile waits in memory."""
    from memmon.store.upkeep.maintenance import vacuum as rewrite

    check_output(common)
    place = locate_existing(common)
    say_database(place.database)
    done = rewrite(place.database)
    if common.as_json:
        write_json(common, command="db vacuum", database=place.database, **asdict(done))
    else:
        write_text(common, f"{size(done.before_bytes)} -> {size(done.after_bytes)}")


@command.command()
@click.argument("damaged", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path), required=False)
@common
def salvage(damaged: Path, target: Path | None, common: Common) -> None:
    """Bring the rows of a DAMAGED database into a new one (TARGET; default: DAMAGED.salvaged.db).

    The damaged file is only read. Damaged databases are kept as NAME.corrupt-TIME.
    """
    from memmon.store.salvage import salvage as bring_back

    check_output(common)
    place = locate(common)
    if damaged.is_dir():
        raise StoreNotFoundError(f"{damaged} is a folder: name the damaged file in it")
    new = target or damaged.with_name(f"{damaged.name}.salvaged.db")
    say(f"reading {damaged} into {new}")
    done = bring_back(damaged.absolute(), new.absolute(), file_mode=int(place.settings.file_mode, 8))
    if common.as_json:
        write_json(
            common, command="db salvage", salvage={**asdict(done), "target_path": str(done.target_path)}
        )
        return
    counts = [
        (name, count, done.refused_count.get(name, 0)) for name, count in sorted(done.row_count.items())
    ]
    write_text(
        common,
        f"{done.total_count} rows brought back, {done.proved_count} of them proved by a checksum; "
        f"{done.damaged_page_count} of {done.page_count} pages damaged\n"
        f"{table(['table', 'rows', 'refused'], counts)}\n"
        f"the new database: {done.target_path}",
    )


def _status(place: Place) -> dict[str, Any]:
    """Return what is known of a database without changing it, whatever its schema."""
    from memmon.store.read import open_store
    from memmon.store.upkeep.maintenance import status as look

    try:
        with open_store(place.database.url) as store:
            found = look(place.database)
            return {"schema_state": "current", "sources": store.sources(), **_plain(found)}
    except StoreTooOldError:
        state = "older than this memmon: `memmon db upgrade`"
    except StoreTooNewError:
        state = "newer than this memmon: upgrade memmon"
    path = place.database.path
    return {
        "schema_state": state,
        "sources": (),
        "revision": _revision(place),
        "row_count": {},
        "file_bytes": None if path is None else path.stat().st_size,
        "free_bytes": None,
        "wal_bytes": None,
        "aside_paths": (),
    }


def _plain(found: StatusReport) -> dict[str, Any]:
    return {**asdict(found), "aside_paths": [str(path) for path in found.aside_paths]}


def _revision(place: Place) -> str | None:
    from memmon.store.connect.links import read_links
    from memmon.store.schema.revision import read_revision

    with read_links(place.database).connect() as link, link.begin():
        return read_revision(link)
