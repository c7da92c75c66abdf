"""What the judge looks at of a history, as figures: so that thousands of settings of its demands cost no more than one.

A look is one trend: of the whole of the newest run, of its floor below load, or of its last hours. It is an alarm where it meets every demand; a
history is one where any of its looks is. What does not depend on the demands (new territory, a first working day, the
steps that are found) is told once. Runs are not pooled, and neither deques nor load nor jumps nor the hold are asked.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from memmon.analysis.leak.evidence import newest_run
from memmon.analysis.leak.floor import FLOOR_MARGIN, FLOORS, floor_trends
from memmon.analysis.leak.recent import is_new, recent_trends
from memmon.analysis.leak.rules import DEMANDS, ENOUGH_HOURS, MARGINS, RECENT_MARGINS, is_straight
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.shape import find_steps, is_stepped, lasting_slope
from memmon.analysis.leak.trend import fit_trend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memmon.analysis.leak.rules import Demands
    from memmon.analysis.leak.trend import Trend
    from memmon.history import History

    FloatArray = np.ndarray

WARM_UP_HOURS = 1.0
SHORTEST_HOURS = MARGINS[-1][0]


@dataclass(frozen=True, slots=True)
class Look:
    """One trend: rates over the threshold, sizes over the growth.

    `window_hours`: 0 for the whole run, -1, -2 ... for its floors.
    """

    history: int
    window_hours: float
    known_hours: float
    slope: float
    error: float
    clear: float
    tail: float
    third: float
    order: float
    floor: float
    widest: float
    bend: float
    ahead: float
    lasting: float
    is_stepped: float
    is_straight: float
    is_new: float
    rising: float


class Looks:
    """The looks at many histories, a column per figure."""

    def __init__(self, histories: Iterable[History], threshold_mb_per_hour: float) -> None:
        rows: list[Look] = []
        self.count = 0
        for history in histories:
            rows += _looks_at(history, threshold_mb_per_hour, self.count)
            self.count += 1
        self.column = {one.name: np.array([getattr(row, one.name) for row in rows]) for one in fields(Look)}
        self._history = self.column["history"].astype(int)
        self._young = (self.column["window_hours"] == 0) & (self.column["known_hours"] < SHORTEST_HOURS)
        self._old = (self.column["window_hours"] <= 0) & (self.column["known_hours"] >= ENOUGH_HOURS)
        self._known: dict[tuple[object, ...], np.ndarray] = {}

    def alarms(self, setting: Setting) -> np.ndarray:
        """Return for each history whether it is an alarm."""
        demands = setting.demands
        met = self._large(setting)
        for name in ("tail", "third", "order", "floor", "widest", "ends", "lasts", "slows"):
            met = met & self._meets(name, demands)
        found = np.zeros(self.count, dtype=bool)
        found[self._history[met]] = True
        return found

    def _large(self, setting: Setting) -> np.ndarray:
        """Tell which looks are new, no steps, and surely above the threshold."""
        demands = setting.demands
        margins = (setting.margins, tuple(setting.recent_margins.items()), setting.floor_margins)
        key = ("large", *margins, demands.clear, demands.by_floors_share, demands.rising_share)
        if key not in self._known:
            of = self.column
            with np.errstate(invalid="ignore"):  # no error at an infinite margin is no number, and never sure
                sure = of["slope"] - self._margins(setting) * of["error"] >= 1
            sure = sure & self._meets("clear", demands)
            by_floors = self._old & (of["window_hours"] == 0) & (of["slope"] >= demands.by_floors_share)
            sure = sure | (by_floors & self._meets("rising", demands))
            large = np.where(self._young, of["is_straight"] > 0, sure & (of["is_stepped"] == 0))
            self._known[key] = large & (of["slope"] >= 1) & (of["is_new"] > 0)
        return self._known[key]

    def _margins(self, setting: Setting) -> FloatArray:
        window, known = self.column["window_hours"], self.column["known_hours"]
        margins = np.full(window.shape, np.inf)
        for hours, margin in reversed(setting.margins):
            margins[(window == 0) & (known >= hours)] = margin
        for hours, margin in setting.recent_margins.items():
            margins[window == hours] = margin
        for place, margin in enumerate(setting.floor_margins):
            margins[window == -1 - place] = margin
        return margins

    def _meets(self, name: str, demands: Demands) -> np.ndarray:
        """Tell which looks meet a demand; the young ones, which must be straight, meet all."""
        limits = tuple(getattr(demands, one) for one in _LIMITS[name])
        key = (name, *limits)
        if key not in self._known:
            of = self.column
            if name == "ends":
                goes_on = self._old & (of["bend"] >= limits[2]) & (of["lasting"] >= limits[3])
                met = ~((of["bend"] < limits[0]) & (of["ahead"] < limits[1])) | goes_on
            elif name == "lasts":
                met = ~((of["bend"] < limits[0]) & (of["lasting"] < limits[1]))
            elif name == "slows":
                slows = (of["bend"] < limits[0]) & (of["ahead"] < limits[1] * of["slope"])
                met = self._old | (of["window_hours"] > 0) | ~slows
            elif name == "widest":
                met = of[name] <= limits[0]
            else:
                met = of[name] > limits[0] if name == "third" else of[name] >= limits[0]
            self._known[key] = met | self._young
        return self._known[key]


_LIMITS = {
    "tail": ("tail_share",),
    "third": ("third_share",),
    "order": ("order",),
    "floor": ("floor_share",),
    "widest": ("widest_share",),
    "clear": ("clear",),
    "rising": ("rising_share",),
    "ends": ("bends_below", "ahead_share", "clearly_bent", "light_lasting_share"),
    "slows": ("clearly_bent", "young_ahead_share"),
    "lasts": ("clearly_bent", "lasting_share"),
}
"""{figure of a look: the demands on it}."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Demands and margins together, as they are unless another is given."""

    demands: Demands = DEMANDS
    margins: tuple[tuple[float, float], ...] = MARGINS
    recent_margins: dict[float, float] | None = None
    floor_margins: tuple[float, ...] = (FLOOR_MARGIN,) * len(FLOORS)

    def __post_init__(self) -> None:
        if self.recent_margins is None:
            object.__setattr__(self, "recent_margins", RECENT_MARGINS)


def _looks_at(history: History, threshold: float, number: int) -> list[Look]:
    runs = (run_series(run, warm_up_hours=WARM_UP_HOURS) for run in history.per_run())
    known = [run for run in runs if run is not None]
    if not known:
        return []
    run = newest_run(known)
    whole = fit_trend(run.hours, run.mb)
    seen = [] if whole is None else [(0.0, whole, True)]
    seen += [(one.hours, one.trend, is_new(run, one)) for one in recent_trends(run)]
    if whole is not None and run.history_hours >= ENOUGH_HOURS:
        floors = floor_trends(run, whole, threshold)
        seen += [(-1.0 - FLOORS.index(floor), trend, True) for floor, trend in floors]
    return [
        _look(trend, threshold, number, window, run.history_hours, new=new)
        for window, trend, new in seen
        if trend.slope >= threshold
    ]


def _look(trend: Trend, threshold: float, number: int, window: float, known: float, *, new: bool) -> Look:
    growth_mb = trend.slope * trend.span_hours
    return Look(
        history=number,
        window_hours=window,
        known_hours=known,
        slope=trend.slope / threshold,
        error=trend.error / threshold,
        clear=trend.slope / max(trend.spread, 1e-9),
        tail=trend.tail_slope / trend.slope,
        third=trend.least_third_slope / threshold,
        order=trend.order,
        floor=trend.floor_mb / growth_mb,
        widest=trend.widest_mb / growth_mb,
        bend=trend.bend,
        ahead=trend.ahead_slope / threshold,
        lasting=lasting_slope(trend.blocks.hours, trend.blocks.mb) / threshold,
        is_stepped=is_stepped(trend, *find_steps(trend)),
        is_straight=is_straight(trend),
        is_new=new,
        rising=trend.rising_share,
    )
