"""Putting a change of state into one short text: what, how sure, since when, what to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from uuid import uuid4

from memmon.alerts.records import Message
from memmon.formatting import local_time, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, tzinfo

    from memmon.alerts.findings import RunLike
    from memmon.alerts.records import MessageEvent, Watch
    from memmon.alerts.state_machine import Observation

_HEADS = {
    "firing": "{severity}",
    "worse": "{severity}, worse",
    "reminder": "{severity}, still",
    "resolved": "RESOLVED",
    "test": "TEST",
}
_LONGEST_TEXT = 4_000
"""Characters of a message, at most. Chosen: what a chat takes in one message."""


class MessageWriter:
    """Writes messages; `place` is how a command names the database, without a secret in it.

    `fill`: returns the text instead, of `title`, `message`, `action`, `context`, `command`, `event`,
    `severity`, `kind`, `source`, `host`, `run`, `at`, `values`; it is also given the standard text.
    """

    def __init__(
        self,
        *,
        place: str,
        fill: Callable[[Mapping[str, object], str], str] | None = None,
        tz: tzinfo | None = None,
    ) -> None:
        self._place = place
        self._fill = fill
        self._tz = tz

    def compose(
        self,
        seen: Observation,
        run: RunLike | None,
        *,
        event: MessageEvent,
        watch: Watch | None,
        at: datetime,
    ) -> Message:
        """Return the message that tells of a change."""
        severity = seen.severity if watch is None else watch.severity
        head = _HEADS[event].format(severity=severity.upper())
        host = "unknown host" if run is None or not run.host else shown(run.host)
        source = shown(seen.source)
        title = f"[{head}] {seen.title}: {source} on {host}"
        command = self._command(seen)
        context = f"host {host}, source {source}, {_run(run)}, {local_time(at, tz=self._tz)}"
        if seen.group is not None:
            title, context = f"[{head}] {seen.title}", local_time(at, tz=self._tz)
        body = self._body(seen, event, watch)
        text = "\n".join(part for part in (body, context, command) if part)
        if self._fill is not None:
            fields = {
                "title": title,
                "message": seen.message,
                "action": seen.action,
                "context": context,
                "command": command,
                "event": event,
                "severity": severity,
                "kind": seen.kind,
                "source": source,
                "host": host,
                "run": _run(run),
                "at": local_time(at, tz=self._tz),
                "values": dict(seen.values),
            }
            text = self._fill(fields, text)
        return Message(
            uuid=uuid4().hex,
            source_id=seen.source_id,
            source=seen.source,
            fingerprint=seen.fingerprint,
            kind=seen.kind,
            event=event,
            severity=severity,
            at=at,
            title=title,
            text=text[:_LONGEST_TEXT],
            values={**seen.values, "host": None if run is None else run.host, "command": command},
        )

    def _body(self, seen: Observation, event: MessageEvent, watch: Watch | None) -> str:
        if event == "resolved":
            return "It is over."
        lines = [seen.message]
        if event in {"reminder", "worse"} and watch is not None:
            lines[0] += f" First seen {local_time(watch.since, tz=self._tz)}."
        if seen.action:
            lines.append(f"To do: {seen.action}")
        return "\n".join(lines)

    def _command(self, seen: Observation) -> str:
        words = ["memmon", *seen.command, "--db", self._place]
        if seen.group is None:
            words += ["--source", seen.source]
        return shown(shlex.join(words))


def _run(run: RunLike | None) -> str:
    if run is None:
        return "no run"
    more = [
        f"pid {run.pid}" if run.pid is not None else "",
        f"release {shown(run.release)}" if run.release else "",
    ]
    inside = ", ".join(part for part in more if part)
    return f"run {run.run_id}{f' ({inside})' if inside else ''}"
