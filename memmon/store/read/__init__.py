"""The read side of the store: `open_store`, and the values that it answers with.

Reading a SQLite file loads numpy and sqlite3; pandas loads where a DataFrame is asked for,
SQLAlchemy where the database is a server.
"""

from __future__ import annotations

from memmon.model import AlertInfo
from memmon.store.read.answers import (
    AssessmentRow,
    Buckets,
    DequeMatrix,
    DequeStatus,
    EventInfo,
    PartMatrix,
    ReadingStatistics,
    ReportInfo,
    RunInfo,
    SourceInfo,
    SourcePresent,
    WindowStatistics,
)
from memmon.store.read.facade import Store, open_store
from memmon.store.read.sql import QueryResult

__all__ = [
    "AlertInfo",
    "AssessmentRow",
    "Buckets",
    "DequeMatrix",
    "DequeStatus",
    "EventInfo",
    "PartMatrix",
    "QueryResult",
    "ReadingStatistics",
    "ReportInfo",
    "RunInfo",
    "SourceInfo",
    "SourcePresent",
    "Store",
    "WindowStatistics",
    "open_store",
]
