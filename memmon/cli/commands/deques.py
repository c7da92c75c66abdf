"""`memmon deques`: every registered deque, its limit, and the limit that it should have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.assessed import age_of, assessed
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import say, write_json, write_text
from memmon.cli.selection import bounds_of, opened
from memmon.cli.text import duration, local_time, number, printable, table
from memmon.errors import NoDataError
from memmon.units import MIB, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.analysis.deques.finding import DequeFinding, DequeSeries, DequeSuggestion
    from memmon.assessment.present import Bounds
    from memmon.cli.selection import Opened
    from memmon.store.read import SourceInfo, Store

RATE_HOURS = 24.0
SMALL_MB = 0.01
"""MB below which two decimals would show nothing."""
NAMED_COUNT = 5
"""Deques named in one line, at most, of which the same is said."""


@click.command("deques")
@click.option("--failing", is_flag=True, help="Only those that break their limit or have none.")
@click.option("--suggest", is_flag=True, help="Suggest a maxlen, with the reasoning.")
@judging
@common
def command(*, failing: bool, suggest: bool, common: Common, window: WindowOptions) -> None:
    """Show the registered deques: how full, how large, which break their limit.

    The state as of the newest sample of the run (--run; default: the one that reported last); rates are
    those of the last 24 hours, or of --since.
    """
    from memmon.analysis.deques.judge import judge_deques
    from memmon.clock import SystemClock

    with opened(common) as found:
        source = found.one()
        bounds = bounds_of(found.store, source, window, back_hours=RATE_HOURS)
        series = _series(found.store, source, bounds)
        findings = judge_deques(series)
        age = age_of(found.store, source, now=SystemClock().now())
        growth = _growth_mb_per_hour(found, source, window) if suggest else 0.0
        suggestions = _suggestions(found.store, source, bounds, findings, growth) if suggest else ()
        if failing:
            findings = tuple(one for one in findings if one.is_failing)
        if common.as_json:
            values: dict[str, Any] = {
                "findings": [{**_plain(one), "source": source.name} for one in findings],
                "suggestions": suggestions,
                "staleness": age,
            }
            write_json(common, command="deques", database=found.place.database, **values)
            return
        if not series:
            say(f"{printable(source.name)} has registered no deques; see register_deque in the README")
        lines = [f"{printable(source.name)}, {local_time(age.last_at)}", _shown(findings)]
        if suggest:
            lines += ["", _suggested(suggestions, growth)]
        write_text(common, "\n".join(lines))


def _plain(finding: DequeFinding) -> dict[str, Any]:
    from memmon.facts.plain import as_plain

    plain: dict[str, Any] = as_plain(finding)
    return plain


def _series(store: Store, source: SourceInfo, bounds: Bounds) -> list[DequeSeries]:
    """Return each deque over the window, in the run that is shown, with its newest values."""
    from memmon.analysis.deques.finding import DequeSeries

    statuses = store.deque_status(source.name, run_id=bounds.run_id)
    if not statuses:
        return []
    shown = replace(bounds, run_id=statuses[0].run_id)
    matrix = store.deque_matrix(source.name, shown.since, shown.until, run_id=shown.run_id)
    columns = {name: place for place, name in enumerate(matrix.names)}
    hours = matrix.uptime_seconds / SECONDS_PER_HOUR
    made = (
        DequeSeries.from_arrays(
            one.name,
            hours if one.name in columns else [],
            matrix.length_count[:, columns[one.name]] if one.name in columns else [],
            maxlen_count=one.maxlen_count,
            expected_maxlen_count=one.expected_maxlen_count,
            size_bytes=one.size_bytes,
            dropped_count=matrix.dropped_count[:, columns[one.name]] if one.name in columns else [],
            is_alive=one.is_alive,
        )
        for one in statuses
    )
    return [replace(series, item_bytes=one.item_bytes) for series, one in zip(made, statuses, strict=True)]


def _growth_mb_per_hour(found: Opened, source: SourceInfo, window: WindowOptions) -> float:
    """Return what the source leaks or grows by, 0.0 where it does neither."""
    from memmon.clock import SystemClock

    try:
        judged = assessed(found, source, window, now=SystemClock().now(), is_brief=True)
    except NoDataError:
        return 0.0
    finding = judged.assessment.finding
    grows = finding.verdict.row.tone == "warn"
    return finding.slope_mb_per_hour or 0.0 if grows else 0.0


def _suggestions(
    store: Store,
    source: SourceInfo,
    bounds: Bounds,
    findings: tuple[DequeFinding, ...],
    growth_mb_per_hour: float,
) -> tuple[DequeSuggestion, ...]:
    from memmon.analysis.deques.sizes import suggest_sizes
    from memmon.assessment.gather import read_limit

    limit = read_limit(store, source, bounds)
    headroom = None if limit is None else max(limit.limit_bytes - limit.used_bytes, 0)
    return suggest_sizes(findings, headroom_bytes=headroom, growth_mb_per_hour=growth_mb_per_hour)


def _shown(findings: tuple[DequeFinding, ...]) -> str:
    if not findings:
        return "no deques to show"
    rows = [
        (
            one.name,
            one.length_count,
            "none" if one.maxlen_count is None else one.maxlen_count,
            "" if one.utilization_percent is None else f"{one.utilization_percent:.1f}%",
            _size_mb(one.size_bytes),
            "" if one.hours_to_full is None else duration(one.hours_to_full * SECONDS_PER_HOUR),
            one.state.replace("_", " "),
        )
        for one in findings
    ]
    lines = [table(["deque", "length", "maxlen", "full", "MB", "full in", "state"], rows)]
    failing = [one for one in findings if one.is_failing]
    lines += [f"{printable(one.name)}: {printable(one.message)}" for one in failing]
    lines.append(f"{len(findings)} deques, {len(failing)} failing{_together(findings)}")
    return "\n".join(lines)


def _size_mb(size_bytes: float | None) -> str:
    """Return a size in MB with digits enough that what holds something is no zero; and that it is not known, where it is not."""
    if size_bytes is None:
        return "not known"
    mb = size_bytes / MIB
    return f"{mb:.2g}" if 0.0001 <= mb < SMALL_MB else number(mb)  # noqa: PLR2004 -- a hundred bytes


def _together(findings: tuple[DequeFinding, ...]) -> str:
    known = [one.size_bytes for one in findings if one.size_bytes is not None]
    if not known:
        return ""
    of = "" if len(known) == len(findings) else f" in the {len(known)} whose size is known"
    return f", {_size_mb(sum(known))} MB together{of}"


def _suggested(suggestions: tuple[DequeSuggestion, ...], growth_mb_per_hour: float) -> str:
    if not suggestions:
        why = (
            f": memory grows by {growth_mb_per_hour:.1f} MB/hour, find that first"
            if growth_mb_per_hour
            else ""
        )
        return f"no other sizes to suggest{why}"
    lines = [
        f"{printable(one.name)}: maxlen {_count(one.present_maxlen_count)} -> {_count(one.maxlen_count)}: "
        f"{printable(one.reason)}"
        for one in suggestions
        if one.maxlen_count is not None
    ]
    withheld: dict[str, list[str]] = {}
    for one in suggestions:
        if one.maxlen_count is None:
            withheld.setdefault(one.reason, []).append(one.name)
    lines += [f"{_named(names)}: none suggested: {printable(reason)}" for reason, names in withheld.items()]
    return "\n".join(lines)


def _named(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:NAMED_COUNT])
    return shown if len(names) <= NAMED_COUNT else f"{shown} and {len(names) - NAMED_COUNT} more"


def _count(count: int | None) -> str:
    return "none" if count is None else f"{count:,}"
