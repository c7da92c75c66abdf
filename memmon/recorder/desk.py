"""The alert desk: lets an alert through once, remembers it across restarts, and delivers it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.guest.shielding import log_safely
from memmon.recorder.rules import fingerprint, may_repeat
from memmon.store.write import AlertMark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from memmon.model import Alert

log = logging.getLogger("memmon")

_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An alert that was found in the host's thread, on its way to the desk."""

    alert: Alert
    is_forced: bool
    """True: the finder has kept the cooldown itself."""


class AlertDesk:
    """Decides which alerts are told. Only the writer thread comes here."""

    def __init__(self, *, on_alert: Callable[[Alert], None] | None, cooldown_minutes: float) -> None:
        self.on_alert = on_alert
        self.cooldown_minutes = cooldown_minutes
        self._marks: dict[str, AlertMark] = {}

    def remember(self, marks: Mapping[str, AlertMark]) -> None:
        """Learn when alerts of this source were told by earlier runs."""
        for key, mark in marks.items():
            own = self._marks.get(key)
            if own is None or mark.notified_at > own.notified_at:
                self._marks[key] = mark

    def admit(self, alert: Alert, *, is_forced: bool = False) -> AlertMark | None:
        """Return the mark to be stored when `alert` may be told now, else None."""
        key = fingerprint(alert)
        told = self._marks.get(key)
        cooldown = timedelta(minutes=self.cooldown_minutes)
        if (
            not is_forced
            and told is not None
            and not may_repeat(
                alert, told_at=told.notified_at, told_severity=told.severity, cooldown=cooldown
            )
        ):
            return None
        mark = AlertMark(fingerprint=key, kind=alert.kind, severity=alert.severity, notified_at=alert.at)
        self._marks[key] = mark
        return mark

    def told_at(self, key: str) -> datetime | None:
        """Return when the alert with this fingerprint was last told, as far as is known."""
        mark = self._marks.get(key)
        return None if mark is None else mark.notified_at

    def deliver(self, alert: Alert) -> None:
        """Tell the host: through logging, and through its callback when it gave one."""
        log_safely(
            log, _LEVELS[alert.severity], "memmon: %s: %s: %s", alert.source, alert.title, alert.message
        )
        if self.on_alert is not None:
            try:
                self.on_alert(alert)
            except BaseException as error:  # in our own thread: also SystemExit and asyncio's CancelledError
                log_safely(log, logging.ERROR, "memmon: on_alert raised %r", error)
