"""Where alerts are remembered: states, silences, the outbox and the evaluators' lease.

A change of state and the messages that tell of it are written in one transaction, so that a kill
between the two neither loses nor repeats a message.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from memmon.config import mask_url
from memmon.errors import StoreError, StoreNotFoundError
from memmon.store import schema
from memmon.store.alert_values import Delivery, Message, Silence, Watch
from memmon.store.engine import read_engine, write_engine
from memmon.store.revision import require_head
from memmon.store.write import datetime_from_ms, ms_from_datetime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Row, Select, Table
    from sqlalchemy.engine import Connection

    from memmon.config import Database

LEASE = "alerts"
WAITING, SENT, MERGED, EXPIRED = "waiting", "sent", "merged", "expired"
_TIMES = ("since", "seen", "clear_since", "told", "told_since", "acknowledged")


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
                require_head(connection)
                yield connection
        except DBAPIError as error:
            words = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
            raise StoreError(f"{self.database.shown}: {words[0]}") from error

    # -- the lease -------------------------------------------------------------------------------

    def acquire(self, holder: str, *, at: datetime, lasting: timedelta) -> bool:
        """Take or renew the lease; False while another evaluator holds it."""
        table, now_ms = schema.alert_lease, ms_from_datetime(at)
        until_ms = ms_from_datetime(at + lasting)
        with self._begin() as connection:
            _insert(connection, table, [{"name": LEASE, "holder": holder, "until_ms": until_ms}])
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
        table = schema.alert_lease
        with self._begin() as connection:
            connection.execute(delete(table).where(table.c.name == LEASE, table.c.holder == holder))

    def holder(self, *, at: datetime) -> str | None:
        """Return who evaluates at present."""
        table = schema.alert_lease
        with self._begin(write=False) as connection:
            return connection.execute(
                select(table.c.holder).where(table.c.name == LEASE, table.c.until_ms > ms_from_datetime(at))
            ).scalar()

    # -- states and messages ---------------------------------------------------------------------

    def watches(self) -> dict[tuple[int, str], Watch]:
        """Return what is remembered, by (source id, fingerprint)."""
        with self._begin(write=False) as connection:
            found = connection.execute(select(schema.alert_watch)).mappings()
            return {(row["source_id"], row["fingerprint"]): _watch(dict(row)) for row in found}

    def record(
        self, holder: str, watches: Sequence[Watch], messages: Sequence[Message], *, channels: Sequence[str]
    ) -> bool:
        """Write new states and their messages together; False (nothing written) without the lease."""
        with self._begin(write=bool(watches or messages)) as connection:
            lease = schema.alert_lease
            mine = select(lease.c.holder).where(lease.c.name == LEASE)
            held = connection.execute(mine.with_for_update() if watches or messages else mine).scalar()
            if held != holder:
                return False
            for watch in watches:
                _upsert_watch(connection, watch)
            for message in messages:
                _enqueue(connection, message, channels)
        return True

    def acknowledge(self, source_id: int, fingerprint: str, *, at: datetime, by: str) -> bool:
        """Mark a firing alert as seen by a person; False when it does not fire."""
        table = schema.alert_watch
        with self._begin() as connection:
            done = connection.execute(
                update(table)
                .where(
                    table.c.source_id == source_id,
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
            _insert(connection, schema.alert_silence, [row])

    def end_silences(self, *, source_id: int | None, kind: str | None, at: datetime) -> int:
        """End the silences of exactly this source and kind; returns how many."""
        table = schema.alert_silence
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
        table = schema.alert_silence.c
        at_ms = ms_from_datetime(at)
        with self._begin(write=False) as connection:
            rows = connection.execute(
                select(schema.alert_silence).where(table.from_ms <= at_ms, table.until_ms > at_ms)
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
        table, at_ms = schema.alert_delivery, ms_from_datetime(at)
        with self._begin(write=False) as connection:
            row = connection.execute(_oldest_waiting(channel)).first()
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
                message=_message(row),
            )

    def delivered(self, item: Delivery, *, at: datetime) -> None:
        """Note that a message arrived; the cooldown counts from here."""
        watch, at_ms = schema.alert_watch, ms_from_datetime(at)
        with self._begin() as connection:
            _close(connection, item, SENT, at_ms)
            connection.execute(
                update(watch)
                .where(
                    watch.c.source_id == item.message.source_id,
                    watch.c.fingerprint == item.message.fingerprint,
                    watch.c.told_ms < at_ms,
                )
                .values(told_ms=at_ms)
            )

    def failed(self, item: Delivery, error: str, *, next_at: datetime) -> None:
        """Note that a message did not arrive and when to try again."""
        table = schema.alert_delivery
        with self._begin() as connection:
            connection.execute(
                update(table)
                .where(table.c.message_id == item.message_id, table.c.channel == item.channel)
                .values(next_ms=ms_from_datetime(next_at), error=error[:500])
            )

    def expire(self, *, before: datetime, forget_before: datetime) -> int:
        """Give up what waits since `before`; forget what was done before `forget_before`; returns the former."""
        message, table = schema.alert_message, schema.alert_delivery
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
        table, message = schema.alert_delivery, schema.alert_message
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


def _oldest_waiting(channel: str) -> Select[Any]:
    table, message = schema.alert_delivery, schema.alert_message
    return (
        select(table.c.attempt_count, table.c.next_ms, message, schema.source.c.name)
        .join_from(table, message, table.c.message_id == message.c.id)
        .join(schema.source, schema.source.c.id == message.c.source_id)
        .where(table.c.channel == channel, table.c.state == WAITING)
        .order_by(table.c.message_id)
        .limit(1)
    )


def without_password(database: Database) -> str:
    """Return the database as a command can name it: a path, or a URL without its password."""
    if database.path is not None:
        return str(database.path)
    return mask_url(database.url.replace("postgresql+psycopg://", "postgresql://")).replace(":***@", "@")


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _upsert_watch(connection: Connection, watch: Watch) -> None:
    table = schema.alert_watch
    values: dict[str, Any] = {
        "source_id": watch.source_id,
        "fingerprint": watch.fingerprint,
        "kind": watch.kind,
        "state": watch.state,
        "severity": watch.severity,
        "title": watch.title,
        "told_severity": watch.told_severity,
        "told_members": json.dumps(watch.told_members) if watch.told_members else None,
        "acknowledged_by": watch.acknowledged_by,
    }
    for name in _TIMES:
        moment = getattr(watch, name if name.endswith("since") else f"{name}_at")
        values[f"{name}_ms"] = None if moment is None else ms_from_datetime(moment)
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    keys = ["source_id", "fingerprint"]
    new = {name: value for name, value in values.items() if name not in keys}
    connection.execute(insert(table).values(values).on_conflict_do_update(index_elements=keys, set_=new))


def _watch(row: dict[str, Any]) -> Watch:
    values = {name: value for name, value in row.items() if not name.endswith("_ms")}
    for name in _TIMES:
        at_ms = row[f"{name}_ms"]
        values[name if name.endswith("since") else f"{name}_at"] = (
            None if at_ms is None else datetime_from_ms(at_ms)
        )
    values["told_members"] = tuple(json.loads(row["told_members"])) if row["told_members"] else ()
    return Watch(**values)


def _enqueue(connection: Connection, message: Message, channels: Sequence[str]) -> None:
    table, delivery = schema.alert_message, schema.alert_delivery
    row = {
        "uuid": message.uuid,
        "source_id": message.source_id,
        "fingerprint": message.fingerprint,
        "kind": message.kind,
        "event": message.event,
        "severity": message.severity,
        "at_ms": ms_from_datetime(message.at),
        "title": message.title,
        "text": message.text,
        "data": json.dumps(dict(message.values), default=str),
    }
    _insert(connection, table, [row])
    message_id = connection.execute(select(table.c.id).where(table.c.uuid == message.uuid)).scalar_one()
    for channel in channels:
        state = _merged_state(connection, message, channel)
        values = {
            "message_id": message_id,
            "channel": channel,
            "state": state,
            "attempt_count": 0,
            "next_ms": ms_from_datetime(message.at),
        }
        _insert(connection, delivery, [values])


def _merged_state(connection: Connection, message: Message, channel: str) -> str:
    """Return `merged` for what a channel that is down need not tell twice when it is up again.

    An equal message that still waits says it already; the recovery between two such alerts is
    then untrue and is merged too.
    """
    table, delivery = schema.alert_message, schema.alert_delivery
    waiting = and_(
        delivery.c.channel == channel,
        delivery.c.state == WAITING,
        delivery.c.message_id.in_(
            select(table.c.id).where(
                table.c.source_id == message.source_id, table.c.fingerprint == message.fingerprint
            )
        ),
    )
    events = connection.execute(
        select(table.c.event).join_from(delivery, table, delivery.c.message_id == table.c.id).where(waiting)
    ).scalars()
    known = set(events)
    alike = {"firing", "reminder"} if message.event in {"firing", "reminder"} else {message.event}
    if not known & alike:
        return WAITING
    if message.event != "resolved":
        resolved = select(table.c.id).where(table.c.event == "resolved")
        connection.execute(
            update(delivery).where(waiting, delivery.c.message_id.in_(resolved)).values(state=MERGED)
        )
    return MERGED


def _close(connection: Connection, item: Delivery, state: str, at_ms: int) -> None:
    table = schema.alert_delivery
    connection.execute(
        update(table)
        .where(table.c.message_id == item.message_id, table.c.channel == item.channel)
        .values(state=state, done_ms=at_ms, error=None)
    )


def _message(row: Row[Any]) -> Message:
    return Message(
        uuid=row.uuid,
        source_id=row.source_id,
        source=row.name,
        fingerprint=row.fingerprint,
        kind=row.kind,
        event=row.event,
        severity=row.severity,
        at=datetime_from_ms(row.at_ms),
        title=row.title,
        text=row.text,
        values=json.loads(row.data or "{}"),
    )
