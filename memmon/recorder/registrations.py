"""What the program registers with its recorder: deques, components, sections, sizes, work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memmon.probe.registered.autosize import AutoSizer
from memmon.probe.registered.components import ComponentRegistry
from memmon.probe.registered.deques import DequeRegistry
from memmon.recorder.work_counter import DEFAULT_NAME, WorkCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from memmon.clock import Clock
    from memmon.probe.registered.sections import Section


class Registrations:
    """The registering part of a Recorder; wrong arguments raise at the call."""

    def __init__(self, clock: Clock) -> None:
        self._deques = DequeRegistry(monotonic=clock.monotonic)
        self._components = ComponentRegistry(monotonic=clock.monotonic)
        self._sizes = AutoSizer(monotonic=clock.monotonic)
        self._work = WorkCounter()

    def register_deque(
        self, name: str, deque_or_getter: object, *, expected_maxlen: int | None = None
    ) -> None:
        """Track a deque, or what a getter without arguments returns; never keeps it alive.

        Raises TypeError for what is neither and ValueError for an empty name or a bad maxlen.
        """
        self._deques.register(name, deque_or_getter, expected_maxlen=expected_maxlen)

    def register_deques(self, mapping: Mapping[str, object], *, prefix: str = "") -> None:
        """Track every deque (or getter) of a mapping, each under `prefix` + its key."""
        if not hasattr(mapping, "items"):
            msg = f"register_deques takes a mapping of names to deques, not {type(mapping).__name__}"
            raise TypeError(msg)
        for name, item in list(mapping.items()):
            self.register_deque(f"{prefix}{name}", item)

    def unregister_deque(self, name: str) -> None:
        """Stop tracking a deque; a name that is not registered is no error."""
        self._deques.unregister(name)

    def autosize_deque(
        self,
        name: str,
        resize: Callable[[int, int], object],
        *,
        least_count: int = 16,
        most_count: int,
    ) -> None:
        """Let the registered deque `name` follow its need: `resize(old, new)` is called to replace it.

        A deque's `maxlen` is read-only, so the program makes the new deque itself (register it by a
        getter). Doubled while it stays full and memory allows, halved after a day of little use,
        between `least_count` and `most_count` entries; called in the thread that takes the snapshot.
        """
        self._sizes.register(name, resize, least_count=least_count, most_count=most_count)

    def register_component(self, name: str, measure: object) -> None:
        """Track a component: `measure()` returns its bytes or an object whose size is estimated; or the object.

        An object itself is never kept alive for longer than until the next snapshot; one that refers to
        itself in a circle and can't be referred to weakly (a dict, a list) is: give a callable there.
        """
        self._components.register(name, measure)

    def section(self, name: str) -> Section:
        """Return a context manager and decorator that measures what a section of code retains, in bytes."""
        return self._components.section(name)

    def count_work(self, amount: int = 1, *, name: str = DEFAULT_NAME) -> None:
        """Count `amount` units of work done (messages, orders): growth is judged per unit too.

        What was counted under a `name` is read back by `Store.work_readings`; beyond 1,000 names the
        further ones are counted together, as "(other names)".
        """
        if isinstance(amount, bool) or not isinstance(amount, int):
            msg = f"amount must be an int, not {type(amount).__name__}"
            raise TypeError(msg)
        if amount < 0:
            msg = f"amount must not be negative, not {amount}"
            raise ValueError(msg)
        if not isinstance(name, str):
            msg = f"name must be a str, not {type(name).__name__}"
            raise TypeError(msg)
        self._work.add(amount, name)
