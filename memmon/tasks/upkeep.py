"""What a database is made ready by: brought forward, and looked at for damage."""

from __future__ import annotations

from memmon.child.requests import Inspect, Inspected, Migrate, Migrated
from memmon.config import parse_database


def migrate(request: Migrate) -> Migrated:
    """Bring a database forward."""
    from memmon.store.upkeep.migrate import upgrade

    done = upgrade(parse_database(request.database), file_mode=request.file_mode)
    return Migrated(before=done.before, after=done.after)


def inspect(request: Inspect) -> Inspected:
    """Look for damage, in the head and the schema or in all pages."""
    from memmon.store.upkeep.integrity import find_damage

    found = find_damage(parse_database(request.database), in_all_pages=request.in_all_pages)
    return Inspected(damage=found)
