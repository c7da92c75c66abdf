"""`memmon import`: histories that were recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memmon.cli.locate import locate
from memmon.cli.options import Common, common
from memmon.cli.output import check_output, say, say_database, show_progress, write_json, write_text
from memmon.cli.text import printable
from memmon.cli.values import TIME

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.imports.importing import Imported


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--start", type=TIME, help="When a file without dates began (default: its last row is now).")
@common
def command(files: tuple[str, ...], start: datetime | None, common: Common) -> None:
    """Import histories recorded elsewhere.

    Reads CSV[.gz] (a time column `at` or `t_seconds...`, `rss_bytes`, and if present vms_bytes,
    system_percent, available_bytes, run_id), memory_profiler .dat files, psrecord logs, and the
    JSON Lines of `memmon export`. Each file becomes a source with its name (or --source). A file
    is imported whole or not at all; importing it again changes nothing.
    """
    from memmon.clock import SystemClock
    from memmon.imports.importing import import_files

    check_output(common)
    place = locate(common)
    say_database(place.database)
    results = []
    for result in import_files(
        place.database,
        [Path(name) for name in files],
        now=SystemClock().now(),
        source=common.source,
        start=start,
        file_mode=int(place.settings.file_mode, 8),
        on_progress=show_progress,
    ):
        show_progress("")
        results.append(result)
        for note in result.notes:
            say(f"{result.path}: {note}")
    if common.as_json:
        write_json(
            common, command="import", database=place.database, files=[_plain(item) for item in results]
        )
    else:
        write_text(common, "\n".join(_sentence(item) for item in results))


def _sentence(item: Imported) -> str:
    sources = ", ".join(map(printable, item.sources))
    runs = "1 run" if item.run_count == 1 else f"{item.run_count} runs"
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
