"""Events that a snapshot gives rise to: what has changed around the readings since the one before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from memmon.formatting import size
from memmon.forwarding import loaded_bytes
from memmon.model import OWN_COST_EVENT
from memmon.units import MS_PER_SECOND, SECONDS_PER_DAY, SECONDS_PER_HOUR, mb_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import TypeAlias

    from memmon.clock import Clock
    from memmon.model import Snapshot
    from memmon.probe.registered.autosize import AutoSizer
    from memmon.probe.registered.components import ComponentRegistry
    from memmon.probe.registered.deques import DequeRegistry

    Notice: TypeAlias = tuple[str, str, Mapping[str, object]]

CLOCK_STEP_SECONDS = 5.0


class Notices:
    """Finds each event once; the kind, the sentence and the data of an event come out."""

    def __init__(
        self,
        *,
        clock: Clock,
        deques: DequeRegistry,
        components: ComponentRegistry,
        sizes: AutoSizer,
        own_cost: OwnCost,
    ) -> None:
        self._own_cost = own_cost
        self._clock = clock
        self._deques = deques
        self._components = components
        self._sizes = sizes
        self._noted_components: tuple[str, ...] = ()
        self._noted_untracked_count = 0
        self.begin_run()

    def begin_run(self) -> None:
        """Compare the clocks anew: a run begins."""
        self._last_monotonic: float | None = None
        self._last_wall: float | None = None
        self._own_cost.begin_run()

    def of(self, snapshot: Snapshot) -> Iterator[Notice]:
        """Yield what is to be recorded beside `snapshot`."""
        yield from self._clock_step(snapshot)
        yield from self._component_notes()
        yield from self._untracked()
        for sentence in self._sizes.after_snapshot(snapshot):
            yield "autosize", sentence, {}
        yield from self._own_cost.told(snapshot.uptime_seconds)

    def _clock_step(self, snapshot: Snapshot) -> Iterator[Notice]:
        monotonic, wall = self._clock.monotonic(), snapshot.at.timestamp()
        if self._last_monotonic is not None and self._last_wall is not None:
            step_seconds = (wall - self._last_wall) - (monotonic - self._last_monotonic)
            if abs(step_seconds) > CLOCK_STEP_SECONDS:
                text = f"the wall clock stepped by {step_seconds:+.0f} s"
                yield "clock_step", text, {"step_seconds": round(step_seconds, 3)}
        self._last_monotonic, self._last_wall = monotonic, wall

    def _component_notes(self) -> Iterator[Notice]:
        """Yield why a component is not measured any more, once."""
        notes = self._components.notes
        for note in notes:
            if note not in self._noted_components:
                yield "component", note, {}
        self._noted_components = notes

    def _untracked(self) -> Iterator[Notice]:
        """Yield how many deques are beyond the cap, at first and whenever their number has doubled."""
        count = self._deques.untracked_count
        if count >= max(2 * self._noted_untracked_count, 1):
            self._noted_untracked_count = count
            text = f"{count} registered deques are beyond the cap: counted, not read"
            yield "deques", text, {"untracked_count": count}


class OwnCost:
    """What memmon itself costs its program, as far as that can be measured in it: told after an hour, then daily."""

    def __init__(self, *, file: Path | None, writer_cpu_seconds: Callable[[], float]) -> None:
        """`file`: the database, None for a server; `writer_cpu_seconds`: of the writer thread so far."""
        self._file = file
        self._writer_cpu_seconds = writer_cpu_seconds
        self.begin_run()

    def begin_run(self) -> None:
        """Count anew."""
        self._count = 0
        self._cpu_seconds: float = -self._writer_cpu_seconds()
        self._taking_seconds = 0.0
        self._longest_seconds = 0.0
        self._told_from_seconds: float = SECONDS_PER_HOUR
        self._first_file: tuple[float, int] | None = None

    def taken(self, taking_seconds: float, cpu_seconds: float) -> None:
        """Count a snapshot: how long it was until it was handed over, and the processor time of the thread meanwhile."""
        self._count += 1
        self._cpu_seconds += cpu_seconds
        self._taking_seconds += taking_seconds
        self._longest_seconds = max(self._longest_seconds, taking_seconds)

    def told(self, uptime_seconds: float) -> Iterator[Notice]:
        """Yield what it costs, when it is due; `uptime_seconds` since the run began."""
        if self._first_file is None and (begun_bytes := self._file_bytes()):
            self._first_file = uptime_seconds, begun_bytes
        if uptime_seconds >= self._told_from_seconds and self._count:
            self._told_from_seconds = uptime_seconds + SECONDS_PER_DAY
            data = self._figures(uptime_seconds)
            yield OWN_COST_EVENT, _own_cost_words(data), data

    def _figures(self, uptime_seconds: float) -> dict[str, float | None]:
        cpu_seconds = self._cpu_seconds + self._writer_cpu_seconds()
        return {
            "snapshot_count": self._count,
            "loaded_bytes": loaded_bytes(),
            "cpu_ms_per_snapshot": round(cpu_seconds / self._count * MS_PER_SECOND, 3),
            "mean_taking_ms": round(self._taking_seconds / self._count * MS_PER_SECOND, 3),
            "longest_taking_ms": round(self._longest_seconds * MS_PER_SECOND, 3),
            "file_bytes_per_day": self._file_bytes_per_day(uptime_seconds),
        }

    def _file_bytes_per_day(self, uptime_seconds: float) -> float | None:
        """Return how fast the file grows; None before half a day, in which it grows by whole pages at a time."""
        if self._first_file is None:
            return None
        since_seconds, begun_bytes = self._first_file
        passed_seconds = uptime_seconds - since_seconds
        present_bytes = self._file_bytes()
        if passed_seconds < SECONDS_PER_DAY / 2 or not present_bytes:
            return None
        return max(0, round((present_bytes - begun_bytes) / passed_seconds * SECONDS_PER_DAY))

    def _file_bytes(self) -> int:
        if self._file is None:
            return 0
        try:
            return os.stat(self._file).st_size  # noqa: PTH116 -- at each snapshot until the file is there
        except OSError:
            return 0


def _own_cost_words(data: Mapping[str, float | None]) -> str:
    """Return what memmon costs as one sentence: every face shows this one."""
    loaded, daily = data["loaded_bytes"], data["file_bytes_per_day"]
    parts = [] if loaded is None else [f"{size(mb_from_bytes(loaded))} to load"]
    parts.append(f"{data['cpu_ms_per_snapshot']:.1f} ms of processor time a snapshot")
    parts.append(f"taken in {data['mean_taking_ms']:.1f} ms ({data['longest_taking_ms']:.1f} at most)")
    parts += [] if daily is None else [f"{size(mb_from_bytes(daily))} more in the file a day"]
    return f"memmon itself: {', '.join(parts)}"
