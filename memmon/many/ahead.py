"""The rows of sources all of whose samples lie in the future: a clock is wrong, and that is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memmon.analysis.leak.detect import judge_history
from memmon.assessment.freshness import ahead_sentence, freshness_of
from memmon.history import History
from memmon.many.series import series_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from memmon.analysis.leak.finding import LeakPolicy
    from memmon.many.series import SeriesResult
    from memmon.store.read import SourceInfo, Store


def ahead_results(
    store: Store, sources: Iterable[SourceInfo], *, policy: LeakPolicy, now: datetime
) -> Iterator[SeriesResult]:
    """Yield a row for each of `sources`, which have no sample that counts, whose samples lie in the future."""
    for source in sources:
        runs = store.runs(source.name)
        fresh = freshness_of(runs, now=now)
        if fresh.ahead_until is None:
            continue
        nothing = History.from_arrays(at_seconds=[], rss_bytes=[], source=source.name)
        found = series_result(
            judge_history(nothing, policy),
            is_new=False,
            current_bytes=None,
            last_at=None,
            run_count=len(runs),
            release=runs[-1].release,
            host=runs[-1].host,
        )
        yield replace(found, ahead_until=fresh.ahead_until, summary=ahead_sentence(fresh))
