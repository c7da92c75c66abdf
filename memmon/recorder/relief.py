"""gc relief with a budget: collecting is tried when memory is high, and left when it doesn't help.

A forced pass over a clean heap of 635 MB takes about a second, stalls every thread and frees
nothing. So the first pass above the threshold is made; while passes free less than max(5 MB,
2 %), the pause before the next doubles from 5 minutes to 24 hours; growth by a tenth allows an
early one; a pass that frees nothing and is longer than 250 ms, or the second in a row longer than
50 ms, ends it, until a day has passed or memory has grown by half.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.units import MIB, SECONDS_PER_DAY, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = float(SECONDS_PER_DAY)
BARREN_BYTES = 5 * MIB
BARREN_SHARE = 0.02
EARLY_GROWTH = 1.10
RESUME_GROWTH = 1.5
LONG_PASS_SECONDS = 0.25
FELT_PASS_SECONDS = 0.05
"""A pass that a program's event loop feels: of those, two in a row that free nothing are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one forced collection cost and returned."""

    pause_seconds: float
    objects_count: int
    freed_bytes: int | None
    """Resident memory before less after; None when it could not be read."""
    rss_before_bytes: int | None
    trimmed_bytes: int | None = None
    """What `heap_trim` returned to the system after it, when that is turned on."""

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        freed = (
            "an unknown amount" if self.freed_bytes is None else f"{mb_from_bytes(self.freed_bytes):.1f} MB"
        )
        return f"collected {self.objects_count} objects, freed {freed} in {self.pause_seconds * 1000:.0f} ms"

    @property
    def figures(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "pause_ms": round(self.pause_seconds * 1000, 3),
            "objects_count": self.objects_count,
            "freed_bytes": self.freed_bytes,
            "trimmed_bytes": self.trimmed_bytes,
        }


class Relief:
    """Decides when a forced pass is worth its pause, and makes it."""

    def __init__(
        self,
        *,
        threshold_bytes: int,
        monotonic: Callable[[], float],
        read_rss: Callable[[], int | None],
        trim: Callable[[], object] | None = None,
        collect: Callable[[], int] = gc.collect,
        stopwatch: Callable[[], float] | None = None,
    ) -> None:
        self.threshold_bytes = threshold_bytes
        self._monotonic = monotonic
        self._stopwatch = stopwatch or monotonic
        self._read_rss = read_rss
        self._trim = trim
        self._collect = collect
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._next_at: float | None = None
        self._rss_after_bytes = 0
        self._is_stopped = False
        self._was_barren = False

    @property
    def is_stopped(self) -> bool:
        """Tell whether collecting was found not to help here."""
        return self._is_stopped

    def is_due(self, rss_bytes: int | None) -> bool:
        """Tell whether a pass is worth trying at this resident memory (bytes)."""
        if self.threshold_bytes <= 0 or rss_bytes is None or rss_bytes < self.threshold_bytes:
            return False
        if self._next_at is None or self._monotonic() >= self._next_at:
            return True
        growth = RESUME_GROWTH if self._is_stopped else EARLY_GROWTH
        return self._rss_after_bytes > 0 and rss_bytes >= growth * self._rss_after_bytes

    def make_pass(self) -> Pass:
        """Collect now, whatever the budget says; returns what it cost and freed."""
        before = self._read_rss()
        began = self._stopwatch()
        objects_count = self._collect()
        pause_seconds = self._stopwatch() - began
        after = self._read_rss()
        trimmed = self._trimmed(after)
        if trimmed is not None and after is not None:
            after -= trimmed
        freed = None if before is None or after is None else before - after
        self._learn(after, freed, pause_seconds)
        return Pass(
            pause_seconds=pause_seconds,
            objects_count=objects_count,
            freed_bytes=freed,
            rss_before_bytes=before,
            trimmed_bytes=trimmed,
        )

    def _trimmed(self, before: int | None) -> int | None:
        if self._trim is None:
            return None
        self._trim()
        after = self._read_rss()
        return None if before is None or after is None else before - after

    def _learn(self, after: int | None, freed: int | None, pause_seconds: float) -> None:
        is_barren = freed is None or freed < max(BARREN_BYTES, BARREN_SHARE * ((after or 0) + freed))
        if not is_barren:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        limit_seconds = FELT_PASS_SECONDS if self._was_barren else LONG_PASS_SECONDS
        self._is_stopped = is_barren and pause_seconds > limit_seconds
        self._was_barren = is_barren
        pause = LONGEST_PAUSE_SECONDS if self._is_stopped else self._pause_seconds
        self._next_at = self._monotonic() + pause
        if is_barren:
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        self._rss_after_bytes = after or 0
