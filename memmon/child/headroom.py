"""Whether there is room for a child beside the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.errors import ChildError
from memmon.units import MIB, mb_from_bytes

if TYPE_CHECKING:
    from memmon.model import Snapshot

JUDGE_HEADROOM_BYTES = 300 * MIB
"""Memory that must be free under the limit before an analysis is started."""


def require_headroom(snapshot: Snapshot | None, *, needed_bytes: int = JUDGE_HEADROOM_BYTES) -> None:
    """Raise ChildError when a child could push the program over its limit."""
    if snapshot is None:
        return
    room = (snapshot.system_available_bytes, snapshot.limit_room_bytes)
    known = [value for value in room if value is not None]
    if known and min(known) < needed_bytes:
        msg = (
            f"only {mb_from_bytes(min(known)):.0f} MB are free under the memory limit, "
            f"an analysis beside the program needs {mb_from_bytes(needed_bytes):.0f} MB"
        )
        raise ChildError(msg)
