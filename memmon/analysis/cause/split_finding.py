"""What the cause of growth is judged from, and what is found: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

Cause = Literal["python", "native", "retained", "private", "shared", "file", "none", "unknown"]

CAUSE_LABELS: dict[str, str] = {
    "python": "Python objects",
    "native": "native allocations",
    "retained": "allocator retention (fragmentation)",
    "private": "private memory (not split further)",
    "shared": "shared memory",
    "file": "file-backed memory",
}
"""What each part of the growth is called."""

COUNTER_NAMES = (
    "rss_bytes",
    "rss_anon_bytes",
    "rss_file_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "heap_used_bytes",
    "heap_mmap_bytes",
    "python_block_count",
    "gc_collection_count",
)
"""The columns that a cause is judged from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CauseSeries:
    """The counters of one run, one value per sample in the order of time; NaN where not read."""

    hours: FloatArray
    """Uptime."""
    rss_bytes: FloatArray
    rss_anon_bytes: FloatArray
    rss_file_bytes: FloatArray
    rss_shmem_bytes: FloatArray
    swap_bytes: FloatArray
    heap_used_bytes: FloatArray
    heap_mmap_bytes: FloatArray
    python_block_count: FloatArray
    gc_collection_count: FloatArray
    """Known only where a recorder inside the program has read it."""

    @classmethod
    def from_columns(cls, hours: ArrayLike, columns: Mapping[str, ArrayLike]) -> CauseSeries:
        """Build a series from columns named as in `COUNTER_NAMES`; those that are absent are NaN.

        Raises ValueError when lengths differ.
        """
        uptime_hours = np.asarray(hours, dtype=np.float64)
        found: dict[str, FloatArray] = {}
        for name in COUNTER_NAMES:
            column = np.asarray(columns.get(name, np.full(uptime_hours.shape, np.nan)), dtype=np.float64)
            if column.shape != uptime_hours.shape:
                raise ValueError(f"{name} has shape {column.shape}, hours has {uptime_hours.shape}")
            found[name] = column
        order = np.argsort(uptime_hours, kind="stable")
        return cls(hours=uptime_hours[order], **{name: column[order] for name, column in found.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class CausePart:
    """One part of the growth; `share` is its part of all that grew (0 to 1), 0 for what shrank."""

    name: str
    label: str
    growth_bytes: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFinding:
    """What the growth of a window consists of.

    `cause`: the largest part; `none` when nothing grew, `unknown` when nothing was recorded that tells.
    (`private` stands for Python, native and retained together, where their counters were not
    recorded: another process was watched, or the C library has none.)
    `parts` add up to `growth_bytes` (the growth of RSS, and of swap): the largest first.
    `summary` is one sentence, `advice` another (empty where there is none), `details` what limits
    the finding.
    """

    cause: Cause
    growth_bytes: float
    duration_hours: float
    sample_count: int
    parts: tuple[CausePart, ...]
    summary: str
    advice: str
    details: tuple[str, ...]

    def share_of(self, name: str) -> float:
        """Return the share of one part, 0.0 when it is not among the parts."""
        return next((part.share for part in self.parts if part.name == name), 0.0)
