"""Writes the histories into a real store, by the recorder's own writer and the command line's import."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from consistency_kit.histories import HOST_MB, MB, Run, Story
from memmon import Snapshot
from memmon.alerts.conditions import high_memory
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import Memory, PresentState
from memmon.cli import app
from memmon.config import parse_database
from memmon.facts.suspicion import Suspicion
from memmon.model import EventRecord, RunRecord
from memmon.recorder.alerts.cooldown import Cooldown
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write import run_endings
from memmon.store.write.writer import Batch, RunEnd, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memmon.alerts.records import Watch

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def write_all(path: Path, stories: Sequence[Story]) -> None:
    """Make a store of all `stories`, each a source of its own name."""
    upgrade(parse_database(str(path)))
    for story in stories:
        if story.trace is not None:
            imported = ["import", "--db", str(path), "--source", story.name, str(story.trace)]
            assert app.run(imported) == 0, story.name
        # A run without an end is one whose process is still there: none is found dead.
        with patch.object(run_endings, "_ending_of", return_value=None):
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
        host=run.host or f"host-of-{story.name}",
        pid=os.getpid() + number,
        release="1.4.2",
    )
    end = None if run.end is None else RunEnd(at=snapshots[-1].at, reason=run.end)
    watches = _watches(story, snapshots) if story.was_high else ()
    Writer(parse_database(str(path))).write(
        Batch(run=record, snapshots=snapshots, end=end, watches=watches, events=_growth(story, snapshots))
    )


def _growth(story: Story, snapshots: Sequence[Snapshot]) -> list[EventRecord]:
    """Return what was told to grow in a run, confirmed in one story of two; only beside a leak it is told on."""
    state = (Suspicion.SUSPECT, Suspicion.CONFIRMED)[len(story.name) % 2]
    path = f"bot.{story.name.replace('-', '_')}"
    words = f"{path} (dict): 1,500 to 4,500 Row, 1.0 kB each, 3.0 MB more"
    chain = {"path": path, "kind": "dict", "grown_bytes": 3 * MB, "signature": "ab12", "words": words}
    last = [one.at for one in snapshots if one.at <= NOW][-1:]
    return [
        EventRecord(
            at=at,
            sequence=len(snapshots) + 1,
            kind=state.event_kind,
            text=f"{state.beginning}: {words}",
            data={"state": state.value, "chains": [chain]},
        )
        for at in last
    ]


def _watches(story: Story, snapshots: Sequence[Snapshot]) -> list[Watch]:
    """Return what a recorder remembers whose machine was full five hours before its newest snapshot."""
    cooldown = Cooldown(on_alert=None, cooldown_minutes=30.0)
    told_at = snapshots[-1].at - timedelta(hours=5)
    full = Memory(system_percent=90.0, available_bytes=MB)
    moments = [(told_at, full)] + [(one.at, Memory.of_snapshot(one)) for one in snapshots if one.at > told_at]
    found = []
    for at, memory in moments:
        seen = high_memory(PresentState(at=at, source=story.name, memory=memory), AlertPolicy())
        if seen is not None:
            found.append(cooldown.look(seen, at=at).watch)
    return [one for one in found if one is not None]


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
                **{
                    name: round(max(values[place], 0.0) * 256) * 4096 for name, values in run.parts_mb.items()
                },
                **{
                    name: int(values[place]) if np.isfinite(values[place]) else None
                    for name, values in run.counts.items()
                },
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
