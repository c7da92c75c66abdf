"""Alembic's environment: runs the revisions on the connection that it is handed.

memmon hands over a connection with a transaction already begun (`config.attributes`), so that
a migration is applied whole or not at all. From the command line of Alembic, in a checkout,
`MEMMON_DATABASE_URL` names the database. Logging is never configured here: it is the host's.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context
from alembic.util import load_python_file

from memmon.store.schema.tables import metadata

# What revisions may call beside Alembic's own operations; this folder is on no import path.
load_python_file(str(Path(__file__).parent), "reading_columns.py")


def _run(connection) -> None:  # noqa: ANN001 -- Alembic's own type differs between its modes
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=_is_ours,
    )
    context.run_migrations()


def _is_ours(_object, name, type_, _reflected, _compare_to) -> bool:  # noqa: ANN001
    """Leave SQLite's own statistics tables out of comparisons."""
    return not (type_ == "table" and name is not None and name.startswith("sqlite_"))


def main() -> None:
    """Migrate over the connection given, else over one of our own."""
    if context.is_offline_mode():
        context.configure(dialect_name="sqlite", target_metadata=metadata, literal_binds=True)
        context.run_migrations()
        return
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    from memmon.store.upkeep.migrate import migration_connection

    with migration_connection() as own:
        _run(own)


main()
