"""Where alerts are remembered: states, silences, the outbox and the evaluators' lease.

A change of state and the messages that tell of it are written in one transaction, so that a kill
between the two neither loses nor repeats a message.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from memmon.alerts.records import Delivery, Message, Silence, Watch
from memmon.errors import StoreError, StoreNotFoundError
from memmon.facts.masking import mask_url
from memmon.store.alerts.rows import (
    EXPIRED,
    SENT,
    WAITING,
    close,
    enqueue,
    insert_new,
    message_of,
    oldest_waiting,
)
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.connect.sqlalchemy_link import ConnectionLink
from memmon.store.schema import tables
from memmon.store.schema.moments import datetime_from_ms, ms_from_datetime
from memmon.store.schema.revision import require_head
from memmon.store.write.watch_rows import put_watch, watch_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from memmon.alerts.records import WatchHolder
    from memmon.config import Database

LEASE = "alerts"
_EVALUATOR: WatchHolder = "evaluator"


class AlertStore:
    """The alerts of one database. Raises StoreError and its kinds; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._writing = write_engine(database)
        self._reading = read_engine(database)

    @contextmanager
    def _begin(self, *, write: bool = True) -> Iterator[Connection]:
        """Yield a connection in a transaction; one that only reads costs no sync of the disk."""
        path = self.database.path
        if path is not None and not path.exists():
            msg = f"no database at {path}: name one with --db or MEMMON_DATABASE_URL, or record first"
            raise StoreNotFoundError(msg)
        try:
            with (self._writing if write else self._reading).begin() as connection:
                require_head(ConnectionLink(connection))
                yield connection
        except DBAPIError as error:
            words = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
            raise StoreError(f"{self.database.shown}: {words[0]}") from error

    # -- the lease -------------------------------------------------------------------------------

    def acquire(self, holder: str, *, at: datetime, lasting: timedelta) -> bool:
        """Take or renew the lease; False while another evaluator holds it."""
        table, now_ms = tables.alert_lease, ms_from_datetime(at)
        until_ms = ms_from_datetime(at + lasting)
        with self._begin() as connection:
            insert_new(connection, table, [{"name": LEASE, "holder": holder, "until_ms": until_ms}])
            # A lease far in the future was taken under a clock that ran ahead.
            done = connection.execute(
                update(table)
                .where(
                    table.c.name == LEASE,
                    or_(
                        table.c.holder == holder,
                        table.c.until_ms <= now_ms,
                        table.c.until_ms > now_ms + 86_400_000,
                    ),
                )
                .values(holder=holder, until_ms=until_ms)
            )
            return done.rowcount == 1

    def release(self, holder: str) -> None:
        """Give the lease back."""
        table = tables.alert_lease
        with self._begin() as connection:
            connection.execute(delete(table).where(table.c.name == LEASE, table.c.holder == holder))

    def holder(self, *, at: datetime) -> str | None:
        """Return who evaluates at present."""
        table = tables.alert_lease
        with self._begin(write=False) as connection:
            return connection.execute(
                select(table.c.holder).where(table.c.name == LEASE, table.c.until_ms > ms_from_datetime(at))
            ).scalar()

    # -- states and messages ---------------------------------------------------------------------

    def watches(self) -> dict[tuple[int, str], Watch]:
        """Return what the evaluator remembers, by (source id, fingerprint)."""
        with self._begin(write=False) as connection:
            table = tables.alert_watch
            found = connection.execute(select(table).where(table.c.holder == _EVALUATOR)).mappings()
            return {(row["source_id"], row["fingerprint"]): watch_of(row) for row in found}

    def record(
        self, holder: str, watches: Sequence[Watch], messages: Sequence[Message], *, channels: Sequence[str]
    ) -> bool:
        """Write new states and their messages together; False (nothing written) without the lease."""
        with self._begin(write=bool(watches or messages)) as connection:
            lease = tables.alert_lease
            mine = select(lease.c.holder).where(lease.c.name == LEASE)
            held = connection.execute(mine.with_for_update() if watches or messages else mine).scalar()
            if held != holder:
                return False
            for watch in watches:
                put_watch(ConnectionLink(connection), watch, holder=_EVALUATOR)
            for message in messages:
                enqueue(connection, message, channels)
        return True

    def acknowledge(self, source_id: int, fingerprint: str, *, at: datetime, by: str) -> bool:
        """Mark a firing alert as seen by a person; False when it does not fire."""
        table = tables.alert_watch
        with self._begin() as connection:
            done = connection.execute(
                update(table)
                .where(
                    table.c.source_id == source_id,
                    table.c.holder == _EVALUATOR,
                    table.c.fingerprint == fingerprint,
                    table.c.state == "firing",
                )
                .values(acknowledged_ms=ms_from_datetime(at), acknowledged_by=by)
            )
            return done.rowcount == 1

    def silence(
        self, *, source_id: int | None, kind: str | None, since: datetime, until: datetime, reason: str
    ) -> None:
        """Tell nothing of a source and kind (None: all) until `until`."""
        row = {
            "source_id": source_id,
            "kind": kind,
            "from_ms": ms_from_datetime(since),
            "until_ms": ms_from_datetime(until),
            "reason": reason,
        }
        with self._begin() as connection:
            insert_new(connection, tables.alert_silence, [row])

    def end_silences(self, *, source_id: int | None, kind: str | None, at: datetime) -> int:
        """End the silences of exactly this source and kind; returns how many."""
        table = tables.alert_silence
        same = [
            column.is_(None) if value is None else column == value
            for column, value in ((table.c.source_id, source_id), (table.c.kind, kind))
        ]
        with self._begin() as connection:
            at_ms = ms_from_datetime(at)
            return connection.execute(
                update(table).where(*same, table.c.until_ms > at_ms).values(until_ms=at_ms)
            ).rowcount

    def silences(self, *, at: datetime) -> tuple[Silence, ...]:
        """Return the silences in force."""
        table = tables.alert_silence.c
        at_ms = ms_from_datetime(at)
        with self._begin(write=False) as connection:
            rows = connection.execute(
                select(tables.alert_silence).where(table.from_ms <= at_ms, table.until_ms > at_ms)
            )
            return tuple(
                Silence(
                    silence_id=row.id,
                    source_id=row.source_id,
                    kind=row.kind,
                    since=datetime_from_ms(row.from_ms),
                    until=datetime_from_ms(row.until_ms),
                    reason=row.reason,
                )
                for row in rows
            )

    # -- the outbox ------------------------------------------------------------------------------

    def claim(self, channel: str, *, at: datetime, lasting: timedelta) -> Delivery | None:
        """Take the channel's oldest message to send it; None when none is due.

        Others leave it alone for `lasting`; messages of one channel are told in their order.
        """
        table, at_ms = tables.alert_delivery, ms_from_datetime(at)
        with self._begin(write=False) as connection:
            row = connection.execute(oldest_waiting(channel)).first()
        if row is None or row.next_ms > at_ms:
            return None
        with self._begin() as connection:
            claimed = connection.execute(
                update(table)
                .where(
                    table.c.message_id == row.id,
                    table.c.channel == channel,
                    table.c.state == WAITING,
                    table.c.next_ms == row.next_ms,
                )
                .values(next_ms=ms_from_datetime(at + lasting), attempt_count=row.attempt_count + 1)
            )
            if claimed.rowcount != 1:
                return None
            return Delivery(
                message_id=row.id,
                channel=channel,
                attempt_count=row.attempt_count + 1,
                message=message_of(row),
            )

    def delivered(self, item: Delivery, *, at: datetime) -> None:
        """Note that a message arrived; the cooldown counts from here."""
        watch, at_ms = tables.alert_watch, ms_from_datetime(at)
        with self._begin() as connection:
            close(connection, item, SENT, at_ms)
            connection.execute(
                update(watch)
                .where(
                    watch.c.source_id == item.message.source_id,
                    watch.c.holder == _EVALUATOR,
                    watch.c.fingerprint == item.message.fingerprint,
                    watch.c.told_ms < at_ms,
                )
                .values(told_ms=at_ms)
            )

    def failed(self, item: Delivery, error: str, *, next_at: datetime) -> None:
        """Note that a message did not arrive and when to try again."""
        table = tables.alert_delivery
        with self._begin() as connection:
            connection.execute(
                update(table)
                .where(table.c.message_id == item.message_id, table.c.channel == item.channel)
                .values(next_ms=ms_from_datetime(next_at), error=error[:500])
            )

    def expire(self, *, before: datetime, forget_before: datetime) -> int:
        """Give up what waits since `before`; forget what was done before `forget_before`; returns the former."""
        message, table = tables.alert_message, tables.alert_delivery
        old = select(message.c.id).where(message.c.at_ms < ms_from_datetime(before))
        ancient = select(message.c.id).where(message.c.at_ms < ms_from_datetime(forget_before))
        with self._begin(write=False) as connection:
            waits = select(table.c.message_id).where(table.c.state == WAITING, table.c.message_id.in_(old))
            if connection.execute(waits).first() is None and connection.execute(ancient).first() is None:
                return 0
        with self._begin() as connection:
            given_up = connection.execute(
                update(table)
                .where(table.c.state == WAITING, table.c.message_id.in_(old))
                .values(state=EXPIRED)
            ).rowcount
            connection.execute(delete(table).where(table.c.message_id.in_(ancient)))
            connection.execute(delete(message).where(message.c.id.in_(ancient)))
        return given_up

    def waiting(self) -> tuple[dict[str, Any], ...]:
        """Return what still waits, by channel: how many, since when, and the last error."""
        table, message = tables.alert_delivery, tables.alert_message
        with self._begin(write=False) as connection:
            rows = connection.execute(
                select(table.c.channel, func.count(), func.min(message.c.at_ms), func.max(table.c.error))
                .join_from(table, message, table.c.message_id == message.c.id)
                .where(table.c.state == WAITING)
                .group_by(table.c.channel)
            )
            return tuple(
                {
                    "channel": row[0],
                    "message_count": row[1],
                    "since": datetime_from_ms(row[2]),
                    "error": row[3],
                }
                for row in rows
            )


def without_password(database: Database) -> str:
    """Return the database as a command can name it: a path, or a URL without its password."""
    if database.path is not None:
        return str(database.path)
    return mask_url(database.url.replace("postgresql+psycopg://", "postgresql://")).replace(":***@", "@")
