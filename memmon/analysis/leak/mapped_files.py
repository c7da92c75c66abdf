"""Growth in mapped files: resident memory rises, and what the process can't give back does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.analysis.leak.resident import resident_slope
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.states import judge_runs
from memmon.facts.verdicts import Verdict

if TYPE_CHECKING:
    from memmon.analysis.leak.judgement import Judgement
    from memmon.history import History

MAPPED_SHARE = 0.3
"""Growth of RSS beyond that of the footprint, over the threshold, from which RSS is judged too. Chosen."""


def growth_in_mapped_files(
    history: History, judgement: Judgement, *, warm_up_hours: float, threshold_mb_per_hour: float
) -> Judgement | None:
    """Return the verdict `mapped_files` where RSS grows as a leak would beside a level footprint, else None.

    Its evidence is the footprint's, its onset that of RSS.
    """
    row = judgement.verdict.row
    if history.anon_bytes is None or row.grows or row.tone != "good":
        return None
    evidence = judgement.evidence
    resident = resident_slope(history.slice_time(evidence.from_seconds, evidence.to_seconds))
    if resident is None or resident - evidence.slope < MAPPED_SHARE * threshold_mb_per_hour:
        return None
    runs = (run_series(run, warm_up_hours=warm_up_hours, is_resident=True) for run in history.per_run())
    seen = judge_runs([run for run in runs if run is not None], threshold_mb_per_hour)
    if seen is None or seen.verdict.row.tone != "warn":
        return None
    return replace(
        judgement,
        verdict=Verdict.MAPPED_FILES,
        reason="mapped_files",
        since_hours=None,
        resident=seen.evidence,
    )
