"""What counts against a control group's limit, and how much room the limit leaves in all.

A group's processes are killed for what can't be taken back: all that is charged to the group, without the file
pages and (version 2) the slabs that the kernel drops first. Shared memory and files in memory (tmpfs) count: no
process need hold them. Where pages may go to swap, both sides count it: a group is full when memory and swap are.
What a file does not tell is None, and never taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.probe.process.cgroups import read_text
from memmon.probe.process.files import read_bytes, told_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.probe.process.cgroups import MemoryGroup

NO_LIMIT_FROM_BYTES = 2**60
"""Version 1 spells "no limit" as the largest number that fits, rounded down to a page."""

_RECLAIMED_V1 = ("total_inactive_file", "total_active_file")
_RECLAIMED_V2 = ("inactive_file", "active_file", "slab_reclaimable")


class GroupFiles:
    """The files of one group at one moment: each is read once at most."""

    def __init__(self, group: MemoryGroup) -> None:
        """Name the group; nothing is read yet."""
        self.group = group
        self.is_v2 = group.version == 2  # noqa: PLR2004 - the interface's version
        self._texts: dict[str, str | None] = {}
        self._stat: bytes | None = None

    def text(self, name: str) -> str | None:
        """Return a file's text, None when it can't be read."""
        if name not in self._texts:
            self._texts[name] = read_text(f"{self.group.folder}/{name}")
        return self._texts[name]

    def limit(self, name: str) -> int | None:
        """Return a limit's bytes, None for either spelling of "no limit"."""
        return parse_limit(self.text(name))

    def size(self, name: str) -> int | None:
        """Return the bytes that a file of one number tells; None: it tells none."""
        return _whole_number(self.text(name))

    def count(self, name: str) -> int | None:
        """Return a count of `memory.stat`; None: it is not told."""
        if self._stat is None:
            self._stat = attempt(read_bytes, f"{self.group.folder}/memory.stat") or b""
        parts = told_after(self._stat, name.encode() + b" ").split()
        return int(parts[0][:32]) if parts and parts[0].isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimit:
    """A limit on memory that a group sets, or that it tells of."""

    files: GroupFiles
    memory_bytes: int
    is_own: bool = True
    """False: it is that of a group around this one, which is not seen here."""
    knows_outer: bool = False
    """No group around this one has a smaller limit."""


def parse_limit(text: str | None) -> int | None:
    """Return a limit file's bytes; None for either spelling of "no limit" and for what can't be read."""
    limit = _whole_number(text)
    return limit if limit is not None and 0 < limit < NO_LIMIT_FROM_BYTES else None


def parse_counts(text: str | None) -> dict[str, int]:
    """Return the `name number` lines of a kernel file (a colon after the name or a unit is passed over)."""
    counts: dict[str, int] = {}
    for line in (text or "").splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[1].isascii() and parts[1].isdigit():  # noqa: PLR2004 - name and number
            counts[parts[0].rstrip(":")] = int(parts[1][:32])
    return counts


def charged_bytes(files: GroupFiles, *, with_swap: bool) -> int | None:
    """Return what counts against the group's limit, swap included where it counts; None: not all of it is told."""
    if files.is_v2:
        used = files.size("memory.current")
        swapped = files.size("memory.swap.current") if with_swap else 0
        used = None if used is None or swapped is None else used + swapped
    else:
        used = files.size("memory.memsw.usage_in_bytes" if with_swap else "memory.usage_in_bytes")
    reclaimed = [files.count(name) for name in (_RECLAIMED_V2 if files.is_v2 else _RECLAIMED_V1)]
    if used is None or None in reclaimed:
        return None
    charged = used - sum(filter(None, reclaimed))
    return charged if charged >= 0 else None


def anonymous_bytes(files: GroupFiles) -> int | None:
    """Return the group's anonymous memory."""
    if files.is_v2:
        return files.count("anon")
    total = files.count("total_rss")
    return files.count("rss") if total is None else total


def swap_room_bytes(limit: GroupLimit, groups: Sequence[GroupFiles], swap_total_bytes: int) -> int:
    """Return how much of the group may be in swap; 0 also where it is not told how much is.

    `groups`: all around the process, the innermost first. Swap counts nowhere where one of them forbids it: a
    process that may not be swapped out is killed when memory ends.
    """
    if swap_total_bytes <= 0:
        return 0
    if not limit.files.is_v2:
        return _swap_room_v1(limit, swap_total_bytes)
    rooms = [(files, files.size("memory.swap.max")) for files in groups if files.is_v2]
    if any(room == 0 for _, room in rooms) or limit.files.text("memory.swap.max") is None:
        return 0
    place = next(number for number, (files, _) in enumerate(rooms) if files is limit.files)
    return min([swap_total_bytes, *(room for _, room in rooms[place:] if room is not None)])


def _swap_room_v1(limit: GroupLimit, swap_total_bytes: int) -> int:
    files = limit.files
    if files.size("memory.memsw.usage_in_bytes") is None:
        return 0
    together = [files.limit("memory.memsw.limit_in_bytes")]
    if files.group.is_innermost:
        told = files.count("hierarchical_memsw_limit") or 0
        together.append(told if 0 < told < NO_LIMIT_FROM_BYTES else None)
    rooms = [max(one - limit.memory_bytes, 0) for one in together if one is not None]
    return min([swap_total_bytes, *rooms])


def _whole_number(text: str | None) -> int | None:
    value = (text or "").strip()
    return int(value[:32]) if value.isascii() and value.isdigit() else None
