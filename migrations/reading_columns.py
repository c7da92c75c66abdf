"""What a revision does that adds readings: columns in `snapshot` and `rollup`, and `v_snapshot` made anew.

And what one does that shows times in another form, or says the views in other words: all views made anew.

All of such a revision, beside its number and the one before:

    ADDED = (("page_table_bytes", "bytes", ("max",)),)

    def upgrade() -> None:
        op.add_readings(revision)

    def downgrade() -> None:
        op.drop_readings(revision)

What rollups keep from a revision on of readings that were there before is named in `KEPT`, for `op.keep_beside(revision)`.

`ADDED` has for each reading its column, its type (a key of `TYPES`) and what rollups keep of it beside the
mean, as in `memmon/facts/readings.py`. The columns of the view at a revision are those of revision 0003 and
what each revision from there on has added, so that nothing here depends on the code of the day. Released
revisions call this: it stays as it is, and imports nothing of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.operations import Operations

if TYPE_CHECKING:
    from types import ModuleType

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TYPES = {"bytes": BIG, "count": BIG, "small_count": sa.Integer(), "percent": sa.Float()}

_IN_BYTES_AND_MB = ("rss", "vms", "available", "limit", "limit_used")
_MEASURED = (
    "rss_anon_bytes",
    "rss_file_bytes",
    "rss_shmem_bytes",
    "swap_bytes",
    "uss_bytes",
    "pss_bytes",
    "heap_used_bytes",
    "heap_mmap_bytes",
    "python_block_count",
    "gc_collection_count",
    "gc_uncollectable_count",
    "thread_count",
    "fd_count",
    "work_count",
)
_TIME = {
    "sqlite": "strftime('{1}', {0} / 1000, 'unixepoch')",
    "postgresql": "to_char(to_timestamp({0} / 1000.0) AT TIME ZONE 'UTC', '{1}')",
}
_TIME_FORMATS = {
    "sqlite": {"at": "%Y-%m-%dT%H:%M:%SZ", "hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"},
    "postgresql": {
        "at": 'YYYY-MM-DD"T"HH24:MI:SS"Z"',
        "hour": 'YYYY-MM-DD"T"HH24',
        "day": "YYYY-MM-DD",
    },
}
_SPACED = {
    "%Y-%m-%dT%H:%M:%SZ'": "%Y-%m-%d %H:%M:%SZ'",
    "%Y-%m-%dT%H'": "%Y-%m-%d %H'",
    'YYYY-MM-DD"T"HH24:MI:SS"Z"\'': 'YYYY-MM-DD HH24:MI:SS"Z"\'',
    'YYYY-MM-DD"T"HH24\'': "YYYY-MM-DD HH24'",
}
"""Times from the revision on that has `TIMES = "spaced"`: a blank between day and hour, as SQLite's own times have it."""
_OF_0003 = ("source", "run", "event", "deque", "deque_change", "component")


@Operations.register_operation("add_readings")
@Operations.register_operation("drop_readings")
class Readings:
    """`op.add_readings(revision)` and `op.drop_readings(revision)`."""

    @classmethod
    def add_readings(cls, operations: Operations, revision: str) -> None:
        """Add the columns that a revision names, at the end of the tables and of the view."""
        *before, added = _added_up_to(operations, revision)
        dialect = operations.get_context().dialect.name
        if dialect == "sqlite":
            operations.execute("DROP VIEW v_snapshot")
        for table, name, kind in _columns(added):
            operations.add_column(table, sa.Column(name, TYPES[kind]))
        # Replaced where that can be done: a reader's rights on it stay.
        verb = "CREATE VIEW" if dialect == "sqlite" else "CREATE OR REPLACE VIEW"
        query = _snapshot_view_at(operations, revision, (*before, added))
        operations.execute(f"{verb} v_snapshot AS {query}")

    @classmethod
    def drop_readings(cls, operations: Operations, revision: str) -> None:
        """Take away what `add_readings` added."""
        *before, added = _added_up_to(operations, revision)
        operations.execute("DROP VIEW v_snapshot")
        for table, name, _ in reversed(_columns(added)):
            operations.drop_column(table, name)
        operations.execute(f"CREATE VIEW v_snapshot AS {_snapshot_view_at(operations, revision, before)}")


@Operations.register_operation("keep_beside")
@Operations.register_operation("drop_beside")
class Beside:
    """`op.keep_beside(revision)` and `op.drop_beside(revision)`: what rollups keep of readings that were there before.

    `KEPT` of the revision has for each its column, its type and the prefixes, as `ADDED`. The views do not show it.
    """

    @classmethod
    def keep_beside(cls, operations: Operations, revision: str) -> None:
        """Add the columns to `rollup` alone: a snapshot has the value itself."""
        for name, kind in _kept(operations, revision):
            operations.add_column("rollup", sa.Column(name, TYPES[kind]))

    @classmethod
    def drop_beside(cls, operations: Operations, revision: str) -> None:
        """Take away what `keep_beside` added."""
        for name, _ in reversed(_kept(operations, revision)):
            operations.drop_column("rollup", name)


@Operations.register_operation("remake_views")
class Views:
    """`op.remake_views(revision)`: every view as it is at that revision, its times in that revision's form."""

    @classmethod
    def remake_views(cls, operations: Operations, revision: str) -> None:
        """Make every view for analysts anew; a reader's rights on them stay where that can be done."""
        dialect = operations.get_context().dialect.name
        queries = _views_at(operations, revision)
        if dialect == "sqlite":
            for name in queries:
                operations.execute(f"DROP VIEW IF EXISTS {name}")
        verb = "CREATE VIEW" if dialect == "sqlite" else "CREATE OR REPLACE VIEW"
        for name, query in queries.items():
            operations.execute(f"{verb} {name} AS {query}")


def _views_at(operations: Operations, revision: str) -> dict[str, str]:
    """Return the query of each view at a revision, in the order in which they can be made."""
    dialect = operations.get_context().dialect.name
    added = _added_up_to(operations, revision)
    if light := _light_views(operations, revision):
        return light.queries(dialect, _all_shown(added))
    script = operations.get_context().environment_context.script
    first, seventh = (script.get_revision(one).module for one in ("0003", "0007"))
    names = {"sqlite": "_SQLITE_TIME", "postgresql": "_POSTGRESQL_TIME"}
    time = getattr(first, names[dialect])
    queries = {f"v_{name}": getattr(first, f"_{name}")(time) for name in _OF_0003}
    queries["v_snapshot"] = snapshot_view(dialect, added)
    queries["v_assessment"] = seventh._view(dialect)  # noqa: SLF001 -- what that revision made
    return {name: _with_times(operations, revision, query) for name, query in queries.items()}


def _snapshot_view_at(operations: Operations, revision: str, added: list | tuple) -> str:
    """Return the query of `v_snapshot` with what was added, as it is put at a revision."""
    dialect = operations.get_context().dialect.name
    if light := _light_views(operations, revision):
        return light.snapshot(dialect, _all_shown(added))
    return _with_times(operations, revision, snapshot_view(dialect, added))


def _light_views(operations: Operations, revision: str) -> ModuleType | None:
    """Return the revision that puts the views in few words (`LIGHT_VIEWS = True`); None before it."""
    found = [one for one in _modules_up_to(operations, revision) if getattr(one, "LIGHT_VIEWS", False)]
    return found[-1] if found else None


def _with_times(operations: Operations, revision: str, query: str) -> str:
    """Return a view's query with its times in the form that they have at a revision."""
    if any(getattr(module, "TIMES", None) == "spaced" for module in _modules_up_to(operations, revision)):
        for before, after in _SPACED.items():
            query = query.replace(before, after)
    return query


def _modules_up_to(operations: Operations, revision: str) -> list:
    """Return the revisions from the oldest to `revision` itself."""
    script = operations.get_context().environment_context.script
    return [one.module for one in script.iterate_revisions(revision, "base")][::-1]


def _added_up_to(operations: Operations, revision: str) -> list[tuple]:
    """Return what each revision added, from the oldest to `revision` itself."""
    return [module.ADDED for module in _modules_up_to(operations, revision) if hasattr(module, "ADDED")]


def _kept(operations: Operations, revision: str) -> list[tuple[str, str]]:
    """Return (column, type) of what rollups keep from a revision on of readings that were there before."""
    kept = _modules_up_to(operations, revision)[-1].KEPT
    return [(f"{prefix}_{name}", kind) for name, kind, beside in kept for prefix in beside]


def _columns(added: tuple) -> list[tuple[str, str, str]]:
    """Return (table, column, type) of each column in the order in which it is added."""
    found = []
    for name, kind, beside in added:
        found.append(("snapshot", name, kind))
        found += [("rollup", f"{prefix}_{name}", kind) for prefix in beside]
        found.append(("rollup", name, kind))
    return found


def snapshot_view(dialect: str, added: list | tuple) -> str:
    """Return the query of `v_snapshot` with the readings that revisions after 0003 have added."""
    time = {name: _TIME[dialect].format("q.at_ms", form) for name, form in _TIME_FORMATS[dialect].items()}
    sizes = ", ".join(f"q.{name}_bytes, {_mb(f'q.{name}_bytes')} AS {name}_mb" for name in _IN_BYTES_AND_MB)
    shared = ", ".join(f"{{0}}.{name}_bytes" for name in _IN_BYTES_AND_MB)
    others = ", ".join(f"{{0}}.{name}" for name in _MEASURED)
    new = _all_shown(added)
    new_raw = "".join(f", s.{name} AS {shown}" for name, shown in new)
    new_old = "".join(f", h.{shown}" for _, shown in new)
    new_shown = "".join(f", q.{shown}" for _, shown in new)
    raw = (
        "SELECT s.run_id, s.seq, s.at_ms, s.uptime_ms, 0 AS resolution_ms, 1 AS sample_count, "
        "s.rss_bytes AS min_rss_bytes, s.rss_bytes AS max_rss_bytes, s.system_percent, "
        f"s.system_percent AS max_system_percent, {shared.format('s')}, {others.format('s')}{new_raw} "
        "FROM snapshot s"
    )
    old = (
        "SELECT h.run_id, NULL, h.at_ms, h.uptime_ms, h.resolution_ms, h.sample_count, "
        "h.min_rss_bytes, h.max_rss_bytes, h.system_percent, "
        f"h.max_system_percent, {shared.format('h')}, {others.format('h')}{new_old} FROM rollup h"
    )
    return f"""
SELECT x.name AS source, q.run_id, r.release, q.seq, {time["at"]} AS at,
  {time["hour"]} AS hour, {time["day"]} AS day, q.at_ms,
  round(q.uptime_ms / 3600000.0, 4) AS uptime_hours, {sizes},
  {_mb("q.min_rss_bytes")} AS min_rss_mb, {_mb("q.max_rss_bytes")} AS max_rss_mb,
  q.system_percent, q.max_system_percent, {others.format("q")},
  q.sample_count, q.resolution_ms / 1000 AS resolution_seconds{new_shown}
FROM ({raw} UNION ALL {old}) q JOIN run r ON r.id = q.run_id JOIN source x ON x.id = r.source_id"""


def _all_shown(added: list | tuple) -> list[tuple[str, str]]:
    """Return the pairs of `_shown` of all readings that were added."""
    return [pair for some in added for one in some for pair in _shown(one)]


def _shown(reading: tuple) -> list[tuple[str, str]]:
    """Return (column of a snapshot, column of the view) of a reading and its extremes."""
    name, _, beside = reading
    return [(name, name), *((name, f"{prefix}_{name}") for prefix in beside if prefix != "last")]


def _mb(column: str) -> str:
    return f"round({column} / 1048576.0, 3)"
