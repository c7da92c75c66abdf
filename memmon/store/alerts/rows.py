"""The rows of the messages about alerts: from values to tables and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from memmon.alerts.records import Delivery, Message
from memmon.store.schema import tables
from memmon.store.schema.moments import datetime_from_ms, ms_from_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select, Table
    from sqlalchemy.engine import Connection

WAITING, SENT, MERGED, EXPIRED = "waiting", "sent", "merged", "expired"


def oldest_waiting(channel: str) -> Select[Any]:
    """Return the query of what a channel is to be told next."""
    table, message = tables.alert_delivery, tables.alert_message
    return (
        select(table.c.attempt_count, table.c.next_ms, message, tables.source.c.name)
        .join_from(table, message, table.c.message_id == message.c.id)
        .join(tables.source, tables.source.c.id == message.c.source_id)
        .where(table.c.channel == channel, table.c.state == WAITING)
        .order_by(table.c.message_id)
        .limit(1)
    )


def insert_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; what is there already stays."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


def enqueue(connection: Connection, message: Message, channels: Sequence[str]) -> None:
    """Write a message, and what each channel has to carry of it."""
    table, delivery = tables.alert_message, tables.alert_delivery
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
    insert_new(connection, table, [row])
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
        insert_new(connection, delivery, [values])


def _merged_state(connection: Connection, message: Message, channel: str) -> str:
    """Return `merged` for what a channel that is down need not tell twice when it is up again.

    An equal message that still waits says it already; the recovery between two such alerts is
    then untrue and is merged too.
    """
    table, delivery = tables.alert_message, tables.alert_delivery
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


def close(connection: Connection, item: Delivery, state: str, at_ms: int) -> None:
    """Note what became of a delivery."""
    table = tables.alert_delivery
    connection.execute(
        update(table)
        .where(table.c.message_id == item.message_id, table.c.channel == item.channel)
        .values(state=state, done_ms=at_ms, error=None)
    )


def message_of(row: Row[Any]) -> Message:
    """Return the message that a row holds."""
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
