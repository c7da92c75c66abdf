"""The pages of a damaged SQLite file, with what its WAL had committed on top.

SQLite's file format: https://www.sqlite.org/fileformat2.html (pages, pointer map, freelist, WAL).
"""

from __future__ import annotations

import mmap
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memmon.store.connect.access import beside
from memmon.store.schema.identity import SQLITE_MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_USUAL_PAGE_BYTES = 4096
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_WAL_MAGIC = 0x377F0682
_BTREE_TYPES = frozenset({0x02, 0x05, 0x0A, 0x0D})
_POINTER_TYPES = frozenset({1, 2, 3, 4, 5})
_POINTER_BYTES = 5
_FREE_PAGE = 2
_SAMPLE_COUNT = 400
_MASK = 0xFFFFFFFF


class Image:
    """The pages of a file as they were after its last commit."""

    def __init__(self, data: bytes | mmap.mmap, frames: Mapping[int, bytes], *, page_bytes: int) -> None:
        self._data = data
        self._frames = frames
        self.page_bytes = page_bytes
        self.page_count = max(len(data) // page_bytes, max(frames, default=0))
        head = self.page(1)
        self.has_header = head is not None and head.startswith(SQLITE_MAGIC)
        said = struct.unpack(">I", head[28:32])[0] if head is not None and self.has_header else 0
        # A file that was cut off says in its head how long it was.
        self.said_page_count = max(self.page_count, said)
        reserved = head[20] if head is not None and self.has_header else 0
        self.usable_bytes = page_bytes - (reserved if reserved <= page_bytes // 8 else 0)
        self._pointer_span = self.usable_bytes // _POINTER_BYTES + 1
        self.has_pointer_map = self._find_pointer_map()
        self.free_pages = self._find_free_pages()

    def page(self, number: int) -> bytes | None:
        """Return a page (the first is 1), or None when there is no such whole page."""
        found = self._frames.get(number)
        if found is not None:
            return found
        start = (number - 1) * self.page_bytes
        if number < 1 or start + self.page_bytes > len(self._data):
            return None
        return bytes(self._data[start : start + self.page_bytes])

    def is_pointer_page(self, number: int) -> bool:
        """Tell whether a page is one of the pointer map (auto-vacuum), and no b-tree."""
        return self.has_pointer_map and number >= 2 and (number - 2) % self._pointer_span == 0  # noqa: PLR2004 -- the map begins on page 2

    def _find_pointer_map(self) -> bool:
        head = self.page(1)
        if head is not None and self.has_header:
            return int.from_bytes(head[52:56], "big") > 0
        second = self.page(2)
        if second is None:
            return False
        entries = list(self._pointers(second))[: self.page_count - 2]
        good = sum(kind in _POINTER_TYPES and parent <= self.page_count for kind, parent in entries)
        return bool(entries) and good == len(entries)

    def _pointers(self, page: bytes) -> Iterator[tuple[int, int]]:
        for start in range(0, self.usable_bytes - _POINTER_BYTES + 1, _POINTER_BYTES):
            yield page[start], int.from_bytes(page[start + 1 : start + _POINTER_BYTES], "big")

    def _find_free_pages(self) -> frozenset[int]:
        """Return the pages whose content is of rows that were deleted."""
        free = set(self._free_list())
        if self.has_pointer_map:
            for number in range(2, self.page_count + 1, self._pointer_span):
                page = self.page(number)
                if page is None:
                    continue
                for place, (kind, _) in enumerate(self._pointers(page)):
                    if kind == _FREE_PAGE:
                        free.add(number + 1 + place)
        return frozenset(free)

    def _free_list(self) -> Iterator[int]:
        head = self.page(1)
        if head is None or not self.has_header:
            return
        trunk, seen = struct.unpack(">I", head[32:36])[0], set[int]()
        while trunk and trunk not in seen:
            seen.add(trunk)
            page = self.page(trunk)
            if page is None:
                return
            following, count = struct.unpack(">II", page[:8])
            if count > self.usable_bytes // 4 - 2 or following > self.page_count:
                return
            yield trunk
            yield from struct.unpack(f">{count}I", page[8 : 8 + 4 * count])
            trunk = following


@contextmanager
def open_image(path: Path) -> Iterator[Image]:
    """Yield the image of a file and its `-wal`; the file is only read. Raises OSError."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            yield Image(b"", {}, page_bytes=_USUAL_PAGE_BYTES)
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            wal = _read_wal(beside(path, "-wal"))
            page_bytes, frames = wal if wal is not None else (_page_bytes(data), {})
            yield Image(data, frames, page_bytes=page_bytes)


def _page_bytes(data: mmap.mmap) -> int:
    if data[:16] == SQLITE_MAGIC:
        said = int.from_bytes(data[16:18], "big")
        said = 65536 if said == 1 else said
        if said in _PAGE_SIZES:
            return said
    likeness = {size: _likeness(data, size) for size in _PAGE_SIZES}
    # Twice the true size looks as good as the true one, half of it half as good.
    good_enough = 0.75 * max(likeness.values())
    return min((size for size in _PAGE_SIZES if likeness[size] >= good_enough), default=_USUAL_PAGE_BYTES)


def _likeness(data: mmap.mmap, size: int) -> float:
    """Return the share of the first pages that begin like a b-tree page if pages had `size` bytes."""
    count = min(len(data) // size, _SAMPLE_COUNT)
    if count == 0:
        return 0.0
    good = 0
    for number in range(count):
        start = number * size
        content = int.from_bytes(data[start + 5 : start + 7], "big")
        good += data[start] in _BTREE_TYPES and 8 <= content <= size  # noqa: PLR2004 -- after the page's own header
    return good / count


def _read_wal(path: Path) -> tuple[int, dict[int, bytes]] | None:
    """Return (page size, newest committed pages) of a WAL, up to its first broken checksum."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _WAL_HEADER_BYTES:
        return None
    magic, _, page_bytes, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", data[:_WAL_HEADER_BYTES])
    order = ">" if magic & 1 else "<"
    sums = _checksum(data[:24], (0, 0), order)
    if magic & ~1 != _WAL_MAGIC or page_bytes not in _PAGE_SIZES or sums != (sum1, sum2):
        return None
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    span = _FRAME_HEADER_BYTES + page_bytes
    for start in range(_WAL_HEADER_BYTES, len(data) - span + 1, span):
        number, size_after, *salts_and_sums = struct.unpack(">6I", data[start : start + _FRAME_HEADER_BYTES])
        body = data[start + _FRAME_HEADER_BYTES : start + span]
        sums = _checksum(body, _checksum(data[start : start + 8], sums, order), order)
        if salts_and_sums != [salt1, salt2, *sums]:
            break
        pending[number] = body
        if size_after:
            committed |= pending
            pending = {}
    return page_bytes, committed


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for place in range(0, len(words), 2):
        first = (first + words[place] + second) & _MASK
        second = (second + words[place + 1] + first) & _MASK
    return first, second
