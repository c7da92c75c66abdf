"""How late it is as far as the recording bears it out: a clock that is years ahead must not fold a whole history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from memmon.store.connect.session import maintenance
from memmon.store.schema.moments import datetime_from_ms, ms_from_datetime
from memmon.units import MS_PER_HOUR

if TYPE_CHECKING:
    from memmon.config import Database

_PROVED = timedelta(days=1)
_LONGEST_PAUSE = timedelta(days=8)
_NEWEST = "SELECT s.{0} FROM snapshot s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1"
_RUNS = f"SELECT r.started_ms, ({_NEWEST.format('at_ms')}), ({_NEWEST.format('uptime_ms')}) FROM run r"


def recorded_now(database: Database, now: datetime) -> datetime:
    """Return `now`, or the newest time recorded before it where nothing bears `now` out.

    It is borne out by a run that began a day ago or more, went on until a week ago or less, and whose clock was not
    set in between. After a longer pause the history waits a day; what is young is not touched by either.
    """
    with maintenance(database) as session:
        rows = session.read(_RUNS, {})
    proved_ms, paused_ms = ms_from_datetime(now - _PROVED), ms_from_datetime(now - _LONGEST_PAUSE)
    known: list[int] = []
    for started_ms, last_ms, uptime_ms in rows:
        if last_ms is not None and started_ms <= proved_ms and last_ms >= paused_ms:
            was_set = abs(last_ms - uptime_ms - started_ms) > MS_PER_HOUR
            if not was_set:
                return now
        known += [one for one in (started_ms, last_ms) if one is not None and one < paused_ms]
    return datetime_from_ms(max(known)) if known else now
