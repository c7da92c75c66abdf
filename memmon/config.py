"""Settings: where the database is and how memmon behaves there.

The order, strongest first: what the caller passes, the environment (`MEMMON_*`), the
configuration file (TOML), the default. The recorder and the command line read the same ones,
so that both find the same database without being told.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmon.errors import SettingsError
from memmon.facts import defaults
from memmon.places import CONFIG_VARIABLE, absolute_path, config_path, default_database_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import Field

ENVIRONMENT_PREFIX = "MEMMON_"
# A URL of too few slashes, and libpq's words: taken for a path, a password would become a file's name.
_ODD_URL = re.compile(
    r"(?:postgres(?:ql)?(?:\+\w+)?|sqlite(?:\+\w+)?):"
    r"|\s*\w+\s*=.*\s\w+\s*=|\s*(?:password|host|dbname)\s*="
    r"|//[^/]*:.*@|[\w.-]{2,}:.*@",
    re.IGNORECASE | re.DOTALL,
)


def _setting(default: object, description: str, **allowed: object) -> Any:
    """Return a field; `allowed`: the bounds `gt`, `ge` and `le`, or a `pattern`. Its type is that of the default, text for None."""
    return field(default=default, metadata={"description": description, **allowed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings with their defaults; each is also the variable `MEMMON_<NAME>`."""

    database_url: str | None = _setting(
        None, "SQLAlchemy URL or path of the database (default: the user's state folder)"
    )
    source: str | None = _setting(None, "name of what is monitored (default: the script's name)")
    release: str | None = _setting(None, "release of the monitored program, shown in reports")
    interval_seconds: float = _setting(
        defaults.INTERVAL_SECONDS,
        "seconds between snapshots for `memmon run` and `memmon record`",
        gt=0,
        le=86_400,
    )
    leak_threshold_mb_per_hour: float = _setting(
        defaults.LEAK_THRESHOLD_MB_PER_HOUR,
        "growth (MB of 2**20 bytes per hour) from which a leak is called",
        gt=0,
    )
    false_alarms_per_month: float = _setting(
        0.0,
        "false leak alarms in 30 days that all sources of `memmon alerts` and `memmon fleet` may give together; "
        "0: no budget, each leak is told",
        ge=0,
    )
    high_memory_percent: float = _setting(
        defaults.HIGH_MEMORY_PERCENT,
        "system memory in use (percent) from which an alert is raised",
        gt=0,
        le=100,
    )
    alert_cooldown_minutes: float = _setting(
        defaults.ALERT_COOLDOWN_MINUTES, "minutes before the same alert is repeated", ge=0
    )
    alert_channels: str | None = _setting(
        None,
        "channels of `memmon alerts`, separated by spaces: log, webhook:URL, webhook:env:NAME, "
        "apprise:env:NAME, callback:MODULE:FUNCTION (secrets by reference only)",
    )
    gc_threshold_mb: float = _setting(
        500.0, "resident memory (MB) above which the recorder collects garbage; 0: never", ge=0
    )
    raw_days: float = _setting(90.0, "days that every snapshot is kept", gt=0)
    hourly_days: float = _setting(730.0, "days that hourly rollups are kept", gt=0)
    size_ceiling_mb: float = _setting(
        1024.0, "size of the database file (MB) above which the oldest detail is dropped first", gt=0
    )
    new_names_per_day: int = _setting(
        defaults.NEW_NAMES_PER_DAY,
        "new names of deques, components and work that a run records in a day; further ones are counted "
        "(those of its first snapshot are free)",
        ge=1,
    )
    file_mode: str = _setting("0600", "permissions of a new database file, octal", pattern="^0?[0-7]{3}$")
    daily_report: bool = _setting(True, "store a report every 24 hours")
    leak_check: bool = _setting(True, "check for a leak every hour")
    follow_forks: bool = _setting(False, "let processes forked from one that records record by themselves")
    writer: str = _setting(
        "sqlite3",
        "what writes a database file: sqlite3 (of the standard library) or sqlalchemy (16 to 22 MB heavier)",
        pattern="^(sqlite3|sqlalchemy)$",
    )


_NUMBER = re.compile(
    r"-?(?:(?:0|[1-9][0-9]{0,999})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE
)
_LARGEST = 2**1023
_SHOWN_KINDS: dict[type, str] = {list: "array", dict: "object"}
_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the configuration file and the environment.

    Raises SettingsError when a value is wrong: the message names the file or variable, what is
    wrong with it and what is allowed.
    """
    env = os.environ if environ is None else environ
    path = config_path(env)
    values = _from_file(path, is_named=bool(env.get(CONFIG_VARIABLE)))
    try:
        values = {name: checked(name, value) for name, value in values.items()}
    except ValueError as error:
        msg = f"{path}: {error}; `memmon config schema` lists what is allowed"
        raise SettingsError(msg) from None
    for name in setting_fields():
        variable = ENVIRONMENT_PREFIX + name.upper()
        if env.get(variable):
            values[name] = _parsed(name, env[variable], variable=variable)
    return Settings(**values)


@cache
def setting_fields() -> dict[str, Field[Any]]:
    """Return what is known of each setting, by name."""
    return {one.name: one for one in fields(Settings)}


def checked(name: str, value: object) -> Any:
    """Return the value of a setting as it is kept; raises ValueError with what was expected."""
    one = setting_fields().get(name)
    if one is None:
        msg = f"Object contains unknown field `{name}`"
        raise ValueError(msg)
    if value is None and one.default is None:
        return None
    kind = str if one.default is None else type(one.default)
    if kind is float and type(value) is int and abs(value) < _LARGEST:
        value = float(value)
    if type(value) is not kind:
        got = _SHOWN_KINDS.get(type(value), type(value).__name__)
        msg = f"Expected `{_shown_kind(one)}`, got `{got}` - at `$.{name}`"
        raise ValueError(msg)
    if wrong := _broken_rule(value, one):
        msg = f"Expected `{_shown_kind(one)}` {wrong} - at `$.{name}`"
        raise ValueError(msg)
    return value


def _shown_kind(one: Field[Any]) -> str:
    return "str | null" if one.default is None else type(one.default).__name__


def _broken_rule(value: Any, one: Field[Any]) -> str | None:
    """Return which bound or pattern of a setting a value does not keep to; None: it keeps to all."""
    rules = one.metadata
    for rule, sign in (("gt", ">"), ("ge", ">="), ("le", "<=")):
        bound = rules.get(rule)
        # Asked so that what is no number is outside of every bound.
        if bound is not None and not (
            value > bound if rule == "gt" else value >= bound if rule == "ge" else value <= bound
        ):
            return f"{sign} {type(value)(bound)}"
    pattern = rules.get("pattern")
    if pattern is not None and not re.search(pattern, value):
        return f"matching regex {pattern!r}"
    return None


def _from_file(path: Path, *, is_named: bool) -> dict[str, Any]:
    """Return what stands in a file; one that nobody named and that can't be read is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if is_named:
            msg = f"{path}: no such file; {CONFIG_VARIABLE} names it: correct the variable or run `memmon config init`"
            raise SettingsError(msg) from None
        return {}
    except OSError as error:
        # Another user's home after a change of user, one that may not be entered, a stale mount: a
        # program that knows nothing of this file must record all the same.
        if not is_named:
            return {}
        msg = f"{path}: can't be read ({error}); mend it or point {CONFIG_VARIABLE} elsewhere"
        raise SettingsError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: can't be read ({error}); mend it or point {CONFIG_VARIABLE} elsewhere"
        raise SettingsError(msg) from None
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: not valid TOML ({error}); `memmon config init` writes a correct example"
        raise SettingsError(msg) from None


def _parsed(name: str, text: str, *, variable: str) -> Any:
    try:
        return checked(name, _read(text, type(setting_fields()[name].default)))
    except ValueError as error:
        msg = f"{variable}={text!r}: {error}; `memmon config schema` lists what is allowed"
        raise SettingsError(msg) from None


def _read(text: str, kind: type) -> object:
    """Return what a variable's text means for a setting of a kind; the text itself where it means nothing."""
    if kind is bool:
        return _FLAGS.get(text.strip().lower(), text)
    if kind in {int, float} and _NUMBER.fullmatch(text):
        number = float(text)
        if kind is float:
            return number
        if number.is_integer():
            return int(text) if text.removeprefix("-").isdigit() else int(number)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where a history is kept. `url` may hold a password: show `shown` instead."""

    url: str = field(repr=False)
    """What names it again, in this program and another: a URL, or a file's path where none can be written."""
    path: Path | None
    """The file, for SQLite; None for a server."""
    shown: str
    """For people: the file's path, or the URL with its secrets masked."""
    writer: str = "sqlite3"
    """What writes a file: `sqlite3` (the standard library's) or `sqlalchemy`."""

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is a file of the SQLite kind."""
        return self.path is not None


def resolve_database(
    given: str | os.PathLike[str] | None = None, *, settings: Settings | None = None
) -> Database:
    """Return the database meant by `given`, else by the settings, else the default file.

    `given` is an SQLAlchemy URL or a plain path; a relative path is made absolute at once.
    Raises SettingsError for a URL that memmon can't use.
    """
    if given is not None:
        found = parse_database(given)
    else:
        settings = settings or load_settings()
        found = (
            parse_database(settings.database_url) if settings.database_url else _file(default_database_path())
        )
    return found if settings is None else replace(found, writer=settings.writer)


def parse_database(given: str | os.PathLike[str]) -> Database:
    """Return the database that a URL or path names; raises SettingsError (TypeError for no string)."""
    text = os.fspath(given)
    if not isinstance(text, str):
        msg = f"database_url must be a str or a path, not {type(text).__name__}"
        raise TypeError(msg)
    if not text.strip() or "\0" in text:
        msg = "the database's URL is empty or holds a NUL: give a path such as memmon.db or an URL such as sqlite:///memmon.db"
        raise SettingsError(msg)
    if "://" not in text:
        if text == ":memory:" or text.startswith("file:"):
            return _refuse_memory(text)
        if _ODD_URL.match(text):
            msg = f"{_masked(text)}: is no path and no URL: write sqlite:///PATH or postgresql://USER:PASSWORD@HOST:5432/DATABASE"
            raise SettingsError(msg)
        return _file(Path(text))
    scheme = text.split("://", 1)[0].lower()
    if scheme.split("+")[0] == "sqlite":
        return _sqlite_url(text)
    if scheme.split("+")[0] in {"postgresql", "postgres"}:
        rest = text.split("://", 1)[1]
        return Database(url=f"postgresql+psycopg://{rest}", path=None, shown=_masked(f"postgresql://{rest}"))
    msg = f"{_masked(text)}: memmon keeps its history in SQLite or PostgreSQL; use sqlite:///… or postgresql://…"
    raise SettingsError(msg)


def _masked(text: str) -> str:
    from memmon.facts.masking import mask_url  # a path needs none of it

    return mask_url(text)


def _sqlite_url(text: str) -> Database:
    rest = text.split("://", 1)[1]
    location, _, query = rest.partition("?")
    if query:
        msg = f"{_masked(text)}: options after '?' are not supported for SQLite; memmon sets its own: remove them"
        raise SettingsError(msg)
    if not location.startswith("/"):
        if location:
            shown = _masked(text)
            right = f"sqlite:///{location}" if shown == text else "sqlite:///PATH, without a user or a host"
            msg = f"{shown}: an SQLite URL has three slashes before the path: {right}"
            raise SettingsError(msg)
        return _refuse_memory(text)
    name = location[1:]
    if name in {"", ":memory:"} or name.startswith("file:"):
        return _refuse_memory(text)
    return _file(Path(name))


def _file(path: Path) -> Database:
    absolute = Path(os.path.normpath(absolute_path(path, said=str(path))))
    # Whoever is handed it reads it again: what stands behind a question mark would be taken for options.
    url = str(absolute) if "?" in str(absolute) else f"sqlite:///{absolute}"
    return Database(url=url, path=absolute, shown=str(absolute))


def _refuse_memory(text: str) -> Database:
    msg = f"{_masked(text)}: memmon keeps a history that outlives the process, so the database must be a file: sqlite:///memmon.db"
    raise SettingsError(msg)
