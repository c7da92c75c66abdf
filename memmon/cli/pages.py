"""The HTML report of a store, and its picture: a report drawn with its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

    from memmon.analysis.stats.newey_west import LeastSquares
    from memmon.report.chart_values import Charts
    from memmon.report.data import Report
    from memmon.store.read import Store


def html_page(
    store: Store,
    report: Report,
    *,
    run_id: int | None = None,
    least_squares: LeastSquares | None = None,
) -> str:
    """Return the page for a report, in the local offset at the window's end.

    `least_squares`: how the second trend of the table of windows is fitted (default: in closed form).
    """
    from memmon.report.html import render_html

    zone, charts = _charts(store, report, run_id, least_squares)
    return render_html(report, charts, tz=zone)


def png_picture(
    store: Store,
    report: Report,
    *,
    run_id: int | None = None,
    least_squares: LeastSquares | None = None,
    is_dark: bool = False,
) -> bytes:
    """Return the picture for a report, as PNG, in the local offset at the window's end.

    Raises MissingExtraError without its renderer, or without a font.
    """
    from memmon.report.png import render_png

    zone, charts = _charts(store, report, run_id, least_squares)
    return render_png(report, charts, tz=zone, is_dark=is_dark)


def _charts(
    store: Store, report: Report, run_id: int | None, least_squares: LeastSquares | None
) -> tuple[tzinfo, Charts | None]:
    from memmon.analysis.stats.newey_west import ols_newey_west
    from memmon.report.chart_data import build_charts
    from memmon.report.html.page import fixed_offset

    zone = fixed_offset(report.until or report.generated_at)
    fit = least_squares or ols_newey_west
    return zone, build_charts(store, report, tz=zone, run_id=run_id, least_squares=fit)
