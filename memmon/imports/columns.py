"""Which column of a table is what, by its header and by what the operator says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.process_size import UNITS, unit_named
from memmon.facts.readings import READINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.facts.readings import Unit
    from memmon.imports.options import ReadOptions

RELATIVE = "t_seconds"
ABSOLUTE = "at"
RUN, SOURCE, UPTIME, RESOLUTION = "run_id", "source", "uptime_seconds", "resolution_seconds"
PROCESS_NUMBERS = ("pid", "process_id", "processid")
"""Columns in which each process has a number of its own."""
TELLING = (
    *PROCESS_NUMBERS,
    *("process", "process_name", "command", "cmd", "container", "container_id", "container_name"),
    *("name", "instance", "pod", "host", "hostname", "node", "worker"),
)
"""Columns that tell several processes of one file apart."""
EXPECTED_HEADER = (
    "expected a CSV header with `at` (ISO 8601) or `t_seconds...`, and `rss_bytes`"
    " (or a memory_profiler .dat, a psrecord log, JSON Lines)"
)

_UNIT_OF: Mapping[str, Unit] = {one.column: one.unit for one in READINGS}
_SIZE_NAME = re.compile(r"(.+)_(b|bytes|kb|kib|mb|mib|gb|gib)")
_TIME_HINTS = ("time", "timestamp", "date", "datetime", "ts", "epoch")
_SIZE_HINTS = ("rss", "res", "memory", "mem", "memusage", "rss_size", "value")
_WRITTEN_BESIDE = re.compile(r"(min|max|last)_.*|sample_count")


class HeaderError(ValueError):
    """A header does not do; the message says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMeasure:
    """A column that is read, and how."""

    place: int
    name: str
    """As memmon calls it."""
    shown: str
    """As the file calls it."""
    kind: Unit
    factor: int = 1
    """Bytes in a unit of the column."""
    is_assumed: bool = True
    """False: the operator said the unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the rows of a table are read."""

    width: int
    time_place: int
    time_name: str
    is_absolute: bool
    measures: tuple[ColumnMeasure, ...]
    places: Mapping[str, int]
    """Where the run, the source, the uptime and what `--split` names stand, as far as they do."""
    telling: Mapping[str, int]
    """Columns that may tell processes apart and are not read."""
    notes: tuple[str, ...]

    @property
    def rss(self) -> ColumnMeasure:
        """The column that is judged."""
        return next(one for one in self.measures if one.name == "rss_bytes")


def is_readable_name(name: str) -> bool:
    """Tell whether memmon reads a column of this name."""
    return name in {ABSOLUTE, RUN, SOURCE, UPTIME} or name.startswith(RELATIVE) or _measured(name) is not None


def plan_columns(header: Sequence[str], options: ReadOptions) -> Plan:
    """Return how a table with this header is read; raise HeaderError when it does not do."""
    if not any(header):
        raise HeaderError(f"the file is empty; {EXPECTED_HEADER}")
    shown = [name.strip() for name in header]
    names = _named(shown, options)
    time_name = _time_name(names, shown)
    measures = _measures(names, shown, options)
    if "rss_bytes" not in {one.name for one in measures}:
        raise HeaderError(
            f"no column `rss_bytes` among {_few(shown)}; {EXPECTED_HEADER}"
            + _hint(names, _SIZE_HINTS, "rss_kb", "(or rss_bytes, rss_mb: its unit)")
        )
    places = {name: names.index(name) for name in (RUN, SOURCE, UPTIME, RESOLUTION) if name in names}
    if options.split is not None:
        places["split"] = _place_of(options.split, shown, "--split")
    time_place = names.index(time_name)
    used = {time_place, *places.values(), *(one.place for one in measures)}
    free = {name: at for at, name in enumerate(names) if at not in used}
    return Plan(
        width=len(header),
        time_place=time_place,
        time_name=shown[time_place],
        is_absolute=time_name == ABSOLUTE,
        measures=measures,
        places=places,
        telling={name: free[name] for name in TELLING if name in free},
        notes=_notes(
            measures, [shown[at] for name, at in free.items() if not _WRITTEN_BESIDE.fullmatch(name)]
        ),
    )


def _named(shown: Sequence[str], options: ReadOptions) -> list[str]:
    """Return memmon's name of each column: what the operator calls it, else its own in lower case."""
    names = [name.lower() for name in shown]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise HeaderError(f"column {twice[0]!r} stands twice in the header; expected each name once")
    mapped = {_place_of(column, shown, "--column"): name for name, column in options.columns.items()}
    taken = set(options.columns)
    return [mapped.get(at, "" if name in taken else name) for at, name in enumerate(names)]


def _place_of(column: str, shown: Sequence[str], option: str) -> int:
    wanted = column.strip().lower()
    for at, name in enumerate(shown):
        if name.lower() == wanted:
            return at
    raise HeaderError(f"{option} names {column!r}, which is no column; expected one of {_few(shown)}")


def _time_name(names: Sequence[str], shown: Sequence[str]) -> str:
    if ABSOLUTE in names:
        return ABSOLUTE
    relative = [name for name in names if name.startswith(RELATIVE)]
    if RELATIVE in relative:
        return RELATIVE
    if len(relative) > 1:
        raise HeaderError(f"several time columns {relative}; expected one, called `t_seconds`")
    if not relative:
        raise HeaderError(
            f"no time column among {_few(shown)}; {EXPECTED_HEADER}" + _hint(names, _TIME_HINTS, ABSOLUTE)
        )
    return relative[0]


def _hint(names: Sequence[str], known: Sequence[str], ours: str, more: str = "") -> str:
    found = [name for name in names if name in known]
    return f"; if it is {found[0]!r}, say --column {ours}={found[0]} {more}".rstrip() if found else ""


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "")  # noqa: PLR2004 -- as many as fit a line


def _measured(name: str) -> tuple[str, str] | None:
    """Return (reading, unit in its name); None where memmon has no such reading."""
    if _UNIT_OF.get(name, "bytes") != "bytes":
        return name, ""
    found = _SIZE_NAME.fullmatch(name)
    column = f"{found.group(1)}_bytes" if found is not None else ""
    return (column, found.group(2)) if found is not None and column in _UNIT_OF else None


def _measures(names: Sequence[str], shown: Sequence[str], options: ReadOptions) -> tuple[ColumnMeasure, ...]:
    chosen: dict[str, ColumnMeasure] = {}
    for at, name in enumerate(names):
        found = _measured(name)
        if found is None or (found[0] in chosen and name != found[0]):
            continue  # rss_bytes is better than a rounded rss_mb beside it
        column, unit = found
        named = unit_named(unit) if unit else ""
        if named not in {"", "B"} and options.unit not in {None, named}:
            raise HeaderError(
                f"column {shown[at]!r} is in {named}, --unit says {options.unit}; expected one unit"
            )
        said = options.unit if named == "B" else None
        chosen[column] = ColumnMeasure(
            place=at,
            name=column,
            shown=shown[at],
            kind=_UNIT_OF[column],
            factor=UNITS[said or named or "B"],
            is_assumed=options.unit is None,
        )
    return tuple(chosen.values())


def _notes(measures: Sequence[ColumnMeasure], ignored: Sequence[str]) -> tuple[str, ...]:
    units = {factor: name for name, factor in UNITS.items()}
    notes = [
        f"`{one.shown}` was read as {units[one.factor].upper()} of {one.factor:,} bytes"
        for one in measures
        if one.factor > 1
    ]
    left = [name for name in ignored if name]
    return (*notes, f"columns ignored: {', '.join(left)}") if left else tuple(notes)
