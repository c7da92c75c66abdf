"""`memmon sql`: a question to the database, reading only."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.options import Common, common
from memmon.cli.output import say, write_json, write_text
from memmon.cli.selection import opened
from memmon.cli.text import table
from memmon.export.cells import safe_cell

if TYPE_CHECKING:
    from memmon.store.read import QueryResult

FORMATS = ("table", "csv", "json")


@click.command("sql")
@click.argument("statement")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="Rows at most.")
@common
def command(statement: str, shape: str, limit: int, common: Common) -> None:
    """Run one reading SQL statement (- reads it from standard input).

    Begin with: SELECT * FROM v_run. Times are UTC; sizes are bytes. Nothing can be changed.
    """
    text = sys.stdin.read() if statement == "-" else statement
    with opened(common) as found:
        result = found.store.query(text, row_limit=limit)
        if result.is_cut:
            say(f"only the first {limit} rows are shown; --limit shows more")
        if shape == "json" or common.as_json:
            rows = [dict(zip(result.columns, map(_plain, row), strict=True)) for row in result.rows]
            write_json(
                common,
                command="sql",
                database=found.place.database,
                columns=result.columns,
                rows=rows,
                is_cut=result.is_cut,
            )
        elif shape == "csv":
            write_text(common, _csv(result))
        else:
            write_text(common, table(result.columns, result.rows))


def _csv(result: QueryResult) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(safe_cell, result.columns))
    writer.writerows([safe_cell(_plain(cell)) for cell in row] for row in result.rows)
    return buffer.getvalue()


def _plain(cell: Any) -> Any:
    return cell.hex() if isinstance(cell, bytes) else cell
