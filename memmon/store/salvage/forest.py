"""All b-trees of a damaged file: the whole ones, and the pieces of those that lost pages.

The schema's own page is not needed: a tree is a page that no other names as its child, and
what it holds is told by the shape of its records. So a file without its head is salvaged like any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from memmon.store.salvage.btree import TABLE_INTERIOR, read_page
from memmon.store.salvage.tables import shapes, table_of, with_stored_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from memmon.store.salvage.btree import BtreePage, Cell
    from memmon.store.salvage.image import Image
    from memmon.store.salvage.tables import Row, TableShape

ReadingKey = tuple[int, int, int]
"""(run, series, place): the place is a snapshot's number or a bucket."""

_PARTS = ("reading", "reading_rollup")
_BUCKET_BITS = 44
_FIRST: ReadingKey = (0, 0, 0)
_LAST: ReadingKey = (2**62, 2**62, 2**62)


@dataclass(slots=True)
class Found:
    """Everything that could be read, with where it was read from."""

    rows: dict[str, list[tuple[Row, int]]] = field(default_factory=dict)
    """(row, page) by table."""
    index_cells: list[Cell] = field(default_factory=list)
    """Cells of indexes: they know some of what their table lost."""
    lost: dict[str, list[tuple[ReadingKey, ReadingKey]]] = field(
        default_factory=lambda: {name: [] for name in _PARTS}
    )
    """Between which keys of `reading` and `reading_rollup` a page is missing."""
    unsound_pages: set[int] = field(default_factory=set)
    """Pages that could be read only in part: their rows count only with a checksum."""
    damaged_page_count: int = 0
    page_count: int = 0
    refused_count: int = 0
    """Cells that were readable and can't be true."""


def explore(image: Image) -> Found:
    """Return all rows of an image."""
    return _Explorer(image).explore()


class _Explorer:
    def __init__(self, image: Image) -> None:
        self._image = image
        self._shapes: Mapping[str, TableShape] = shapes()
        self._pages: dict[int, BtreePage] = {}
        self._found = Found(page_count=image.page_count)

    def explore(self) -> Found:
        unreadable = self._read_pages()
        children = {child for page in self._pages.values() for child in page.children}
        overflow = {number for page in self._pages.values() for number in page.overflow}
        unreadable -= overflow
        self._found.damaged_page_count = len(unreadable) + len(self._found.unsound_pages)
        roots = [number for number in self._pages if number not in children and number not in overflow]
        # Whole trees first: what a stray page repeats of them is refused later as a double.
        roots.sort(key=lambda number: self._pages[number].is_leaf)
        fragments: dict[str, list[tuple[ReadingKey, ReadingKey]]] = {name: [] for name in _PARTS}
        for root in roots:
            harvest = self._harvest(root)
            if harvest is not None:
                name, first, last = harvest
                fragments[name].append((first, last))
        if unreadable or self._found.unsound_pages:
            for name, ends in fragments.items():
                self._note_gaps(name, sorted(ends))
        return self._found

    def _read_pages(self) -> set[int]:
        """Read all pages; return the numbers of those that hold nothing readable."""
        unreadable = set()
        for number in range(1, self._image.page_count + 1):
            if number in self._image.free_pages or self._image.is_pointer_page(number):
                continue
            page = read_page(self._image, number)
            if page is None:
                unreadable.add(number)
                continue
            self._pages[number] = page
            if not page.adds_up:
                self._found.unsound_pages.add(number)
        return unreadable

    def _harvest(self, root: int) -> tuple[str, ReadingKey, ReadingKey] | None:
        """Take the rows of a tree in the order of its keys; of readings, return the first and last key."""
        name, first, last = "", _FIRST, _FIRST
        gap_open = False
        for number, cell in self._in_order(root):
            if cell is None:
                gap_open = True
                continue
            taken = self._take(number, cell)
            if taken is None or number in self._found.unsound_pages:
                # What a broken page seems to say bounds nothing.
                continue
            if gap_open:
                self._found.lost[taken[0]].append((last, taken[1]))
                gap_open = False
            first = first if name else taken[1]
            name, last = taken
        if not name:
            return None
        if gap_open:
            self._found.lost[name].append((last, _LAST))
        return name, first, last

    def _in_order(self, root: int) -> Iterator[tuple[int, Cell | None]]:
        """Yield (page, cell) in the order of keys; the cell is None where a page is missing or unsound."""
        seen: set[int] = set()
        stack: list[tuple[int, Cell | None]] = [(root, None)]
        while stack:
            number, cell = stack.pop()
            if cell is not None:
                yield number, cell
                continue
            page = self._pages.get(number)
            if page is None or number in seen:
                yield number, None
                continue
            seen.add(number)
            if not page.adds_up:
                yield number, None
            if page.is_leaf or page.kind == TABLE_INTERIOR:
                following: list[tuple[int, Cell | None]] = [(number, one) for one in page.cells]
                following += [(child, None) for child in page.children]
            else:
                following = []
                for place, child in enumerate(page.children):
                    following.append((child, None))
                    if place < len(page.cells):
                        following.append((number, page.cells[place]))
            stack.extend(reversed(following))

    def _take(self, number: int, cell: Cell) -> tuple[str, ReadingKey] | None:
        """Keep a cell's row; return its table and key when it is a reading's."""
        known = table_of(cell, self._pages[number].kind, self._shapes)
        if known is None:
            if cell.rowid is None and len(cell.values) <= 5:  # noqa: PLR2004 -- the longest index has five columns
                self._found.index_cells.append(cell)
            else:
                self._found.refused_count += number in self._found.unsound_pages
            return None
        name, row = known
        self._found.rows.setdefault(name, []).append((with_stored_types(name, row, self._shapes), number))
        if name not in _PARTS:
            return None
        return name, (cast("int", row["run_id"]), cast("int", row["series_id"]), place_of(name, row))

    def _note_gaps(self, name: str, fragments: list[tuple[ReadingKey, ReadingKey]]) -> None:
        """Note that between two pieces of the same tree something is missing."""
        for (_, end), (start, _) in pairwise(fragments):
            self._found.lost[name].append((min(end, start), max(end, start)))


def place_of(name: str, row: Row) -> int:
    """Return where in its series a reading stands, in the order of its table's keys."""
    if name == "reading":
        return cast("int", row["seq"])
    return cast("int", row["resolution_ms"]) << _BUCKET_BITS | cast("int", row["bucket_ms"])
