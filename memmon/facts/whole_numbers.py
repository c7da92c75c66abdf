"""Whole numbers that somebody else wrote: an address, a cell, an option."""

from __future__ import annotations

MOST_DIGITS = 18
"""Each number of so many digits fits a column of 64 bits."""


def whole_number(text: str) -> int | None:
    """Return the whole number that `text` is; None for anything else, and for one of more than 18 digits.

    Python itself refuses to read thousands of digits, and what `str.isdigit` takes for digits.

    >>> whole_number("12"), whole_number("9" * 5000), whole_number("²"), whole_number("-1")
    (12, None, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None
