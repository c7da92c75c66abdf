"""Sizes that follow the need: a deque's `maxlen` is read-only, so the program makes the new one itself.

A deque that stays full while there is room is doubled, one that stays nearly empty for a day, or
that stands in the way when memory runs short, is halved. Between two changes lies an hour (ten minutes
when memory runs short), and a halved deque is at most four fifths full: sizes don't flap.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.facts.names import clean_name, plain_string
from memmon.guest.shielding import describe_error, log_safely
from memmon.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.model import DequeReading, Snapshot

log = logging.getLogger("memmon.probe")

FULL_READINGS = 3
"""A deque is doubled when so many readings in a row found it full."""

QUIET_SHARE = 0.4
"""A deque is halved when no reading of a day found it fuller than this."""

GROWTH_HEADROOM_SHARE = 0.1
"""Doubling one deque may take so much of the free memory."""

SHORT_SHARE = 0.1
"""Memory runs short when less than this part of the limit is free."""

MAX_FAILURES = 3
_PAUSE_SECONDS = float(SECONDS_PER_HOUR)
_SHORT_PAUSE_SECONDS = 10.0 * SECONDS_PER_MINUTE


@dataclass(slots=True, kw_only=True)
class _Sized:
    """One deque that is sized: its bounds, and what was seen of it."""

    resize: Callable[[int, int], object]
    least_count: int
    most_count: int
    full_readings: int = 0
    changed_at_seconds: float = float("-inf")
    failures: int = 0
    peaks: list[tuple[float, int]] = field(default_factory=list)
    bound: int | None = None


class AutoSizer:
    """Calls back when a deque should have another size.

    `monotonic`: seconds that never step back. The callback receives the old and the new maxlen and
    replaces the program's deque; a getter registered with the recorder then follows the new one.
    """

    def __init__(self, *, monotonic: Callable[[], float] | None = None) -> None:
        """Make one that sizes nothing yet."""
        self._monotonic = monotonic or SystemClock().monotonic
        self._sized: dict[str, _Sized] = {}

    def register(
        self, name: str, resize: Callable[[int, int], object], *, least_count: int = 16, most_count: int
    ) -> None:
        """Size the deque registered as `name`, between `least_count` and `most_count`.

        `resize(old, new)` is called in the thread that takes the snapshot. Raises TypeError when it
        is not callable, and ValueError for bounds that are not 1 <= least <= most.
        """
        if not callable(resize):
            raise TypeError(f"resize must be callable with (old, new), not a {type(resize).__name__}")
        if not 1 <= least_count <= most_count:
            raise ValueError(f"bounds must be 1 <= least <= most, not {least_count} and {most_count}")
        self._sized[clean_name(plain_string(name))] = _Sized(
            resize=resize, least_count=least_count, most_count=most_count
        )

    def unregister(self, name: str) -> None:
        """Size `name` no more; an unknown name is no error."""
        self._sized.pop(clean_name(plain_string(name)), None)

    def after_snapshot(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Look at a snapshot's deques, call back where a size should change, and return what was done."""
        if not self._sized:
            return ()
        free = _free_bytes(snapshot)
        is_short = (
            free is not None
            and snapshot.limit_bytes is not None
            and free < SHORT_SHARE * snapshot.limit_bytes
        )
        done = []
        for reading in snapshot.deques:
            sized = self._sized.get(reading.name)
            if sized is not None and reading.is_registered and sized.failures < MAX_FAILURES:
                sentence = self._look(sized, reading, free, is_short=is_short)
                done += [sentence] if sentence else []
        return tuple(done)

    def _look(self, sized: _Sized, reading: DequeReading, free: float | None, *, is_short: bool) -> str:
        length, bound = reading.length_count, reading.maxlen_count
        if length is None or not bound:
            return ""
        now = self._monotonic()
        if bound != sized.bound:
            sized.bound, sized.full_readings, sized.peaks = bound, 0, []
        sized.full_readings = sized.full_readings + 1 if length >= bound else 0
        sized.peaks = [peak for peak in sized.peaks if now - peak[0] <= SECONDS_PER_DAY] + [(now, length)]
        wanted = self._wanted(sized, reading, free, now, is_short=is_short)
        return self._change(sized, reading.name, bound, wanted, now) if wanted != bound else ""

    def _wanted(
        self, sized: _Sized, reading: DequeReading, free: float | None, now: float, *, is_short: bool
    ) -> int:
        """Return the bound that a deque should have: another one only when the pause is over."""
        bound, length = reading.maxlen_count or 0, reading.length_count or 0
        pause = _SHORT_PAUSE_SECONDS if is_short else _PAUSE_SECONDS
        if now - sized.changed_at_seconds < pause:
            return bound
        if is_short:
            return max(sized.least_count, bound // 2) if bound > sized.least_count else bound
        if sized.full_readings >= FULL_READINGS:
            larger = min(sized.most_count, bound * 2)
            each = reading.item_bytes or (reading.size_bytes or 0) / max(1, length)
            fits = free is not None and each > 0 and (larger - bound) * each <= GROWTH_HEADROOM_SHARE * free
            return max(bound, larger) if fits else bound
        is_observed = now - sized.peaks[0][0] >= 0.95 * SECONDS_PER_DAY
        is_quiet = max(peak for _, peak in sized.peaks) <= QUIET_SHARE * bound
        if is_observed and is_quiet and bound > sized.least_count:
            return max(sized.least_count, bound // 2)
        return bound

    def _change(self, sized: _Sized, name: str, bound: int, wanted: int, now: float) -> str:
        sized.changed_at_seconds = now
        try:
            sized.resize(bound, wanted)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - the program's own code: its error stays here
            sized.failures += 1
            ending = "; it is not sized any more" if sized.failures >= MAX_FAILURES else ""
            log_safely(
                log,
                logging.WARNING,
                "deque %s could not be resized (%s)%s",
                name,
                describe_error(error),
                ending,
            )
            return ""
        sized.failures = 0
        sentence = f"deque {name}: maxlen {bound} -> {wanted}"
        log_safely(log, logging.INFO, "%s", sentence)
        return sentence


def _free_bytes(snapshot: Snapshot) -> float | None:
    """Return what is free under the limit and on the machine, whichever is less."""
    free = (snapshot.system_available_bytes, snapshot.limit_room_bytes)
    return min((max(0.0, float(one)) for one in free if one is not None), default=None)
