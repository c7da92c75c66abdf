"""Which sources, runs and window of time a command judges."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.assessment.freshness import set_aside, set_aside_sentence
from memmon.assessment.present import Bounds
from memmon.cli.locate import Place, locate_existing
from memmon.cli.output import check_output, say_database
from memmon.cli.text import local_time, printable
from memmon.errors import NoDataError, UnknownSourceError
from memmon.facts.recording_order import newest_recorded
from memmon.facts.whole_numbers import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.cli.options import Common, WindowOptions
    from memmon.store.read import RunInfo, SourceInfo, Store

_LONGEST_UUID = 40
_LAST = "last"
_MOST_RUNS_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open store, the place it was found at, and the source asked for (None: not said)."""

    place: Place
    store: Store
    wanted: str | None

    def one(self) -> SourceInfo:
        """Return the only source, or the one named; raises UnknownSourceError and NoDataError."""
        return self.store.resolve_source(self.wanted)

    def all(self) -> tuple[SourceInfo, ...]:
        """Return the source named, else every one; raises UnknownSourceError and NoDataError."""
        if self.wanted is not None:
            return (self.store.resolve_source(self.wanted),)
        found = self.store.sources()
        return found or (self.store.resolve_source(None),)


@contextmanager
def opened(common: Common, *, quiet: bool = False) -> Iterator[Opened]:
    """Open the store that the options mean, say which it is, and refuse an unwritable -o at once.

    `quiet`: the command itself says in its result which database it read.
    """
    from memmon.store.read import open_store

    check_output(common)
    place = locate_existing(common)
    if not quiet:
        say_database(place.database)
    with open_store(place.database.url) as store:
        yield Opened(place=place, store=store, wanted=common.source or place.settings.source)


def bounds_of(
    store: Store, source: SourceInfo, window: WindowOptions, *, back_hours: float | None = None
) -> Bounds:
    """Return the window that the options mean for a source.

    Lengths count back from the source's last sample, or from the last one of the run asked for.
    Without --since it begins `back_hours` before its end. Raises NoDataError for a window that ends
    before it begins, UnknownSourceError for an unknown run.
    """
    run = _run(store, source, window.run) if window.run is not None else None
    last_at = source.last_at if run is None else run.last_at
    since = window.since.resolve(last_at) if window.since is not None else None
    until = window.until.resolve(last_at) if window.until is not None else None
    if since is not None and until is not None and since > until:
        raise NoDataError(f"--since {local_time(since)} is after --until {local_time(until)}; exchange them")
    end = until or last_at
    if since is None and back_hours is not None and end is not None:
        since = end - timedelta(hours=back_hours)
    return Bounds(since=since, until=until, run_id=None if run is None else run.run_id)


def no_data(store: Store, source: SourceInfo, bounds: Bounds) -> NoDataError:
    """Return the error for a window without a sample: it says what there is."""
    name = printable(source.name)
    known = [run for run in store.runs(source.name) if bounds.run_id in {None, run.run_id}]
    runs = [run for run in known if run.first_at is not None]
    if not runs and (aside := set_aside_sentence(*set_aside(known))):
        return NoDataError(f"{name} has no sample that counts: {aside}; see `memmon doctor`")
    if not runs:
        return NoDataError(f"{name} has no samples yet; wait for the first, or see `memmon doctor`")
    first = min(run.first_at for run in runs if run.first_at is not None)
    last = max(run.last_at for run in runs if run.last_at is not None)
    asked = " ".join(
        f"{word} {local_time(moment)}"
        for word, moment in (("from", bounds.since), ("to", bounds.until))
        if moment is not None
    )
    return NoDataError(
        f"{name} has no samples {asked}; there are some from {local_time(first)} to {local_time(last)}"
    )


def _run(store: Store, source: SourceInfo, wanted: str) -> RunInfo:
    """Return the run meant by its number, the beginning of its uuid, or `last`."""
    runs = store.runs(source.name)
    if wanted == _LAST:
        newest = newest_recorded(runs)
        found = [] if newest is None else [newest]
    elif (number := whole_number(wanted)) is not None:
        found = [run for run in runs if run.run_id == number]
    else:
        found = [run for run in runs if run.uuid.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(str(run.run_id) for run in runs[-_MOST_RUNS_NAMED:]) or "none"
    problem = "several runs" if found else "no run"
    raise UnknownSourceError(
        f"{problem} {printable(repr(wanted[:_LONGEST_UUID]))} of {printable(source.name)}; its newest runs: {known} (`memmon runs` lists all)"
    )
