"""How much memory a process can have: sizes in a wrong unit are told by it.

A process of 300 bytes or of 0.3 MB does not exist, so such sizes are KB, MB or GB under a wrong
name, and every slope made of them would be a thousandth of the true one: a clean bill of health.
A small program is no mistake: from 2 MB on nothing is refused.

Standard library only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.medians import median
from memmon.units import GIB, KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

UNITS: Mapping[str, int] = {"B": 1, "kB": KIB, "MB": MIB, "GB": GIB}
"""The units that sizes can be given in, all of 1,024."""

_SPELLINGS = {
    "b": "B",
    "byte": "B",
    "bytes": "B",
    **{
        f"{letter}{end}": f"{unit}B" for letter, unit in zip("kmg", "kMG", strict=True) for end in ("b", "ib")
    },
}
_NO_PROCESS_BYTES = MIB
"""No process that anybody records has less."""
_NO_USUAL_PROCESS_BYTES = 2 * MIB
"""Less is believed only of whole pages, as the system gives them."""
_SMALL_BYTES = 8 * MIB
_LARGEST_BYTES = 2**44
_PAGE_BYTES = 4096
_LEAST_BYTES, _MOST_BYTES = 4 * MIB, 64 * GIB
"""Between these lies the memory of nearly every program."""


def unit_named(text: str) -> str:
    """Return the unit that a text means, however it is written.

    Raises ValueError for one that is not known.

    >>> unit_named("KiB"), unit_named("mb"), unit_named("bytes")
    ('kB', 'MB', 'B')
    """
    try:
        return _SPELLINGS[text.strip().lower()]
    except KeyError:
        raise ValueError(f"unit {text!r}: expected one of {', '.join(UNITS)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What is known of sizes above zero as a whole; the median is asked for where it decides."""

    count: int
    least: float
    largest: float
    are_pages: bool
    """True: each is a whole number of pages."""
    are_whole: bool
    """True: none has decimals."""
    typical: Callable[[], float]
    """Their median; there must be sizes."""


def likely_unit(sizes_bytes: Iterable[float | None]) -> str | None:
    """Return the unit in which these sizes are a process; None: they can be one as they are.

    >>> likely_unit([307_200, 307_900]), likely_unit([300.1, 301.2]), likely_unit([3 * 2**20])
    ('kB', 'MB', None)
    """
    return likely_unit_of(sizes_of(sizes_bytes))


def sizes_of(sizes_bytes: Iterable[float | None]) -> Sizes:
    """Return what is known of these sizes as a whole."""
    known = _known(sizes_bytes)
    return Sizes(
        count=len(known),
        least=min(known, default=0.0),
        largest=max(known, default=0.0),
        are_pages=all(map(is_pages, known)),
        are_whole=all(size == int(size) for size in known),
        typical=lambda: median(known),
    )


def likely_unit_of(sizes: Sizes) -> str | None:
    """Return the unit in which these sizes are a process; None: they can be one as they are."""
    if sizes.count == 0 or (sizes.least >= _NO_USUAL_PROCESS_BYTES and sizes.largest <= _LARGEST_BYTES):
        return None
    typical = sizes.typical()
    if typical > _LARGEST_BYTES:
        return "B"
    if typical >= _NO_USUAL_PROCESS_BYTES or (typical >= _NO_PROCESS_BYTES and sizes.are_pages):
        return None
    fitting = [name for name, factor in UNITS.items() if _LEAST_BYTES <= typical * factor <= _MOST_BYTES]
    if {"kB", "MB"} <= set(fitting) and not sizes.are_whole:
        return "MB"  # whoever divides by 1,048,576 keeps decimals
    return fitting[0] if fitting else ("kB" if typical >= KIB else "GB")


def refuse_wrong_unit(sizes_bytes: Sequence[float]) -> None:
    """Raise ValueError, with the likely unit, where sizes that are said to be bytes can't be a process's."""
    unit = likely_unit(sizes_bytes)
    if unit is not None:
        largest = max(_known(sizes_bytes))
        raise ValueError(
            f"rss_bytes can't be the memory of a process ({largest:,.0f} bytes at most): is it in {unit}?"
            f' Then pass unit="{unit}" to History.from_frame (unit="B": it is bytes)'
        )


def may_be_kb(sizes: Sizes) -> bool:
    """Tell whether sizes that can be a process are so small that KB may be meant."""
    return sizes.count > 0 and sizes.largest < _SMALL_BYTES and not sizes.are_pages


def _known(sizes: Iterable[float | None]) -> list[float]:
    return [size for size in sizes if size is not None and math.isfinite(size) and size > 0]


def is_pages(size_bytes: float) -> bool:
    """Tell whether a size is a whole number of pages, as the system gives memory."""
    return size_bytes % _PAGE_BYTES == 0
