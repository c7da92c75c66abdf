"""Cells of a CSV file that spreadsheets will not take for formulas."""

from __future__ import annotations

from typing import Any

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_GUARD = "'"


def safe_cell(value: Any) -> Any:
    """Return a text that begins like a formula with an apostrophe before it, all else as it is.

    >>> safe_cell("=1+1"), safe_cell(-5), safe_cell("bot")
    ("'=1+1", -5, 'bot')
    """
    return f"{_GUARD}{value}" if isinstance(value, str) and _is_formula(value) else value


def plain_cell(text: str) -> str:
    """Return the text that `safe_cell` made safe.

    >>> plain_cell("'=1+1"), plain_cell("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith(_GUARD) and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Tell a formula, guarded before or not: one more guard is then taken off again."""
    return text.lstrip(_GUARD).startswith(_STARTS_A_FORMULA)
