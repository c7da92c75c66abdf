"""Putting a change of state into one short text: what, how sure, since when, what to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from uuid import uuid4

from memmon.errors import SettingsError
from memmon.formatting import local_time, shown
from memmon.store.alert_values import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo
    from pathlib import Path

    from memmon.notify.machine import Observation
    from memmon.store.alert_values import MessageEvent, Watch
    from memmon.store.read import RunInfo

_HEADS = {
    "firing": "{severity}",
    "worse": "{severity}, worse",
    "reminder": "{severity}, still",
    "resolved": "RESOLVED",
    "test": "TEST",
}
_LONGEST_TEXT = 4_000


class MessageWriter:
    """Writes messages; `place` is how a command names the database, without a secret in it.

    `template`: Jinja2 text with `title`, `message`, `action`, `context`, `command`, `event`, `severity`,
    `kind`, `source`, `host`, `run`, `at`, `values`. When it fails, the standard text is sent and says so.
    """

    def __init__(self, *, place: str, template: str | None = None, tz: tzinfo | None = None) -> None:
        self._place = place
        self._template = template
        self._tz = tz

    def compose(
        self,
        seen: Observation,
        run: RunInfo | None,
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
        body = self._body(seen, event, watch)
        text = "\n".join(part for part in (body, context, command) if part)
        if self._template is not None:
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
            text = self._filled(fields, text)
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
        words = ["memmon", *seen.command, "--db", self._place, "--source", seen.source]
        return shown(shlex.join(words))

    def _filled(self, fields: Mapping[str, object], standard: str) -> str:
        from jinja2 import TemplateError
        from jinja2.sandbox import SandboxedEnvironment

        assert self._template is not None
        try:
            filled = SandboxedEnvironment(autoescape=False).from_string(self._template).render(fields)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            return f"{standard}\n(the template failed: {type(error).__name__}: {error})"
        return filled if filled.strip() else standard


def read_template(path: Path) -> str:
    """Return a template's text; raises SettingsError for one that can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the template can't be read ({error}); correct --template") from None


def _run(run: RunInfo | None) -> str:
    if run is None:
        return "no run"
    more = [
        f"pid {run.pid}" if run.pid is not None else "",
        f"release {shown(run.release)}" if run.release else "",
    ]
    inside = ", ".join(part for part in more if part)
    return f"run {run.run_id}{f' ({inside})' if inside else ''}"
