"""JSON Lines: the whole history as text, one row a line, so that export and import give the same.

The first line says what the file is; each further one is a row as `memmon.store.transfer.dump` has
them: a source before its runs, a run before its snapshots and readings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from memmon.store.transfer.dump import dump

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memmon.config import Database

FORMAT_VERSION = 1
HEADER_TYPE = "memmon"


def export_lines(database: Database, *, sources: Sequence[str] | None = None) -> Iterator[str]:
    """Yield the lines, each with its newline, of the whole store or of `sources`."""
    yield _line({"type": HEADER_TYPE, "format": FORMAT_VERSION})
    for row in dump(database, sources=sources):
        yield _line(row)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
