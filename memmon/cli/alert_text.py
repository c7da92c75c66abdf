"""What `memmon alerts list` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memmon.cli.text import local_time, printable, table

if TYPE_CHECKING:
    from memmon.model import AlertInfo


def list_text(
    rows: list[dict[str, Any]],
    silences: list[dict[str, Any]],
    waiting: list[dict[str, Any]],
    told: dict[str, tuple[AlertInfo, ...]],
) -> str:
    """Return what `memmon alerts list` prints."""
    parts = ["nothing fires"]
    if rows:
        headings = ["source", "fingerprint", "state", "severity", "since", "last told", "acknowledged"]
        parts = [
            table(
                headings,
                [
                    (
                        row["source"],
                        row["fingerprint"],
                        row["state"],
                        row["severity"],
                        local_time(row["since"]),
                        local_time(row["told_at"]),
                        row["acknowledged_by"] or "",
                    )
                    for row in rows
                ],
            )
        ]
    parts += [
        printable(
            f"silent until {local_time(one['until'])}: {one['source'] or 'all sources'}, {one['kind'] or 'every kind'}"
            f"{': ' + one['reason'] if one['reason'] else ''}"
        )
        for one in silences
    ]
    parts += [
        printable(
            f"{one['message_count']} wait for {one['channel']} since {local_time(one['since'])}: {one['error'] or 'not tried yet'}"
        )
        for one in waiting
    ]
    parts += [
        printable(
            f"told by the recorder of {name}: {one.fingerprint} ({one.severity}) {local_time(one.notified_at)}, "
            + (
                f"{one.state} since {local_time(one.since)}"
                if one.resolved_at is None
                else f"resolved {local_time(one.resolved_at)}"
            )
        )
        for name, alerts in told.items()
        for one in alerts
    ]
    return "\n".join(parts)
