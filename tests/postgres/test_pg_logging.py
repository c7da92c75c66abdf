"""Engines of memmon's on a server keep to themselves too."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from memmon.config import parse_database
from memmon.errors import StoreError, StorePermissionError
from memmon.store.connect.engine import read_engine, write_engine
from memmon.store.connect.trial import require_trial

NOTICE = "DO $$ BEGIN RAISE NOTICE 'a notice'; END $$"


@pytest.mark.parametrize("make", [write_engine, read_engine])
def test_nothing_is_logged_and_no_listener_called(pg_url, caplog, make):
    """Neither statements nor a server's notices come into the program's log, and its listeners hear of its own engines alone."""
    caplog.set_level(logging.DEBUG, logger="sqlalchemy")
    called = []

    def listener(*_arguments):
        called.append(1)

    added = [
        (Engine, "begin"),
        (Engine, "after_cursor_execute"),
        (Engine, "handle_error"),
        (Pool, "checkout"),
    ]
    for target, name in added:
        event.listen(target, name, listener)
    try:
        with make(parse_database(pg_url)).begin() as connection:
            connection.exec_driver_sql(NOTICE)
            assert connection.execute(text("SELECT count(*) FROM snapshot")).scalar_one() == 0
        with (
            pytest.raises(sqlalchemy.exc.ProgrammingError),
            make(parse_database(pg_url)).begin() as connection,
        ):
            connection.execute(text("SELECT nothing FROM nowhere"))
        assert called == []
        assert [record for record in caplog.records if record.name.startswith("sqlalchemy")] == []
        own = create_engine(make_url(parse_database(pg_url).url))
        with own.begin() as connection:
            connection.exec_driver_sql(NOTICE)
        own.dispose()
    finally:
        for target, name in added:
            event.remove(target, name, listener)
    assert called
    assert "sqlalchemy.dialects.postgresql" in {record.name for record in caplog.records}


def test_a_readers_transaction_is_read_only(pg_url):
    """An engine of its own class keeps the options that it was made with."""
    asked = text("SELECT current_setting('transaction_read_only')")
    for make, expected in ((read_engine, "on"), (write_engine, "off")):
        engine = make(parse_database(pg_url))
        for _ in range(2):
            with engine.begin() as connection:
                assert connection.execute(asked).scalar_one() == expected


def test_a_trial_on_a_server(pg_server, pg_url):
    """A role that may only read and a database that takes no writes are told apart from one that can be written."""
    name = make_url(pg_url).database
    require_trial(parse_database(pg_url))
    pg_server.execute(f"CREATE ROLE reader_{name} LOGIN PASSWORD 'pw'")
    pg_server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{name}", database=name)
    as_reader = (
        make_url(pg_url).set(username=f"reader_{name}", password="pw").render_as_string(hide_password=False)
    )
    try:
        with pytest.raises(StorePermissionError, match="this role may only read"):
            require_trial(parse_database(as_reader))
        pg_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(StoreError, match="takes no writes now"):
            require_trial(parse_database(pg_url))
    finally:
        pg_server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        pg_server.execute(f"DROP OWNED BY reader_{name}", database=name)
        pg_server.execute(f"DROP ROLE reader_{name}")
