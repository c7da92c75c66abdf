"""Options in a URL reach the driver in the types that it wants."""

from __future__ import annotations

import pytest

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
        "keepalives=1&keepalives_idle=5",
        "application_name=bot&sslmode=disable",
        "options=-c%20statement_timeout%3D60000",
        "target_session_attrs=any",
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
        ("colour=blue", "no connection option 'colour'"),
    ],
)
def test_pg_options_that_can_not_be_are_told(option, said):
    """A wrong option is the settings' fault, told with its name before anything is connected to."""
    with pytest.raises(SettingsError, match=said) as told:
        write_engine(parse_database(f"postgresql://bob:pw-Quokka@127.0.0.1:1/db?{option}"))
    assert "Quokka" not in str(told.value)
