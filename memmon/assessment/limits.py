"""Which limit memory runs towards, and how much of it is used; values in, a value out.

The limit that kills is recorded with each snapshot: the smallest one of the control groups, else the
host's memory. Other processes use of it too: what is used is what the kernel charges, where that was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.forecast.quantity import Counts
    from memmon.store.read import RunInfo, WindowStatistics

LimitKind = Literal["recorded", "container", "host"]
HOST = "host"
_HUNDRED_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit and what is used of it, at the last sample."""

    limit_bytes: int
    used_bytes: int
    origin: str
    """`host`, `given`, or the control group."""
    counts: Counts = "footprint"
    """What `used_bytes` is the last of: what the kernel charges, else the process's footprint and what else counts."""

    @property
    def used_percent(self) -> float:
        """Used share of the limit in percent."""
        return _HUNDRED_PERCENT * self.used_bytes / self.limit_bytes


def limit_of(
    stats: WindowStatistics,
    runs: Sequence[RunInfo],
    wanted: LimitKind | int = "recorded",
    *,
    footprint_bytes: int | None = None,
) -> Limit | None:
    """Return the limit meant, as of the window's last sample; None when nothing is known of it.

    `wanted`: `recorded`, the one in force; `container`: only a control group's; `host`: the host's memory; or
    bytes: a limit on the process's own memory, given by the operator. `runs` are those of the window, oldest first;
    `footprint_bytes`: what the process holds now, where that is known better than by its resident memory.
    """
    if isinstance(wanted, int):
        return given_limit(stats.last_rss_bytes if footprint_bytes is None else footprint_bytes, wanted)
    return recorded_limit(stats, runs, kind=wanted)


def recorded_limit(
    stats: WindowStatistics, runs: Sequence[RunInfo], *, kind: LimitKind = "recorded"
) -> Limit | None:
    """Return the limit at the window's last sample; None when it was not recorded.

    `recorded`: the one in force; `container`: only a control group's; `host`: the host's memory.
    """
    origin = origin_of(runs)
    in_group = origin is not None and origin != HOST
    if kind != HOST and in_group:
        return _group_limit(stats, str(origin))
    return None if kind == "container" else _host_limit(stats)


def origin_of(runs: Sequence[RunInfo]) -> str | None:
    """Return where the limit in force comes from: what the newest run that knows it has recorded."""
    return next((run.limit_origin for run in reversed(runs) if run.limit_origin), None)


def given_limit(held_bytes: int | None, limit_bytes: int) -> Limit | None:
    """Return a limit on the process's own memory, given by the operator; None where nothing is known of that."""
    if held_bytes is None:
        return None
    return Limit(limit_bytes=limit_bytes, used_bytes=held_bytes, origin="given")


def _group_limit(stats: WindowStatistics, origin: str) -> Limit | None:
    limit, used, rss = stats.last_limit_bytes, stats.last_limit_used_bytes, stats.last_rss_bytes
    if not limit or rss is None:
        return None
    return Limit(limit_bytes=limit, used_bytes=rss if used is None else used, origin=origin)


def _host_limit(stats: WindowStatistics) -> Limit | None:
    rss, available = stats.last_rss_bytes, stats.last_available_bytes
    percent = stats.last_system_percent
    if rss is None or available is None or percent is None or not 0 <= percent < _HUNDRED_PERCENT:
        return None
    total = round(available / (1 - percent / _HUNDRED_PERCENT))
    if total <= 0:
        return None
    return Limit(limit_bytes=total, used_bytes=total - available, origin=HOST)
