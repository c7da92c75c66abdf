"""What to say when there is no database: where it was looked for and what else there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.places import default_database_path

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN_COUNT = 3
_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def describe_absent(path: Path) -> str:
    """Return the message for a database that is not there: one line, ending in what to do."""
    parts = [f"no database at {path}"]
    others = _others(path)
    if others:
        parts.append(f"found instead: {', '.join(str(other) for other in others)}")
    parts.append("name one with --db or MEMMON_DATABASE_URL, or record first (`memmon run -- python bot.py`)")
    return "; ".join(parts)


def _others(path: Path) -> list[Path]:
    found: list[Path] = []
    default = default_database_path()
    try:
        if default != path and default.is_file():
            found.append(default)
        found += sorted(
            other for other in path.parent.iterdir() if other.suffix in _SUFFIXES and other.is_file()
        )
    except OSError:
        pass
    return list(dict.fromkeys(found))[:_SHOWN_COUNT]
