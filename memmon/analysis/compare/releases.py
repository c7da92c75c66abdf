"""Two releases compared: fixed, worse, or no difference.

Each run gives a robust trend and a settled level of its lower envelope, with errors that allow for
autocorrelated noise (`memmon.analysis.stats.noise`); the runs of a release are pooled. How much runs of one
release differ among themselves is estimated from both releases together and held up by what restarts
of one and the same program usually differ by, as few restarts tell little (a moderated variance:
Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004) 3).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from memmon.analysis.compare.figures import level_pair, slope_pair
from memmon.analysis.compare.finding import COMPARE_WORDS, CompareVerdict, Comparison, ReleaseEstimate
from memmon.analysis.compare.runs import comparable_runs
from memmon.analysis.compare.wording import details_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.analysis.compare.figures import Pair
    from memmon.analysis.compare.runs import Comparable, ComparedRun
    from memmon.history import History

    _Bounded = tuple[float, float, float]

__all__ = [
    "COMPARE_WORDS",
    "CompareVerdict",
    "Comparison",
    "ReleaseEstimate",
    "compare_histories",
    "compare_releases",
]


def compare_releases(history: History, before: str, after: str) -> Comparison:
    """Compare the runs of two releases in one history.

    Raises ValueError when no run has that release: the message lists those that there are.
    """
    return _compare(_of_release(history, before), _of_release(history, after), before, after)


def compare_histories(
    before: History, after: History, *, before_name: str = "before", after_name: str = "after"
) -> Comparison:
    """Compare two histories, each with the runs of one release.

    Never raises for lack of data: then the verdict is `cannot_say`.
    """
    return _compare(list(before.per_run()), list(after.per_run()), before_name, after_name)


def _compare(before: list[History], after: list[History], before_name: str, after_name: str) -> Comparison:
    runs = comparable_runs(before, after)
    source = next((run.source for run in (*before, *after)), "")
    if not runs.before or not runs.after:
        return _cannot_say((before_name, before), (after_name, after), source, runs)
    slope = slope_pair(runs)
    level = level_pair(runs)
    verdict, decided_by = _verdict(slope, level)
    (slope_a, slope_b), (level_a, level_b) = _releases(slope), _releases(level)
    found = Comparison(
        before=_release(before_name, runs.before, slope_a, level_a),
        after=_release(after_name, runs.after, slope_b, level_b),
        verdict=verdict,
        decided_by=decided_by,
        compared_hours=runs.horizon_hours,
        slope_change_mb_per_hour=slope.change,
        slope_change_low_mb_per_hour=slope.change - slope.reach,
        slope_change_high_mb_per_hour=slope.change + slope.reach,
        plateau_change_mb=level.change,
        plateau_change_low_mb=level.change - level.reach,
        plateau_change_high_mb=level.change + level.reach,
        smallest_visible_slope_mb_per_hour=slope.smallest_visible,
        smallest_visible_plateau_mb=level.smallest_visible,
        summary="",
        source=source,
    )
    return replace(
        found, summary=summary_of(found), details=details_of(found, took_out_day=runs.cycle_terms > 0)
    )


def _verdict(slope: Pair, level: Pair) -> tuple[CompareVerdict, Literal["slope", "plateau"] | None]:
    """Growth decides; with equal growth the plateau does."""
    for pair, name in ((slope, "slope"), (level, "plateau")):
        if pair.is_certain:
            return ("worse" if pair.change > 0 else "looks_fixed"), name  # type: ignore[return-value] # the two names
    return "no_difference", None


def _releases(pair: Pair) -> tuple[_Bounded, _Bounded]:
    return tuple((one.mean, *pair.bounds(one)) for one in (pair.before, pair.after))  # type: ignore[return-value] # two


def _release(name: str, runs: Sequence[ComparedRun], slope: _Bounded, level: _Bounded) -> ReleaseEstimate:
    return ReleaseEstimate(
        release=name,
        run_count=len(runs),
        sample_count=sum(run.sample_count for run in runs),
        hours=sum(run.hours for run in runs),
        slope_mb_per_hour=slope[0],
        slope_low_mb_per_hour=slope[1],
        slope_high_mb_per_hour=slope[2],
        plateau_mb=level[0],
        plateau_low_mb=level[1],
        plateau_high_mb=level[2],
    )


def _cannot_say(
    before: tuple[str, list[History]], after: tuple[str, list[History]], source: str, runs: Comparable
) -> Comparison:
    empty = [
        ReleaseEstimate(
            release=name,
            run_count=len(kept),
            sample_count=sum(len(run) for run in side),
            hours=sum(run.duration_hours for run in side),
        )
        for (name, side), kept in ((before, runs.before), (after, runs.after))
    ]
    found = Comparison(
        before=empty[0],
        after=empty[1],
        verdict="cannot_say",
        decided_by=None,
        compared_hours=runs.horizon_hours,
        slope_change_mb_per_hour=None,
        slope_change_low_mb_per_hour=None,
        slope_change_high_mb_per_hour=None,
        plateau_change_mb=None,
        plateau_change_low_mb=None,
        plateau_change_high_mb=None,
        smallest_visible_slope_mb_per_hour=None,
        smallest_visible_plateau_mb=None,
        summary="",
        source=source,
    )
    return replace(found, summary=summary_of(found), details=details_of(found, took_out_day=False))


def _of_release(history: History, release: str) -> list[History]:
    """Return the runs of one release."""
    found = [run for run in history.per_run() if run.runs and run.runs[0].release == release]
    if not found:
        known = (
            ", ".join(dict.fromkeys(run.release for run in history.runs if run.release))
            or "none was recorded"
        )
        raise ValueError(f"no run of release {release!r}; known releases: {known}")
    return found
