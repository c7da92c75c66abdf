"""compare: what a release changed, whatever the clocks said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memmon.cli import app
from memmon.config import parse_database
from memmon.model import RunRecord, Snapshot
from memmon.store.upkeep.migrate import upgrade
from memmon.store.write.writer import Batch, RunEnd, Writer

MB = 2**20


def write_release(database, name, *, begun_at, hours, slope):
    run = RunRecord(
        uuid=f"{name}-{begun_at:%d%H%M}",
        source="bot",
        source_was_given=True,
        started_at=begun_at,
        release=name,
        interval_seconds=60.0,
        host="box",
        pid=1,
    )
    snapshots = [
        Snapshot(
            at=begun_at + timedelta(minutes=number),
            sequence=number + 1,
            uptime_seconds=60.0 * number,
            rss_bytes=round((300 + slope * number / 60 + 0.5 * (number % 4)) * MB),
        )
        for number in range(round(hours * 60) + 1)
    ]
    Writer(database).write(
        Batch(run=run, snapshots=snapshots, end=RunEnd(at=snapshots[-1].at, reason="stopped"))
    )


@pytest.mark.parametrize("ahead", [timedelta(days=-30), timedelta(days=40)], ids=["past", "future"])
def test_compare_counts_what_there_is_whatever_the_clock_said(tmp_path, capsys, ahead):
    """Short runs are counted with the hours that are left of them, also where a clock ahead has labelled all of them."""
    database = parse_database(str(tmp_path / "m.db"))
    upgrade(database)
    begun_at = datetime.now(UTC) + ahead
    write_release(database, "1.4.1", begun_at=begun_at, hours=1.9, slope=0.0)
    write_release(database, "1.4.2", begun_at=begun_at + timedelta(hours=2), hours=2.2, slope=20.0)
    write_release(database, "1.4.2", begun_at=begun_at + timedelta(hours=5), hours=4.2, slope=20.0)
    code = app.run(["compare", "1.4.1", "1.4.2", "--db", str(tmp_path / "m.db")])
    told = capsys.readouterr().out
    rows = {
        line.split()[0]: line.split()
        for line in told.splitlines()
        if line.startswith("1.4.") and "itself" not in line and "against" not in line
    }
    assert code == 0
    assert rows["1.4.1"][1:4] == ["1", "0", "0.9"]
    assert rows["1.4.2"][1:4] == ["2", "1", "4.4"]
    assert "A run is compared from 2.5 hours on" in told
    assert "1.4.2 by itself: 20." in told
