"""Which limit memory runs towards, and how much of it is used; values in, a value out.

The limit that kills is recorded with each snapshot: the smallest one of the control groups, else the
host's memory. Other processes use of it too.

What counts is read beside it, of the same group and in the same unit (`charged_bytes`); rows that were
written before it was read have an older measure, which is used only where the newest row has no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memmon.facts.limit_names import GIVEN, HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.store.read import RunInfo, WindowStatistics

LimitKind = Literal["recorded", "container", "host"]
Counts = Literal["charged", "used", "footprint"]
"""What counts: all that is charged, the older measure of it, or what the process can't give back."""

_SAME_SHARE = 0.01
"""Sizes that differ by less are the same. Chosen: a machine's memory as reckoned from a rounded share of it is off by less."""
_HUNDRED_PERCENT = 100.0
"""By definition: a whole in per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit and what is used of it, at the last sample."""

    limit_bytes: int
    used_bytes: int
    origin: str
    """`host`, `given`, or the control group."""
    counts: Counts = "used"
    held_elsewhere_bytes: int | None = None
    """What of it no process holds that is recorded; None: not known."""

    @property
    def is_group(self) -> bool:
        """Tell whether it is a control group's."""
        return self.origin not in {HOST, GIVEN}

    @property
    def used_percent(self) -> float:
        """Used share of the limit in percent."""
        return _HUNDRED_PERCENT * self.used_bytes / self.limit_bytes


def limit_of(
    stats: WindowStatistics, runs: Sequence[RunInfo], wanted: LimitKind | int = "recorded"
) -> Limit | None:
    """Return the limit meant, as of the window's last sample; None when nothing is known of it.

    `wanted`: `recorded`, the one in force; `container`: only a control group's; `host`: the host's memory; or
    bytes: a limit on the process's own memory, given by the operator. `runs` are those of the window, oldest first.
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
    if kind != HOST and origin is not None and origin != HOST:
        return _group_limit(stats, origin)
    if kind == "container":
        return None
    return _host_limit(stats, is_recorded=origin == HOST)


def origin_of(runs: Sequence[RunInfo]) -> str | None:
    """Return where the limit in force comes from: what the newest run that knows it has recorded."""
    return next((run.limit_origin for run in reversed(runs) if run.limit_origin), None)


def given_limit(stats: WindowStatistics, limit_bytes: int) -> Limit | None:
    """Return a limit on the process's own memory, given by the operator: what it can't give back counts."""
    rss, footprint = stats.last_rss_bytes, stats.last_footprint_bytes
    if rss is None:
        return None
    return Limit(
        limit_bytes=limit_bytes,
        used_bytes=rss if footprint is None else footprint,
        origin=GIVEN,
        counts="footprint",
    )


def _group_limit(stats: WindowStatistics, origin: str) -> Limit | None:
    limit, charged, rss = stats.last_limit_bytes, stats.last_charged_bytes, stats.last_rss_bytes
    if not limit or rss is None:
        return None
    if charged is not None:
        return _limit(limit, charged, origin=origin, counts="charged")
    used = stats.last_limit_used_bytes
    return _limit(limit, rss if used is None else used, origin=origin, counts="used")


def _host_limit(stats: WindowStatistics, *, is_recorded: bool) -> Limit | None:
    """Return the machine's memory as a limit; `is_recorded`: it is the one that was recorded, to the byte."""
    rss, charged = stats.last_rss_bytes, stats.last_charged_bytes
    recorded = stats.last_limit_bytes if is_recorded else None
    if rss is None:
        return None
    if recorded and charged is not None:
        return _limit(recorded, charged, origin=HOST, counts="charged")
    available, percent = stats.last_available_bytes, stats.last_system_percent
    if available is None or percent is None or not 0 <= percent < _HUNDRED_PERCENT:
        return None
    total = round(available / (1 - percent / _HUNDRED_PERCENT))
    if total <= 0:
        return None
    if recorded and abs(recorded - total) <= _SAME_SHARE * total and recorded >= available:
        total = recorded
    return _limit(total, total - available, origin=HOST, counts="used")


def _limit(limit_bytes: int, used_bytes: int, *, origin: str, counts: Counts) -> Limit:
    return Limit(
        limit_bytes=limit_bytes,
        used_bytes=used_bytes,
        origin=origin,
        counts=counts,
    )
