"""A checksum per snapshot, so that salvage can prove that a row is as it was written.

SQLite's pages carry no checksums: a flipped bit in a number looks like any other number. The
digest of a snapshot holds two: one of its own row (24 bits), one of the readings that were written
with it (same run, same number; 23 bits). Together they take six bytes per snapshot, where a
checksum in each reading would take three to five bytes per reading.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ROW_BITS = 24
_READING_BITS = 23


def group_digest(
    row: Mapping[str, int | float | None], readings: Iterable[tuple[int, int | None]] = ()
) -> int:
    """Return the checksums of a stored `row` and of its (series_id, value) `readings` as one number.

    `row` has the stored columns by name. Missing values do not count, so that a column which a
    later schema adds leaves the digests of old rows as they are; nor does `digest` itself.
    """
    return row_digest(row) << _READING_BITS | readings_digest(readings)


def row_digest(row: Mapping[str, int | float | None]) -> int:
    """Return the checksum of a row alone."""
    cells = [
        # A percentage is stored as a float also where it is given as a whole number.
        (name, float(value) if name.endswith("_percent") else value)
        for name, value in sorted(row.items())
        if value is not None and name != "digest"
    ]
    return _checksum(cells, _ROW_BITS)


def readings_digest(readings: Iterable[tuple[int, int | None]]) -> int:
    """Return the checksum of the readings of one snapshot."""
    return _checksum(sorted(readings, key=_series), _READING_BITS)


def split_digest(digest: int) -> tuple[int, int]:
    """Return the two checksums that a digest holds: of the row, of the readings."""
    return digest >> _READING_BITS, digest & ((1 << _READING_BITS) - 1)


def with_readings_digest(digest: int, readings: int) -> int:
    """Return a digest with the checksum of its row as it was, and another one of its readings."""
    return split_digest(digest)[0] << _READING_BITS | readings


def _checksum(cells: list[tuple[str, int | float]] | list[tuple[int, int | None]], bits: int) -> int:
    return binascii.crc32(repr(cells).encode()) & ((1 << bits) - 1)


def _series(reading: tuple[int, int | None]) -> int:
    return reading[0]
