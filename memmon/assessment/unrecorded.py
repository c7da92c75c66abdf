"""What nobody records: living children of the recorded processes, how many they are, and what that means. Values in, a value out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memmon.facts.limit_names import GIVEN
from memmon.formatting import size
from memmon.units import mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.assessment.process import SourceProcess

WORTH_WARNING_SHARE = 0.1
"""Unrecorded children that hold more than this share of what is recorded are a warning. Chosen: the verdict leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """The living children of a source that are not recorded.

    `recorded_share`: what they hold against what is recorded; `limit_share`: what is recorded and they together of a
    limit that was given on the program's own memory. Any other limit counts them already. None: not known.
    """

    count: int
    held_bytes: int
    recorded_share: float | None = None
    limit_share: float | None = None

    @property
    def is_much(self) -> bool:
        """Tell whether so much is left out that the rest is no picture of the program."""
        return self.recorded_share is None or self.recorded_share > WORTH_WARNING_SHARE

    @property
    def words(self) -> str:
        """How many they are and about how much they hold, in a clause."""
        who = "1 child process" if self.count == 1 else f"{self.count} child processes"
        return f"{who}, about {size(mb_from_bytes(self.held_bytes))}, not recorded"


def unrecorded_of(
    processes: Sequence[SourceProcess],
    *,
    recorded_bytes: int | None,
    limit_bytes: int | None = None,
    limit_origin: str | None = None,
    used_bytes: int | None = None,
) -> Unrecorded | None:
    """Return what of the processes is not recorded; None where all of them are."""
    left_out = [one for one in processes if not one.is_recorded]
    if not left_out:
        return None
    held = sum(one.held_bytes or 0 for one in left_out)
    is_own_limit = limit_origin == GIVEN and limit_bytes and used_bytes is not None
    return Unrecorded(
        count=len(left_out),
        held_bytes=held,
        recorded_share=held / recorded_bytes if recorded_bytes else None,
        limit_share=((used_bytes or 0) + held) / limit_bytes if is_own_limit and limit_bytes else None,
    )
