"""What the tests of imports share: files, a store to import into, and what is in it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from memmon.config import parse_database
from memmon.imports.importing import import_files
from memmon.imports.options import ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

    from memmon.imports.importing import Imported
    from memmon.imports.recording import RecordedRun

MB = 2**20
NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Bench:
    """A folder with files and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = parse_database(folder / "store" / "m.db")

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take(
        self,
        path: Path,
        *,
        now: datetime = NOW,
        source: str | None = None,
        start: datetime | None = None,
        **options: object,
    ) -> Imported:
        """Import one file."""
        read = ReadOptions(**options)  # type: ignore[arg-type]  # what a test says of the file
        (result,) = import_files(self.database, [path], now=now, source=source, start=start, options=read)
        return result

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(str(self.database.path))
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def readings(self) -> list[tuple[int, int]]:
        """Return (time, size) of every snapshot, in order."""
        return self.rows("SELECT at_ms, rss_bytes FROM snapshot ORDER BY run_id, seq")  # type: ignore[return-value]  # two whole numbers


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def log(count: int, *, first: int = 0, minutes: int = 15) -> list[tuple[datetime, int]]:
    """Return readings of a process that grows."""
    return [
        (FIRST + timedelta(minutes=minutes * step), 200 * MB + 100_003 * step)
        for step in range(first, first + count)
    ]


def csv_of(readings: list[tuple[datetime, int]]) -> str:
    return "at,rss_bytes\n" + "".join(f"{at.isoformat()},{rss}\n" for at, rss in readings)


def samples_in(run: RecordedRun) -> list[tuple[float, float | None]]:
    """Return (time, size) of each sample of a run that was read."""
    place = run.spool.names.index("rss_bytes")
    return [(at, values[place]) for at, _, values in run.samples()]
