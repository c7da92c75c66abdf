"""The options that commands share, handed to the command as one value each."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from memmon.cli.parameter_types import MOMENT, RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.cli.parameter_types import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Which database and source, and where the result goes."""

    db: str | None
    source: str | None
    as_json: bool
    output: str | None
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """Which part of a history is judged, and by which threshold."""

    since: Moment | None
    until: Moment | None
    run: str | None
    threshold_mb_per_hour: float | None

    @property
    def is_narrowed(self) -> bool:
        """Tell whether the whole history was not asked for."""
        return bool(self.since or self.until or self.run)


_COMMON = (
    click.option(
        "--db", metavar="URL|PATH", help="The database (default: MEMMON_DATABASE_URL, then the settings)."
    ),
    click.option("--source", metavar="NAME", help="Which monitored program (default: the only one)."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    click.option("-o", "--output", metavar="FILE|-", help="Write the result to a file (-: standard output)."),
    click.option("--force", is_flag=True, help="Let -o replace an existing file."),
)
_JUDGING = (
    click.option(
        "--since",
        type=MOMENT,
        metavar="24h|TIME",
        help="Begin here; a length counts back from the last sample.",
    ),
    click.option("--until", type=MOMENT, metavar="1h|TIME", help="End here; likewise."),
    click.option("--run", "run_id", metavar="ID|last", help="One run alone ('memmon runs' lists them)."),
    click.option(
        "--threshold", type=RATE, metavar="MB/H", help="Growth that counts as a leak (default: 10)."
    ),
)


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --db --source --json -o --force; the command gets them as `common: Common`."""

    @functools.wraps(function)
    def with_common(
        *args: Any,
        db: str | None,
        source: str | None,
        as_json: bool,
        output: str | None,
        force: bool,
        **rest: Any,
    ) -> Any:
        value = Common(db=db, source=source, as_json=as_json, output=output, force=force)
        return function(*args, common=value, **rest)

    return _add(with_common, _COMMON)


def judging(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --since --until --run --threshold; the command gets them as `window: Window`."""

    @functools.wraps(function)
    def with_window(
        *args: Any,
        since: Moment | None,
        until: Moment | None,
        run_id: str | None,
        threshold: float | None,
        **rest: Any,
    ) -> Any:
        value = WindowOptions(since=since, until=until, run=run_id, threshold_mb_per_hour=threshold)
        return function(*args, window=value, **rest)

    return _add(with_window, _JUDGING)


def _add(function: Callable[..., Any], options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function
