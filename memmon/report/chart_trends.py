"""Both regressions over rolling windows, for the report's table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.analysis.leak.windows import SHORTEST_WINDOW_HOURS, window_rows
from memmon.analysis.stats.newey_west import ols_newey_west
from memmon.report.chart_values import WindowRow

if TYPE_CHECKING:
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.history import History

MAX_WINDOWS = 16
_STEPS_HOURS = (6, 12, 24, 48, 96, 168, 336, 720)


def trend_rows(
    history: History, finding: LeakFinding | None, *, least_squares: LeastSquares = ols_newey_west
) -> tuple[WindowRow, ...]:
    """Return at most 16 windows of 24 hours over `history`, oldest first; () where only one would fit."""
    if finding is None or history.duration_hours < SHORTEST_WINDOW_HOURS:
        return ()
    wanted = (history.duration_hours - SHORTEST_WINDOW_HOURS) / (MAX_WINDOWS - 1)
    step_hours = next((step for step in _STEPS_HOURS if step >= wanted), math.ceil(wanted))
    rows = window_rows(
        history,
        window_hours=SHORTEST_WINDOW_HOURS,
        step_hours=step_hours,
        policy=finding.policy,
        least_squares=least_squares,
    )
    if len(rows) < 2:  # noqa: PLR2004 -- one window repeats the verdict
        return ()
    names = [name for name in WindowRow.__slots__ if name != "end_seconds"]
    return tuple(
        WindowRow(end_seconds=row["end"].timestamp(), **{name: row[name] for name in names}) for row in rows
    )
