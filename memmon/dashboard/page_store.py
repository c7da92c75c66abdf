"""A store for one page: a history that the page needs twice is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.store.read import Store
from memmon.store.read.opening import open_gate

if TYPE_CHECKING:
    from datetime import datetime

    from memmon.config import Database
    from memmon.history import History


class PageStore(Store):
    """It remembers the histories that it has read, so that a page's verdict and its charts are of the same samples.

    A year of a bot takes longer to read than all the rest of its page. It is for one page: it is never read anew.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, open_gate(database))
        self._histories: dict[tuple[object, ...], History] = {}

    def history(
        self,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        run_id: int | None = None,
    ) -> History:
        """Return the history of a window, as it was when it was first asked for."""
        key = (source, since, until, run_id)
        if key not in self._histories:
            self._histories[key] = super().history(source, since, until, run_id=run_id)
        return self._histories[key]
