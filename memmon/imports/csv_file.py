"""Read a CSV of memory readings: a time column, `rss_bytes`, and what else memmon knows."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from memmon.imports.cells import MISSING, epoch_seconds, iso_seconds, number
from memmon.imports.columns import HeaderError, plan_columns
from memmon.imports.lines import TORN
from memmon.imports.recording import ImportedRecording
from memmon.imports.table import ImportTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.imports.columns import Plan
    from memmon.imports.lines import Lines
    from memmon.imports.options import ReadOptions

_SEPARATORS = (",", ";", "\t")
_BLANKS = " "
_CUT_NUMBER = re.compile(r"\d*\.?\d*(?:[eE][+-]?)?")
_CUT_TIME = re.compile(r"[-0-9T:+. Z]*")
_CUT_TO = 0.2
"""A number that lost a digit has a tenth of its size, or less."""


def read_csv(lines: Lines, options: ReadOptions) -> ImportedRecording:
    """Read a CSV file.

    Raises ImportFileError with file, line and what was expected for anything that can't be
    understood. A last line without an end that is only the beginning of a row is left out, and said.
    """
    records = _records(lines, options.separator)
    try:
        plan = plan_columns(next(records, []), options)
    except HeaderError as error:
        raise lines.error(str(error)) from None
    table = ImportTable(plan, lines)
    before: list[str] = []
    torn: list[str] = []
    for record in records:
        if lines.is_unfinished and _is_torn(record, before, plan):
            torn = [TORN]
            break
        table.take(record)
        before = record
    runs, notes = table.runs()
    return ImportedRecording(
        path=lines.path,
        kind="CSV",
        is_absolute=plan.is_absolute,
        runs=runs,
        digest=lines.digest,
        notes=(*notes, *torn),
    )


def _records(lines: Lines, separator: str | None) -> Iterator[list[str]]:
    """Yield the records that are not blank; csv's own errors get file and line."""
    if separator == _BLANKS:
        yield from (line.split() for line in lines if line.strip())
        return
    feed = iter(lines)
    reader = csv.reader(feed, strict=True, delimiter=separator or _separator(lines))
    while True:
        started = lines.number
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if started and lines.is_unfinished and lines.number == started + 1:
                yield []  # a quoted cell that was cut off in the last line
                return
            raise lines.error(f"not CSV ({error}); expected comma-separated cells") from None
        if any(cell.strip() for cell in record):
            yield record


def _separator(lines: Lines) -> str:
    """Return what stands between the names of the header."""
    first = lines.first()
    return max(_SEPARATORS, key=first.count)


def _is_torn(record: list[str], before: list[str], plan: Plan) -> bool:
    """Tell whether the file's last line is the beginning of a row: only its last cell can be cut."""
    if len(record) != plan.width:
        return len(record) < plan.width
    cell = record[-1].strip()
    former = before[-1].strip() if before else ""
    place = plan.width - 1
    if place == plan.time_place and plan.is_absolute and epoch_seconds(former or cell) is None:
        return _is_cut_time(cell, former)
    if place == plan.time_place or place in {one.place for one in plan.measures}:
        return _is_cut_number(cell, former)
    if place in plan.places.values():
        return former.startswith(cell) and former != cell
    return False


def _is_cut_time(cell: str, former: str) -> bool:
    if iso_seconds(cell) is None:
        return _CUT_TIME.fullmatch(cell) is not None
    return len(cell) < len(former)


def _is_cut_number(cell: str, former: str) -> bool:
    value, whole = number(cell), number(former)
    if value is None:
        is_known = cell.lower() in MISSING
        cut_word = any(word.startswith(cell.lower()) for word in MISSING) and not is_known
        return cut_word or (_CUT_NUMBER.fullmatch(cell) is not None and former.lower() not in MISSING)
    return whole is not None and value < _CUT_TO * whole
