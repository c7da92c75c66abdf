"""Events that a snapshot gives rise to: what has changed around the readings since the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
        self, *, clock: Clock, deques: DequeRegistry, components: ComponentRegistry, sizes: AutoSizer
    ) -> None:
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

    def of(self, snapshot: Snapshot) -> Iterator[Notice]:
        """Yield what is to be recorded beside `snapshot`."""
        yield from self._clock_step(snapshot)
        yield from self._component_notes()
        yield from self._untracked()
        for sentence in self._sizes.after_snapshot(snapshot):
            yield "autosize", sentence, {}

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
