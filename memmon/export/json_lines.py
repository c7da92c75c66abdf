"""JSON Lines: the whole history as text, one row a line, so that export and import give the same.

The first line says what the file is; each further one is a row as `memmon.store.transfer.dump` has
them: a source before its runs, a run before its snapshots and readings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memmon.errors import ImportFileError
from memmon.imports.lines import Lines
from memmon.store.transfer.dump import Loaded, RowError, dump, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from memmon.config import Database

FORMAT_VERSION = 1
_HEADER_TYPE = "memmon"


def export_lines(database: Database, *, sources: Sequence[str] | None = None) -> Iterator[str]:
    """Yield the lines, each with its newline, of the whole store or of `sources`."""
    yield _line({"type": _HEADER_TYPE, "format": FORMAT_VERSION})
    for row in dump(database, sources=sources):
        yield _line(row)


def import_lines(database: Database, path: Path, *, source: str | None = None) -> Loaded:
    """Load a file of JSON Lines in one transaction; `source` gives its one source another name.

    Raises ImportFileError with file, line and what was expected; then nothing was imported.
    """
    lines = Lines(path)
    try:
        return load(database, _rows(lines), source=source)
    except RowError as error:
        raise lines.error(str(error)) from None


def check_lines(path: Path) -> int:
    """Read a file to its end and return its number of rows; raise ImportFileError where it can't be read."""
    return sum(1 for _ in _rows(Lines(path)))


def _rows(lines: Lines) -> Iterator[dict[str, Any]]:
    header_seen = False
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise lines.error(f"not JSON ({error}); expected one JSON object a line") from None
        if not isinstance(row, dict):
            raise lines.error("expected one JSON object a line")
        if header_seen:
            yield row
            continue
        if row.get("type") != _HEADER_TYPE:
            raise lines.error('expected {"type": "memmon", "format": 1} as the first line')
        if row.get("format") != FORMAT_VERSION:
            raise lines.error(
                f"format {row.get('format')!r}; this memmon reads format {FORMAT_VERSION}: upgrade it"
            )
        header_seen = True
    if not header_seen:
        raise ImportFileError(f"{lines.path}: the file is empty; expected JSON Lines of `memmon export`")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
