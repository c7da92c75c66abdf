"""Settings: where the database is and how memmon behaves there.

The order, strongest first: what the caller passes, the environment (`MEMMON_*`), the
configuration file (TOML), the default. The recorder and the command line read the same ones,
so that both find the same database without being told.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from memmon.errors import SettingsError
from memmon.facts import defaults
from memmon.facts.masking import mask_url
from memmon.places import CONFIG_VARIABLE, absolute_path, config_path, default_database_path

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_PREFIX = "MEMMON_"
# A URL of too few slashes, and libpq's words: taken for a path, a password would become a file's name.
_ODD_URL = re.compile(
    r"(?:postgres(?:ql)?(?:\+\w+)?|sqlite(?:\+\w+)?):"
    r"|\s*\w+\s*=.*\s\w+\s*=|\s*(?:password|host|dbname)\s*="
    r"|//[^/]*:.*@|[\w.-]{2,}:.*@",
    re.IGNORECASE | re.DOTALL,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings with their defaults; each is also the variable `MEMMON_<NAME>`."""

    database_url: Annotated[
        str | None,
        msgspec.Meta(description="SQLAlchemy URL or path of the database (default: the user's state folder)"),
    ] = None
    source: Annotated[
        str | None, msgspec.Meta(description="name of what is monitored (default: the script's name)")
    ] = None
    release: Annotated[
        str | None, msgspec.Meta(description="release of the monitored program, shown in reports")
    ] = None
    interval_seconds: Annotated[
        float,
        msgspec.Meta(
            gt=0, le=86_400, description="seconds between snapshots for `memmon run` and `memmon record`"
        ),
    ] = defaults.INTERVAL_SECONDS
    leak_threshold_mb_per_hour: Annotated[
        float,
        msgspec.Meta(gt=0, description="growth (MB of 2**20 bytes per hour) from which a leak is called"),
    ] = defaults.LEAK_THRESHOLD_MB_PER_HOUR
    high_memory_percent: Annotated[
        float,
        msgspec.Meta(
            gt=0, le=100, description="system memory in use (percent) from which an alert is raised"
        ),
    ] = defaults.HIGH_MEMORY_PERCENT
    alert_cooldown_minutes: Annotated[
        float, msgspec.Meta(ge=0, description="minutes before the same alert is repeated")
    ] = defaults.ALERT_COOLDOWN_MINUTES
    alert_channels: Annotated[
        str | None,
        msgspec.Meta(
            description="channels of `memmon alerts`, separated by spaces: log, webhook:URL, webhook:env:NAME, "
            "apprise:env:NAME, callback:MODULE:FUNCTION (secrets by reference only)"
        ),
    ] = None
    gc_threshold_mb: Annotated[
        float,
        msgspec.Meta(
            ge=0, description="resident memory (MB) above which the recorder collects garbage; 0: never"
        ),
    ] = 500.0
    raw_days: Annotated[float, msgspec.Meta(gt=0, description="days that every snapshot is kept")] = 90.0
    hourly_days: Annotated[float, msgspec.Meta(gt=0, description="days that hourly rollups are kept")] = 730.0
    size_ceiling_mb: Annotated[
        float,
        msgspec.Meta(
            gt=0, description="size of the database file (MB) above which the oldest detail is dropped first"
        ),
    ] = 1024.0
    new_names_per_day: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            description="new names of deques, components and work that a run records in a day; further ones are counted "
            "(those of its first snapshot are free)",
        ),
    ] = defaults.NEW_NAMES_PER_DAY
    file_mode: Annotated[
        str, msgspec.Meta(pattern="^0?[0-7]{3}$", description="permissions of a new database file, octal")
    ] = "0600"
    daily_report: Annotated[bool, msgspec.Meta(description="store a report every 24 hours")] = True
    leak_check: Annotated[bool, msgspec.Meta(description="check for a leak every hour")] = True
    follow_forks: Annotated[
        bool, msgspec.Meta(description="let processes forked from one that records record by themselves")
    ] = False


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
    origin = str(path)
    try:
        msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        msg = f"{origin}: {error}; `memmon config schema` lists what is allowed"
        raise SettingsError(msg) from None
    for name in Settings.__struct_fields__:
        variable = ENVIRONMENT_PREFIX + name.upper()
        if env.get(variable):
            values[name] = _parsed(name, env[variable], variable=variable)
    return msgspec.convert(values, Settings)


def _from_file(path: Path, *, is_named: bool) -> dict[str, object]:
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
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: not valid TOML ({error}); `memmon config init` writes a correct example"
        raise SettingsError(msg) from None


def _parsed(name: str, text: str, *, variable: str) -> object:
    value: object = text
    default = getattr(Settings(), name)
    if isinstance(default, bool):
        value = _FLAGS.get(text.strip().lower(), text)
    try:
        return getattr(msgspec.convert({name: value}, Settings, strict=isinstance(default, bool)), name)
    except msgspec.ValidationError as error:
        msg = f"{variable}={text!r}: {error}; `memmon config schema` lists what is allowed"
        raise SettingsError(msg) from None


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
        return parse_database(given)
    chosen = (settings or load_settings()).database_url
    return parse_database(chosen) if chosen else _file(default_database_path())


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
            msg = f"{mask_url(text)}: is no path and no URL: write sqlite:///PATH or postgresql://USER:PASSWORD@HOST:5432/DATABASE"
            raise SettingsError(msg)
        return _file(Path(text))
    scheme = text.split("://", 1)[0].lower()
    if scheme.split("+")[0] == "sqlite":
        return _sqlite_url(text)
    if scheme.split("+")[0] in {"postgresql", "postgres"}:
        rest = text.split("://", 1)[1]
        return Database(url=f"postgresql+psycopg://{rest}", path=None, shown=mask_url(f"postgresql://{rest}"))
    msg = f"{mask_url(text)}: memmon keeps its history in SQLite or PostgreSQL; use sqlite:///… or postgresql://…"
    raise SettingsError(msg)


def _sqlite_url(text: str) -> Database:
    rest = text.split("://", 1)[1]
    location, _, query = rest.partition("?")
    if query:
        msg = f"{mask_url(text)}: options after '?' are not supported for SQLite; memmon sets its own: remove them"
        raise SettingsError(msg)
    if not location.startswith("/"):
        if location:
            shown = mask_url(text)
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
    msg = f"{mask_url(text)}: memmon keeps a history that outlives the process, so the database must be a file: sqlite:///memmon.db"
    raise SettingsError(msg)
