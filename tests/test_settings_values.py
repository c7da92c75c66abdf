"""What a setting may be: one light check for the configuration file and for the environment."""

from __future__ import annotations

import subprocess
import sys

import jsonschema
import pytest

from memmon import Recorder
from memmon.cli.settings_schema import settings_schema
from memmon.config import Settings, load_settings, parse_database, resolve_database, setting_fields
from memmon.errors import SettingsError


def in_file(tmp_path, text):
    path = tmp_path / "memmon.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings({"MEMMON_CONFIG": str(path)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("interval_seconds = 'x'", "Expected `float`, got `str` - at `$.interval_seconds`"),
        ("interval_seconds = true", "Expected `float`, got `bool` - at `$.interval_seconds`"),
        ("interval_seconds = 0", "Expected `float` > 0.0 - at `$.interval_seconds`"),
        ("interval_seconds = 86401", "Expected `float` <= 86400.0 - at `$.interval_seconds`"),
        ("high_memory_percent = nan", "Expected `float` > 0.0 - at `$.high_memory_percent`"),
        ("gc_threshold_mb = -0.1", "Expected `float` >= 0.0 - at `$.gc_threshold_mb`"),
        ("new_names_per_day = 1.5", "Expected `int`, got `float` - at `$.new_names_per_day`"),
        ("daily_report = 1", "Expected `bool`, got `int` - at `$.daily_report`"),
        ("source = 5", "Expected `str | null`, got `int` - at `$.source`"),
        ("raw_days = [1]", "Expected `float`, got `array` - at `$.raw_days`"),
        (f"raw_days = 1{'0' * 400}", "Expected `float`, got `int` - at `$.raw_days`"),
        ("file_mode = '0999'", "Expected `str` matching regex '^0?[0-7]{3}$' - at `$.file_mode`"),
        ("nobody = 1", "Object contains unknown field `nobody`"),
    ],
)
def test_a_wrong_value_in_the_file_is_told(tmp_path, text, words):
    """The message says which setting, what was expected and what was found."""
    with pytest.raises(SettingsError) as told:
        in_file(tmp_path, text)
    assert (
        str(told.value)
        == f"{tmp_path / 'memmon.toml'}: {words}; `memmon config schema` lists what is allowed"
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("INTERVAL_SECONDS", "12", 12.0),
        ("INTERVAL_SECONDS", "1e3", 1000.0),
        ("RAW_DAYS", "infinity", float("inf")),
        ("NEW_NAMES_PER_DAY", "5.0", 5),
        ("NEW_NAMES_PER_DAY", "9007199254740993", 9007199254740993),
        ("DAILY_REPORT", "off", False),
        ("FILE_MODE", "0660", "0660"),
        ("SOURCE", "007", "007"),
        ("INTERVAL_SECONDS", "+5", None),
        ("INTERVAL_SECONDS", " 5", None),
        ("INTERVAL_SECONDS", "1_0", None),
        ("INTERVAL_SECONDS", "nan", None),
        ("NEW_NAMES_PER_DAY", "5.5", None),
        ("NEW_NAMES_PER_DAY", "1e999", None),
        ("DAILY_REPORT", "perhaps", None),
    ],
)
def test_a_variable_is_read_as_its_setting_asks(name, text, expected):
    """Numbers as TOML and JSON write them, whole ones exact, words of yes and no; the rest is an error that names the variable."""
    environ = {"HOME": "/nowhere", f"MEMMON_{name}": text}
    if expected is None:
        with pytest.raises(SettingsError, match=f"MEMMON_{name}="):
            load_settings(environ)
        return
    found = getattr(load_settings(environ), name.lower())
    assert (found, type(found)) == (expected, type(expected))


def test_the_defaults_are_allowed_and_the_schema_says_the_same(tmp_path):
    """Each default passes the check, and what the schema refuses is refused here too."""
    schema = settings_schema()
    assert set(schema["$defs"]["Settings"]["properties"]) == set(setting_fields())
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({name: one.default for name, one in setting_fields().items()})
    assert in_file(tmp_path, "raw_days = 5\n") == Settings(raw_days=5.0)
    for text, value in (
        ("raw_days = 0", {"raw_days": 0}),
        ("writer = 'x'", {"writer": "x"}),
        ("a = 1", {"a": 1}),
    ):
        assert not validator.is_valid(value)
        with pytest.raises(SettingsError):
            in_file(tmp_path, text)


def test_who_writes_is_a_setting_and_an_argument(tmp_path):
    """The argument is stronger than the setting, and an unknown writer is an error at the call."""
    assert parse_database(tmp_path / "m.db").writer == "sqlite3"
    assert resolve_database(tmp_path / "m.db", settings=Settings(writer="sqlalchemy")).writer == "sqlalchemy"
    recorder = Recorder(tmp_path / "m.db", writer="sqlalchemy", leak_check=False, daily_report=False)
    recorder.take_snapshot()
    assert recorder.flush(30.0)
    assert recorder._database.writer == "sqlalchemy"
    recorder.stop()
    with pytest.raises(ValueError, match="writer must be one of sqlite3, sqlalchemy"):
        Recorder(tmp_path / "m.db", writer="duckdb")


def test_settings_load_nothing_heavy():
    """Without a file not even the TOML parser is loaded for them."""
    code = "import sys; from memmon.config import load_settings; load_settings({'HOME': '/nowhere'}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"msgspec", "tomllib"} & set(done.stdout.split())
