"""Bring the rows of a damaged SQLite store into a new one; the damaged file is only read.

What it can and can't: every row that comes back was read from a page whose bookkeeping adds up or
is proved by a checksum. Snapshots, their readings and rollups carry checksums, so that a flipped bit
in one of them is found. The rows of the small tables (source, run, series, event, report, alert)
carry none: a bit that flips inside a text there goes unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.config import parse_database
from memmon.errors import OutputError, StoreDamagedError, StoreNotFoundError, StorePermissionError
from memmon.store.salvage.forest import explore
from memmon.store.salvage.image import open_image
from memmon.store.salvage.rebuild import add_lost_parents, write_rows
from memmon.store.salvage.verify import verify
from memmon.store.upkeep.migrate import upgrade
from memmon.store.upkeep.new_file import new_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SalvageReport", "salvage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvageReport:
    """What was brought back."""

    target_path: Path
    row_count: Mapping[str, int]
    """Rows in the new store, by table."""
    refused_count: Mapping[str, int]
    """Rows that were readable but not trustworthy, or doubles, by table."""
    rebuilt_count: Mapping[str, int]
    """Runs, series and sources whose rows were lost and were rebuilt from what refers to them."""
    proved_count: int
    """Rows that a checksum proves."""
    unproved_count: int
    """Readings on sound pages whose checksum can't be verified, because others of it are lost."""
    page_count: int
    damaged_page_count: int

    @property
    def total_count(self) -> int:
        """All rows brought back."""
        return sum(self.row_count.values())


def salvage(damaged_path: Path, target_path: Path, *, file_mode: int = 0o600) -> SalvageReport:
    """Read what is left of the store at `damaged_path` (and its `-wal`) into a new one.

    Raises StoreNotFoundError, StorePermissionError, OutputError when there is something at
    `target_path` already, StoreDamagedError when nothing of memmon's could be found.
    """
    if target_path.exists():
        msg = f"{target_path} exists already: name a new file for what is salvaged"
        raise OutputError(msg)
    try:
        with open_image(damaged_path) as image:
            found = explore(image)
    except FileNotFoundError:
        msg = f"no file at {damaged_path}: name the damaged database (memmon keeps them as *.corrupt-*)"
        raise StoreNotFoundError(msg) from None
    except PermissionError:
        msg = f"{damaged_path} may not be read by this user: run as its owner"
        raise StorePermissionError(msg) from None
    kept = verify(found)
    if not any(kept.rows.values()):
        msg = f"{damaged_path}: nothing of a memmon database could be found in it"
        raise StoreDamagedError(msg)
    rebuilt = add_lost_parents(kept, found.index_cells)
    try:
        # A kill in the midst leaves nothing at the target: it can be run again.
        with new_file(target_path) as part:
            upgrade(parse_database(str(part)), file_mode=file_mode)
            counts = write_rows(part, kept)
    except OSError as error:
        msg = f"{target_path} can't be written: {error.strerror or error}"
        raise OutputError(msg) from error
    return SalvageReport(
        target_path=target_path,
        row_count=counts,
        refused_count=dict(kept.refused),
        rebuilt_count=rebuilt,
        proved_count=kept.proved_count,
        unproved_count=kept.unproved_count,
        page_count=found.page_count,
        damaged_page_count=found.damaged_page_count,
    )
