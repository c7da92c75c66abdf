"""Which limit memory runs towards, and how much of it is used; values in, a value out.

The limit that kills is recorded with each snapshot: the smallest one of the control groups, else the
host's memory. Other processes use of it too, so that the process itself may grow by the headroom
only: `rss_at_limit_bytes` is what its resident memory will be then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.store.read import RunInfo, WindowStatistics

LimitKind = Literal["recorded", "container", "host"]
HOST = "host"
_HUNDRED_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit and what is used of it, at the last sample."""

    limit_bytes: int
    used_bytes: int
    rss_at_limit_bytes: int
    """Resident memory of the process at which the limit is reached, all else staying as it is."""
    origin: str
    """`host`, `given`, or the control group."""

    @property
    def used_percent(self) -> float:
        """Used share of the limit in percent."""
        return _HUNDRED_PERCENT * self.used_bytes / self.limit_bytes


def limit_of(
    stats: WindowStatistics, runs: Sequence[RunInfo], wanted: LimitKind | int = "recorded"
) -> Limit | None:
    """Return the limit meant, as of the window's last sample; None when nothing is known of it.

    `wanted`: `recorded`, the one in force; `container`: only a control group's; `host`: the host's memory; or
    bytes: a limit on the resident memory itself, given by the operator. `runs` are those of the window, oldest first.
    """
    if isinstance(wanted, int):
        return given_limit(stats, wanted)
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


def given_limit(stats: WindowStatistics, limit_bytes: int) -> Limit | None:
    """Return a limit on the resident memory itself, given by the operator."""
    rss_bytes = stats.last_rss_bytes
    if rss_bytes is None:
        return None
    return Limit(
        limit_bytes=limit_bytes, used_bytes=rss_bytes, rss_at_limit_bytes=limit_bytes, origin="given"
    )


def _group_limit(stats: WindowStatistics, origin: str) -> Limit | None:
    limit, used, rss = stats.last_limit_bytes, stats.last_limit_used_bytes, stats.last_rss_bytes
    if not limit or rss is None:
        return None
    used = rss if used is None else used
    return Limit(
        limit_bytes=limit, used_bytes=used, rss_at_limit_bytes=max(rss + limit - used, 1), origin=origin
    )


def _host_limit(stats: WindowStatistics) -> Limit | None:
    rss, available = stats.last_rss_bytes, stats.last_available_bytes
    percent = stats.last_system_percent
    if rss is None or available is None or percent is None or not 0 <= percent < _HUNDRED_PERCENT:
        return None
    total = round(available / (1 - percent / _HUNDRED_PERCENT))
    if total <= 0:
        return None
    return Limit(
        limit_bytes=total, used_bytes=total - available, rss_at_limit_bytes=rss + available, origin=HOST
    )
