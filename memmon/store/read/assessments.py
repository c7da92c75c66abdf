"""The assessments that were kept: the newest of each source, and their history as a DataFrame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from memmon.model import AssessmentRecord
from memmon.store.read.answers import datetime_of, datetime_or_none

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from memmon.store.read.ports import Session
    from memmon.store.read.samples import Window

_EVER_MS = 2**62
_MOMENTS = {"at": "at_ms", "last_at": "last_ms"}
_NAMES = tuple(_MOMENTS.get(one.name, one.name) for one in fields(AssessmentRecord) if one.name != "source")
"""The table's columns, in the order of what is kept."""
_COLUMNS = tuple(name for name in _NAMES if name not in {*_MOMENTS.values(), "version", "data"})
_FLOATS = frozenset(name for name in _COLUMNS if name.endswith(("_bytes", "_mb_per_hour")))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRow(AssessmentRecord):
    """What an hourly check said of a source, as it is read back: what was kept, and what the store knows besides."""

    source_id: int
    begun_at: datetime | None
    """When the source's newest run began: perhaps after this was kept."""


def read_newest(
    session: Session, *, until_ms: int, begun_until_ms: int | None = None, source_id: int | None = None
) -> tuple[AssessmentRow, ...]:
    """Return the newest kept assessment of each source (or one) up to a moment: a seek each.

    `begun_until_ms`: a run that began later by a clock that was ahead did not begin since.
    """
    newest = (
        "SELECT a.id FROM assessment a WHERE a.source_id = s.id AND a.at_ms <= :until_ms "
        "ORDER BY a.at_ms DESC LIMIT 1"
    )
    chosen = "" if source_id is None else "WHERE s.id = :source_id"
    names = ", ".join(f"k.{name}" for name in _NAMES)
    rows = session.rows(
        f"SELECT k.source_id, s.name, (SELECT max(r.started_ms) FROM run r WHERE r.source_id = s.id "
        f"AND r.started_ms <= :begun_ms), {names} "
        f"FROM source s JOIN assessment k ON k.id = ({newest}) {chosen}",
        {"until_ms": until_ms, "begun_ms": _EVER_MS if begun_until_ms is None else begun_until_ms}
        | ({} if source_id is None else {"source_id": source_id}),
    )
    return tuple(_row(row) for row in rows)


def _row(row: tuple[object, ...]) -> AssessmentRow:
    one = dict(zip(("source_id", "source", "begun_ms", *_NAMES), row, strict=True))
    return AssessmentRow(
        at=datetime_of(one.pop("at_ms")),  # type: ignore[arg-type] # a column of integers
        last_at=datetime_or_none(one.pop("last_ms")),  # type: ignore[arg-type] # same
        begun_at=datetime_or_none(one.pop("begun_ms")),  # type: ignore[arg-type] # same
        **one,  # type: ignore[arg-type] # the columns of the schema
    )


def read_recent_memory(
    session: Session, *, since_ms: int, until_ms: int, source_id: int | None = None
) -> dict[int, list[tuple[int, int]]]:
    """Return (moment in ms, RSS in bytes) of every assessment kept of a window, oldest first, by the source's id.

    `source_id`: of that source alone.
    """
    chosen = "" if source_id is None else "AND s.id = :source_id "
    rows = session.rows(
        "SELECT s.id, a.at_ms, a.rss_bytes FROM source s JOIN assessment a ON a.source_id = s.id "
        f"WHERE a.at_ms > :since_ms AND a.at_ms <= :until_ms AND a.rss_bytes IS NOT NULL {chosen}"
        "ORDER BY s.id, a.at_ms",
        {"since_ms": since_ms, "until_ms": until_ms}
        | ({} if source_id is None else {"source_id": source_id}),
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for owner_id, at_ms, rss_bytes in rows:
        found.setdefault(owner_id, []).append((at_ms, rss_bytes))
    return found


def assessments_frame(session: Session, window: Window) -> pd.DataFrame:
    """Return a row per kept assessment of a window, oldest first (index `at`)."""
    import pandas as pd

    parameters = window.parameters()
    terms = ["source_id = :source_id"]
    terms += [
        f"at_ms {sign} :{name}"
        for name, sign in (("since_ms", ">="), ("until_ms", "<="))
        if name in parameters
    ]
    rows = session.rows(
        f"SELECT {', '.join(_NAMES)} FROM assessment WHERE {' AND '.join(terms)} ORDER BY at_ms, id",
        {name: parameters[name] for name in ("source_id", "since_ms", "until_ms") if name in parameters},
    )
    found = dict(zip(_NAMES, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(_NAMES, ())
    columns: dict[str, object] = {"last_at": _times(found["last_ms"])}
    for name in _COLUMNS:
        values = found[name]
        is_number = name in _FLOATS
        columns[name] = np.array(values, dtype=np.float64) if is_number else _words(values)
    used, limit = columns["charged_bytes"], columns["limit_bytes"]
    assert isinstance(used, np.ndarray)
    assert isinstance(limit, np.ndarray)
    columns["limit_share"] = used / np.where(limit > 0, limit, np.nan)
    columns["version"] = np.array(found["version"], dtype=np.int64)
    columns["data"] = _words(found["data"])
    return pd.DataFrame(columns, index=_times(found["at_ms"]).rename("at"))


def _words(values: tuple[str | None, ...]) -> pd.api.extensions.ExtensionArray:
    """Return a column of text, NaN where there is none; `pd.array` of pandas 2 would write "None"."""
    import pandas as pd

    return pd.Series([np.nan if one is None else one for one in values], dtype="str").array


def _times(at_ms: tuple[int | None, ...]) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.to_datetime(np.array(at_ms, dtype=np.float64), unit="ms", utc=True).as_unit("ms")
