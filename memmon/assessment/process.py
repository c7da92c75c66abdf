"""One process of a source, as it is told of."""

from __future__ import annotations

# ruff: noqa: TC003 -- the JSON Schema is made from these annotations
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from memmon.facts.verdicts import Confidence, Verdict
from memmon.formatting import rate, shown, size
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_NAMED = 4
"""Processes that one sentence names, at most. Chosen: what fits a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProcess:
    """One process of a source at its last sample; sizes in bytes, times aware, None: not known.

    `run_id`: its newest run; None where it is not recorded (`is_recorded`): then only who it is and what it holds is
    known. `footprint_bytes`: what it can't give back; `pss_bytes`: its share of resident memory, pages that several
    processes share divided among them. `verdict`, `confidence`, `slope_mb_per_hour`, `since`: its own, over its runs.
    """

    pid: int | None
    run_id: int | None = None
    host: str | None = None
    name: str | None = None
    is_recorded: bool = True
    rss_bytes: int | None = None
    footprint_bytes: int | None = None
    pss_bytes: int | None = None
    verdict: Verdict | None = None
    confidence: Confidence | None = None
    slope_mb_per_hour: float | None = None
    since: datetime | None = None
    last_at: datetime | None = None
    age_seconds: float | None = None

    def __post_init__(self) -> None:
        """Take a verdict that was given as plain text, as from JSON."""
        if self.verdict is not None:
            object.__setattr__(self, "verdict", Verdict(self.verdict))
        if self.confidence is not None:
            object.__setattr__(self, "confidence", Confidence(self.confidence))

    @property
    def label(self) -> str:
        """How a sentence names it."""
        who = f"run {self.run_id}" if self.pid is None else f"pid {self.pid}"
        return who if self.name is None else f"{who} ({shown(self.name)})"

    @property
    def held_bytes(self) -> int | None:
        """What it holds: what it can't give back, or of one that nobody records its share of memory; else what is resident."""
        best = self.footprint_bytes if self.is_recorded else self.pss_bytes
        return self.rss_bytes if best is None else best

    @property
    def words(self) -> str:
        """What is said of it: how much it holds, how fast that grows, and the verdict."""
        held = self.held_bytes
        said = [size(None if held is None else mb_from_bytes(held))]
        if not self.is_recorded:
            said.append("not recorded")
        if self.slope_mb_per_hour is not None:
            said.append(rate(self.slope_mb_per_hour))
        if self.verdict is not None:
            said.append(self.verdict.words)
        return ", ".join(said)


def labels(processes: Sequence[SourceProcess]) -> tuple[str, ...]:
    """Return how each is named: with its host where there are several."""
    hosts = {one.host for one in processes if one.host}
    return tuple(
        f"{one.label} on {shown(one.host)}" if len(hosts) > 1 and one.host else one.label for one in processes
    )


def lines_of(processes: Sequence[SourceProcess]) -> tuple[str, ...]:
    """Return a line for each: who it is, and what is said of it."""
    return tuple(f"{name}: {one.words}" for name, one in zip(labels(processes), processes, strict=True))


def also_leaking(processes: Sequence[SourceProcess], run_id: int | None) -> str:
    """Return which leak beside that of `run_id`, in a clause; empty where none does."""
    leaking = [
        f"{name} ({rate(one.slope_mb_per_hour)})"
        for name, one in zip(labels(processes), processes, strict=True)
        if one.verdict is Verdict.LEAKING and one.run_id != run_id
    ]
    if not leaking:
        return ""
    more = len(leaking) - MOST_NAMED
    *first, last = [*leaking[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    who = f"{', '.join(first)} and {last}" if first else last
    return f"; {who} {'leaks' if len(leaking) == 1 else 'leak'} too"


def together_sentence(
    processes: Sequence[SourceProcess], footprint_bytes: int | None, *, is_exact: bool
) -> str:
    """Return what several processes hold together of what they can't give back; empty of a single one."""
    if len(processes) < 2 or footprint_bytes is None:  # noqa: PLR2004 -- one holds what it holds
        return ""
    most = "" if is_exact else "at most "
    why = "" if is_exact else " (pages that they share count in each of them)"
    return f"{len(processes)} processes hold {most}{size(mb_from_bytes(footprint_bytes))} together that they can't give back{why}."
