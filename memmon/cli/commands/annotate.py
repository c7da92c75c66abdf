"""`memmon annotate`: an event on the time axis, such as a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, common
from memmon.cli.output import write_json, write_text
from memmon.cli.parameter_types import TIME
from memmon.cli.selection import opened
from memmon.cli.text import local_time, printable

if TYPE_CHECKING:
    from datetime import datetime

_LONGEST_TEXT = 2_000


@click.command("annotate")
@click.argument("text")
@click.option("--at", "at", type=TIME, metavar="TIME", help="When it happened (default: now).")
@common
def command(text: str, at: datetime | None, common: Common) -> None:
    """Put an event on the time axis, such as "deployed 1.4.2": reports and charts show it."""
    from memmon.clock import SystemClock
    from memmon.store.transfer.dump import load

    note = " ".join(text.split())[:_LONGEST_TEXT].replace("\0", "")
    if not note:
        raise click.UsageError("the text is empty")
    with opened(common) as found:
        database, source = found.place.database, found.one().name
    moment = at or SystemClock().now()
    at_ms = round(moment.timestamp() * 1000)
    row = {"type": "event", "source": source, "at_ms": at_ms, "kind": "annotation", "text": note}
    load(database, [{"type": "source", "name": source, "created_ms": at_ms}, row])
    if common.as_json:
        write_json(common, command="annotate", database=database, source=source, at=moment, text=note)
    else:
        write_text(common, f"{printable(source)}: {local_time(moment)} {printable(note)}")
