"""What can be told: each kind of alert with its title, severity, cooldown and words, each once.

A new kind is a member, its row and its line in `_row`, and a function in `memmon.alerts.conditions`;
mypy names each match that forgets it. Both tellers have it then, and the table in docs/alerts.md
is made from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from memmon.model import AlertSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """What is known of one kind of alert."""

    title: str
    severity: AlertSeverity
    fires: str
    """When it fires, in words."""
    ends: str
    """When it is over, in words."""
    action: str
    """What to do."""
    title_of_one: str | None = None
    """The title where exactly one is affected; None: the same."""
    severe: str | None = None
    """When it is an error although its severity is a warning, in words."""
    command: tuple[str, ...] = ("report",)
    """The memmon command that shows more."""
    is_momentary: bool = False
    """A reading of the moment that swings, not a state that lasts: it is told again sooner."""
    is_verdict: bool = False
    """Found by judging the history: it is over only when that has been said for a while."""
    is_told_in_process: bool = True
    """The bot tells it too; what only an evaluator can see, or is not the bot's to say, it does not."""


class AlertKind(StrEnum):
    """Every kind of alert; a `str` that equals its plain text."""

    LEAK = "leak"
    FORECAST = "forecast"
    DEQUE = "deque"
    HIGH_MEMORY = "high_memory"
    SILENT = "silent"
    RESTART_LOOP = "restart_loop"
    RECORDER = "recorder"

    @property
    def row(self) -> KindRow:
        """What is known of this kind."""
        return _row(self)


_LEAK = KindRow(
    title="Memory leak detected",
    severity="warning",
    severe="when the source is critical: the limit will be reached within 24 h, or 95 % of it is used",
    fires="two checks an hour apart say `leaking`, with medium or high confidence",
    ends="the verdict is another for 2 h",
    action="Compare with the release before; restart it in a quiet hour if the limit is near.",
    is_verdict=True,
)
_FORECAST = KindRow(
    title="The memory limit is reached within {hours:g} h",
    severity="warning",
    severe="when the source is critical: it will be reached within 24 h",
    fires=(
        "without a leak, the limit is reached within 72 h by growth that does not level off; or, where nothing can be "
        "said yet, within 45 min at the present pace"
    ),
    ends="it is farther than 96 h, or the pace is another, for 2 h",
    action="Plan a restart or a higher limit before then.",
    command=("forecast",),
    is_verdict=True,
)
_DEQUE = KindRow(
    title="Deque limits exceeded",
    title_of_one="Deque limit exceeded",
    severity="error",
    fires="a deque has no maxlen, is above it, or has another than expected",
    ends="all are within their limits",
    action="Give these deques a maxlen, or empty them faster.",
    command=("deques",),
)
_HIGH_MEMORY = KindRow(
    title="High memory usage",
    severity="warning",
    severe="from 95 %",
    fires="the container's memory or the host's, whichever is nearer to full, is at 80 % or more",
    ends="it is below 75 %",
    action="Find what grew, or raise the limit before the kernel ends a process.",
    is_momentary=True,
)
_SILENT = KindRow(
    title="No snapshots arrive",
    severity="error",
    fires="no snapshot for three intervals, and nobody meant the run to end",
    ends="a snapshot came, or the run was ended on purpose",
    action="See whether the process still runs and why it ended.",
    command=("runs",),
    is_told_in_process=False,
)
_RESTART_LOOP = KindRow(
    title="Restart loop",
    severity="error",
    fires="five runs of less than 30 min ended within an hour",
    ends="fewer than four",
    action="Read the log of the last start; no leak can be judged while it restarts.",
    command=("runs",),
    is_told_in_process=False,
)
_RECORDER = KindRow(
    title="Recorder trouble",
    severity="warning",
    fires="snapshots were dropped in the last hour",
    ends="none were",
    action="See whether the disk is full or the server was away.",
    command=("doctor",),
    is_told_in_process=False,
)


def _row(kind: AlertKind) -> KindRow:
    match kind:
        case AlertKind.LEAK:
            return _LEAK
        case AlertKind.FORECAST:
            return _FORECAST
        case AlertKind.DEQUE:
            return _DEQUE
        case AlertKind.HIGH_MEMORY:
            return _HIGH_MEMORY
        case AlertKind.SILENT:
            return _SILENT
        case AlertKind.RESTART_LOOP:
            return _RESTART_LOOP
        case AlertKind.RECORDER:
            return _RECORDER
        case _:
            assert_never(kind)


KINDS: tuple[str, ...] = tuple(kind.value for kind in AlertKind)
"""Every kind of alert, as plain text."""


def table() -> str:
    """Return the table of the kinds as it stands in the documentation."""
    lines = [
        "| kind | fires when | is over when | severity | the bot tells it too |",
        "|---|---|---|---|---|",
    ]
    for kind in AlertKind:
        row = kind.row
        severity = row.severity if row.severe is None else f"{row.severity}; error {row.severe}"
        too = "yes" if row.is_told_in_process else "no"
        lines.append(f"| `{kind.value}` | {row.fires} | {row.ends} | {severity} | {too} |")
    return "\n".join(lines)
