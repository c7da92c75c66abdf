"""`memmon import`: histories that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memmon.cli.locate import locate
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, say_database, write_json, write_text
from memmon.cli.parameter_types import TIME
from memmon.cli.progress import import_progress
from memmon.cli.text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.imports.importing import Imported
    from memmon.imports.options import ReadOptions


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--start", type=TIME, help="When a file without dates began (default: its last row is now).")
@click.option("--unit", metavar="UNIT", help="Of sizes whose column does not say it: B, kB, MB or GB.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=COLUMN",
    help="The file's column for a name of memmon's, such as rss_kb=RSS or at=Time.",
)
@click.option("--separator", metavar="CHARACTER", help="Between cells: `,` `;` `|` tab or space.")
@click.option("--split", metavar="COLUMN", help="The column that tells several processes apart, such as pid.")
@common
def command(
    *,
    files: tuple[str, ...],
    start: datetime | None,
    unit: str | None,
    columns: tuple[str, ...],
    separator: str | None,
    split: str | None,
    common: Common,
) -> None:
    """Import histories recorded elsewhere.

    Reads CSV[.gz] and Parquet (a time column `at` or `t_seconds...`, `rss_bytes`, rss_kb or rss_mb, and what
    else memmon records), OpenMetrics, memory_profiler .dat files, psrecord logs, and the
    JSON Lines of `memmon export`; `-` is standard input. Each file becomes a source with its name (or --source).
    Nothing is stored unless all of every file can be understood. Importing a file again changes nothing: one whose import
    was stopped goes on where it was, and of a log that grew only the new rows are imported.
    """
    from memmon.clock import SystemClock
    from memmon.imports.importing import import_files

    options = _options(unit, columns, separator, split)
    check_output(common)
    place = locate(common)
    say_database(place.database)
    with import_progress(common) as tell:
        results = list(
            import_files(
                place.database,
                [Path(name) for name in files],
                now=SystemClock().now(),
                source=common.source,
                start=start,
                options=options,
                file_mode=int(place.settings.file_mode, 8),
                on_progress=tell,
            )
        )
    for result in results:
        for note in result.notes:
            say(f"{result.path}: {note}")
    if common.as_json:
        write_json(
            common, command="import", database=place.database, files=[_plain(item) for item in results]
        )
    else:
        write_text(common, "\n".join(_sentence(item) for item in results))


def _options(
    unit: str | None, columns: tuple[str, ...], separator: str | None, split: str | None
) -> ReadOptions:
    """Return what was said of the files; raise UsageError for what memmon does not know."""
    from memmon.imports.columns import is_readable_name
    from memmon.imports.options import ReadOptions

    mapped = {}
    for text in columns:
        name, equals, column = text.partition("=")
        name = name.strip().lower()
        if not (equals and column.strip() and is_readable_name(name)):
            raise click.UsageError(
                f"--column {text!r}: expected NAME=COLUMN with at, t_seconds, rss_bytes, rss_kb, rss_mb or another"
                " reading as NAME, such as rss_kb=RSS"
            )
        mapped[name] = column.strip()
    try:
        return ReadOptions(unit=unit, columns=mapped, separator=separator, split=split)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _sentence(item: Imported) -> str:
    sources = ", ".join(map(printable, item.sources))
    runs = "1 run" if item.run_count == 1 else f"{item.run_count} runs"
    if item.snapshot_count and not item.run_count:
        runs = "no new run"
    return f"{printable(item.path)} ({item.kind}) -> {sources}: {item.snapshot_count} new snapshots, {runs}"


def _plain(item: Imported) -> dict[str, object]:
    return {
        "path": str(item.path),
        "kind": item.kind,
        "sources": item.sources,
        "snapshot_count": item.snapshot_count,
        "run_count": item.run_count,
        "notes": item.notes,
    }
