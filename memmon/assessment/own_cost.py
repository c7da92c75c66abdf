"""What memmon itself costs a program, as its recorder last told: read here for every face that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.model import OWN_COST_EVENT

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.store.read import EventInfo, Store


def read_own_cost(
    store: Store, source: str, *, until: datetime | None = None, run_id: int | None = None
) -> EventInfo | None:
    """Return the newest that was told of it, up to `until` and by the run alone where one is given; None: nothing yet."""
    found = store.events(source, None, until, kinds=[OWN_COST_EVENT], limit=1, run_id=run_id)
    return found[0] if found else None
