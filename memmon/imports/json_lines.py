"""JSON Lines, as `memmon.export.json_lines` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memmon.errors import ImportFileError
from memmon.export.json_lines import FORMAT_VERSION, HEADER_TYPE
from memmon.store.transfer.dump import Loaded, RowError, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.config import Database
    from memmon.imports.lines import Lines


def import_lines(database: Database, lines: Lines, *, source: str | None = None) -> Loaded:
    """Load a file of JSON Lines in one transaction; `source` gives its one source another name.

    Raises ImportFileError with file, line and what was expected; then nothing was imported.
    """
    try:
        return load(database, _rows(lines), source=source)
    except RowError as error:
        raise lines.error(str(error)) from None


def check_lines(lines: Lines) -> bool:
    """Read a file to its end and tell whether its last line is torn; raise ImportFileError where it can't be read."""
    number = 0
    for _ in _rows(lines):
        number = lines.number
    return lines.number > number and lines.is_unfinished and number > 0


def _rows(lines: Lines) -> Iterator[dict[str, Any]]:
    header_seen = False
    for line in lines:
        if not line.strip():
            continue
        try:
            row = _row(line, lines)
        except ImportFileError:
            if header_seen and lines.is_unfinished:
                return  # torn
            raise
        if header_seen:
            yield row
        else:
            _check_header(row, lines)
            header_seen = True
    if not header_seen:
        raise ImportFileError(f"{lines.path}: the file is empty; expected JSON Lines of `memmon export`")


def _row(line: str, lines: Lines) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if "integer string conversion" in str(error):
            raise lines.error(
                "a number of thousands of digits; expected whole numbers of at most 64 bits"
            ) from None
        raise lines.error(f"not JSON ({error}); expected one JSON object a line") from None
    if not isinstance(row, dict):
        raise lines.error("expected one JSON object a line")
    return row


def _check_header(row: dict[str, Any], lines: Lines) -> None:
    if row.get("type") != HEADER_TYPE:
        raise lines.error('expected {"type": "memmon", "format": 1} as the first line')
    if row.get("format") != FORMAT_VERSION:
        raise lines.error(
            f"format {row.get('format')!r}; this memmon reads format {FORMAT_VERSION}: upgrade it"
        )


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
