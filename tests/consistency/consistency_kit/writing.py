"""Writes the histories into a real store, by the recorder's own writer and the command line's import."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from consistency_kit.histories import HOST_MB, MB, Run, Story
from memmon import Snapshot
from memmon.cli import app
from memmon.config import parse_database
from memmon.model import RunRecord
from memmon.store.migrate import upgrade
from memmon.store.write import AlertMark, Batch, RunEnd, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def write_all(path: Path, stories: Sequence[Story]) -> None:
    """Make a store of all `stories`, each a source of its own name."""
    upgrade(parse_database(str(path)))
    for story in stories:
        if story.trace is not None:
            imported = ["import", "--db", str(path), "--source", story.name, str(story.trace)]
            assert app.run(imported) == 0, story.name
        for number, run in enumerate(story.runs):
            _write_run(path, story, run, number)


def _write_run(path: Path, story: Story, run: Run, number: int) -> None:
    snapshots = snapshots_of(story, run)
    record = RunRecord(
        uuid=f"{story.name}-{number}",
        source=story.name,
        source_was_given=True,
        started_at=min(one.at for one in snapshots),
        interval_seconds=run.interval_seconds,
        host=f"host-of-{story.name}",
        pid=os.getpid(),  # a run without an end is one whose process is still there
        release="1.4.2",
    )
    end = None if run.end is None else RunEnd(at=snapshots[-1].at, reason=run.end)
    marks = ()
    if story.was_high:
        told_at = snapshots[-1].at - timedelta(hours=5)
        mark = AlertMark(
            fingerprint="high_memory", kind="high_memory", severity="warning", notified_at=told_at
        )
        marks = (mark,)
    Writer(parse_database(str(path))).write(
        Batch(run=record, snapshots=snapshots, end=end, alert_marks=marks)
    )


def snapshots_of(story: Story, run: Run) -> list[Snapshot]:
    """Return the rows of a run, placed so that the story's last moment is `age_seconds` before the present."""
    last = NOW - timedelta(seconds=story.age_seconds)
    count = len(run.hours)
    found = []
    for place, (hours, mb) in enumerate(zip(run.hours.tolist(), run.mb.tolist(), strict=True)):
        ahead = run.late_hours if place == count - 1 else 0.0
        found.append(
            Snapshot(
                at=last + timedelta(hours=hours + ahead),
                sequence=place + 1,
                uptime_seconds=(hours - run.hours[0]) * 3600.0,
                rss_bytes=round(mb * 256) * 4096,
                work_count=None if run.work is None else int(run.work[place]),
                deques=tuple(run.deques(place, count)),
                **_machine(run, mb),
            )
        )
    return found


def _machine(run: Run, mb: float) -> dict[str, object]:
    machine = run.machine
    values: dict[str, object] = {}
    if machine.host_percent is not None:
        values["system_percent"] = machine.host_percent
        values["system_available_bytes"] = round(HOST_MB * (1 - machine.host_percent / 100)) * MB
        values["limit_origin"], values["limit_bytes"] = "host", round(HOST_MB) * MB
    if machine.limit_mb is not None:
        values["limit_origin"], values["limit_bytes"] = "cgroup v2 /docker/ab12", round(machine.limit_mb) * MB
        if machine.others_mb is not None:
            values["limit_used_bytes"] = round((mb + machine.others_mb) * MB)
    return values
