"""What grew, told whole: where it hangs, how much, of which class, where that is defined and created."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.names import clean_name, short_digest
from memmon.facts.suspicion import Suspicion
from memmon.formatting import megabytes
from memmon.probe.objects.created_at import CodeLine, created_at, defined_at
from memmon.probe.objects.culprit import GrownPlace, culprits
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.probe.objects.places import Places

_KB = 1024
_SIGNATURE_BYTES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One thing that grew, and the lines of the program that make it grow."""

    culprit: GrownPlace
    class_at: str | None = None
    """`file:line` of the class's definition."""
    created_at: tuple[CodeLine, ...] = ()
    """From the program's code, the likeliest first."""

    @property
    def signature(self) -> str:
        """A short hash that is the same in other processes and releases while the same thing grows."""
        told = f"{self.culprit.path} {self.culprit.kind} {self.culprit.class_name}"
        return short_digest(told.encode(errors="replace"), _SIGNATURE_BYTES)

    def sentence(self, state: Suspicion = Suspicion.SUSPECT) -> str:
        """Return it as one sentence, without a full stop; `state`: what looks have shown of it."""
        return f"{state.beginning}: {self._words()}"

    def _words(self) -> str:
        one = self.culprit
        grown = f"{megabytes(mb_from_bytes(one.grown_bytes))} MB more"
        kind = one.kind.rpartition(".")[2]
        if one.entry_count is None or one.entry_count_before is None:
            said = f"{clean_name(one.path)} ({clean_name(kind)}) itself got larger, {grown}"
            return f"{said}; it grows at {self._first_line()}" if self.created_at else said
        name = one.class_name or "entries"
        shown = clean_name(name.rpartition(".")[2])
        counts = f"{one.entry_count_before:,} to {one.entry_count:,} {shown}"
        said = f"{clean_name(one.path)} ({clean_name(kind)}): {counts}, {_size(one.item_bytes or 0)} each, {grown}"
        where = [f"defined at {_short(self.class_at)}"] if self.class_at else []
        if self.created_at:
            where.append(f"created at {self._first_line()}")
        return f"{said}; {shown} is {', '.join(where)}" if where else said

    def _first_line(self) -> str:
        first = self.created_at[0]
        return f"{_short(first.file)}:{first.line} ({clean_name(first.function)})"

    def as_data(self) -> dict[str, object]:
        """Return it as plain JSON values, with names cleaned."""
        one = self.culprit
        return {
            "path": clean_name(one.path),
            "kind": clean_name(one.kind),
            "grown_bytes": one.grown_bytes,
            "entry_count_before": one.entry_count_before,
            "entry_count": one.entry_count,
            "item_bytes": one.item_bytes,
            "class_name": None if one.class_name is None else clean_name(one.class_name),
            "class_at": None if self.class_at is None else clean_name(self.class_at),
            "created_at": [
                {"file": clean_name(line.file), "line": line.line, "function": clean_name(line.function)}
                for line in self.created_at
            ],
            "signature": self.signature,
            "words": self._words(),
        }


def chains_of(before: Places, after: Places, between: Callable[[], object]) -> tuple[Chain, ...]:
    """Return what grew, the largest growth first, with its lines; `between` is called between steps."""
    found = []
    for one in culprits(before, after, between):
        between()
        class_at = defined_at(one.class_name) if one.class_name and one.is_class_of_program else None
        found.append(Chain(culprit=one, class_at=class_at, created_at=created_at(one, between)))
    return tuple(found)


def chain_of_counted(
    name: str, before: int, after: int, grown_bytes: int, between: Callable[[], object]
) -> Chain:
    """Return what grew where only the number of functions that a module keeps is told, and what nothing else explains."""
    culprit = GrownPlace(
        path=name,
        kind="module",
        grown_bytes=grown_bytes,
        entry_count_before=before,
        entry_count=after,
        class_name="function",
    )
    return Chain(culprit=culprit, created_at=created_at(culprit, between))


def _size(size_bytes: float) -> str:
    if size_bytes < _KB:
        return f"{size_bytes:.0f} bytes"
    return (
        f"{size_bytes / _KB:.1f} kB" if size_bytes < _KB**2 else f"{megabytes(mb_from_bytes(size_bytes))} MB"
    )


def _short(place: str | None) -> str:
    return clean_name(os.path.basename(place or ""))  # noqa: PTH119 -- of text that may end in a line's number
