"""What is seen of one kind of alert, made from what is known and the kind's own row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.alerts.state_machine import Observation
from memmon.facts.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memmon.alerts.kinds import AlertKind
    from memmon.alerts.present import PresentState
    from memmon.alerts.state_machine import Level
    from memmon.model import AlertSeverity


def seen(  # noqa: PLR0913 -- what an observation is made of
    present: PresentState,
    kind: AlertKind,
    level: Level,
    *,
    message: str,
    values: Mapping[str, object],
    severity: AlertSeverity | None = None,
    title: str | None = None,
    members: Sequence[str] = (),
    scope: str | None = None,
) -> Observation:
    """Return what is seen of a kind; what is not given is as its row says."""
    row = kind.row
    return Observation(
        source_id=present.source_id,
        source=present.source,
        fingerprint=kind.value,
        kind=kind.value,
        level=level,
        severity=severity or row.severity,
        title=title or row.title,
        message=message,
        action=row.action,
        command=row.command,
        values=values,
        members=tuple(members),
        scope=scope,
    )


def severity_here(present: PresentState) -> AlertSeverity | None:
    """Return `error` where the source is critical by its assessment; else the kind's own row says it."""
    return "error" if present.severity is Severity.CRITICAL else None
