"""Which series a writer knows by id, and how many new names it may still give a series today.

A program that names its deques by ids (an order's number) makes new names for ever: what has left is
forgotten, only what is new is asked of the store, and beyond a number of new names a day they are
counted and not recorded.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from memmon.facts.defaults import NEW_NAMES_PER_DAY
from memmon.store.connect.links import listed
from memmon.store.write import sql
from memmon.store.write.statements import insert_or_ignore
from memmon.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from memmon.store.connect.link import Link

    SeriesKey: TypeAlias = tuple[str, str, str]
    """Kind, name, metric."""
    Name: TypeAlias = tuple[str, str]
    """Kind, name."""
    Values: TypeAlias = tuple[tuple[SeriesKey, int | None], ...]
    """The series of one name, each with its value."""
    _Mark: TypeAlias = tuple[float, int, set[Name]]

_NAMES_A_QUERY = 200


class KnownSeries:
    """The series of one run, by kind, name and metric."""

    def __init__(self, new_names_per_day: int = NEW_NAMES_PER_DAY) -> None:
        """Know nothing yet; `new_names_per_day`: the names of a run's first snapshot do not count."""
        self._limit_count = new_names_per_day
        self._ids: dict[SeriesKey, int] = {}
        self._began_seconds = 0.0
        self._asked_seconds = 0.0
        self._new_count = 0
        self._refused: set[Name] = set()

    def id_of(self, key: SeriesKey) -> int:
        """Return the id of a series that was learned."""
        return self._ids[key]

    def forget(self, keys: Iterable[SeriesKey] | None = None) -> None:
        """Forget what has left; without `keys`: all, as the store may have been exchanged."""
        if keys is None:
            self._ids = {}
            return
        for key in keys:
            self._ids.pop(key, None)

    def learn(
        self,
        link: Link,
        source_id: int,
        keys: Sequence[SeriesKey],
        *,
        free: set[Name],
        uptime_seconds: float,
    ) -> set[SeriesKey]:
        """Learn the ids of `keys`, making the series that are missing; return those refused for today.

        `free`: names that may always be learned. `uptime_seconds` (since the run began) tells one
        day from the next.
        """
        missing = [key for key in keys if key not in self._ids]
        if not missing:
            return set()
        if self._is_to_be_asked(uptime_seconds):
            self._find(link, source_id, missing)
        new = [key for key in missing if key not in self._ids]
        refused = self._refusal(new, free, uptime_seconds)
        made = sorted({key for key in new if key[:2] not in refused})
        rows = [
            {"source_id": source_id, "kind": kind, "name": name, "metric": metric}
            for kind, name, metric in made
        ]
        insert_or_ignore(link, sql.PUT_SERIES, rows)
        self._find(link, source_id, made)
        return {key for key in new if key[:2] in refused}

    def mark(self) -> _Mark:
        """Return what a transaction that fails must leave as it was."""
        return self._began_seconds, self._new_count, self._refused

    def back_to(self, mark: _Mark) -> None:
        """Count as at `mark`: what was learned since was not stored."""
        self._began_seconds, self._new_count, self._refused = mark

    def newly_refused(self, refused: set[SeriesKey]) -> tuple[str, ...]:
        """Return the names among those of a batch's snapshots that were not refused with the one before."""
        names = {key[:2] for key in refused}
        fresh = tuple(name for _, name in sorted(names - self._refused))
        self._refused = names
        return fresh

    def _is_to_be_asked(self, uptime_seconds: float) -> bool:
        """Tell whether the store is asked for names: once no new one is taken, hourly, for those that return."""
        is_open = (
            self._new_count < self._limit_count or uptime_seconds - self._began_seconds >= SECONDS_PER_DAY
        )
        if not is_open and 0 <= uptime_seconds - self._asked_seconds < SECONDS_PER_HOUR:
            return False
        self._asked_seconds = uptime_seconds
        return True

    def _refusal(self, new: Sequence[SeriesKey], free: set[Name], uptime_seconds: float) -> set[Name]:
        if uptime_seconds - self._began_seconds >= SECONDS_PER_DAY or uptime_seconds < self._began_seconds:
            self._began_seconds = uptime_seconds
            self._new_count = 0
        counted = list(dict.fromkeys(key[:2] for key in new if key[:2] not in free))
        allowed_count = max(self._limit_count - self._new_count, 0)
        self._new_count += min(len(counted), allowed_count)
        return set(counted[allowed_count:])

    def _find(self, link: Link, source_id: int, keys: Sequence[SeriesKey]) -> None:
        names = sorted({key[:2] for key in keys})
        for kind, found in groupby(names, key=lambda name: name[0]):
            of_kind = [name for _, name in found]
            for begin in range(0, len(of_kind), _NAMES_A_QUERY):
                statement, given = listed(sql.FIND_SERIES, "names", of_kind[begin : begin + _NAMES_A_QUERY])
                rows = link.rows(statement, {"source_id": source_id, "kind": kind, **given})
                self._ids.update({(kind, row["name"], row["metric"]): row["id"] for row in rows})


class LastValues:
    """What was written last of each series, name by name: most names read as before, and are passed over as one."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._of: dict[Name, Values] = {}

    def mark(self) -> Mapping[Name, Values]:
        """Return what a transaction that fails must leave as it was."""
        return dict(self._of)

    def back_to(self, mark: Mapping[Name, Values]) -> None:
        """Know what was known at `mark`."""
        self._of = dict(mark)

    def forget(self, keys: Iterable[SeriesKey] | None = None) -> None:
        """Forget what was not written after all; without `keys`: all, as the store may have been exchanged."""
        if keys is None:
            self._of = {}
            return
        for key in keys:
            self._of[key[:2]] = tuple(pair for pair in self._of.get(key[:2], ()) if pair[0] != key)

    def has(self, key: SeriesKey) -> bool:
        """Tell whether a value of this series is known."""
        return any(known == key for known, _ in self._of.get(key[:2], ()))

    def change_to(
        self, present: Mapping[Name, Values], *, is_all: bool = True
    ) -> dict[SeriesKey, int | None]:
        """Return all that differs from what was written last, which from here on is `present`.

        What has left (unregistered, gone) is known no longer: None. The same tuple as before is not looked into.
        `is_all` False: names that are not in `present` are as before, and are not looked for.
        """
        changed: dict[SeriesKey, int | None] = {}
        of = self._of
        if is_all and not present.keys() >= of.keys():
            for name in [name for name in of if name not in present]:
                changed.update(_left(of.pop(name), {}))
        for name, values in present.items():
            before = of.get(name, ())
            if before is not values:
                changed.update(_differing(before, values))
                of[name] = values
        return changed


def _differing(before: Values, values: Values) -> Iterable[tuple[SeriesKey, int | None]]:
    """Return the pairs that are other than before, or new, and as unknown those that are no more."""
    if len(before) == len(values):  # mostly the same series in the same order
        beside = [(pair, old) for pair, old in zip(values, before, strict=True) if pair != old]
        if all(pair[0] == old[0] for pair, old in beside):
            return [pair for pair, _ in beside]
    known, now = dict(before), dict(values)
    fresh = (pair for pair in values if pair[0] not in known or known[pair[0]] != pair[1])
    return [*_left(before, now), *fresh]


def _left(before: Values, now: Mapping[SeriesKey, int | None]) -> Iterator[tuple[SeriesKey, None]]:
    return ((key, None) for key, value in before if value is not None and key not in now)
