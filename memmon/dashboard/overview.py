"""The overview: every source with its verdict, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.gather import Question, judge, looked_back
from memmon.dashboard.layout import render
from memmon.dashboard.place import JudgedSource
from memmon.errors import MemmonError
from memmon.facts.staleness import staleness
from memmon.facts.verdicts import Verdict
from memmon.formatting import age, local_time, rate, size
from memmon.report.sections import leak_section
from memmon.report.words import leak_headline
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.requests import Request

    from memmon.dashboard.place import PageContext
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


def overview_page(place: PageContext, store: Store, request: Request) -> Response:
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


def _judged(place: PageContext, store: Store, source: SourceInfo) -> JudgedSource:
    kept = place.judged.get(source.name)
    if kept is not None and kept.last_at == source.last_at:
        return kept
    judged = _judge(store, source)
    if len(place.judged) >= _MAX_KEPT:
        place.judged.clear()
    place.judged[source.name] = judged
    return judged


def _judge(store: Store, source: SourceInfo) -> JudgedSource:
    last_at = source.last_at
    if last_at is None:
        return JudgedSource(last_at=None, assessment=None)
    question = Question(
        bounds=looked_back(last_at, LeakPolicy()), policy=LeakPolicy(), is_brief=True, has_cause=False
    )
    try:
        found = judge(store, source, question, now=last_at).assessment
    except MemmonError as error:
        return JudgedSource(last_at=last_at, assessment=None, trouble=str(error))
    return JudgedSource(last_at=last_at, assessment=found)


def _row(source: SourceInfo, judged: JudgedSource, now: datetime) -> Row:
    found = judged.assessment
    finding = None if found is None else found.finding
    mood, verdict = leak_headline(
        leak_section(
            finding, threshold_mb_per_hour=LeakPolicy().threshold_mb_per_hour, missing_reason=judged.trouble
        )
    )
    fresh = None if found is None else found.freshness
    old = staleness(
        source.last_at,
        now=now,
        interval_seconds=None if fresh is None else fresh.interval_seconds,
        end_reason=None if fresh is None else fresh.end_reason,
    )
    memory_mb = None if found is None or found.rss_bytes is None else mb_from_bytes(found.rss_bytes)
    limit_percent = None if found is None else found.used_percent
    slope = None if finding is None else finding.slope_mb_per_hour
    return Row(
        name=source.name,
        href="/source?" + urlencode({"name": source.name}),
        mood="bad" if finding is not None and finding.is_leak else mood,
        verdict=judged.trouble or ("No sample yet" if source.last_at is None else verdict),
        severity=(Verdict.CANNOT_SAY if finding is None else finding.verdict).rank,
        slope=slope,
        slope_words="-" if slope is None else rate(slope),
        memory_mb=memory_mb,
        memory_words="-" if memory_mb is None else size(memory_mb),
        limit_percent=limit_percent,
        limit_words="-" if limit_percent is None else f"{limit_percent:.0f} %",
        run_count=source.run_count,
        last_at=source.last_at,
        last_words="never" if old.age_seconds is None else f"{age(old.age_seconds)} ago",
        is_stale=old.is_stale,
    )
