"""`memmon compare RELEASE_A RELEASE_B`: what a release changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.selection import bounds_of, no_data, opened
from memmon.cli.text import number, printable, table
from memmon.errors import NoDataError

if TYPE_CHECKING:
    from memmon.analysis.compare.finding import Comparison, ReleaseEstimate

END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC)


@click.command("compare")
@click.argument("release_a", metavar="RELEASE_A")
@click.argument("release_b", metavar="RELEASE_B")
@judging
@common
def command(*, release_a: str, release_b: str, common: Common, window: WindowOptions) -> None:
    """Compare the memory of two releases: growth and plateau, with intervals.

    Says whether the second looks fixed, is worse, or shows no difference (and what would have been seen).
    """
    from memmon.analysis.compare.releases import compare_releases
    from memmon.assessment.grown import grown_of_release

    with opened(common) as found:
        # Releases are compared by uptime, whatever the clocks said: nothing is set aside.
        store = found.store.as_of(END_OF_TIME)
        source = store.resolve_source(found.one().name)
        bounds = bounds_of(store, source, window)
        history = store.history(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
        if history.is_empty:
            raise no_data(store, source, bounds)
        try:
            compared = compare_releases(history, release_a, release_b)
        except ValueError as error:
            raise NoDataError(f"{printable(source.name)}: {error}") from None
        compared = replace(
            compared,
            grown_before=grown_of_release(store, source.name, release_a),
            grown_after=grown_of_release(store, source.name, release_b),
        )
        if common.as_json:
            finding = {**compared.to_dict(), "source": source.name}
            write_json(common, command="compare", database=found.place.database, findings=[finding])
        else:
            write_text(common, _text(compared, source.name))


def _text(compared: Comparison, source: str) -> str:
    from memmon.analysis.compare.finding import COMPARE_WORDS

    rows = [_row(compared.before), _row(compared.after)]
    lines = [
        (
            f"{printable(source)}, {printable(compared.before.release)} -> {printable(compared.after.release)}: "
            f"{COMPARE_WORDS[compared.verdict]}"
        ),
        table(["release", "runs", "used", "hours", "MB/hour", "95 %", "plateau MB", "95 %"], rows),
        printable(compared.summary),
        *map(printable, compared.details),
        *map(printable, compared.grown_sentences),
    ]
    return "\n".join(lines)


def _row(one: ReleaseEstimate) -> tuple[object, ...]:
    return (
        one.release,
        one.run_count,
        one.used_run_count,
        number(one.hours, decimals=1),
        number(one.slope_mb_per_hour),
        _interval(one.slope_low_mb_per_hour, one.slope_high_mb_per_hour),
        number(one.plateau_mb, decimals=1),
        _interval(one.plateau_low_mb, one.plateau_high_mb, decimals=1),
    )


def _interval(low: float | None, high: float | None, *, decimals: int = 2) -> str:
    if low is None or high is None:
        return "-"
    return f"{number(low, decimals=decimals)} to {number(high, decimals=decimals)}"
