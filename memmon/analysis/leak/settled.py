"""A word that lasts: one that says no leak changes when the checks of fixed hours have said another one twice.

A verdict near the edge between two words falls now on this side and now on the other. So the checks of fixed hours of the
clock are made again, each on as many hours before it, and the newest word that two of them in a row agree on stands:
every reader of a history comes to the same one, and nothing is kept for it. Leaks are told at once,
and no calm word stands where memory is higher than ever, or grows about as fast as a leak.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.hold import hours_of
from memmon.analysis.leak.recent import TERRITORY_QUANTILE
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
AT_ONCE_SHARE = 0.5
"""Slope (of growth: as it may be), over the threshold, from which a word that is not calm is said at once. Chosen."""
HIGH_HOURS = 6
"""Hours for which memory must have been higher than before. Chosen."""
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
    if _is_said_at_once(judgement, newest, threshold_mb_per_hour):
        return judgement
    if newest.history_hours < LEAST_HOURS + EVERY_HOURS:
        return judgement
    looks: list[Judgement] = []
    for look in _looks(runs, newest, judge):
        looks.append(look)
        last = looks[-THAT_AGREE:]
        if len(last) == THAT_AGREE and len({one.verdict for one in last}) == 1:
            return _standing(judgement, last[0], newest)
    if len(looks) < THAT_AGREE:
        return judgement
    most = Counter(one.verdict for one in looks).most_common(1)[0][0]
    return _standing(judgement, next(one for one in looks if one.verdict is most), newest)


def _is_said_at_once(judgement: Judgement, newest: RunSeries, threshold_mb_per_hour: float) -> bool:
    """Tell whether a word needs not to last: a leak, what may become one, or what rests on other checks already."""
    if not judgement.verdict.row.lasts or judgement.reason in RESTS_ON_EARLIER:
        return True
    if judgement.verdict.row.tone == "good" or judgement.verdict.row.ends:
        return False
    evidence = judgement.evidence
    fastest = evidence.high if judgement.verdict is Verdict.GROWING else evidence.slope
    return fastest >= AT_ONCE_SHARE * threshold_mb_per_hour or _is_higher_than_ever(newest)


def _is_higher_than_ever(run: RunSeries) -> bool:
    """Tell whether memory has been above where it was before for some hours: what begins to leak has."""
    known = hours_of(run)
    if known is None or known.floors.size < 2 * EVERY_HOURS:
        return False
    before = known.floors[:-EVERY_HOURS]
    return float(known.floors[-HIGH_HOURS:].min()) > float(np.quantile(before, TERRITORY_QUANTILE))


def _standing(judgement: Judgement, look: Judgement, newest: RunSeries) -> Judgement:
    """Return what `look` said, unless that was nothing yet: the first word of a young history waits for no second."""
    is_first = look.verdict is Verdict.CANNOT_SAY and newest.history_hours < EVERY_HOURS * MOST_CHECKS
    if is_first or look.verdict is judgement.verdict:
        return judgement
    return replace(look, instead_of=judgement.verdict)


def _looks(runs: Sequence[RunSeries], newest: RunSeries, judge: Judge) -> Iterator[Judgement]:
    """Yield what checks at fixed hours of the clock said that was no leak, the newest first."""
    end = int(np.floor(newest.at_seconds[-1] / SECONDS_PER_HOUR)) // EVERY_HOURS * EVERY_HOURS
    for hour in range(end, end - MOST_CHECKS * EVERY_HOURS, -EVERY_HOURS):
        first, last = (hour - SEEN_HOURS) * SECONDS_PER_HOUR, hour * SECONDS_PER_HOUR
        if last - newest.first_at_seconds < LEAST_HOURS * SECONDS_PER_HOUR:
            return
        look = judge([part for run in runs if (part := run.between(first, last)) is not None])
        if look is not None and look.verdict is not Verdict.LEAKING:
            yield look
