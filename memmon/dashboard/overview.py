"""The overview: every source with its verdict, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.analysis.leak import LeakPolicy, detect_leak
from memmon.dashboard.layout import render
from memmon.dashboard.place import Judged
from memmon.errors import MemmonError
from memmon.facts.staleness import newest_interval_seconds, staleness
from memmon.facts.verdicts import Verdict
from memmon.report.limits import recorded_limit
from memmon.report.sections import leak_section
from memmon.report.words import age, leak_headline, local_time, rate, size

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from memmon.dashboard.place import Place
    from memmon.store.read import SourceInfo, Store

REFRESH_SECONDS = 60

_MAX_KEPT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One source as the overview shows it."""

    name: str
    href: str
    mood: str
    verdict: str
    severity: int
    slope: float | None
    slope_words: str
    memory_mb: float | None
    memory_words: str
    limit_percent: float | None
    limit_words: str
    run_count: int
    last_at: datetime | None
    last_words: str
    is_stale: bool


_SORTS: dict[str, tuple[str, Callable[[Row], object], bool]] = {
    "verdict": ("Verdict", lambda row: (row.severity, -(row.slope or 0.0), row.name), False),
    "source": ("Source", lambda row: row.name, False),
    "growth": ("Growth", lambda row: row.slope if row.slope is not None else float("-inf"), True),
    "memory": ("Memory", lambda row: row.memory_mb or 0.0, True),
    "limit": ("Of its limit", lambda row: row.limit_percent or 0.0, True),
    "runs": ("Runs", lambda row: row.run_count, True),
    "last": ("Last sample", lambda row: row.last_at.timestamp() if row.last_at else 0.0, True),
}
"""Columns by the name in the address: title, what to sort by, whether the largest comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column's title as a link that sorts by it; `sorted_as` is `ascending`, `descending` or empty."""

    title: str
    href: str
    sorted_as: str


def overview_page(place: Place, store: Store, request: Request) -> Response:
    """Return the table of all sources, sorted as the address asks."""
    sources = store.sources()
    rows = [_row(source, _judged(place, store, source), place.clock.now()) for source in sources]
    sort = request.query_params.get("sort", "verdict")
    sort = sort if sort in _SORTS else "verdict"
    _, key, largest_first = _SORTS[sort]
    descending = (request.query_params.get("order") or ("desc" if largest_first else "asc")) == "desc"
    rows.sort(key=key, reverse=descending)  # type: ignore[arg-type] # every key of one column is comparable
    counts = [(mood, sum(row.mood == mood for row in rows)) for mood in ("bad", "warn", "wait", "good")]
    body = render(
        "overview.html.jinja",
        title="Overview",
        here="/",
        rows=rows,
        headings=_headings(sort, descending=descending),
        words=_words(rows),
        counts=counts,
        database=store.database.shown,
        now=local_time(place.clock.now()),
        refresh_seconds=REFRESH_SECONDS,
    )
    return HTMLResponse(body)


def _headings(sort: str, *, descending: bool) -> list[Heading]:
    headings = []
    for name, (title, _, largest_first) in _SORTS.items():
        here = name == sort
        order = ("asc" if descending else "desc") if here else ("desc" if largest_first else "asc")
        headings.append(
            Heading(
                title=title,
                href="/?" + urlencode({"sort": name, "order": order}),
                sorted_as=("descending" if descending else "ascending") if here else "",
            )
        )
    return headings


def _words(rows: list[Row]) -> str:
    leaking = sum(row.severity == Verdict.LEAKING.rank for row in rows)
    if not rows:
        return "Nothing has been recorded yet."
    noun = "source" if len(rows) == 1 else "sources"
    return f"{leaking} of {len(rows)} {noun} leaking." if leaking else f"No leak in {len(rows)} {noun}."


def _judged(place: Place, store: Store, source: SourceInfo) -> Judged:
    kept = place.judged.get(source.name)
    if kept is not None and kept.last_at == source.last_at:
        return kept
    judged = _judge(store, source)
    if len(place.judged) >= _MAX_KEPT:
        place.judged.clear()
    place.judged[source.name] = judged
    return judged


def _judge(store: Store, source: SourceInfo) -> Judged:
    last_at = source.last_at
    if last_at is None:
        return Judged(last_at=None, finding=None, memory_mb=None, limit_percent=None, interval_seconds=None)
    policy = LeakPolicy()
    try:
        since = last_at - timedelta(hours=policy.look_back_hours)
        finding = detect_leak(store.history(source.name, since, last_at), policy)
        runs = store.runs(source.name)
        stats = store.window_statistics(source.name, last_at - timedelta(hours=1), last_at)
    except MemmonError as error:
        return Judged(
            last_at=last_at,
            finding=None,
            memory_mb=None,
            limit_percent=None,
            interval_seconds=None,
            trouble=str(error),
        )
    limit = recorded_limit(stats, runs)
    return Judged(
        last_at=last_at,
        finding=finding,
        memory_mb=None if stats.last_rss_bytes is None else stats.last_rss_bytes / 2**20,
        limit_percent=None if limit is None else limit.used_percent,
        interval_seconds=newest_interval_seconds(runs),
    )


def _row(source: SourceInfo, judged: Judged, now: datetime) -> Row:
    finding = judged.finding
    mood, verdict = leak_headline(
        leak_section(
            finding, threshold_mb_per_hour=LeakPolicy().threshold_mb_per_hour, missing_reason=judged.trouble
        )
    )
    old = staleness(source.last_at, now=now, interval_seconds=judged.interval_seconds)
    slope = None if finding is None else finding.slope_mb_per_hour
    return Row(
        name=source.name,
        href="/source?" + urlencode({"name": source.name}),
        mood="bad" if finding is not None and finding.is_leak else mood,
        verdict=judged.trouble or ("No sample yet" if source.last_at is None else verdict),
        severity=(Verdict.CANNOT_SAY if finding is None else finding.verdict).rank,
        slope=slope,
        slope_words="-" if slope is None else rate(slope),
        memory_mb=judged.memory_mb,
        memory_words="-" if judged.memory_mb is None else size(judged.memory_mb),
        limit_percent=judged.limit_percent,
        limit_words="-" if judged.limit_percent is None else f"{judged.limit_percent:.0f} %",
        run_count=source.run_count,
        last_at=source.last_at,
        last_words="never" if old.age_seconds is None else f"{age(old.age_seconds)} ago",
        is_stale=old.is_stale,
    )
