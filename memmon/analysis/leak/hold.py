"""What was seen in the act is not taken back by a pause: the checks of earlier hours are made again, where memory then grew.

Nothing is kept for it: the history itself tells what a check said in an earlier hour, so that every reader of it says
the same. Only hours at whose end memory had grown out of a level stretch are looked at, few of them, and none where that
growth was given back, only brought back what had been before, or did not come again at the same hours of a later day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.envelope import block_starts
from memmon.analysis.leak.evidence import onset_of
from memmon.analysis.leak.hold_start import begins_level, records_of, went_on_at
from memmon.analysis.leak.hold_work import (
    Grown,
    WorkByHour,
    grows_without_work,
    is_given_back,
    is_level_beside_work,
    slows_beside_work,
    work_by_hour,
    work_pause,
)
from memmon.analysis.leak.weekday import is_surely_worked, surely_worked
from memmon.arrays import medians_of
from memmon.facts.verdicts import Verdict
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from memmon.analysis.leak.evidence import Evidence
    from memmon.analysis.leak.judgement import Judgement
    from memmon.analysis.leak.series import RunSeries

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Judge = Callable[[Sequence[RunSeries]], Judgement | None]

SPELLS_HOURS = (4, 6, 8, 10, 12, 16, 24, 36, 48, 72, 96)
"""Lengths of growth, in hours, that are looked for. Chosen: steps of a half up to four days."""
QUIET_HOURS = 2
"""Hours before growth that must be level: what grows from the start on may be a cache that fills. Chosen: two."""
LEVEL_SHARE = 0.2
"""Pace in these hours, over that of the growth, that is level. Chosen."""
IN_ACT_SHARE = 0.1
"""Part of the growth that must have come in its last quarter: what had paused before is not in the act. Chosen."""
NEW_SHARE = 0.5
"""Part of the growth that must stand above all that was before: what rises to where it was comes back. Chosen: half."""
GIVEN_BACK_SHARE = 1.0 / 3.0
"""Part of the growth that, given back, resolves it. Chosen: a third."""
UNGROWN_SHARE = 0.25
"""Part of the growth below which the same hours of a later day did not grow. Chosen."""
DAYS_BEFORE = 4
"""Days before in which growth at the same hours makes it a habit. Chosen: a weekend and a day more."""
LONGER_THAN_PAUSE = 1.25
"""A plateau, over the longest pause seen before. Chosen."""
MOST_LOOKS = 2
"""Hours that are judged again, at the most. Chosen: bounds the cost of a verdict."""
SHORTEST_WORKED_HOURS = 2
"""Hours of growth from the start on that are looked at where work is counted. Chosen: as the youngest alarm, less the warm-up."""
MOST_WORKED_LOOKS = 4
"""Hours that are judged again where work is counted. Chosen: growth that follows it comes in more pieces."""
HOURS_PER_DAY = 24
"""Hours of a day. By definition."""
APART_HOURS = 3
"""Hours between those that are judged again. Chosen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hours:
    """The floors of a run by the hour of the clock: the first hour's number since 1970, one value an hour."""

    first: int
    floors: FloatArray


def hold(
    judgement: Judgement,
    runs: Sequence[RunSeries],
    newest: RunSeries,
    threshold_mb_per_hour: float,
    judge: Judge,
    counted: RunSeries | None = None,
) -> Judgement:
    """Return the leak that checks of earlier hours saw in the act and that nothing has resolved, else `judgement`.

    What grew from the start on may be a cache that filled: of that nothing can be said until it is resolved or goes on. Where
    `counted`, the newest run by default, counted its work, the pause of that resolves nothing, and work without growth does.
    """
    if not judgement.verdict.row.may_be_pause:
        return judgement
    known = hours_of(newest)
    if known is None:
        return judgement
    counted = counted or newest
    work = work_by_hour(counted, known.first, known.floors.size)
    if known.floors.size <= (SPELLS_HOURS[0] + QUIET_HOURS if work is None else SHORTEST_WORKED_HOURS + 1):
        return judgement
    past = _Past(
        known=known,
        work=work,
        start_mb=newest.start_mb,
        started_mb=newest.started_mb,
        threshold_mb_per_hour=threshold_mb_per_hour,
    )
    for looked_at in _worth_a_look(known, threshold_mb_per_hour, work):
        if not _may_be(judgement, looked_at, threshold_mb_per_hour):
            continue
        found = _confirmed_then(past, looked_at, lambda hour: judge(_until(runs, hour)))
        if found is None or not _may_be(judgement, found[0], threshold_mb_per_hour):
            continue
        spell, seen = found
        again = None if spell.by_work else went_on_at(known.floors, spell.grown)
        until = float(newest.at_seconds[-1] if again is None else (known.first + again) * SECONDS_PER_HOUR)
        paused = max(until - seen.evidence.to_seconds, 0.0) / SECONDS_PER_HOUR
        if spell.is_late or spell.by_work:
            pause = work_pause(counted, spell.grown) if spell.by_work else None
            return replace(
                seen, reason="held", paused_hours=paused, work_pause=pause, went_on=again is not None
            )
        return replace(judgement, verdict=Verdict.CANNOT_SAY, reason="paused", paused_hours=paused)
    return judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What is known of the newest run, and what growth is judged by."""

    known: Hours
    work: WorkByHour | None
    start_mb: float | None
    started_mb: float | None
    threshold_mb_per_hour: float


def _confirmed_then(
    past: _Past, spell: Spell, judge_at: Callable[[int], Judgement | None]
) -> tuple[Spell, Judgement] | None:
    """Return the leak that two checks in a row said at the end of a spell, and the spell; None where they did not, or it is resolved."""
    known = past.known
    seen = _sure_leak(judge_at(known.first + spell.grown.hour))
    if seen is None and not spell.is_late and not spell.by_work:
        # The hour that stands highest may lie just after the growth's sharp end: worth another look where it went on.
        spell = _an_hour_less(spell, known.floors)
        if went_on_at(known.floors, spell.grown) is not None:
            seen = _sure_leak(judge_at(known.first + spell.grown.hour))
    if seen is None:
        return None
    hour = known.first + spell.grown.hour
    is_beyond = _is_beyond(known, past.start_mb, hour, seen.evidence)
    if spell.is_late and not is_beyond:
        return None
    if not spell.is_late and is_beyond:
        is_late = begins_level(known.floors, past.started_mb, spell.grown, seen.evidence)
        spell = replace(spell, is_late=is_late or went_on_at(known.floors, spell.grown) is not None)
    told = _after(past, spell, seen.evidence)
    if told is None:
        return None
    beside = (judge_at(other) for other in (hour - 1, hour + 1))
    is_confirmed = any(one is not None and one.verdict is Verdict.LEAKING for one in beside)
    return (told, seen) if is_confirmed else None


def _an_hour_less(spell: Spell, floors: FloatArray) -> Spell:
    """Return the growth of a spell until the hour before its last."""
    grown = spell.grown
    last, begun = grown.hour - 1, grown.hour - grown.hours
    shorter = replace(grown, hour=last, hours=grown.hours - 1, mb=float(floors[last] - floors[begun]))
    return replace(spell, grown=shorter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Growth that a check may have seen; `is_late`: it began out of a level stretch, or went on after one, else with the run."""

    grown: Grown
    is_late: bool

    @property
    def by_work(self) -> bool:
        """Work was done while it grew, so that as much of it resolves it, and tells a cache that filled."""
        return self.grown.units > 0


def _may_be(judgement: Judgement, spell: Spell, threshold_mb_per_hour: float) -> bool:
    """Tell whether a verdict may hide that growth pauses: beside time, growth that is surely slower is no pause.

    Of what grew from the start on, that it pauses is told in place of a calm word, or where nothing grows for sure now.
    """
    if spell.by_work:
        return True
    if not spell.is_late:
        return judgement.verdict.row.needs_all_parts or judgement.evidence.low <= 0
    return judgement.verdict is not Verdict.GROWING or judgement.evidence.high >= threshold_mb_per_hour


def _after(past: _Past, spell: Spell, evidence: Evidence) -> Spell | None:
    """Return a spell as it is to be told of, None where what came after it resolves it.

    Growth that slows down at its work, or goes on without it, is none of the work: of that the hours tell.
    """
    if past.work is None or not spell.by_work:
        return spell
    floors, work, grown = past.known.floors, past.work, spell.grown
    widest = 0.0 if evidence.trend is None else evidence.trend.widest_mb
    if is_given_back(floors, grown, GIVEN_BACK_SHARE):
        return None
    if is_level_beside_work(floors, work, grown, past.threshold_mb_per_hour, widest):
        return None
    if not grows_without_work(floors, work, grown, widest) and not slows_beside_work(
        floors, work, grown, widest
    ):
        return spell
    if _is_resolved(past.known, grown.hour, grown.mb, grown.hours, by_hours=True):
        return None
    return replace(spell, grown=replace(grown, units=0.0))


def _sure_leak(seen: Judgement | None) -> Judgement | None:
    """Return what an earlier check saw where that was a leak, and growth for sure; else None."""
    is_sure = seen is not None and seen.verdict is Verdict.LEAKING and seen.evidence.low > 0
    return seen if is_sure else None


def _until(runs: Sequence[RunSeries], hour: int) -> list[RunSeries]:
    """Return what was known of the runs at the end of an hour of the clock."""
    end = (hour + 1) * SECONDS_PER_HOUR
    cuts = ((run, int(np.searchsorted(run.at_seconds, end))) for run in runs)
    return [run.until(cut) for run, cut in cuts if cut > 1]


def hours_of(run: RunSeries) -> Hours | None:
    """Return the floor of each hour of a run, those without a sample as the one before; None where the clock went back."""
    number = np.floor(run.at_seconds / SECONDS_PER_HOUR).astype(np.int64)
    steps = np.diff(number)
    if int(steps.min(initial=0)) < 0:
        return None
    starts = block_starts(number)
    lowest, at = np.minimum.reduceat(run.mb, starts), number[starts] - number[0]
    return Hours(first=int(number[0]), floors=np.repeat(lowest, np.diff(np.append(at, at[-1] + 1))))


def _is_beyond(known: Hours, start_mb: float | None, hour: int, evidence: Evidence) -> bool:
    """Tell whether growth seen until an hour of the clock had left behind what memory held before it began.

    `start_mb`: what it held in the warm-up, which is known no closer.
    """
    run = evidence.series
    begun = float(np.interp(onset_of(evidence).hours, run.hours, run.at_seconds))
    before = known.floors[: max(int(begun // SECONDS_PER_HOUR) - known.first, 1)]
    highest = max(float(before.max()), -math.inf if start_mb is None else start_mb)
    grown_mb = evidence.slope * (evidence.to_seconds - begun) / SECONDS_PER_HOUR
    return float(known.floors[hour - known.first]) - highest >= NEW_SHARE * grown_mb


def _worth_a_look(known: Hours, threshold_mb_per_hour: float, work: WorkByHour | None) -> Iterator[Spell]:
    """Yield the growth that checks may have seen and that nothing resolved, the likeliest first."""
    grown, spell = _grown(known.floors, threshold_mb_per_hour)
    shortest = SPELLS_HOURS[0] if work is None else SHORTEST_WORKED_HOURS
    from_start, since_start = _grown_from_start(known.floors, threshold_mb_per_hour, shortest)
    most = MOST_LOOKS if work is None else MOST_WORKED_LOOKS
    for is_late, sizes, lengths in ((True, grown, spell), (False, from_start, since_start)):
        taken: list[int] = []
        for hour in np.argsort(threshold_mb_per_hour * lengths - sizes, kind="stable").tolist():
            if len(taken) >= most or not sizes[hour] > 0:
                break
            if any(abs(hour - other) < APART_HOURS for other in taken):
                continue
            mb, spell_hours = float(sizes[hour]), int(lengths[hour])
            units = 0.0 if work is None else work.made(hour, spell_hours)
            if not _is_resolved(known, hour, mb, spell_hours, by_hours=not units > 0):
                taken.append(hour)
                seen = Grown(hour=hour, mb=mb, hours=spell_hours, units=units)
                yield Spell(grown=seen, is_late=is_late)


def _grown_from_start(
    floors: FloatArray, threshold_mb_per_hour: float, shortest_hours: int
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return for each hour of the first day by how much memory had grown since the start (0: not), and its number."""
    spell = np.arange(floors.size, dtype=np.int64)
    grown = floors - floors[0]
    lately = floors - floors[spell - np.minimum(np.maximum(spell // 4, 1), spell)]
    enough = (grown >= threshold_mb_per_hour * spell) & (lately >= IN_ACT_SHARE * grown)
    enough &= (spell >= shortest_hours) & (spell <= HOURS_PER_DAY) & (spell < floors.size - 1)
    return np.where(enough, grown, 0.0), np.where(enough, spell, 0)


def _grown(floors: FloatArray, threshold_mb_per_hour: float) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return for each hour by how much memory had grown out of a level stretch (0: not), and in how many hours.

    The last hour is left out: of that the present verdict speaks.
    """
    n = floors.size
    grown, spell = np.zeros(n), np.zeros(n, dtype=np.int64)
    for hours in SPELLS_HOURS:
        ahead = hours + QUIET_HOURS
        if n <= ahead:
            break
        rise = floors[ahead:] - floors[QUIET_HOURS:-hours]
        before = floors[QUIET_HOURS:-hours] - floors[: n - ahead]
        lately = floors[ahead:] - floors[ahead - hours // 4 : n - hours // 4]
        enough = (rise >= threshold_mb_per_hour * hours) & (
            before * hours <= LEVEL_SHARE * rise * QUIET_HOURS
        )
        enough &= lately >= IN_ACT_SHARE * rise
        beyond = grown[ahead:] - threshold_mb_per_hour * spell[ahead:]
        better = enough & (rise - threshold_mb_per_hour * hours > beyond)
        grown[ahead:][better], spell[ahead:][better] = rise[better], hours
    grown[-1], spell[-1] = 0.0, 0
    return grown, spell


def _is_resolved(known: Hours, hour: int, grown_mb: float, spell_hours: int, *, by_hours: bool) -> bool:
    """Tell whether growth until an hour was given back since, or (`by_hours`) did not come again when it could have."""
    floors = known.floors
    after = floors[hour:]
    if after.size > 2:  # noqa: PLR2004 - the middle of three
        levels = medians_of(np.lib.stride_tricks.sliding_window_view(after, 3))
        if float(levels.min()) < floors[hour] - GIVEN_BACK_SHARE * grown_mb:
            return True
    elif float(after.max()) < floors[hour] - GIVEN_BACK_SHARE * grown_mb:
        return True
    if not by_hours:
        return False
    records = records_of(floors[: hour + 1], grown_mb)
    return any(
        _is_level(known, hour, later, grown_mb, spell_hours)
        for later in _long_after(known, hour, records, spell_hours)
    )


def _long_after(known: Hours, hour: int, records: NDArray[np.int64], spell_hours: int) -> list[int]:
    """Return the hours since an hour that lie far enough from it: a day, and further than any pause between `records` before.

    Further in time, or in hours that are surely worked: what grows at work pauses over a weekend in time alone. Of growth
    that lasted for a day any hour will do, of shorter growth the same one of a later day.
    """
    step = 1 if spell_hours >= HOURS_PER_DAY else HOURS_PER_DAY
    later = np.arange(HOURS_PER_DAY, known.floors.size - hour, step)
    is_far = later >= LONGER_THAN_PAUSE * np.diff(records).max(initial=0)
    worked = np.cumsum(surely_worked(known.first, known.floors.size))
    longest = LONGER_THAN_PAUSE * np.diff(worked[records]).max(initial=0)
    is_far |= worked[hour + later] - worked[hour] > longest
    return [int(one) for one in later[is_far]]


def _grew_in(known: Hours, hour: int, spell_hours: int) -> float | None:
    """Return by how much memory grew in the hours of a day up to `hour`; None where they are not all known."""
    begin = hour - min(spell_hours, HOURS_PER_DAY)
    return None if begin < 0 else float(known.floors[hour] - known.floors[begin])


def _is_level(known: Hours, hour: int, later: int, grown_mb: float, spell_hours: int) -> bool:
    """Tell whether memory did not grow in the hours of a later day in which it had.

    Of what grew on several days that must be a day that was surely worked.
    """
    grown = _grew_in(known, hour + later, spell_hours)
    if grown is None or grown > UNGROWN_SHARE * grown_mb:
        return False
    before = (_grew_in(known, hour - HOURS_PER_DAY * days, spell_hours) for days in range(1, DAYS_BEFORE + 1))
    if not any(one is not None and one > UNGROWN_SHARE * grown_mb for one in before):
        return True
    last = known.first + hour + later
    return is_surely_worked(last - min(spell_hours, HOURS_PER_DAY), last)
