"""Which database and which source a command means, and what to say when there is none."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.config import (
    ENVIRONMENT_PREFIX,
    Database,
    Settings,
    load_settings,
    parse_database,
    resolve_database,
)
from memmon.errors import StoreNotFoundError
from memmon.facts.masking import mask_url
from memmon.places import CONFIG_VARIABLE, config_path, default_database_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memmon.cli.options import Common

DATABASE_VARIABLE = ENVIRONMENT_PREFIX + "DATABASE_URL"
_SUFFIXES = ("*.db", "*.sqlite", "*.sqlite3")
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The database that a command works on, who named it, and the settings beside it."""

    database: Database
    origin: str
    """`--db`, a variable, the configuration file, or the default."""
    settings: Settings


def locate(common: Common) -> Place:
    """Return the database that the options, the environment and the settings mean.

    Raises SettingsError for a wrong value in any of them.
    """
    settings = load_settings()
    if common.db is not None:
        return Place(database=parse_database(common.db), origin="--db", settings=settings)
    database = resolve_database(settings=settings)
    return Place(database=database, origin=_origin(settings), settings=settings)


def locate_existing(common: Common) -> Place:
    """Return the same, and raise StoreNotFoundError when there is no such file."""
    place = locate(common)
    path = place.database.path
    if path is not None and is_absent(path):
        raise StoreNotFoundError(_not_found(place, path))
    return place


def is_absent(path: Path) -> bool:
    """Tell whether there is surely no such file; not where a folder on the way can't be entered."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # opening it says what is in the way
    return False


def _origin(settings: Settings) -> str:
    if os.environ.get(DATABASE_VARIABLE):
        return DATABASE_VARIABLE
    return str(config_path()) if settings.database_url else "the default"


def _not_found(place: Place, path: Path) -> str:
    variable = os.environ.get(DATABASE_VARIABLE)
    said = f"{DATABASE_VARIABLE}={mask_url(variable)}" if variable else f"{DATABASE_VARIABLE} is not set"
    others = [str(other) for other in _others(path)][:_MOST_SHOWN]
    found = f"found elsewhere: {', '.join(others)} (name one with --db)" if others else "none found elsewhere"
    return (
        f"no database at {path} (named by {place.origin}; {said}); {found}; "
        "record one with `memmon run -- python bot.py`, or try `memmon demo`"
    )


def _others(missing: Path) -> Iterator[Path]:
    """Yield memmon's databases where they usually lie."""
    candidates = [default_database_path()]
    with suppress(OSError):
        here = Path.cwd()
        candidates += sorted(path for pattern in _SUFFIXES for path in here.glob(pattern))
    with suppress(Exception):
        configured = load_settings().database_url
        candidates += [path for path in [parse_database(configured).path if configured else None] if path]
    seen = {missing}
    for path in candidates:
        if path not in seen and is_memmon_database(path):
            seen.add(path)
            yield path


def is_memmon_database(path: Path) -> bool:
    """Tell by the file's header whether it is a database of memmon; never opens it as one."""
    from memmon.store.schema.identity import APPLICATION_ID

    with suppress(OSError), path.open("rb") as stream:
        head = stream.read(72)
        return head.startswith(b"SQLite format 3\0") and head[68:72] == APPLICATION_ID.to_bytes(4, "big")
    return False


def config_origin() -> str:
    """Return where the configuration file is looked for, and who says so."""
    named = os.environ.get(CONFIG_VARIABLE)
    return f"{config_path()} ({CONFIG_VARIABLE})" if named else str(config_path())
