"""With which release growth began, and which one to go back to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakFinding
    from memmon.store.read import RunInfo

RELEASE_SLACK = timedelta(hours=3)
"""Growth that begins so soon after a release's first start, past the warm-up, began with it."""


def release_of(finding: LeakFinding, runs: Sequence[RunInfo]) -> str:
    """Return the release that growth began with; empty where it began with none, or nothing was released before."""
    since = finding.since
    if since is None or not finding.verdict.row.grows:
        return ""
    began: dict[str, datetime] = {}
    for run in _labelled(runs):
        began.setdefault(run.release or "", run.started_at)
    latest = max(finding.since_latest or since, since)
    names = [name for name, at in began.items() if at <= latest]
    if len(names) < 2:  # noqa: PLR2004 -- the first one has nothing to be told from
        return ""
    at = began[names[-1]]
    earliest = min(finding.since_earliest or since, since)
    return names[-1] if earliest <= at or since - at <= RELEASE_SLACK else ""


def release_before(
    release: str, runs: Sequence[RunInfo], *, leaking: Collection[str] = frozenset()
) -> str | None:
    """Return the release that ran before a release's first run, be it one that was gone back to, and is none of `leaking`.

    Empty where all of them leak; None where none has a name.
    """
    labelled = _labelled(runs)
    first = next((place for place, run in enumerate(labelled) if run.release == release), 0)
    names = [run.release for run in reversed(labelled[:first])]
    return next((name for name in names if name not in leaking), "" if names else None)


def _labelled(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """Return the runs whose release is known, by their start."""
    return sorted((run for run in runs if run.release), key=lambda one: one.started_at)
