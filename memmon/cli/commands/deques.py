"""`memmon deques`: every registered deque and its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memmon.cli.judging import age_of
from memmon.cli.options import Common, Window, common, judging
from memmon.cli.output import say, write_json, write_text
from memmon.cli.sources import bounds_of, opened
from memmon.cli.text import local_time, number, printable, table

if TYPE_CHECKING:
    from memmon.report.data import DequeRow, DequeSection


@click.command("deques")
@click.option("--failing", is_flag=True, help="Only those that break their limit or have none.")
@judging
@common
def command(failing: bool, common: Common, window: Window) -> None:  # noqa: FBT001 -- click's way
    """Show the registered deques: how full, how large, which break their limit.

    The state as of the newest sample of the run (--run; default: the one that reported last).
    """
    from memmon.clock import SystemClock
    from memmon.report.build import deque_readings
    from memmon.report.data import DequeSection
    from memmon.report.sections import deque_section

    with opened(common) as found:
        source = found.one()
        bounds = bounds_of(found.store, source, window)
        statuses = found.store.deque_status(source.name, run_id=bounds.run_id)
        age = age_of(found.store, source, now=SystemClock().now())
        section = deque_section(deque_readings(statuses))
        if failing:
            section = DequeSection(rows=tuple(row for row in section.rows if row.is_failing))
        if common.as_json:
            findings = [_finding(row, source.name) for row in section.rows]
            write_json(
                common, command="deques", database=found.place.database, findings=findings, staleness=age
            )
            return
        if not statuses:
            say(f"{printable(source.name)} has registered no deques; see register_deque in the README")
        write_text(common, f"{printable(source.name)}, {local_time(age.last_at)}\n{_shown(section)}")


def _finding(row: DequeRow, source: str) -> dict[str, Any]:
    from memmon.report.data import as_plain

    return {**as_plain(row), "is_failing": row.is_failing, "source": source}


def _shown(section: DequeSection) -> str:
    from memmon.report.words import DEQUE_WORDS

    if not section.rows:
        return "no deques to show"
    rows = [
        (
            row.name,
            row.length_count,
            "none" if row.maxlen_count is None else row.maxlen_count,
            "" if row.percent_full is None else f"{row.percent_full:.1f}%",
            number(row.size_mb),
            row.dropped_count,
            DEQUE_WORDS[row.state],
        )
        for row in section.rows
    ]
    counted = f"\n{len(section.rows)} deques, {section.failing_count} failing"
    return table(["deque", "length", "maxlen", "full", "MB", "dropped", "state"], rows) + counted
