"""The 24-hour report on what a program holds, with what the store adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.analysis.leak.detect import LeakPolicy
from memmon.child.requests import ReportRendered
from memmon.errors import MemmonError
from memmon.report.from_snapshots import NOTHING_STORED, judge_snapshots, report_from_snapshots
from memmon.report.text import render_text
from memmon.tasks.held import held_snapshots

if TYPE_CHECKING:
    from memmon.child.requests import RenderReport
    from memmon.report.data import StoredSections


def render_report(request: RenderReport) -> ReportRendered:
    """Judge and render."""
    snapshots = held_snapshots(request.snapshots)
    policy = LeakPolicy(threshold_mb_per_hour=request.threshold_mb_per_hour)
    built = report_from_snapshots(
        snapshots,
        request.deques,
        source=request.source,
        now=request.now,
        finding=judge_snapshots(
            snapshots,
            request.deques,
            policy=policy,
            source=request.source,
            counters=request.snapshots.counters,
        ),
        threshold_mb_per_hour=request.threshold_mb_per_hour,
        stored=_stored_sections(request),
    )
    return ReportRendered(text=render_text(built))


def _stored_sections(request: RenderReport) -> StoredSections:
    """Return what the store adds to the report; nothing when it can't be read (the report comes anyway)."""
    try:
        from memmon.report.build import stored_sections
        from memmon.store.read import open_store

        with open_store(request.database) as store:
            return stored_sections(store, request.source, now=request.now)
    except MemmonError:
        return NOTHING_STORED
