"""The rows of sources all of whose samples lie in the future: a clock is wrong, and that is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.assessment.assess import assess
from memmon.assessment.freshness import freshness_of
from memmon.assessment.present import Present
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
        if freshness_of(runs, now=now).ahead_until is None:
            continue
        nothing = History.from_arrays(at_seconds=[], rss_bytes=[], source=source.name)
        yield series_result(
            assess(nothing, present=Present(runs=tuple(runs)), policy=policy, now=now),
            is_new=False,
            last_at=None,
            run_count=len(runs),
            release=runs[-1].release,
            host=runs[-1].host,
        )
