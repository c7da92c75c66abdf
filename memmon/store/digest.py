"""A checksum per snapshot, so that salvage can prove that a row is as it was written.

SQLite's pages carry no checksums: a flipped bit in a number looks like any other number. The
digest of a snapshot covers its own row and the readings that were written with it (same run,
same number), in five bytes per snapshot instead of five per reading.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def group_digest(
    row: Mapping[str, int | float | None], readings: Iterable[tuple[int, int | None]] = ()
) -> int:
    """Return the CRC-32 of a stored snapshot `row` and of its (series_id, value) `readings`.

    `row` has the stored columns by name. Missing values do not count, so that a column which a
    later schema adds leaves the digests of old rows as they are; nor does `digest` itself.
    """
    cells = sorted((name, value) for name, value in row.items() if value is not None and name != "digest")
    return zlib.crc32(repr((cells, sorted(readings, key=_series))).encode())


def _series(reading: tuple[int, int | None]) -> int:
    return reading[0]
