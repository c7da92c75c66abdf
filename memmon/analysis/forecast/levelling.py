"""The forecast of growth that ends by itself: caches that warm up, bounded deques that fill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.forecast.finding import ForecastCurve
from memmon.analysis.forecast.plain_answers import cannot_say, hours_since, moment_after
from memmon.analysis.forecast.plateau import fit_plateau
from memmon.analysis.forecast.stretch import stretch_of_quantity
from memmon.facts.verdicts import Verdict
from memmon.units import MIB

if TYPE_CHECKING:
    from memmon.analysis.forecast.finding import Forecast
    from memmon.analysis.forecast.plateau import Plateau
    from memmon.analysis.forecast.quantity import Quantity
    from memmon.analysis.forecast.stretch import Stretch
    from memmon.analysis.leak.finding import LeakFinding

DEQUE_SIZE_ERROR = 0.4
"""Share by which the sizes of deques may be wrong: they come from sampling. As in the verdict."""
CURVE_POINTS = 40
"""Points of the curve that is drawn. Chosen: enough for a picture."""


def levelling_off(
    plain: Forecast,
    quantity: Quantity,
    finding: LeakFinding,
    *,
    horizon_hours: float,
    is_level: bool = False,
) -> Forecast | None:
    """Return the forecast of growth that levels off: its plateau, and a date only where that lies above the limit.

    None where growth goes on, or there is none. Slow growth counts as levelling off where a bent curve with a known
    end describes it: that is what is left of a warm-up. So does, with `is_level`, memory that the verdict calls level.
    """
    verdict = finding.verdict
    is_left = verdict is Verdict.GROWING or is_level
    if verdict not in ENDING and not is_left:
        return None
    stretch = stretch_of_quantity(quantity, is_whole=True)
    plateau = None if stretch is None else fit_plateau(stretch.hours, stretch.mb)
    if is_left and (plateau is None or plateau.high_mb is None):
        return None
    if stretch is None or (plateau is None and verdict is not Verdict.FILLING):
        return cannot_say(plain, finding, quantity.run)
    plain = replace(plain, horizon_hours=horizon_hours, window_hours=float(np.ptp(stretch.hours)))
    if verdict is Verdict.FILLING or plateau is None:
        return _filling(plain, quantity, stretch)
    return _bent(plain, plateau, stretch, hours_since(quantity.run, plain.as_of))


ENDING = frozenset(one for one in Verdict if one.row.ends)
"""Verdicts on growth that ends by itself."""


def _filling(plain: Forecast, quantity: Quantity, stretch: Stretch) -> Forecast:
    """Return what bounded deques make: they take in what room they have, known to within the error of sizes.

    What is told is the middle of what they take at least and at most: the least alone is for a verdict, which must
    not excuse a leak, and would be a level that memory passes.
    """
    now, least = quantity.now_mb, stretch.room_mb
    room, low, high = least, 1.0 - DEQUE_SIZE_ERROR, 1.0 + DEQUE_SIZE_ERROR
    if stretch.most_room_mb is not None and stretch.most_room_mb > least > 0.0:
        room = (least + stretch.most_room_mb) / 2.0
        low, high = least / room, stretch.most_room_mb / room
    rate = stretch.fill_rate_mb_per_hour * (room / least if least > 0.0 else 1.0)
    ends = (now + low * room, now + room, now + high * room)
    lacking = plain.limit_bytes / MIB - now
    hours = None
    if ends[0] > plain.limit_bytes / MIB and rate > 0.0:
        soonest, latest = (
            lacking / (rate * high),
            lacking / (rate * low),
        )
        hours = _shortened((lacking / rate, soonest, latest), hours_since(quantity.run, plain.as_of))
    return replace(
        _answer(plain, hours, low_mb=ends[0], middle_mb=ends[1], high_mb=ends[2]),
        deques_full_hours=0.0 if room <= 0.0 else room / rate if rate > 0.0 else None,
    )


def _shortened(hours: tuple[float, float, float], stale_hours: float) -> tuple[float, float, float]:
    """Return hours from the last sample on as hours from `stale_hours` later on."""
    middle, soonest, latest = (max(0.0, each - stale_hours) for each in hours)
    return middle, soonest, latest


def _bent(plain: Forecast, plateau: Plateau, stretch: Stretch, stale_hours: float) -> Forecast:
    filled = stretch.filled_mb
    hours = plateau.hours_to(plain.limit_bytes / MIB - filled)
    hours = None if hours is None else _shortened(hours, stale_hours)
    high = None if plateau.high_mb is None else plateau.high_mb + filled
    answer = _answer(
        plain, hours, low_mb=plateau.low_mb + filled, middle_mb=plateau.plateau_mb + filled, high_mb=high
    )
    longest = float(plateau.time_constants_hours.max())
    ahead = np.linspace(0.0, min(answer.horizon_hours, max(24.0, 2.0 * longest)), CURVE_POINTS + 1)[1:]
    median, low, top = plateau.course_mb(ahead)
    return replace(
        answer,
        curve=ForecastCurve(
            hours=tuple(ahead.tolist()),
            median_mb=tuple((median + filled).tolist()),
            low_mb=tuple((low + filled).tolist()),
            high_mb=tuple((top + filled).tolist()),
        ),
    )


def _answer(
    plain: Forecast,
    hours: tuple[float, float, float] | None,
    *,
    low_mb: float,
    middle_mb: float,
    high_mb: float | None,
) -> Forecast:
    """Return the answer for a plateau; `hours`: to the limit, most likely, soonest and latest, if all courses meet it."""
    limit_mb = plain.limit_bytes / MIB
    planned = replace(
        plain,
        plateau_bytes=round(middle_mb * MIB),
        plateau_low_bytes=round(max(low_mb, 0.0) * MIB),
        plateau_high_bytes=None if high_mb is None else round(high_mb * MIB),
    )
    if hours is not None and low_mb > limit_mb and hours[0] <= plain.horizon_hours:
        middle, soonest, latest = hours
        return replace(
            planned,
            state="dated",
            hours_to_limit=middle,
            hours_to_limit_low=min(soonest, middle),
            hours_to_limit_high=max(latest, middle),
            at=moment_after(plain.as_of, middle),
            at_low=moment_after(plain.as_of, min(soonest, middle)),
            at_high=moment_after(plain.as_of, max(latest, middle)),
        )
    stays_below = high_mb is not None and high_mb < limit_mb
    return replace(planned, state="never" if stays_below else "cannot_say")
