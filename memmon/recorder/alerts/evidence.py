"""Evidence: while checks find growth, what grows is looked for; it is a suspect until a later look confirms it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from memmon.guest.guarded import report_fault
from memmon.guest.shielding import log_safely, mark_own_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock
    from memmon.probe.objects.confirm import Confirmation
    from memmon.store.write.open_run import OpenRun

log = logging.getLogger("memmon")


_LOOKED_EACH_TIME = 3
"""So many checks in a row are followed by a look each: a start, a suspect, a confirmation. Later ones are ever rarer."""


class EvidenceGatherer:
    """Gathers evidence in a thread of its own; costs nothing while nothing grows."""

    def __init__(self, *, clock: Clock, put: Callable[[OpenRun, object], None]) -> None:
        self._clock = clock
        self._put = put
        self._thread: threading.Thread | None = None
        self.on_filling: Callable[[str, Callable[[], object]], None] = lambda _name, _reference: None
        """Called with the name of a bounded container that two looks saw filling, and what gives it while it is there."""
        self.reset()

    def reset(self) -> None:
        """Begin anew: another run, or a forked child."""
        self._thread = None
        self._followed: list[Confirmation] = []
        """What this run's looks have found; empty before the first of them."""
        self._asked_count = 0
        self._next_look = 1

    def look(self, state: OpenRun) -> None:
        """Look at the objects, if it is time: at the first three calls, and then at the 5th, 9th, 17th and so on."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._asked_count += 1
        if self._asked_count < self._next_look:
            return
        is_early = self._asked_count < _LOOKED_EACH_TIME
        self._next_look = self._asked_count + 1 if is_early else 2 * self._asked_count - 1
        self._thread = threading.Thread(
            target=self._gather, args=(state, self._followed), name="memmon-evidence", daemon=True
        )
        self._thread.start()

    def _gather(self, state: OpenRun, followed: list[Confirmation]) -> None:
        mark_own_thread()
        try:
            # A fifth of what memmon loads in all, which a program that does not grow never needs.
            from memmon.facts.suspicion import Suspicion
            from memmon.probe.objects.confirm import Confirmation
            from memmon.probe.objects.evidence import gather

            if not followed:
                followed.append(Confirmation())
            news = followed[0].add(gather(), self._clock.monotonic(), pause=threading.Event().wait)
            for one in followed[0].filling:
                self.on_filling(one.path, one.reference)
            if news is None:
                return
            self._put(state, state.event(self._clock, news.state.event_kind, news.text, news.data))
            is_confirmed = news.state is Suspicion.CONFIRMED
            log_safely(
                log,
                logging.WARNING,
                "memmon: %s: %s: %s",
                state.record.source,
                "evidence of growth" if is_confirmed else "what grows, not confirmed yet",
                news.text,
            )
        except Exception as error:
            report_fault("evidence", error)
