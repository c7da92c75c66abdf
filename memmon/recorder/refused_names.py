"""What is said of names that are not recorded, because too many new ones came in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN_CHARACTERS = 60


class RefusedNames:
    """Counts the refused names of a run, and tells of them at first and whenever they have doubled."""

    def __init__(self, limit_count: int) -> None:
        """Count for a run that records `limit_count` new names a day."""
        self._limit_count = limit_count
        self.begin_run()

    def begin_run(self) -> None:
        """Count anew."""
        self.count = 0
        self._told_count = 0

    def add(self, names: Sequence[str]) -> tuple[str, Mapping[str, object]] | None:
        """Return the sentence and the data of an event; None where nothing is to be said."""
        self.count += len(names)
        if not names or self.count < max(2 * self._told_count, 1):
            return None
        self._told_count = self.count
        example = names[0][:_SHOWN_CHARACTERS]
        text = (
            f"more than {counted(self._limit_count, 'new name')} in a day, as if each were an id: {self.count:,} "
            f"are counted and not recorded ({example!r} is one): register what stays (`orders`), not each one, "
            "or raise new_names_per_day"
        )
        return text, {"refused_count": self.count, "limit_count": self._limit_count, "example": example}
