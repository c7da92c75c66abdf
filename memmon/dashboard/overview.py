"""The overview: every source with its verdict, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, Response

from memmon.analysis.leak.finding import LeakPolicy
from memmon.assessment.newest import assessment_of, judge_anew, read_standings
from memmon.dashboard.layout import render
from memmon.dashboard.place import JudgedSource
from memmon.errors import MemmonError
from memmon.facts.staleness import staleness
from memmon.facts.verdicts import Verdict
from memmon.formatting import age, counted, local_time, rate, size
from memmon.report.sections import leak_section
from memmon.report.words import leak_headline
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request

    from memmon.assessment.newest import Standing
    from memmon.dashboard.place import PageContext
    from memmon.store.read import Store

REFRESH_SECONDS = 60
HURRIED_REFRESH_SECONDS = 3
"""While some sources are not judged yet: each page goes on with them."""

JUDGING_SECONDS = 0.4
"""What one page may take to judge sources of which no kept assessment holds: a page that comes late is no page."""

_MAX_KEPT = 2_000
_POLICY = LeakPolicy()


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
    is_pending: bool
    is_clock_ahead: bool = False
    """All of its samples lie in the future."""


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
    now = place.clock.now()
    rows = [_row(standing, said, now) for standing, said in _said(place, store, now)]
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
        now=local_time(now),
        refresh_seconds=HURRIED_REFRESH_SECONDS if any(row.is_pending for row in rows) else REFRESH_SECONDS,
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
    pending = sum(row.is_pending for row in rows)
    ahead = sum(row.is_clock_ahead for row in rows)
    left = f" {pending} not judged yet." if pending else ""
    if ahead:
        left += f" {counted(ahead, 'source')} with a clock ahead: set it right (see memmon doctor)."
    judged = len(rows) - pending - ahead
    noun = "source" if judged == 1 else "sources"
    if not judged:
        return left.strip()
    return (f"{leaking} of {judged} {noun} leaking." if leaking else f"No leak in {judged} {noun}.") + left


def _said(place: PageContext, store: Store, now: datetime) -> Iterator[tuple[Standing, JudgedSource | None]]:
    """Yield every source with what is said of it; None: there was no time to judge it for this page."""
    started = place.clock.monotonic()
    for standing in read_standings(store, now=now, policy=_POLICY):
        if standing.kept is not None:
            found = assessment_of(standing, standing.kept, now=now)
            yield standing, JudgedSource(last_at=standing.last_at, assessment=found)
            continue
        held = place.judged.get(standing.source)
        if held is not None and held.last_at == standing.last_at:
            yield standing, held
        elif place.clock.monotonic() - started > JUDGING_SECONDS:
            yield standing, None
        else:
            yield standing, _judged(place, store, standing, now)


def _judged(place: PageContext, store: Store, standing: Standing, now: datetime) -> JudgedSource:
    judged = JudgedSource(last_at=None, assessment=None)
    if standing.last_at is not None:
        try:
            found = judge_anew(store, standing, now=now, policy=_POLICY)
            judged = JudgedSource(last_at=standing.last_at, assessment=found)
        except MemmonError as error:
            judged = JudgedSource(last_at=standing.last_at, assessment=None, trouble=str(error))
    if len(place.judged) >= _MAX_KEPT:
        place.judged.clear()
    place.judged[standing.source] = judged
    return judged


def _row(standing: Standing, said: JudgedSource | None, now: datetime) -> Row:
    source, last_at = standing.read.source, standing.last_at
    found = None if said is None else said.assessment
    finding = None if found is None else found.finding
    mood, verdict = leak_headline(
        leak_section(
            finding,
            threshold_mb_per_hour=_POLICY.threshold_mb_per_hour,
            missing_reason="" if said is None else said.trouble,
        )
    )
    is_ahead = standing.freshness.ahead_until is not None
    if last_at is None:
        verdict = "Clock ahead: all samples lie in the future" if is_ahead else "No sample yet"
    elif said is None:
        verdict = "Not judged yet"
    fresh = standing.freshness
    old = staleness(last_at, now=now, interval_seconds=fresh.interval_seconds, end_reason=fresh.end_reason)
    rss_bytes, limit = standing.present.rss_bytes, standing.present.limit
    memory_mb = None if rss_bytes is None else mb_from_bytes(rss_bytes)
    limit_percent = None if limit is None else limit.used_percent
    slope = None if finding is None else finding.slope_mb_per_hour
    return Row(
        name=source.name,
        href="/source?" + urlencode({"name": source.name}),
        mood="bad" if finding is not None and finding.is_leak else mood,
        verdict=(said.trouble if said is not None else "") or verdict,
        severity=(Verdict.CANNOT_SAY if finding is None else finding.verdict).rank,
        slope=slope,
        slope_words="-" if slope is None else rate(slope),
        memory_mb=memory_mb,
        memory_words="-" if memory_mb is None else size(memory_mb),
        limit_percent=limit_percent,
        limit_words="-" if limit_percent is None else f"{limit_percent:.0f} %",
        run_count=source.run_count,
        last_at=last_at,
        last_words=_last_words(old.age_seconds, is_ahead=is_ahead),
        is_stale=old.is_stale or fresh.is_stale,
        is_pending=said is None,
        is_clock_ahead=last_at is None and is_ahead,
    )


def _last_words(age_seconds: float | None, *, is_ahead: bool) -> str:
    if age_seconds is not None:
        return f"{age(age_seconds)} ago"
    return "clock ahead" if is_ahead else "never"
