"""A file's samples on disk while they are looked through: questions about the whole of a file take no memory for it.

A private SQLite database without a name, which the system deletes with its last user. A small file
never leaves SQLite's cache, so that nothing is written for it.
"""

from __future__ import annotations

import sqlite3
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Values = tuple[int | float | None, ...]
    Row = tuple[float, float | None, Values]
    """Time, uptime where the file says it, values."""

BLOCK_ROW_COUNT = 1_000
_CACHE_KIB = 4_096
_NOBODY = -1


class Spool:
    """Rows of cells by run, in the order in which they came and in the order of time."""

    def __init__(self, names: Sequence[str], telling: Sequence[str] = ()) -> None:
        self.names, self.telling = tuple(names), tuple(telling)
        # The collector may close it in any thread.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._values = [f"v{place}" for place in range(len(self.names))]
        cells = [f"t{place}" for place in range(len(self.telling))]
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA temp_store = FILE",
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            f"CREATE TABLE sample (place INTEGER PRIMARY KEY, {', '.join(['run', 'at', 'uptime', *self._values, *cells])})",
            "CREATE TABLE stored (at_ms, uptime_ms, rss_bytes)",
            "BEGIN",
        ):
            self._connection.execute(statement)
        marks = ", ".join("?" * (3 + len(self._values) + len(cells)))
        self._insert = f"INSERT INTO sample ({', '.join(['run', 'at', 'uptime', *self._values, *cells])}) VALUES ({marks})"  # noqa: S608 -- names made here
        self._block: list[tuple[Any, ...]] = []
        self._merging: dict[str, list[tuple[int, float, float | None]]] = {}
        self._merging_count = 0
        self._indexes: set[str] = set()

    def put(self, row: tuple[Any, ...]) -> None:
        """Take a row: run, time, uptime or None, values, cells that tell processes apart."""
        self._block.append(row)
        if len(self._block) >= BLOCK_ROW_COUNT:
            self._flush()

    def merge(self, run: int, at_seconds: float, name: str, value: float | None) -> None:
        """Take one value of the sample that a run has at a time; the last one counts."""
        self._merging.setdefault(name, []).append((run, at_seconds, value))
        self._merging_count += 1
        if self._merging_count >= BLOCK_ROW_COUNT:
            self._flush()

    def _flush(self) -> None:
        if self._block:
            self._connection.executemany(self._insert, self._block)
            self._block = []
        if self._merging:
            self._index("one_sample", "UNIQUE", "run, at")
        for name, rows in self._merging.items():
            column = self._values[self.names.index(name)]
            self._connection.executemany(
                f"INSERT INTO sample (run, at, {column}) VALUES (?, ?, ?)"  # noqa: S608 -- as above
                f" ON CONFLICT (run, at) DO UPDATE SET {column} = excluded.{column}",
                rows,
            )
        self._merging, self._merging_count = {}, 0

    def _index(self, name: str, kind: str, columns: str) -> None:
        if name not in self._indexes:
            self._connection.execute(f"CREATE {kind} INDEX {name} ON sample ({columns})")
            self._indexes.add(name)

    def _rows(self, statement: str, *values: Any) -> Iterator[Any]:
        """Yield what a question finds, read bit by bit."""
        self._flush()
        yield from self._connection.execute(statement, values)

    def by_time(self, run: int, *, is_sorted: bool, until: float | None) -> Iterator[Row]:
        """Yield a run's rows in the order of time, those of one time as they came.

        `is_sorted`: they came in the order of time.
        """
        self._flush()
        if is_sorted:
            self._index("by_run", "", "run")
        elif "one_sample" not in self._indexes:
            self._index("by_time", "", "run, at, place")
        limit = " AND at <= ?" if until is not None else ""
        found = self._connection.execute(
            f"SELECT at, uptime, {', '.join(self._values)} FROM sample"  # noqa: S608 -- as above
            f" WHERE run = ?{limit} ORDER BY {'place' if is_sorted else 'at, place'}",
            (run,) if until is None else (run, until),
        )
        for at, uptime, *values in found:
            yield at, uptime, tuple(values)

    def times(self, run: int, *, backwards: bool) -> Iterator[float]:
        """Yield a run's times as they came, or from the last to the first."""
        self._index("by_run", "", "run")
        order = "DESC" if backwards else "ASC"
        for (at,) in self._rows(f"SELECT at FROM sample WHERE run = ? ORDER BY place {order}", run):  # noqa: S608 -- as above
            yield at

    def has_value(self, run: int, name: str) -> bool:
        """Tell whether any sample of a run has a value."""
        column = self._values[self.names.index(name)]
        wanted = f"SELECT 1 FROM sample WHERE run = ? AND {column} IS NOT NULL LIMIT 1"  # noqa: S608 -- as above
        return next(self._rows(wanted, run), None) is not None

    def median(self, name: str) -> float:
        """Return the median of the values above zero; there must be one."""
        column = self._values[self.names.index(name)]
        above = f"FROM sample WHERE {column} > 0"
        ((count,),) = self._rows(f"SELECT count(*) {above}")
        middle = self._rows(
            f"SELECT {column} {above} ORDER BY {column} LIMIT ? OFFSET ?",
            2 - count % 2,
            (count - 1) // 2,
        )
        found = [value for (value,) in middle]
        return float(sum(found)) / len(found)

    def group_count(self, run: int, telling: str) -> int:
        """Return how many different cells a run has in a column that tells processes apart."""
        column = f"t{self.telling.index(telling)}"
        wanted = f"SELECT count(DISTINCT {column}) FROM sample WHERE run = ? AND {column} <> ''"  # noqa: S608 -- as above
        ((count,),) = self._rows(wanted, run)
        return int(count)

    def spans(self, run: int, telling: str) -> Iterator[tuple[float, float]]:
        """Yield first and last time of each different cell, in their order."""
        column = f"t{self.telling.index(telling)}"
        yield from self._rows(
            f"SELECT min(at), max(at) FROM sample WHERE run = ? AND {column} <> ''"  # noqa: S608 -- as above
            f" GROUP BY {column} ORDER BY 1, 2",
            run,
        )

    def split(self, run: int, telling: str, first_number: int) -> list[str]:
        """Make a run of its own of each different cell, numbered from `first_number` on; return the cells."""
        column = f"t{self.telling.index(telling)}"
        cells = [
            cell
            for (cell,) in self._rows(
                f"SELECT {column} FROM sample WHERE run = ? AND {column} <> ''"  # noqa: S608 -- as above
                f" GROUP BY {column} ORDER BY min(place)",
                run,
            )
        ]
        self._connection.execute("CREATE TABLE part (cell PRIMARY KEY, run)")
        self._connection.executemany(
            "INSERT INTO part VALUES (?, ?)",
            list(zip(cells, range(first_number, first_number + len(cells)), strict=True)),
        )
        self._connection.execute(
            f"UPDATE sample SET run = coalesce((SELECT part.run FROM part WHERE part.cell = {column}), ?)"  # noqa: S608 -- as above
            " WHERE run = ?",
            (_NOBODY, run),
        )
        self._connection.execute("DROP TABLE part")
        return cells

    def keep_stored(self, samples: Iterable[tuple[int, int, int | None]]) -> None:
        """Take the samples of a stored run (time, uptime, size), to set them beside the file's."""
        self._connection.execute("DELETE FROM stored")
        self._connection.executemany("INSERT INTO stored VALUES (?, ?, ?)", samples)

    def stored(self, by: str) -> Iterator[tuple[int, int | None]]:
        """Yield what `keep_stored` took as (`at_ms` or `uptime_ms`, size), in that order."""
        yield from self._rows(f"SELECT {by}, rss_bytes FROM stored ORDER BY {by}, rowid")  # noqa: S608 -- as above

    def stored_extent(self) -> tuple[int, int, int]:
        """Return how many samples `keep_stored` took, and first and last time of them."""
        ((count, first, last),) = self._rows("SELECT count(*), min(at_ms), max(at_ms) FROM stored")
        return count, first or 0, last or 0
