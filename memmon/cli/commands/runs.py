"""`memmon runs`: what is recorded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, common
from memmon.cli.output import write_json, write_text
from memmon.cli.selection import opened
from memmon.cli.text import local_time, printable, size, table
from memmon.facts.run_endings import END_WORDS, WITHOUT_A_WORD

if TYPE_CHECKING:
    from memmon.assessment.process import SourceProcess
    from memmon.store.read import RunInfo

MOST_CHILDREN = 5
"""So many of the children that nobody records are named."""


@click.command("runs")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Newest runs shown.")
@common
def command(limit: int, common: Common) -> None:
    """List the sources and their runs: when each began, how it ended, what memory did."""
    from memmon.assessment.children import read_unrecorded
    from memmon.clock import SystemClock

    with opened(common) as found:
        sources = found.all()
        runs = {source.name: found.store.runs(source.name) for source in sources}
        now = SystemClock().now()
        left_out = {
            name: read_unrecorded(found.place.database, every, at=now) for name, every in runs.items()
        }
        if common.as_json:
            write_json(
                common,
                command="runs",
                database=found.place.database,
                sources=[
                    {
                        **asdict(one),
                        "runs": [asdict(run) for run in runs[one.name][-limit:]],
                        "unrecorded": [asdict(process) for process in left_out[one.name]],
                    }
                    for one in sources
                ],
            )
            return
        blocks = (_block(one.name, runs[one.name], limit, left_out=left_out[one.name]) for one in sources)
        write_text(common, "\n\n".join(blocks))


def _ended(run: RunInfo) -> str:
    if run.end_reason is None:
        return "" if run.ended_at is None else local_time(run.ended_at)
    is_unknown = END_WORDS.get(run.end_reason) == WITHOUT_A_WORD
    return "without a word" if is_unknown else run.end_reason


def _block(
    name: str, runs: tuple[RunInfo, ...], limit: int, *, left_out: tuple[SourceProcess, ...] = ()
) -> str:
    shown = table(
        ["run", "began", "last sample", "ended", "release", "samples", "first", "last", "peak"],
        [
            (
                run.run_id,
                local_time(run.started_at),
                "clock ahead"
                if run.last_at is None and run.ahead_at is not None
                else local_time(run.last_at),
                _ended(run),
                run.release or "",
                run.snapshot_count,
                size(run.first_rss_bytes),
                size(run.last_rss_bytes),
                size(run.peak_rss_bytes),
            )
            for run in runs[-limit:]
        ],
    )
    more = f" (the newest {limit} of {len(runs)})" if len(runs) > limit else ""
    counted = "1 run" if len(runs) == 1 else f"{len(runs)} runs{_side_by_side(runs)}"
    return "\n".join([f"{printable(name)}: {counted}{more}", shown, *_not_recorded(left_out)])


def _not_recorded(left_out: tuple[SourceProcess, ...]) -> list[str]:
    """Return what is said of living children that nobody records; empty where there are none."""
    from memmon.assessment.advice import UNRECORDED_ADVICE
    from memmon.assessment.process import lines_of
    from memmon.assessment.unrecorded import unrecorded_of

    found = unrecorded_of(left_out, recorded_bytes=None)
    if found is None:
        return []
    most = [f"  {printable(line)}" for line in lines_of(left_out[:MOST_CHILDREN])]
    more = [f"  and {found.count - MOST_CHILDREN} more"] if found.count > MOST_CHILDREN else []
    return [f"{found.words}:", *most, *more, UNRECORDED_ADVICE]


def _side_by_side(runs: tuple[RunInfo, ...]) -> str:
    """Return how many of the runs are processes side by side and how many restarts; empty where none overlap."""
    from memmon.assessment.lives import run_lanes

    count = len(run_lanes(runs))
    restarts = len(runs) - count
    return (
        f" of {count} processes, {restarts} {'restart' if restarts == 1 else 'restarts'}" if count > 1 else ""
    )
