"""What `--limit` means: a size, the container's, the host's, or (not said) the recorded one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memmon.cli.text import printable
from memmon.cli.values import parse_size
from memmon.errors import NoDataError
from memmon.report.limits import Limit, given_limit, recorded_limit

if TYPE_CHECKING:
    from memmon.cli.sources import Bounds
    from memmon.store.read import SourceInfo, Store

KINDS = ("container", "host")


class LimitType(click.ParamType[str | int]):
    """`2GiB`, `container` or `host`."""

    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | int:
        """Return the bytes, or the kind of limit."""
        if isinstance(value, int) or value in KINDS:
            return value  # type: ignore[no-any-return]  # click hands over what was typed
        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"{value!r} is not a limit such as 2GiB, container or host", param, ctx)


LIMIT = LimitType()


def limit_of(store: Store, source: SourceInfo, bounds: Bounds, wanted: str | int | None) -> Limit | None:
    """Return the limit meant, as of the window's last sample; None when nothing is known of any."""
    stats = store.window_statistics(source.name, bounds.since, bounds.until, run_id=bounds.run_id)
    if isinstance(wanted, int):
        return given_limit(stats, wanted)
    runs = [run for run in store.runs(source.name) if bounds.run_id in {None, run.run_id}]
    if wanted == "container":
        return recorded_limit(stats, runs, kind="container")
    return recorded_limit(stats, runs, kind="host" if wanted == "host" else "recorded")


def require_limit(store: Store, source: SourceInfo, bounds: Bounds, wanted: str | int | None) -> Limit:
    """Return the limit meant; raises NoDataError when it was not recorded."""
    found = limit_of(store, source, bounds, wanted)
    if found is None:
        kind = f"{wanted} limit" if wanted in KINDS else "limit"
        raise NoDataError(
            f"no {kind} was recorded for {printable(source.name)}; give one, such as --limit 2GiB"
        )
    return found
