"""Cells of a CSV file that spreadsheets will not take for formulas."""

from __future__ import annotations

from typing import Any

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> Any:
    """Return a text that begins like a formula with an apostrophe before it, all else as it is.

    >>> safe_cell("=1+1"), safe_cell(-5), safe_cell("bot")
    ("'=1+1", -5, 'bot')
    """
    if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA):
        return f"'{value}"
    return value
