"""Evidence: once a check finds growth, what grows is looked for, twice, and told once a run."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from memmon.guest.guarded import report_fault
from memmon.guest.shielding import log_safely, mark_own_thread
from memmon.probe.objects.evidence import ObjectEvidence, compare, event_data, gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from memmon.clock import Clock
    from memmon.store.write.open_run import OpenRun

log = logging.getLogger("memmon")


class EvidenceGatherer:
    """Gathers evidence in a thread of its own; costs nothing while nothing grows."""

    def __init__(self, *, clock: Clock, put: Callable[[OpenRun, object], None]) -> None:
        self._clock = clock
        self._put = put
        self._thread: threading.Thread | None = None
        self._before: ObjectEvidence | None = None
        self._is_done = False

    def reset(self) -> None:
        """Begin anew: another run, or a forked child."""
        self._thread = None
        self._before = None
        self._is_done = False

    def look(self, state: OpenRun) -> None:
        """Gather: the first time what there is, the second time what has grown since; then no more."""
        if self._is_done or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(
            target=self._gather, args=(state,), name="memmon-evidence", daemon=True
        )
        self._thread.start()

    def _gather(self, state: OpenRun) -> None:
        mark_own_thread()
        try:
            found = gather()
            before, self._before = self._before, found
            if before is None:
                return
            self._is_done = True
            suspects = compare(before, found)
            text = "; ".join(suspects.sentences) or "nothing was found to grow"
            self._put(state, state.event(self._clock, "evidence", text, event_data(found, suspects)))
            log_safely(log, logging.WARNING, "memmon: %s: evidence of growth: %s", state.record.source, text)
        except Exception as error:
            report_fault("evidence", error)
