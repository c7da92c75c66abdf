"""`memmon export`: the history for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, WindowOptions, common
from memmon.cli.output import is_file, open_output, say, write_json
from memmon.cli.parameter_types import MOMENT
from memmon.cli.selection import bounds_of, no_data, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from memmon.cli.parameter_types import Moment
    from memmon.cli.selection import Opened
    from memmon.store.read import SourceInfo

FORMATS = ("csv", "jsonl", "parquet", "openmetrics")
_BY_SUFFIX = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".prom": "openmetrics",
    ".om": "openmetrics",
}


@click.command("export")
@click.option("--format", "shape", type=click.Choice(FORMATS), help="Default: by the suffix of -o, else csv.")
@click.option("--since", type=MOMENT, metavar="24h|TIME", help="Begin here; not for jsonl.")
@click.option("--until", type=MOMENT, metavar="1h|TIME", help="End here; not for jsonl.")
@click.option("--run", "run_id", metavar="ID|last", help="One run alone; not for jsonl.")
@click.option("--all-sources", is_flag=True, help="Every source in one file.")
@common
def command(
    *,
    shape: str | None,
    since: Moment | None,
    until: Moment | None,
    run_id: str | None,
    all_sources: bool,
    common: Common,
) -> None:
    """Write the history for other tools.

    csv, parquet and openmetrics carry the snapshots; jsonl (JSON Lines) carries everything, and `memmon
    import` makes the same history of it. With --json a
    summary is printed instead of the data, which then need -o FILE.
    """
    window = WindowOptions(since=since, until=until, run=run_id, threshold_mb_per_hour=None)
    chosen = shape or _BY_SUFFIX.get(Path(common.output or "").suffix.lower(), "csv")
    if chosen == "jsonl" and window.is_narrowed:
        raise click.UsageError("jsonl carries the whole history: leave out --since, --until and --run")
    if common.as_json and not is_file(common.output):
        raise click.UsageError("--json prints a summary: say with -o FILE where the data go")
    with opened(common) as found:
        sources = found.all() if all_sources else (found.one(),)
        if chosen == "jsonl":
            count = _write_lines(common, found, sources)
        else:
            count = _write_snapshots(
                common, chosen, _frames(found, sources, window), found.place.database.path
            )
        names = [source.name for source in sources]
        if common.as_json:
            summary = {"format": chosen, "output": common.output, "sources": names, "row_count": count}
            plain = Common(db=common.db, source=None, as_json=True, output=None, force=False)
            write_json(plain, command="export", database=found.place.database, **summary)
        elif is_file(common.output):
            say(f"{count} rows of {len(sources)} sources -> {common.output}{_private(common)}")


def _frames(
    found: Opened, sources: Sequence[SourceInfo], window: WindowOptions
) -> list[tuple[str, pd.DataFrame]]:
    frames = []
    lacking = []
    for source in sources:
        bounds = bounds_of(found.store, source, window)
        frame = found.store.snapshots(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
        if frame.empty:
            lacking.append(no_data(found.store, source, bounds))
        else:
            frames.append((source.name, frame))
    if not frames:
        raise lacking[0]
    for error in lacking:
        say(f"left out: {error}")
    return frames


def _write_lines(common: Common, found: Opened, sources: Sequence[SourceInfo]) -> int:
    from memmon.export.json_lines import export_lines

    names = [source.name for source in sources]
    return _write(common, export_lines(found.place.database, sources=names), found.place.database.path) - 1


def _write_snapshots(
    common: Common, shape: str, frames: list[tuple[str, pd.DataFrame]], kept: Path | None
) -> int:
    from memmon.export import write_snapshots

    if shape == "parquet":
        content = write_snapshots.write_parquet(frames)
        with open_output(common, as_private_as=kept) as stream:
            stream.write(content)
    elif shape == "openmetrics":
        _write(common, write_snapshots.openmetrics_lines(frames), kept)
    else:
        _write(common, write_snapshots.csv_lines(frames), kept)
    return sum(len(frame) for _, frame in frames)


def _write(common: Common, lines: Iterable[str], kept: Path | None) -> int:
    count = 0
    with open_output(common, as_private_as=kept) as stream:
        for line in lines:
            stream.write(line.encode("utf-8", "backslashreplace"))
            count += 1
    return count


def _private(common: Common) -> str:
    """Return what is said of a file that its owner alone may read."""
    path = Path(common.output or "")
    is_private = path.is_file() and not path.stat().st_mode & 0o077
    return " (for its owner alone, as the database is; chmod opens it to others)" if is_private else ""
