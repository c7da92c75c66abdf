"""What stands in a cell: a time, a size, a share, a count."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.units import GIB, KIB, MIB, MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING = frozenset({"", "nan", "null", "none", "na", "n/a"})
"""What stands for an unknown value."""

LATEST_SECONDS = 253_402_300_799.0  # the end of the year 9999
_LARGEST_BYTES = 2**62
_LARGEST_COUNT = 2**63 - 1
_HUNDRED_PERCENT = 100.0
_FIRST_MILLISECONDS = 1e11
"""A number of this size or more counts milliseconds since 1970, a smaller one seconds."""
_FIRST_EPOCH_SECONDS = 1e8
"""1973: whoever writes less counts from a beginning of his own."""
_EPOCH = re.compile(r"\d{9,}(?:\.\d*)?|\d+\.\d*|\d{1,7}|\d+(?:\.\d+)?[eE]\+?\d+")
_SIZE = re.compile(r"(.*?)\s*(B|KiB|MiB|GiB|TiB)")
_SUFFIXES: Mapping[str, int] = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": 1024 * GIB}


def number(text: str) -> float | None:
    """Return the finite number in a cell, None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def epoch_seconds(text: str) -> tuple[float, bool] | None:
    """Return (seconds since 1970, whether the text counts milliseconds); None: it is no such number.

    >>> epoch_seconds("1772452800"), epoch_seconds("1772452800000"), epoch_seconds("20260302")
    ((1772452800.0, False), (1772452800.0, True), None)
    """
    value = number(text) if _EPOCH.fullmatch(text) else None
    if value is None or value < _FIRST_EPOCH_SECONDS:
        return None
    in_ms = value >= _FIRST_MILLISECONDS
    return (value / MS_PER_SECOND if in_ms else value), in_ms


def iso_seconds(text: str) -> tuple[float, bool] | None:
    """Return (UTC seconds, whether the text had no offset); None: it is no ISO 8601."""
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware.timestamp(), moment.tzinfo is None
    except (ValueError, OverflowError):
        return None


def size_bytes(text: str, factor: int) -> int | None:
    """Return the bytes that a size in units of `factor` has; raise ValueError for what is no size.

    A size that says its own unit of 1,024 (`12.5MiB`) is taken by its word.
    """
    suffixed = _SIZE.fullmatch(text)
    if suffixed is not None:
        text, factor = suffixed.group(1), _SUFFIXES[suffixed.group(2)]
    if text.isascii() and text.isdigit():
        whole = int(text) * factor
        if whole <= _LARGEST_BYTES:
            return whole
    value = number(text)
    if value is None or not 0 <= value * factor <= _LARGEST_BYTES:
        raise ValueError(text)
    return round(value * factor)


def percent(text: str) -> float:
    """Return a share from 0 to 100; raise ValueError for anything else."""
    value = number(text)
    if value is None or not 0 <= value <= _HUNDRED_PERCENT:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """Return a whole number of zero or more; raise ValueError for anything else."""
    value = number(text)
    if value is None or value != int(value) or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError(text)
    return int(text) if text.isdigit() else int(value)
