"""The tables of the HTML report: processes, days, runs, events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memmon.assessment.process import labels
from memmon.formatting import interval, local_time, span
from memmon.report.html.view_model import Column, Table
from memmon.report.words import end_words
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from memmon.analysis.compare.finding import Comparison, ReleaseEstimate
    from memmon.assessment.assessment import Assessment
    from memmon.assessment.process import SourceProcess
    from memmon.report.chart_values import Charts, DayRow, WindowRow
    from memmon.report.data import EventRow, HistorySection, Report, RunRow

MAX_DAYS = 92
MAX_RUNS = 50
MAX_EVENTS = 100
_MB_COLUMNS = ("Min MB", "Mean MB", "Max MB")


def tables_of(report: Report, charts: Charts, tz: tzinfo) -> tuple[Table, ...]:
    """Return every table that has a row."""
    return tuple(table for table in _all(report, charts, tz) if table.rows)


def _all(report: Report, charts: Charts, tz: tzinfo) -> Iterator[Table]:
    if report.assessment is not None:
        yield processes_table(report.assessment, tz)
    yield windows_table(charts.windows, tz)
    if report.comparison is not None:
        yield releases_table(report.comparison)
    yield days_table(charts.days)
    if report.history is not None:
        yield runs_table(report.history, tz)
    yield events_table(report.events, tz)


def processes_table(found: Assessment, tz: tzinfo) -> Table:
    """Return a row per process, where there are several, and per process that nobody records; the worst first."""
    several = found.processes if len(found.processes) > 1 else ()
    return Table(
        key="processes",
        title="Processes side by side",
        words=" ".join(filter(None, (found.together, found.not_recorded))),
        columns=(
            Column(label="Process"),
            Column(label="Memory MB", is_number=True, has_bars=True),
            Column(label="Footprint MB", is_number=True),
            Column(label="MB/hour", is_number=True),
            Column(label="Verdict"),
            Column(label="Last sample"),
        ),
        rows=tuple(_process_cells(name, one, tz) for name, one in zip(labels(several), several, strict=True)),
    )


def _process_cells(name: str, one: SourceProcess, tz: tzinfo) -> tuple[str, ...]:
    rss, footprint = (
        None if value is None else mb_from_bytes(value) for value in (one.rss_bytes, one.footprint_bytes)
    )
    unjudged = "not judged" if one.is_recorded else "not recorded"
    return (
        name,
        _mb(rss),
        _mb(footprint),
        "-" if one.slope_mb_per_hour is None else f"{one.slope_mb_per_hour:z.2f}",
        unjudged if one.verdict is None else one.verdict.words,
        "-" if one.last_at is None else _time(one.last_at, tz),
    )


def windows_table(windows: Sequence[WindowRow], tz: tzinfo) -> Table:
    """Return both regressions over rolling windows, the newest first."""
    return Table(
        key="windows",
        title="The trend, window by window",
        words=(
            "Windows of 24 hours: a leak has the same slope in each, a warm-up has not. Robust: Theil-Sen on the "
            "lower envelope; least squares with Newey-West errors beside it."
        ),
        columns=(
            Column(label="24 h to"),
            Column(label="Robust MB/hour", is_number=True),
            Column(label="95 %", is_number=True),
            Column(label="Least squares MB/hour", is_number=True),
            Column(label="95 %", is_number=True),
            Column(label="Verdict"),
        ),
        rows=tuple(_window_cells(row, tz) for row in reversed(windows)),
    )


def _window_cells(row: WindowRow, tz: tzinfo) -> tuple[str, ...]:
    end = datetime.fromtimestamp(row.end_seconds, UTC)
    return (
        _time(end, tz),
        _rate(row.slope_mb_per_hour),
        interval(row.slope_low_mb_per_hour, row.slope_high_mb_per_hour),
        _rate(row.ols_slope_mb_per_hour),
        interval(row.ols_slope_low_mb_per_hour, row.ols_slope_high_mb_per_hour),
        row.verdict.replace("_", " "),
    )


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value + 0.0:.2f}"


def days_table(days: Sequence[DayRow]) -> Table:
    """Return a row per day, the newest first."""
    newest = list(reversed(days))[:MAX_DAYS]
    return Table(
        key="days",
        title="Day by day",
        columns=(
            Column(label="Day"),
            Column(label="Samples", is_number=True),
            *(Column(label=label, is_number=True, has_bars=label == "Max MB") for label in _MB_COLUMNS),
            Column(label="Runs started", is_number=True),
        ),
        rows=tuple(
            (
                day.day,
                f"{day.sample_count:,}",
                *(_mb(value) for value in (day.min_mb, day.mean_mb, day.max_mb)),
                str(day.start_count),
            )
            for day in newest
        ),
        more=_left_out(len(days), len(newest), "days"),
    )


def releases_table(comparison: Comparison) -> Table:
    """Return the newest release beside the one before."""
    return Table(
        key="releases",
        title="Releases compared",
        words=" ".join([comparison.summary, *comparison.details]),
        columns=(
            Column(label="Release"),
            Column(label="Runs", is_number=True),
            Column(label="Hours", is_number=True),
            Column(label="Growth MB/hour", is_number=True),
            Column(label="95 %", is_number=True),
            Column(label="Plateau MB", is_number=True),
            Column(label="95 %", is_number=True),
        ),
        rows=tuple(_release_cells(one) for one in (comparison.before, comparison.after)),
    )


def _release_cells(one: ReleaseEstimate) -> tuple[str, ...]:
    plateau = (one.plateau_low_mb, one.plateau_high_mb)
    return (
        one.release,
        str(one.run_count),
        f"{one.hours:,.1f}",
        "-" if one.slope_mb_per_hour is None else f"{one.slope_mb_per_hour:z.2f}",
        interval(one.slope_low_mb_per_hour, one.slope_high_mb_per_hour),
        _mb(one.plateau_mb),
        f"{_mb(plateau[0])} to {_mb(plateau[1])}",
    )


def runs_table(history: HistorySection, tz: tzinfo) -> Table:
    """Return a row per run, the newest first, and how each ended."""
    newest = history.runs[:MAX_RUNS]
    return Table(
        key="runs",
        title="Runs and how each ended",
        words=_runs_words(history),
        columns=(
            Column(label="Started"),
            Column(label="Lasted", is_number=True),
            Column(label="Release", is_name=True),
            Column(label="Host and pid", is_name=True),
            Column(label="First MB", is_number=True),
            Column(label="Last MB", is_number=True),
            Column(label="Peak MB", is_number=True, has_bars=True),
            Column(label="Ended"),
        ),
        rows=tuple(_run_cells(run, tz) for run in newest),
        more=_left_out(history.run_count, len(newest), "runs"),
    )


def _runs_words(history: HistorySection) -> str:
    restarts = f"{history.restart_count} {'restart' if history.restart_count == 1 else 'restarts'}"
    beside = f" of {history.process_count} processes side by side" if history.process_count > 1 else ""
    return f"{history.run_count} {'run' if history.run_count == 1 else 'runs'}{beside}, {restarts} in all."


def _run_cells(run: RunRow, tz: tzinfo) -> tuple[str, ...]:
    hours = run.duration_hours
    end = end_words(run)
    where = " ".join(filter(None, [run.host, f"pid {run.pid}" if run.pid is not None else ""]))
    return (
        _time(run.started_at, tz),
        "-" if hours is None else span(hours),
        run.release or "-",
        where or "-",
        _mb(run.first_mb),
        _mb(run.last_mb),
        _mb(run.max_mb),
        f"{end} ({run.end_detail})" if run.end_detail else end,
    )


def events_table(events: Sequence[EventRow], tz: tzinfo) -> Table:
    """Return a row per event, the newest first."""
    newest = list(reversed(events))[:MAX_EVENTS]
    return Table(
        key="events",
        title="Events",
        columns=(Column(label="When"), Column(label="Kind"), Column(label="What")),
        rows=tuple((_time(event.at, tz), event.kind, event.text or "-") for event in newest),
        more=_left_out(len(events), len(newest), "events"),
    )


def _time(at: datetime, tz: tzinfo) -> str:
    return local_time(at, tz=tz)[:16]


def _mb(value_mb: float | None) -> str:
    return "-" if value_mb is None else f"{value_mb:,.1f}"


def _left_out(total: int, kept: int, noun: str) -> str:
    return f"The newest {kept} of {total:,} {noun}." if total > kept else ""
