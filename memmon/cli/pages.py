"""The HTML report of a store: its report drawn with its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memmon.report.data import Report
    from memmon.store.read import Store


def html_page(store: Store, report: Report, *, run_id: int | None = None) -> str:
    """Return the page for a report, in the local offset at the window's end."""
    from memmon.report.chart_data import build_charts
    from memmon.report.html import render_html
    from memmon.report.html.page import fixed_offset

    zone = fixed_offset(report.until or report.generated_at)
    return render_html(report, build_charts(store, report, tz=zone, run_id=run_id), tz=zone)
