"""`memmon report`: the report as text, HTML, JSON or a picture, and the stored ones."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.assessed import policy_of
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import is_file, json_text, open_output, say, stdout_encoding, write_json, write_text
from memmon.cli.selection import bounds_of, no_data, opened
from memmon.cli.text import local_time, printable, table
from memmon.errors import NoDataError

if TYPE_CHECKING:
    from memmon.assessment.present import Bounds
    from memmon.cli.selection import Opened
    from memmon.report.data import Report
    from memmon.store.read import ReportInfo, SourceInfo, Store

FORMATS = ("text", "html", "json", "png")
_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".png": "png"}


@click.command("report")
@click.option(
    "--format", "shape", type=click.Choice(FORMATS), help="Default: by the suffix of -o, else text."
)
@click.option("--dark", is_flag=True, help="With --format png: light letters on a dark ground.")
@click.option("--list", "listing", is_flag=True, help="List the stored daily reports.")
@click.option("--saved", metavar="DATE", help="Print the stored report of a day (2026-01-31, or 'last').")
@judging
@common
def command(
    *,
    shape: str | None,
    dark: bool,
    listing: bool,
    saved: str | None,
    common: Common,
    window: WindowOptions,
) -> None:
    """Print the report of the last 24 hours (or of --since, --until, --run).

    The leak section judges up to 7 days; HISTORY tells of all runs. png is a picture for a phone: the
    first sentences and the chart (needs pip install 'memmon[png]').
    """
    chosen = "json" if common.as_json else shape or _by_suffix(common)
    _check_picture(common, chosen, is_dark=dark)
    with opened(common) as found:
        source = found.one()
        if listing:
            _list(found, source, common)
        elif saved is not None:
            _show_saved(found, source, saved, common)
        else:
            _write(found, source, common, window, shape=chosen, is_dark=dark)


def _check_picture(common: Common, shape: str, *, is_dark: bool) -> None:
    """Refuse what can't become a picture before anything is judged for it."""
    if shape != "png":
        if is_dark:
            raise click.UsageError("--dark goes with --format png; a page is as dark as its reader's browser")
        return
    if not is_file(common.output) and sys.stdout.isatty():
        raise click.UsageError("a picture can't be shown in a terminal; give -o a file's name")
    from memmon.report.png import check_renderer

    check_renderer()


def _by_suffix(common: Common) -> str:
    name = common.output if common.output and is_file(common.output) else ""
    return next((shape for suffix, shape in _SUFFIXES.items() if name.lower().endswith(suffix)), "text")


def _write(
    found: Opened, source: SourceInfo, common: Common, window: WindowOptions, *, shape: str, is_dark: bool
) -> None:
    bounds = bounds_of(found.store, source, window)
    has_charts = shape not in {"text", "json"}
    store = _page_store(found.store) if has_charts else found.store
    report = _build(found, store, source, window, bounds)
    if report.is_empty:
        raise no_data(found.store, source, bounds)
    if has_charts:
        _write_drawn(store, report, common, run_id=bounds.run_id, shape=shape, is_dark=is_dark)
    elif shape == "json":
        from memmon.report.render_json import report_object

        values = {k: v for k, v in report_object(report).items() if k not in {"schema_version", "command"}}
        write_text(common, json_text(command="report", database=found.place.database, **values))
    else:
        from memmon.report.text import render_text

        encoding = "utf-8" if is_file(common.output) else stdout_encoding()
        write_text(common, render_text(report, encoding=encoding))


def _write_drawn(
    store: Store, report: Report, common: Common, *, run_id: int | None, shape: str, is_dark: bool
) -> None:
    from memmon.analysis.leak.windows import least_squares_by_hand
    from memmon.cli import pages

    if shape == "html":
        write_text(common, pages.html_page(store, report, run_id=run_id, least_squares=least_squares_by_hand))
        return
    picture = pages.png_picture(
        store, report, run_id=run_id, least_squares=least_squares_by_hand, is_dark=is_dark
    )
    with open_output(common) as stream:
        stream.write(picture)


def _page_store(store: Store) -> Store:
    """Return the same database for a page, which needs the samples of its window several times."""
    from memmon.report.page_store import PageStore

    return PageStore(store.database)


def _build(found: Opened, store: Store, source: SourceInfo, window: WindowOptions, bounds: Bounds) -> Report:
    from memmon.analysis.leak.windows import least_squares_by_hand
    from memmon.clock import SystemClock
    from memmon.report.build import build_report

    return build_report(
        store,
        source.name,
        policy=policy_of(found, window),
        now=SystemClock().now(),
        since=bounds.since,
        until=bounds.until,
        run_id=bounds.run_id,
        least_squares=least_squares_by_hand,
    )


def _list(found: Opened, source: SourceInfo, common: Common) -> None:
    stored = found.store.reports(source.name)
    if common.as_json:
        reports = [{"at": item.at, "window_seconds": item.window_seconds} for item in stored]
        write_json(
            common,
            command="report --list",
            database=found.place.database,
            source=source.name,
            reports=reports,
        )
        return
    if not stored:
        say(f"{printable(source.name)} has no stored reports yet; the recorder stores one a day")
    rows = [(local_time(item.at), f"{item.window_seconds / 3600:.0f} h", _headline(item)) for item in stored]
    write_text(common, table(["stored", "window", "verdict"], rows))


def _show_saved(found: Opened, source: SourceInfo, wanted: str, common: Common) -> None:
    stored = found.store.reports(source.name)
    item = _saved(stored, wanted)
    if item is None:
        days = ", ".join(sorted({item.at.astimezone().date().isoformat() for item in stored})[-8:])
        raise NoDataError(
            f"{printable(source.name)} has no stored report of {printable(wanted)}; there are: {days or 'none'}"
        )
    if common.as_json:
        import json

        data: Any = json.loads(item.data) if item.data else None
        write_json(
            common,
            command="report --saved",
            database=found.place.database,
            source=source.name,
            at=item.at,
            text=item.text,
            data=data,
        )
    else:
        write_text(common, item.text)


def _saved(stored: tuple[ReportInfo, ...], wanted: str) -> ReportInfo | None:
    """Return the newest report of a local day, or the newest of all for `last`."""
    if wanted == "last":
        return stored[0] if stored else None
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        try:
            moment = datetime.fromisoformat(wanted).astimezone()
        except ValueError:
            raise click.UsageError(f"{wanted!r} is not a day such as 2026-01-31, nor 'last'") from None
        near = [item for item in stored if item.at <= moment]
        return near[0] if near else None
    return next((item for item in stored if item.at.astimezone().date() == day), None)


def _headline(item: ReportInfo) -> str:
    lines = [line.strip() for line in item.text.splitlines()]
    place = next((n for n, line in enumerate(lines) if line.startswith("MEMORY LEAK DETECTION")), None)
    return "" if place is None or place + 1 >= len(lines) else lines[place + 1]
