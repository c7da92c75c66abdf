"""A word that lasts: one that says no leak changes when the checks of fixed hours have said another one twice.

A verdict near the edge between two words falls now on this side and now on the other. So the checks of fixed hours of the
clock are made again, each on as many hours before it, and the newest word that two of them in a row agree on stands:
every reader of a history comes to the same one, and nothing is kept for it. In the first day these checks lie closer.
Leaks are told at once, and no calm word stands where memory is higher than ever, or grows about as fast as a leak.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.hold import hours_of
from memmon.facts.verdicts import Verdict
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memmon.analysis.leak.hold import Judge
    from memmon.analysis.leak.judgement import Judgement
    from memmon.analysis.leak.series import RunSeries

EVERY_HOURS = 12
"""Hours of the clock (since 1970) at which words may change. Tuned on simulated histories and a real set."""
MOST_CHECKS = 4
"""Checks that are made again, at the most. Chosen: two days."""
SEEN_HOURS = 120
"""Hours that each of them sees: all of them lie within the week that a verdict looks back. Chosen."""
LEAST_HOURS = 8.0
"""Hours of history that such a check needs. Tuned with the hours between them."""
THAT_AGREE = 2
"""Checks in a row that make a word. Tuned with the hours between them."""
YOUNG_EVERY_HOURS = 3
"""The same until `YOUNG_HOURS`. Tuned on pods, machines and simulated histories: 6 changes more often there."""
YOUNG_LEAST_HOURS = 2.0
"""Hours of history that a check then needs. Chosen: the shortest history that is judged."""
YOUNG_HOURS = 24.0
"""Hours until which a history is young: from then on there are two checks of every twelve hours. By definition."""
FIRST_DAY_HOURS = 27.0
"""Hours until which the last check is enough, where the newest readings say the same. Chosen: a day and a check."""
AT_ONCE_SHARE = 0.5
"""Slope, over the threshold, from which no calm word stands beside one that is not. Chosen: a half."""
AT_ONCE_ERRORS = 1.5
"""Slope over its standard error from which that holds where there is no growth for sure. Chosen: as the alarm asks for."""
HIGH_HOURS = 6
"""Hours for which memory must have been higher than before. Chosen."""
PLATEAU = "since plateau"
"""The stretch of a level after growth that ended."""
LONG_LEVEL_SHARE = 0.7
"""Last part of a run by which a history is level whose beginning makes it too noisy. Chosen: most of it."""
RESTS_ON_EARLIER = frozenset({"held", "paused"})
"""Reasons that rest on earlier checks already."""


def settled(
    judgement: Judgement,
    runs: Sequence[RunSeries],
    newest: RunSeries,
    threshold_mb_per_hour: float,
    judge: Judge,
) -> Judgement:
    """Return the judgement whose word has lasted; the present one where its word has, or nothing has."""
    if not judgement.verdict.row.lasts or judgement.reason in RESTS_ON_EARLIER:
        return judgement
    looks: list[Judgement] = []
    coming = _looks(runs, newest, judge)
    for look in coming:
        looks.append(look)
        last = looks[-THAT_AGREE:]
        if len(last) == THAT_AGREE and len({one.verdict for one in last}) == 1:
            break
    else:
        if len(looks) < THAT_AGREE:
            return judgement
        look = _commonest(looks)
    is_doubted = _is_calm(look.verdict) and _doubts_calm(judgement, newest, threshold_mb_per_hour)
    return judgement if is_doubted else _standing(judgement, look, chain(looks, coming), newest)


def _commonest(looks: Sequence[Judgement]) -> Judgement:
    """Return the commonest of checks that do not agree; while they are few, a calm one before one that said nothing."""
    if len(looks) < MOST_CHECKS:
        looks = [one for one in looks if one.verdict.row.tone == "good"] or looks
    most = Counter(one.verdict for one in looks).most_common(1)[0][0]
    return next(one for one in looks if one.verdict is most)


def _is_calm(verdict: Verdict) -> bool:
    return verdict.row.tone == "good" or verdict.row.ends


def _doubts_calm(judgement: Judgement, newest: RunSeries, threshold_mb_per_hour: float) -> bool:
    """Tell whether no calm word may stand beside a judgement: of what may become a leak nobody waits to be told."""
    if _is_calm(judgement.verdict):
        return False
    return _may_leak(judgement, threshold_mb_per_hour) or _is_higher_than_ever(newest)


def _may_leak(judgement: Judgement, threshold_mb_per_hour: float) -> bool:
    """Tell whether memory grows about as fast as a leak, and not by chance.

    Its interval is no matter here: that of growth reaches far in one hour and not in the next.
    """
    evidence = judgement.evidence
    is_chance = evidence.low <= 0 and evidence.slope < AT_ONCE_ERRORS * evidence.error
    return evidence.slope >= AT_ONCE_SHARE * threshold_mb_per_hour and not is_chance


def _is_higher_than_ever(run: RunSeries) -> bool:
    """Tell whether memory has been above all that was before for some hours: what begins to leak has."""
    known = hours_of(run)
    if known is None or known.floors.size < 2 * EVERY_HOURS:
        return False
    return float(known.floors[-HIGH_HOURS:].min()) > float(known.floors[:-EVERY_HOURS].max())


def _standing(
    judgement: Judgement, look: Judgement, looks: Iterator[Judgement], newest: RunSeries
) -> Judgement:
    """Return what `look` said, that two checks agree on, unless the present word of a young history need not wait for them."""
    is_said = look.verdict is judgement.verdict or _is_said_young(judgement, look, looks, newest)
    return judgement if is_said else replace(look, instead_of=judgement.verdict)


def _is_said_young(
    judgement: Judgement, look: Judgement, looks: Iterator[Judgement], newest: RunSeries
) -> bool:
    """Tell whether a young history need not wait for two checks; `looks`: all of them, the newest first.

    In the first day the last check is enough, and a warm-up that is over is told; a first word waits for one check, a level
    that is most of the history for none.
    """
    if newest.history_hours >= FIRST_DAY_HOURS:
        return False
    said = judgement.verdict
    is_over = look.verdict.row.ends and said.row.tone == "good"
    has_hurry = look.verdict.row.tone != "good" or said is Verdict.CANNOT_SAY
    last = next(looks)
    if is_over or (last.verdict is said and has_hurry):
        return True
    if look.verdict is Verdict.CANNOT_SAY and _is_long_level(judgement, newest):
        return True
    return look.verdict is Verdict.CANNOT_SAY and any(one.verdict is said for one in looks)


def _is_long_level(judgement: Judgement, newest: RunSeries) -> bool:
    """Tell whether a level is seen for most of what is known: then it has lasted by itself."""
    evidence = judgement.evidence
    is_level = judgement.verdict is Verdict.STABLE and evidence.kind == PLATEAU
    return is_level and evidence.hours >= LONG_LEVEL_SHARE * newest.history_hours


def _looks(runs: Sequence[RunSeries], newest: RunSeries, judge: Judge) -> Iterator[Judgement]:
    """Yield what checks at fixed hours of the clock said that was no leak, the newest first."""
    is_young = newest.history_hours < YOUNG_HOURS
    every, least_hours = (YOUNG_EVERY_HOURS, YOUNG_LEAST_HOURS) if is_young else (EVERY_HOURS, LEAST_HOURS)
    end = int(np.floor(newest.at_seconds[-1] / SECONDS_PER_HOUR)) // every * every
    for hour in range(end, end - MOST_CHECKS * every, -every):
        first, last = (hour - SEEN_HOURS) * SECONDS_PER_HOUR, hour * SECONDS_PER_HOUR
        if last - newest.first_at_seconds < least_hours * SECONDS_PER_HOUR:
            return
        look = judge([part for run in runs if (part := run.between(first, last)) is not None])
        if look is not None and look.verdict is not Verdict.LEAKING:
            yield look
