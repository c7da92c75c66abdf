"""Fixtures: one server for the session, and a migrated database of its own for each test."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from pg_server import PgServer, PgUnavailableError

# The suite of the store runs here once more, on a server.
sys.path.append(str(Path(__file__).parent.parent / "store"))

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pg_server():
    try:
        server = PgServer()
        server.start()
    except PgUnavailableError as error:
        pytest.skip(f"no PostgreSQL: {error}")
    yield server
    server.close()


@pytest.fixture(scope="session")
def pg_template(pg_server) -> str:
    """The name of a database with memmon's newest schema."""
    from memmon.config import parse_database
    from memmon.store.upkeep.migrate import upgrade

    pg_server.execute("CREATE DATABASE memmon_template")
    upgrade(parse_database(pg_server.url("memmon_template")))
    return "memmon_template"


@pytest.fixture
def pg_url(pg_server, pg_template):
    """The URL of a fresh, migrated database."""
    name = f"memmon_{next(_numbers)}"
    pg_server.execute(f"CREATE DATABASE {name} TEMPLATE {pg_template}")
    yield pg_server.url(name)
    pg_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pg_empty_url(pg_server):
    """The URL of a database without any table."""
    name = f"empty_{next(_numbers)}"
    pg_server.execute(f"CREATE DATABASE {name}")
    yield pg_server.url(name)
    pg_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
