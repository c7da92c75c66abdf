"""Which variables of modules a walk begins at: what was met of them, and of very many small ones which are looked at."""

from __future__ import annotations

from collections import deque
from itertools import repeat
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from memmon.probe.objects.places import NO_PLACE, PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE_COUNT = 8
POOL_BITS = 14
"""Objects of one size lie side by side in pools of 16 kB: so each table gets of all."""

_MANY_VARIABLES, _FEW_VARIABLES = 4_000, 1_000
"""Above so many some small ones are looked at: no more than so many, of which each takes a dozen visits."""

KEPT = PASSED_OVER + 1
"""Of an object that is a variable of the program's: it is counted as that, whichever way leads to it first."""

LARGE_COUNT = 100
"""A container of so many entries is looked at however many variables there are, and is told with its length: what leaks is among them."""

_NO_ROOTS = frozenset(id(kind) for kind in (bool, int, float, complex, type(None), ModuleType))
_LENGTHS: dict[int, Any] = {id(kind): kind.__len__ for kind in (dict, list, tuple, set, frozenset, deque)}
_TEXTS = frozenset(id(kind) for kind in (str, bytes))
_LEAD_NOWHERE = frozenset(id(kind) for kind in (FunctionType, BuiltinFunctionType, type))
"""What most variables of these types do: each is looked at before it is kept for a place."""


class ByAddress:
    """Numbers by the addresses of objects, in several tables: one for all takes 4 ms in one step when it is full and made anew."""

    __slots__ = ("tables",)

    def __init__(self) -> None:
        """Know no address yet."""
        self.tables: tuple[dict[int, int], ...] = tuple({} for _ in range(TABLE_COUNT))

    def table_of(self, identity: int) -> dict[int, int]:
        """Return the table in which an address is, or would be."""
        return self.tables[(identity >> POOL_BITS) % TABLE_COUNT]

    def note_all(self, way: list[int], number: int) -> None:
        """Note a number of all addresses on a way; where one has it already, all before it have."""
        for identity in reversed(way):
            table = self.tables[(identity >> POOL_BITS) % TABLE_COUNT]
            if table.get(identity) == number:
                return
            table[identity] = number

    def free(self, between: Callable[[], object]) -> None:
        """Forget all, in pieces."""
        for table in self.tables:
            between()
            table.clear()


class Variables:
    """The variables of modules among what was met and what is left below."""

    __slots__ = ("_left", "_met", "_open_count", "chosen", "kept_count", "thinning")

    def __init__(self, met: ByAddress, left: ByAddress) -> None:
        """Know no variable; `met`, `left`: as the tally knows them."""
        self._met, self._left = met, left
        self.kept_count = 0
        """Of how many it is known that they are variables, and nothing else yet."""
        self._open_count = 0
        self.thinning = 0
        """One less than of how many small variables one is looked at; where there are very many of them."""
        self.chosen: dict[str, str] = {}
        """By a module's name its variables that were looked at last: of others nothing is left."""

    def keep_among(self, _beginning: str, values: dict[str, Any], names: list[str]) -> list[str]:
        """Keep variables of a module for places of their own; return those of types of which most are none."""
        others = []
        for name, identity, kind in _addresses(values, names):
            if kind in _LEAD_NOWHERE:
                others.append(name)
            elif kind not in _NO_ROOTS:
                table = self._met.tables[(identity >> POOL_BITS) % TABLE_COUNT]
                if identity not in table:
                    self.kept_count += 1
                    self._open_count += kind not in _TEXTS
                    table[identity] = KEPT
        return others

    def thin_out(self) -> None:
        """Choose, before the first look below the variables, how many small ones are looked at: at each look the same."""
        while self._open_count > max(_MANY_VARIABLES, _FEW_VARIABLES * (self.thinning + 1)):
            self.thinning = 2 * self.thinning + 1

    def is_left_out(self, name: str) -> bool:
        """Return whether a small variable is not looked at."""
        return bool(hash(name) & self.thinning)

    def near_among(self, beginning: str, values: dict[str, Any], names: list[str]) -> list[str]:
        """Return the same as `left_among`, and pass over the small built-in containers that are left out; `beginning`: of their names."""
        left = self.left_among(beginning, values, names)
        if not self.thinning or not beginning:
            return left
        found = []
        for name in left:
            value = dict.get(values, name)
            length = _LENGTHS.get(id(type(value)))
            if length is None or length(value) >= LARGE_COUNT or not self.is_left_out(beginning + name):
                found.append(name)
            else:
                self.leave_out(value)
        return found

    def leave_out(self, value: object) -> None:
        """Pass over a variable that was kept for a place of its own."""
        table = self._met.table_of(id(value))
        self.kept_count -= table.get(id(value)) == KEPT
        table[id(value)] = NO_PLACE

    def left_among(self, _beginning: str, values: dict[str, Any], names: list[str]) -> list[str]:
        """Return the variables of a module that weren't met yet, and those below which there is more."""
        met, left = self._met.tables, self._left.tables
        return [
            name
            for name, identity, kind in _addresses(values, names)
            if kind not in _NO_ROOTS
            and (
                met[table := (identity >> POOL_BITS) % TABLE_COUNT].get(identity, KEPT) == KEPT
                or identity in left[table]
            )
        ]


def _addresses(values: dict[str, Any], names: list[str]) -> Iterator[tuple[str, int, int]]:
    """Return names of variables with the addresses of their values and of those's types; nothing is held once it was read."""
    found = list(map(dict.get, repeat(values), names))
    return zip(names, list(map(id, found)), list(map(id, map(type, found))), strict=True)
