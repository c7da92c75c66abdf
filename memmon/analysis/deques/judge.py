"""The state of each registered deque: unbounded, other than expected, full, filling, dead.

A `deque` with `maxlen` cannot exceed it, and can't be given another one. So the check that can fire
looks for a missing bound, one that is not as expected, and one that silently drops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.deques.finding import DequeFinding, DequeSeries
from memmon.analysis.deques.wording import message_for
from memmon.analysis.robust import theil_sen
from memmon.facts.deque_state import DequeState, deque_state
from memmon.facts.python_memory import FEWEST_TELLING_ITEMS, SLOT_BYTES, held_bytes, own_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

FEWEST_RATE_SAMPLES = 6
"""Samples of a length that a rate needs. Chosen: fewer say too little."""
MAX_SAMPLES = 300
"""Samples of a length that are looked at, at most. Chosen: as many as all pairs are sorted for."""
RATE_HOURS = 24.0
"""Newest hours that rates are read from. Chosen: one day, so that its cycle is in it once."""
CLEAR_RISE_ITEMS = 1.0
"""Items that a length must rise by to fill. Chosen: one item is the smallest rise."""


def judge_deques(series: Iterable[DequeSeries]) -> tuple[DequeFinding, ...]:
    """Return a finding for each deque: failing ones first, then dead, unreadable, full, filling, others."""
    findings = [judge_deque(one) for one in series]
    return tuple(sorted(findings, key=lambda f: (f.state.rank, -(f.utilization_percent or 0.0), f.name)))


def judge_deque(series: DequeSeries) -> DequeFinding:
    """Return the state of one deque, with its rates over the newest 24 h in which it was read."""
    known = np.isfinite(series.length_count) & np.isfinite(series.hours)
    hours, lengths = series.hours[known], series.length_count[known]
    is_read = series.is_alive and series.length_count.size > 0 and bool(known[-1])
    length = int(lengths[-1]) if is_read else None
    growth = _rise_per_hour(hours, lengths, series.maxlen_count)
    drop = _drop_per_hour(series)
    state = deque_state(
        length,
        series.maxlen_count,
        series.expected_maxlen_count,
        is_alive=series.is_alive,
        is_rising=growth > 0,
    )
    each = _item_bytes(series, length)
    bound = series.maxlen_count
    is_filling = state is DequeState.FILLING and bound is not None and length is not None and growth > 0
    finding = DequeFinding(
        name=series.name,
        state=state,
        is_failing=state.is_failing,
        length_count=length,
        maxlen_count=bound,
        expected_maxlen_count=series.expected_maxlen_count,
        peak_length_count=int(lengths.max()) if lengths.size else None,
        utilization_percent=100.0 * length / bound if length is not None and bound else None,
        size_bytes=series.size_bytes,
        bytes_per_item=each,
        capacity_bytes=float(held_bytes(bound, each)) if each is not None and bound is not None else None,
        growth_per_hour=growth if state in {DequeState.FILLING, DequeState.UNBOUNDED, DequeState.OK} else 0.0,
        arrival_per_hour=drop if state is DequeState.FULL and drop is not None else (growth or None),
        drop_per_hour=drop,
        hours_to_full=(bound - length) / growth
        if is_filling and bound is not None and length is not None
        else None,
        observed_hours=float(np.ptp(hours)) if hours.size else 0.0,
        message="",
        full_share=float(np.mean(lengths >= bound)) if bound is not None and lengths.size else None,
    )
    return message_for(finding)


def _item_bytes(series: DequeSeries, length: int | None) -> float | None:
    """Return what one more item takes; a deque of very few items doesn't tell it by its size."""
    if series.item_bytes is not None:
        return max(float(series.item_bytes), SLOT_BYTES)
    if not series.size_bytes or length is None or length < FEWEST_TELLING_ITEMS:
        return None
    return max(0.0, series.size_bytes - float(own_bytes(length))) / length + SLOT_BYTES


def _rise_per_hour(hours: FloatArray, lengths: FloatArray, maxlen: int | None) -> float:
    """Return the clear rise of a length over the newest day in which it was not full; else 0.0.

    A full deque's rise is that of the time before it was full. A length that was cleared counts from
    there on.
    """
    if maxlen is not None:
        first_full = np.flatnonzero(lengths >= maxlen)
        if lengths.size and lengths[-1] >= maxlen:
            stop = int(first_full[0])
            for place in first_full[1:][np.diff(first_full) > 1]:
                stop = int(place)
            hours, lengths = hours[: stop + 1], lengths[: stop + 1]
    falls = np.flatnonzero(np.diff(lengths) < 0)
    cleared = [place for place in falls.tolist() if lengths[place + 1] < 0.5 * lengths[place]]
    begin = cleared[-1] + 1 if cleared else 0
    hours, lengths = hours[begin:], lengths[begin:]
    if hours.size:
        newest = hours >= hours[-1] - RATE_HOURS
        hours, lengths = hours[newest], lengths[newest]
    step = -(-hours.size // MAX_SAMPLES) or 1
    hours, lengths = hours[::-step][::-1], lengths[::-step][::-1]
    if hours.size < FEWEST_RATE_SAMPLES or np.ptp(hours) <= 0 or lengths[-1] - lengths[0] < CLEAR_RISE_ITEMS:
        return 0.0
    trend = theil_sen(hours, lengths)
    return trend.slope if trend.slope_low > 0 else 0.0


def _drop_per_hour(series: DequeSeries) -> float | None:
    """Return the drops an hour over the newest day, where the deque counts them."""
    if series.dropped_count is None:
        return None
    known = np.isfinite(series.dropped_count) & np.isfinite(series.hours)
    hours, dropped = series.hours[known], series.dropped_count[known]
    if hours.size < 2:  # noqa: PLR2004 - two ends
        return None
    newest = hours >= hours[-1] - RATE_HOURS
    hours, dropped = hours[newest], dropped[newest]
    if hours.size < 2 or hours[-1] <= hours[0]:  # noqa: PLR2004 - two ends
        return None
    return float(np.maximum(np.diff(dropped), 0.0).sum() / (hours[-1] - hours[0]))
