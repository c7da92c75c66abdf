"""Options in a URL reach the driver in the types that it wants."""

from __future__ import annotations

import pytest

from memmon import Recorder
from memmon.cli import app
from memmon.config import parse_database
from memmon.errors import SettingsError
from memmon.store.connect.engine import write_engine
from memmon.store.read import open_store


@pytest.mark.parametrize(
    "option",
    [
        "prepare_threshold=0",
        "prepare_threshold=7",
        "prepare_threshold=None",
        "connect_timeout=3",
        "connect_timeout=0",
        "keepalives=1&keepalives_idle=5",
        "keepalives=0&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=1000",
        "gssencmode=disable&channel_binding=disable",
        "client_encoding=UTF8",
        "options=-cTimeZone%3DAsia/Tokyo%20-cdatestyle%3Dsql",
        "application_name=bot&sslmode=disable",
        "options=-c%20statement_timeout%3D60000",
        "target_session_attrs=any",
        "target_session_attrs=read-write",
    ],
)
def test_pg_options_of_a_url_work(pg_url, option):
    """Whole numbers, None, text: each documented spelling reads and writes on a real server."""
    url = f"{pg_url}?{option}"
    with open_store(url) as store:
        assert store.sources() == ()
    with write_engine(parse_database(url)).begin() as connection:
        for _ in range(10):
            assert connection.exec_driver_sql("SELECT count(*) FROM source").scalar_one() == 0
        driver = connection.connection.driver_connection
        if option.startswith("prepare_threshold"):
            wanted = option.partition("=")[2]
            assert driver.prepare_threshold == (None if wanted == "None" else int(wanted))
        if option.startswith("application_name"):
            assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "bot"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("prepare_threshold=often", "prepare_threshold in the URL must be a whole number or None"),
        ("connect_timeout=" + "9" * 5000, "connect_timeout in the URL must be a whole number"),
        ("keepalives=yes", "keepalives in the URL must be a whole number"),
        ("autocommit=true", "memmon sets autocommit itself"),
        ("client_encoding=latin1", "memmon reads and writes UTF-8"),
        ("prepare_threshold=5&prepare_threshold=6", "prepare_threshold in the URL must be a whole number"),
        ("colour=blue", "no connection option 'colour'"),
    ],
)
def test_pg_options_that_can_not_be_are_told(option, said):
    """A wrong option is the settings' fault, told with its name before anything is connected to."""
    with pytest.raises(SettingsError, match=said) as told:
        write_engine(parse_database(f"postgresql://bob:pw-Quokka@127.0.0.1:1/db?{option}"))
    assert "Quokka" not in str(told.value)


def test_pg_tables_lie_in_the_schema_that_the_url_names(pg_empty_url):
    """`options=-csearch_path=...` puts all of memmon's tables there, and each command finds them there."""
    with write_engine(parse_database(pg_empty_url)).begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA mine")
    url = f"{pg_empty_url}?options=-csearch_path%3Dmine"
    recorder = Recorder(url, source="bot")
    recorder.take_snapshot()
    assert recorder.flush(60), recorder.status
    recorder.stop()
    with open_store(url) as store:
        assert [source.name for source in store.sources()] == ["bot"]
    assert app.run(["db", "check", "--db", url]) == 0
    with write_engine(parse_database(pg_empty_url)).begin() as connection:
        asked = "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name IN ('run', 'alembic_version')"
        assert connection.exec_driver_sql(asked).scalars().all() == ["mine"]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_pg_text_is_utf8_whatever_the_environment_says(pg_url, monkeypatch, encoding):
    """A PGCLIENTENCODING of another program's changes no name."""
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    recorder = Recorder(pg_url, source="bót-✓")
    recorder.take_snapshot()
    assert recorder.flush(60), recorder.status
    recorder.stop()
    with open_store(pg_url) as store:
        assert [source.name for source in store.sources()] == ["bót-✓"]
