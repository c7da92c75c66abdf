"""How values go into a statement: text and numbers as any database takes them, and rows that are put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.store.connect.link import Link

INSERTED = "has_inserted"
"""In a link's info: rows were inserted. (An update to the same value leaves no trace in the log.)"""

_INT64_MAX = 2**63 - 1


def insert_or_ignore(link: Link, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows by one of the statements that leave what is there as it is."""
    if rows and link.run_many(statement, rows) > 0:
        link.info[INSERTED] = True


def fitting(value: int | None) -> int | None:
    """Return `value` unless it can't be stored as a 64-bit integer: then it is missing."""
    return value if value is None or -_INT64_MAX <= value <= _INT64_MAX else None


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row with each text as any database takes it."""
    return {key: storable_text(value) if isinstance(value, str) else value for key, value in values.items()}


def storable_text(text: str) -> str:
    """Return `text` as any database takes it: no NUL, no lone surrogate."""
    if text.isprintable():  # most is, and neither of them is
        return text
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
