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

from memmon.analysis.compare.figures import level_pair, slope_alone, slope_pair
from memmon.analysis.compare.finding import COMPARE_WORDS, CompareVerdict, Comparison, ReleaseEstimate
from memmon.analysis.compare.runs import WARM_UP_HOURS, comparable_runs
from memmon.analysis.compare.wording import details_of, summary_of
from memmon.units import SECONDS_PER_HOUR

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
        before=_release(before_name, before, runs.before, slope_a, level_a),
        after=_release(after_name, after, runs.after, slope_b, level_b),
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


def _release(
    name: str, side: Sequence[History], used: Sequence[ComparedRun], slope: _Bounded, level: _Bounded | None
) -> ReleaseEstimate:
    plateau, plateau_low, plateau_high = level or (None, None, None)
    return replace(
        _unjudged(name, side, used),
        slope_mb_per_hour=slope[0],
        slope_low_mb_per_hour=slope[1],
        slope_high_mb_per_hour=slope[2],
        plateau_mb=plateau,
        plateau_low_mb=plateau_low,
        plateau_high_mb=plateau_high,
    )


def _unjudged(name: str, side: Sequence[History], used: Sequence[ComparedRun]) -> ReleaseEstimate:
    """Return what there is of a release: its runs, without the first hour of each."""
    hours = tuple(max(float(run.uptime_seconds[-1]) / SECONDS_PER_HOUR - _start_of(run), 0.0) for run in side)
    return ReleaseEstimate(
        release=name,
        run_count=len(side),
        used_run_count=len(used),
        sample_count=sum(run.sample_count for run in used) if used else sum(len(run) for run in side),
        run_hours=hours,
        hours=sum(hours),
    )


def _start_of(run: History) -> float:
    """Return the uptime (hours) from which on a run is looked at."""
    return max(float(run.uptime_seconds[0]) / SECONDS_PER_HOUR, WARM_UP_HOURS)


def _alone(
    name: str, side: Sequence[History], used: Sequence[ComparedRun], runs: Comparable
) -> ReleaseEstimate:
    """Return what one release does by itself, where the other has nothing to compare it with."""
    if not used:
        return _unjudged(name, side, used)
    slope = slope_alone(runs, used)
    return _release(name, side, used, (slope.before.mean, *slope.bounds(slope.before)), None)


def _cannot_say(
    before: tuple[str, list[History]], after: tuple[str, list[History]], source: str, runs: Comparable
) -> Comparison:
    empty = [_alone(*before, runs.before, runs), _alone(*after, runs.after, runs)]
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
