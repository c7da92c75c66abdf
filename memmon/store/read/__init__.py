"""The read side of the store: `open_store`, and the values that it answers with.

Reading a SQLite file loads numpy and sqlite3; pandas loads where a DataFrame is asked for,
SQLAlchemy where the database is a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.forwarding import forward

if TYPE_CHECKING:
    from memmon.store.read.answers import (
        DequeStatus,
        EventInfo,
        ReportInfo,
        RunInfo,
        SourceInfo,
        WindowStatistics,
    )
    from memmon.store.read.assessments import AssessmentRow
    from memmon.store.read.facade import Store, open_store
    from memmon.store.read.presents import SourcePresent
    from memmon.store.read.sql import QueryResult
    from memmon.store.read.window_answers import Buckets, DequeMatrix, PartMatrix, ReadingStatistics

__all__ = [
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

__getattr__ = forward(
    __name__,
    {
        "answers": (
            "DequeStatus",
            "EventInfo",
            "ReportInfo",
            "RunInfo",
            "SourceInfo",
            "WindowStatistics",
        ),
        "assessments": ("AssessmentRow",),
        "facade": ("Store", "open_store"),
        "presents": ("SourcePresent",),
        "sql": ("QueryResult",),
        "window_answers": ("Buckets", "DequeMatrix", "PartMatrix", "ReadingStatistics"),
    },
)
