"""What the processes of a source hold at their last samples: each by itself, and together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.assessment.process import SourceProcess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memmon.assessment.by_process import ByProcess, JudgedProcess
    from memmon.assessment.present import Present
    from memmon.history import History, HistoryRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The processes, the worst first, and the sums over those that are recorded; None: not known.

    `is_exact`: each page counts once in the sum of the footprints; else it is at most that.
    """

    processes: tuple[SourceProcess, ...]
    rss_bytes: int | None
    footprint_bytes: int | None
    is_exact: bool = True


def held_by(history: History, judged: ByProcess, present: Present, *, now: datetime | None) -> Held:
    """Return what is held: the newest readings of the only process, or the sums over those that live side by side."""
    roles = {run.run_id: run.role for run in present.runs}
    known = {run.run_id: run for run in history.runs}
    processes = tuple(
        _process(one, known[one.run_id], roles.get(one.run_id), present, now or history.last_at)
        for one in judged.processes
    )
    every = (*processes, *present.unrecorded)
    if judged.are_several:
        return summed(processes, every)
    # A history's last row is the last start's, which may have ended before the others.
    only = judged.processes[0].present if judged.processes else history
    rss = None if only.is_empty else int(only.rss_bytes[-1])
    return Held(
        processes=every,
        rss_bytes=rss if present.rss_bytes is None or len(judged.lanes) > 1 else present.rss_bytes,
        footprint_bytes=None if only.is_empty else int(only.footprint_bytes[-1]),
    )


def summed(recorded: Iterable[SourceProcess], every: tuple[SourceProcess, ...]) -> Held:
    """Return the sums over the recorded processes: by their shares of memory where all of these are known."""
    several = tuple(recorded)
    footprints = [one.footprint_bytes or 0 for one in several]
    shares = [one.pss_bytes for one in several if one.pss_bytes is not None]
    is_exact = len(shares) == len(several)
    if is_exact:
        # A share counts pages of files too, which can be taken back: the footprint does not.
        footprints = [min(own, share) for own, share in zip(footprints, shares, strict=True)]
    return Held(
        processes=every,
        rss_bytes=sum(one.rss_bytes or 0 for one in several),
        footprint_bytes=sum(footprints),
        is_exact=is_exact,
    )


def _process(
    one: JudgedProcess, run: HistoryRun, role: str | None, present: Present, at: datetime | None
) -> SourceProcess:
    samples, finding = one.present, one.finding
    footprint = int(samples.footprint_bytes[-1])
    last_at = datetime.fromtimestamp(float(samples.at_seconds[-1]), UTC)
    return SourceProcess(
        pid=run.pid,
        run_id=run.run_id,
        host=run.host,
        name=role,
        rss_bytes=int(samples.rss_bytes[-1]),
        footprint_bytes=footprint,
        pss_bytes=share_now(one.run_id, footprint, present),
        verdict=None if finding is None else finding.verdict,
        confidence=None if finding is None else finding.confidence,
        slope_mb_per_hour=None if finding is None else finding.slope_mb_per_hour,
        since=None if finding is None else finding.since,
        last_at=last_at,
        age_seconds=None if at is None else max((at - last_at).total_seconds(), 0.0),
    )


def share_now(run_id: int, footprint_bytes: int, present: Present) -> int | None:
    """Return the proportional size at the last sample: as it was read, and what has grown since, which is the process's own."""
    share = present.shares.get(run_id)
    if share is None:
        return None
    grown = 0 if share.footprint_bytes is None else footprint_bytes - share.footprint_bytes
    return max(share.pss_bytes + grown, 0)
