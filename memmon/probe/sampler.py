"""One tick: everything that a snapshot holds, read and put together."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from memmon.guest.hooks import fork_free
from memmon.guest.shielding import attempt
from memmon.model import Snapshot
from memmon.probe.process.cause import CauseProbe, CauseReading
from memmon.probe.process.container import LimitProbe, LimitReading
from memmon.probe.process.process import ProcessProbe, ProcessReading, SystemReading, read_system
from memmon.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from memmon.clock import Clock
    from memmon.probe.registered.components import ComponentRegistry
    from memmon.probe.registered.deques import DequeRegistry

SLOW_COSTLY_SECONDS = 0.02
"""A reading of USS and PSS that took longer than this is repeated daily, a quicker one hourly."""

# What these two read bears the names that it has in a snapshot.
_OF_PROCESS = tuple(field.name for field in fields(ProcessReading))
_OF_CAUSE = tuple(field.name for field in fields(CauseReading))


class Sampler:
    """Reads one process into snapshots.

    `pid`: None for this process; another process has neither a cause split nor deques. `root`
    stands before `/proc` and `/sys` when the limit is read.
    """

    def __init__(
        self,
        *,
        pid: int | None = None,
        deques: DequeRegistry,
        components: ComponentRegistry,
        clock: Clock,
        root: str = "/",
    ) -> None:
        """Keep the sources; nothing is read yet."""
        self._pid = pid
        self._deques = deques
        self._components = components
        self._clock = clock
        self._root = root
        self._make_probes()

    def _make_probes(self) -> None:
        self._process = ProcessProbe(self._pid, monotonic=self._clock.monotonic)
        self._limit = LimitProbe(self._root, self._pid)
        self._cause = CauseProbe(self._clock.monotonic) if self._process.is_own else None
        self._costly_from_seconds = float("-inf")

    @property
    def process(self) -> ProcessProbe:
        """The probe of the process that is sampled."""
        return self._process

    @property
    def limit(self) -> LimitProbe:
        """The probe of the limit around that process."""
        return self._limit

    def sample(
        self,
        *,
        sequence: int,
        started_monotonic: float,
        work_count: int | None,
        allow_costly: bool = True,
    ) -> Snapshot:
        """Return a snapshot of this moment; whatever can't be read is None in it.

        `started_monotonic`: the clock's monotonic seconds at the run's start. `allow_costly`: read
        USS and PSS when they are due (hourly at most, tens of milliseconds in a large process).
        """
        process, system, limit, cause = fork_free(self._readings)
        costly = attempt(fork_free, self._read_costly) if allow_costly else None
        uss_bytes, pss_bytes = costly or (None, None)
        deques = attempt(self._deques.read) or ()
        components = attempt(self._components.read) or ()
        bounded = attempt(self._components.bounded, deques)
        return Snapshot(
            at=self._clock.now(),
            sequence=sequence,
            uptime_seconds=max(0.0, self._clock.monotonic() - started_monotonic),
            system_percent=system.percent,
            system_available_bytes=system.available_bytes,
            limit_bytes=limit.limit_bytes,
            limit_origin=limit.origin,
            limit_used_bytes=limit.anonymous_bytes,
            charged_bytes=limit.used_bytes,
            uss_bytes=uss_bytes,
            pss_bytes=pss_bytes,
            work_count=work_count,
            deques=(*deques, *bounded) if bounded else deques,
            components=components,
            **{name: getattr(process, name) for name in _OF_PROCESS},
            **{name: getattr(cause, name) for name in _OF_CAUSE},
        )

    def _readings(self) -> tuple[ProcessReading, SystemReading, LimitReading, CauseReading]:
        process = attempt(self._process.read) or ProcessReading()
        system = attempt(read_system) or SystemReading()
        limit = attempt(self._limit.read, system) or LimitReading()
        cause = (attempt(self._cause.read) if self._cause is not None else None) or CauseReading()
        return process, system, limit, cause

    def after_fork_in_child(self) -> None:
        """Begin anew in a forked child: its own process, its own groups, its own back-offs."""
        self._make_probes()
        self._deques.after_fork_in_child()
        self._components.after_fork_in_child()

    def _read_costly(self) -> tuple[int | None, int | None]:
        begun = self._clock.monotonic()
        if begun < self._costly_from_seconds:
            return (None, None)
        read = self._process.read_costly()
        ended = self._clock.monotonic()
        is_slow = ended - begun > SLOW_COSTLY_SECONDS
        self._costly_from_seconds = ended + (SECONDS_PER_DAY if is_slow else SECONDS_PER_HOUR)
        return read
