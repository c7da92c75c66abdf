"""The cooldown of alerts: remembers each alert of the source, across restarts, and tells the program what is new."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from memmon.alerts.policy import AlertPolicy
from memmon.alerts.state_machine import as_notified, ended, has_changed, step
from memmon.guest.shielding import log_safely
from memmon.model import Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from memmon.alerts.records import Watch
    from memmon.alerts.state_machine import Observation

log = logging.getLogger("memmon")

Telling = Literal["by rule", "at once", "never"]
"""Whether what is seen may be told: as the cooldown has it, or as the finder has decided already."""

_LEVELS = {"warning": logging.WARNING, "error": logging.ERROR}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the program's thread has seen, on its way to the cooldown."""

    seen: Observation
    at: datetime
    telling: Telling = "by rule"


@dataclass(frozen=True, slots=True)
class Looked:
    """What the cooldown made of something seen."""

    watch: Watch | None
    """The memory to be stored; None: it has not changed."""
    alert: Alert | None
    """What the program is told; None: nothing."""


class Cooldown:
    """Decides which alerts are told, and remembers them. Only the writer thread comes here."""

    def __init__(self, *, on_alert: Callable[[Alert], None] | None, cooldown_minutes: float) -> None:
        self.on_alert = on_alert
        self.cooldown_minutes = cooldown_minutes
        self._watches: dict[str, Watch] = {}
        self._stored: dict[str, Watch] = {}

    def begin(self, at: datetime) -> None:
        """Begin a run: what fired in the one before is over; when it was told stays known."""
        self._watches = {
            key: watch if watch.state == "clear" else ended(watch, at) for key, watch in self._watches.items()
        }
        self._stored = {}

    def remember(self, watches: Mapping[str, Watch]) -> None:
        """Learn when alerts of this source were told, by earlier runs or by those beside this one."""
        for key, stored in watches.items():
            own = self._watches.get(key)
            if own is None:
                self._watches[key] = stored if stored.state == "clear" else ended(stored, stored.seen_at)
            elif stored.told_at is not None and (own.told_at is None or stored.told_at > own.told_at):
                self._watches[key] = replace(
                    own,
                    told_at=stored.told_at,
                    told_severity=stored.told_severity,
                    told_members=stored.told_members,
                )

    def look(self, seen: Observation, *, at: datetime, telling: Telling = "by rule") -> Looked:
        """Return what is to be stored and told of what is seen now; a recovery is stored and not told."""
        before = self._watches.get(seen.fingerprint)
        if before is None and seen.level != "active":  # so it is with nearly every snapshot
            return Looked(watch=None, alert=None)
        rule = AlertPolicy(cooldown_minutes=self.cooldown_minutes).rule_in_process(seen.kind)
        is_quiet = telling == "never" or seen.level != "active"
        done = step(before, seen, at=at, rule=rule, is_silenced=is_quiet)
        watch, is_told = done.watch, done.told is not None
        if watch is None:
            return Looked(watch=None, alert=None)
        if telling == "at once" and watch.state == "firing" and not is_told:
            watch, is_told = as_notified(watch, seen, at), True
        self._watches[seen.fingerprint] = watch
        stored = self._stored.get(seen.fingerprint)
        is_new = watch != before if stored is None else has_changed(stored, watch)
        if is_new:
            self._stored[seen.fingerprint] = watch
        return Looked(watch=watch if is_new else None, alert=_alert(seen, at) if is_told else None)

    def deliver(self, alert: Alert) -> None:
        """Tell the program: through logging, and through its callback when it gave one."""
        log_safely(
            log, _LEVELS[alert.severity], "memmon: %s: %s: %s", alert.source, alert.title, alert.message
        )
        if self.on_alert is not None:
            try:
                self.on_alert(alert)
            except BaseException as error:  # in our own thread: also SystemExit and asyncio's CancelledError
                log_safely(log, logging.ERROR, "memmon: on_alert raised %r", error)


def _alert(seen: Observation, at: datetime) -> Alert:
    return Alert(
        kind=seen.kind,
        severity=seen.severity,
        title=seen.title,
        message=seen.message,
        at=at,
        source=seen.source,
        values=seen.values,
    )
