"""Writes the benchmark's tables into the page on how memmon judges, between their marks.

<!-- benchmark: PART -->
...
<!-- end of benchmark -->
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-memmon-judges.md"
PLACE = re.compile(r"(<!-- benchmark: (\w+) -->\n).*?(<!-- end of benchmark -->)", re.DOTALL)


def places(text: str) -> list[str]:
    """Return the parts that a page has a place for, in order."""
    return [found[2] for found in PLACE.finditer(text)]


def with_parts(text: str, written: dict[str, str]) -> str:
    """Return a page with the text of these parts in their places; the others stay as they are.

    Raises ValueError where a part has no place, or more than one.
    """
    known = places(text)
    for part in written:
        if known.count(part) != 1:
            msg = f"the page has {known.count(part)} places for the part {part!r} of the benchmark, one is needed"
            raise ValueError(msg)
    return PLACE.sub(
        lambda found: f"{found[1]}\n{written[found[2]]}\n\n{found[3]}" if found[2] in written else found[0],
        text,
    )


def write(written: dict[str, str]) -> None:
    """Write these parts into the page."""
    PAGE.write_text(with_parts(PAGE.read_text(encoding="utf-8"), written), encoding="utf-8")
