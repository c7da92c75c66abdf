"""Bounded containers that fill while a leak is suspected: deques with a maxlen and functions under `lru_cache`.

A look never accuses them, for what they take in ends. One whose entries grew between two looks, and went on
growing until the next, is told, and handed on to be read with each snapshot from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from memmon.clock import SystemClock
from memmon.facts.names import clean_name
from memmon.formatting import megabytes, span
from memmon.guest.shielding import attempt
from memmon.probe.objects.caches import QUICKLY_LISTED_COUNT, entry_sample
from memmon.probe.objects.plain import bare_name
from memmon.probe.objects.sizes import SizeEstimator
from memmon.units import KIB, SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GOES_ON_SHARE = 0.4
"""Of the pace between the looks before, for a container to be still filling: a cache slows down as it fills."""
LEAST_SHARE = 0.1
"""Of the process's growth, for what a container took in to be worth a word."""
SMALLEST_GROWTH_BYTES = 64 * KIB


class BoundedPlace(NamedTuple):
    """A bounded container that a look met, held weakly."""

    path: str
    reference: Callable[[], object]
    length: int
    maxlen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillingContainer:
    """One that fills: `entry_count_before` of its entries at the first look that it grew from."""

    path: str
    kind: str
    reference: Callable[[], object]
    entry_count_before: int
    entry_count: int
    maxlen_count: int
    item_bytes: int
    hours_to_full: float

    @property
    def grown_bytes(self) -> int:
        """What came into it between the looks."""
        return self.item_bytes * (self.entry_count - self.entry_count_before)

    def sentence(self) -> str:
        """Return it as one sentence, without a full stop."""
        each = f"{self.item_bytes:,} bytes each, {megabytes(mb_from_bytes(self.grown_bytes))} MB more"
        return (
            f"{clean_name(self.path)} ({clean_name(self.kind)}) fills: {self.entry_count_before:,} to "
            f"{self.entry_count:,} of at most {self.maxlen_count:,} entries, {each}; "
            f"at this pace it is full in {span(self.hours_to_full)}, and it is recorded from now on"
        )

    def as_data(self) -> dict[str, object]:
        """Return it as plain JSON values, with names cleaned."""
        return {
            "path": clean_name(self.path),
            "kind": clean_name(self.kind),
            "grown_bytes": self.grown_bytes,
            "entry_count_before": self.entry_count_before,
            "entry_count": self.entry_count,
            "maxlen_count": self.maxlen_count,
            "item_bytes": self.item_bytes,
            "hours_to_full": self.hours_to_full,
        }


class _Seen(NamedTuple):
    """What an earlier look saw of a container."""

    reference: Callable[[], object]
    first_length: int
    length: int
    per_second: float | None
    """How its entries grew between the two looks before; None: there was one."""
    is_told: bool


class Followed:
    """Follows bounded containers from look to look."""

    def __init__(self) -> None:
        """Know no look yet."""
        self._seen: dict[int, _Seen] = {}
        self._estimator = SizeEstimator(SystemClock().monotonic)

    def add(
        self, found: Iterable[BoundedPlace], seconds: float, process_bytes: int | None
    ) -> tuple[FillingContainer, ...]:
        """Take another look, had `seconds` after the one before; return what was seen filling twice now, the largest first.

        `process_bytes`: by how much the process grew meanwhile (None: not known).
        """
        before, self._seen = self._seen, {}
        confirmed = []
        for one in found:
            target = one.reference()
            if target is None:
                continue
            known = before.get(id(target))
            if known is None or known.reference() is not target:
                self._seen[id(target)] = _Seen(one.reference, one.length, one.length, None, is_told=False)
                continue
            pace = (one.length - known.length) / max(seconds, 1e-3)
            fills = None
            if pace > 0 and not known.is_told and pace >= GOES_ON_SHARE * (known.per_second or float("inf")):
                fills = attempt(self._filling, one, known, target, pace)
            is_large = fills is not None and _is_large(fills, one.length - known.length, process_bytes)
            if fills is not None and is_large:
                confirmed.append(fills)
            first = known.first_length if pace > 0 else one.length
            self._seen[id(target)] = _Seen(
                one.reference, first, one.length, pace if pace > 0 else None, known.is_told or is_large
            )
        return tuple(sorted(confirmed, key=lambda one: -one.grown_bytes))

    def _filling(
        self, one: BoundedPlace, known: _Seen, target: object, pace: float
    ) -> FillingContainer | None:
        place_bytes = 0.0

        def sample(wanted_count: int) -> tuple[list[Any], int]:
            nonlocal place_bytes
            items, weight, place_bytes = entry_sample(
                target, one.length, wanted_count, most_listed_count=QUICKLY_LISTED_COUNT
            )
            return items, weight

        each = self._estimator.sampled_estimate(sample, one.length)
        if each is None:
            return None
        return FillingContainer(
            path=one.path,
            kind=bare_name(type(target)).lstrip("_").removesuffix("_wrapper"),
            reference=one.reference,
            entry_count_before=known.first_length,
            entry_count=one.length,
            maxlen_count=one.maxlen,
            item_bytes=round(each.mean + place_bytes),
            hours_to_full=(one.maxlen - one.length) / pace / SECONDS_PER_HOUR,
        )


def _is_large(fills: FillingContainer, grown_count: int, process_bytes: int | None) -> bool:
    """Return whether what came into a container since the last look is a part of the process's growth."""
    return fills.item_bytes * grown_count >= max(SMALLEST_GROWTH_BYTES, LEAST_SHARE * (process_bytes or 0))
