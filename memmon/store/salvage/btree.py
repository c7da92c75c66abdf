"""One page of a b-tree: its cells and their records, and whether its bookkeeping adds up.

A page that was overwritten hardly ever adds up; one in which a single bit of a value flipped
does, which is why rows carry digests of their own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.store.salvage.image import Image

TABLE_LEAF = 0x0D
TABLE_INTERIOR = 0x05
INDEX_LEAF = 0x0A
INDEX_INTERIOR = 0x02
_KINDS = frozenset({TABLE_LEAF, TABLE_INTERIOR, INDEX_LEAF, INDEX_INTERIOR})
_LEAST_CELL_BYTES = 4
_HEADER_OF_FILE_BYTES = 100
_WIDTHS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
_LARGEST_RECORD_BYTES = 64 * 2**20

Value = int | float | str | bytes | None


class BrokenCellError(ValueError):
    """A cell that can't be one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of a table or index."""

    rowid: int | None
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BtreePage:
    """What a page holds. `children` and `cells` alternate in the order of keys: child, cell, child ..."""

    number: int
    kind: int
    cells: tuple[Cell, ...]
    children: tuple[int, ...]
    adds_up: bool
    """Every cell was readable, none overlaps another, and all bytes are accounted for."""
    overflow: tuple[int, ...]
    """Pages on which long records go on."""

    @property
    def is_leaf(self) -> bool:
        """Tell whether the page has no children."""
        return self.kind in {TABLE_LEAF, INDEX_LEAF}


def read_page(image: Image, number: int) -> BtreePage | None:
    """Return a b-tree page, as far as it can be read; None when it does not even begin like one."""
    page = image.page(number)
    header = None if page is None else _read_header(page, number, image.usable_bytes)
    if page is None or header is None:
        return None
    reader = _CellReader(image, page, header.kind)
    reader.read_all(header.offsets, header.content)
    children = tuple(reader.children) + header.last_child
    spans = reader.spans + _free_blocks(page, header.free, image.usable_bytes)
    whole = not reader.broken_count and _fills(spans, header.content, image.usable_bytes, header.fragments)
    return BtreePage(
        number=number,
        kind=header.kind,
        cells=tuple(reader.cells),
        children=children,
        adds_up=whole and all(0 < child <= image.said_page_count for child in children),
        overflow=tuple(reader.overflow),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Where a page's parts lie: the first free block, the cells, and the content area that holds both."""

    kind: int
    free: int
    offsets: tuple[int, ...]
    content: int
    fragments: int
    """How many bytes of the content area are too small pieces to be free blocks."""
    last_child: tuple[int, ...]
    """The child right of all cells, which only an interior page has."""


def _read_header(page: bytes, number: int, usable_bytes: int) -> _Header | None:
    """Return the header of a page, None where it is not one of a b-tree's page."""
    start = _HEADER_OF_FILE_BYTES if number == 1 else 0
    kind = page[start]
    if kind not in _KINDS:
        return None
    interior = kind in {TABLE_INTERIOR, INDEX_INTERIOR}
    free, count, content = struct.unpack(">HHH", page[start + 1 : start + 7])
    content = content or 65536
    pointers_at = start + (12 if interior else 8)
    pointers_end = pointers_at + 2 * count
    if pointers_end > usable_bytes or content > usable_bytes or content < pointers_end:
        return None
    return _Header(
        kind=kind,
        free=free,
        offsets=struct.unpack(f">{count}H", page[pointers_at:pointers_end]),
        content=content,
        fragments=page[start + 7],
        last_child=(int.from_bytes(page[start + 8 : start + 12], "big"),) if interior else (),
    )


def _free_blocks(page: bytes, start: int, usable_bytes: int) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    while start and len(blocks) <= usable_bytes // 4:
        if start + 4 > usable_bytes:
            return [*blocks, (start, usable_bytes)]
        following, size = struct.unpack(">HH", page[start : start + 4])
        blocks.append((start, size))
        if following and following <= start:
            return [*blocks, (start, usable_bytes)]
        start = following
    return blocks


def _fills(spans: list[tuple[int, int]], content: int, usable_bytes: int, fragments: int) -> bool:
    """Tell whether cells and free blocks fill the content area without overlap, but for fragments."""
    position, gaps = content, 0
    for offset, size in sorted(spans):
        if offset < position:
            return False
        gaps += offset - position
        position = offset + size
    return position <= usable_bytes and gaps + usable_bytes - position == fragments


class _CellReader:
    """Reads the cells of one page and collects what it finds."""

    def __init__(self, image: Image, page: bytes, kind: int) -> None:
        self._image = image
        self._page = page
        self._kind = kind
        self.cells: list[Cell] = []
        self.children: list[int] = []
        self.spans: list[tuple[int, int]] = []
        self.broken_count = 0
        self.overflow: list[int] = []
        usable = image.usable_bytes
        self._least_local = (usable - 12) * 32 // 255 - 23
        self._most_local = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23

    def read_all(self, offsets: Sequence[int], content: int) -> None:
        """Read the cells at the offsets; those that can't be cells are only counted."""
        for offset in offsets:
            try:
                child, cell, size = self.read(offset, content)
            except (BrokenCellError, UnicodeDecodeError, IndexError, struct.error):
                self.broken_count += 1
                continue
            self.spans.append((offset, max(size, _LEAST_CELL_BYTES)))
            if child is not None:
                self.children.append(child)
            if cell is not None:
                self.cells.append(cell)

    def read(self, offset: int, content: int) -> tuple[int | None, Cell | None, int]:
        """Return (left child, cell, bytes on this page) of the cell at `offset`."""
        if not content <= offset < self._image.usable_bytes:
            raise BrokenCellError
        page, position = self._page, offset
        child = rowid = None
        if self._kind in {TABLE_INTERIOR, INDEX_INTERIOR}:
            child = int.from_bytes(page[position : position + 4], "big")
            position += 4
        if self._kind == TABLE_INTERIOR:
            _, position = read_varint(page, position)
            return child, None, position - offset
        size, position = read_varint(page, position)
        if size < 0 or size > _LARGEST_RECORD_BYTES:
            raise BrokenCellError
        if self._kind == TABLE_LEAF:
            rowid, position = read_varint(page, position)
        payload, position = self._payload(size, position)
        return child, Cell(rowid, read_record(payload)), position - offset

    def _payload(self, size: int, position: int) -> tuple[bytes, int]:
        usable = self._image.usable_bytes
        if size <= self._most_local:
            if position + size > usable:
                raise BrokenCellError
            return self._page[position : position + size], position + size
        local = self._least_local + (size - self._least_local) % (usable - 4)
        local = local if local <= self._most_local else self._least_local
        if position + local + 4 > usable:
            raise BrokenCellError
        parts = [self._page[position : position + local]]
        left = size - local
        following = int.from_bytes(self._page[position + local : position + local + 4], "big")
        while left > 0:
            page = self._image.page(following)
            if page is None:
                raise BrokenCellError
            self.overflow.append(following)
            parts.append(page[4 : 4 + min(left, usable - 4)])
            left -= usable - 4
            following = int.from_bytes(page[:4], "big")
        return b"".join(parts), position + local + 4


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Return (value, position after it) of a variable-length integer."""
    first = data[position]
    if first < 0x80:  # noqa: PLR2004 -- the top bit says that more follows
        return first, position + 1
    value = first & 0x7F
    for place in range(1, 8):
        byte = data[position + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 -- same
            return value, position + place + 1
    value = value << 8 | data[position + 8]
    return value - (1 << 64) if value >= 1 << 63 else value, position + 9


def read_record(payload: bytes) -> tuple[Value, ...]:
    """Return the values of a record; raises BrokenCellError unless its sizes agree to the byte."""
    header_bytes, position = read_varint(payload, 0)
    if not 1 <= header_bytes <= len(payload):
        raise BrokenCellError
    kinds = []
    while position < header_bytes:
        kind, position = read_varint(payload, position)
        kinds.append(kind)
    if position != header_bytes:
        raise BrokenCellError
    values: list[Value] = []
    for kind in kinds:
        value, position = _read_value(payload, kind, position)
        values.append(value)
    if position != len(payload):
        raise BrokenCellError
    return tuple(values)


def _read_value(payload: bytes, kind: int, position: int) -> tuple[Value, int]:
    if kind >= 12:  # noqa: PLR2004 -- from here on text and blobs
        end = position + (kind - 12) // 2
        if end > len(payload):
            raise BrokenCellError
        data = payload[position:end]
        return (data.decode("utf-8") if kind & 1 else data), end
    if kind not in _WIDTHS:
        raise BrokenCellError
    end = position + _WIDTHS[kind]
    data = payload[position:end]
    if end > len(payload):
        raise BrokenCellError
    if kind == 0:
        return None, end
    if kind == 7:  # noqa: PLR2004 -- a float
        return struct.unpack(">d", data)[0], end
    if kind >= 8:  # noqa: PLR2004 -- the constants 0 and 1
        return kind - 8, end
    return int.from_bytes(data, "big", signed=True), end
