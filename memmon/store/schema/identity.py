"""How a memmon database is told from any other file: light enough for whoever only reads.

Nothing here imports SQLAlchemy: a report over a SQLite file needs numpy and sqlite3 alone.
"""

from __future__ import annotations

HEAD_REVISION = "0010"
"""The newest revision: what this version of memmon reads and writes."""

APPLICATION_ID = 0x6D656D6F
"""SQLite's application_id of a memmon database ("memo"): how a foreign file is told apart."""

SQLITE_MAGIC = b"SQLite format 3\x00"
"""How every SQLite file begins."""
