"""Components that the operator named: a size in bytes each, measured by the program's own code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from memmon.clock import SystemClock
from memmon.facts.names import clean_name, component_name, plain_string
from memmon.guest.shielding import attempt, log_safely
from memmon.probe.objects.sizes import SizeEstimator
from memmon.probe.registered.deque_entry import checked_name
from memmon.probe.registered.deques import SIZE_BUDGET_SECONDS
from memmon.probe.registered.measures import Measure, make_measure
from memmon.probe.registered.meters import ContainerEntry
from memmon.probe.registered.sections import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memmon.model import ComponentReading, DequeReading

log = logging.getLogger("memmon.probe")

MOST_GONE_COUNT = 100
"""So many components whose object is gone go on being read as 0 bytes; where more go, they come and go
by design (one for each order, say), and each is forgotten as soon as it is gone."""

MOST_FOLLOWED_COUNT = 16
"""So many containers that looks found filling are read."""

_SAME_SHARE = 0.01
"""A found deque that is as full as a registered one, but for what came in meanwhile, is taken for that one."""

_SWEEP_COUNT = 256
"""From so many registrations on, whenever they have doubled, those that are gone are looked for without a reading."""


class ComponentRegistry:
    """Components by name.

    `monotonic`: seconds that never step back, to time the measures. A measure that raises, returns
    what is no size, or takes longer than 50 ms is logged once; after three such readings it is not
    called any more and `notes` says why.
    """

    def __init__(self, *, monotonic: Callable[[], float] | None = None) -> None:
        """Make an empty registry."""
        self._monotonic = monotonic or SystemClock().monotonic
        self._estimator = SizeEstimator(self._monotonic)
        self._measures: dict[str, Measure] = {}
        self._originals: dict[str, str] = {}
        self._followed: dict[str, tuple[Callable[[], object], ContainerEntry]] = {}
        self._gone_count = 0
        self._sweep_at_count = _SWEEP_COUNT

    def register(self, name: str, measure: object) -> None:
        """Register how the component `name` is measured.

        `measure` is a callable without arguments that returns a size in bytes, or an object whose
        size is then estimated; such an object itself; a function wrapped by `functools.lru_cache`
        (entries times sampled size); or a queue (`queue.Queue`, `asyncio.Queue` and their kin). Objects
        are held weakly; what can't be (a dict, a list, a set) is let go of by the first reading that
        finds nothing else referring to it. What is gone holds 0 bytes; once more than a hundred
        have gone, each is forgotten as it goes. A name
        registered again stands for the newer measure, and a log line says so. A cache or queue with a bound
        is read like a deque as well (`bounded`).

        Raises TypeError for anything else and ValueError for an empty name.
        """
        name = checked_name(name)
        made = make_measure(name, measure, self._monotonic, self._estimator)
        shown = cleaned = clean_name(name)
        number = 1
        while self._originals.setdefault(shown, name) != name:
            number += 1
            shown = f"{cleaned}~{number}"
        made.shown_name = shown
        earlier = self._measures.get(name)
        self._measures[name] = made
        if earlier is not None and not earlier.is_same_as(made):
            log_safely(
                log, logging.WARNING, "component %s was registered again: the newer measure counts", shown
            )
        if len(self._measures) >= self._sweep_at_count:
            self._forget_gone()
            self._sweep_at_count = max(2 * len(self._measures), _SWEEP_COUNT)

    def section(self, name: str) -> Section:
        """Return a context manager, also a decorator, that measures what a code section retains.

        Its component shows the net growth of the allocators over all passes through the section.
        The same name gives the same section.
        """
        name = checked_name(name)
        known = self._measures.get(name)
        section = known.section if known is not None else None
        if section is None:
            section = Section(self._monotonic)
            self.register(name, section.retained_bytes)
            self._measures[name].section = section
        return section

    def unregister(self, name: str) -> None:
        """Forget `name`; an unknown name is no error."""
        if not isinstance(name, str):
            raise TypeError(f"a name is a str, not {type(name).__name__}")
        measure = self._measures.pop(plain_string(name), None)
        if measure is not None:
            self._originals.pop(measure.shown_name, None)

    @property
    def registered_count(self) -> int:
        """How many components are registered."""
        return len(self._measures)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each component that is not measured any more."""
        return tuple(measure.note for measure in self._listed() if measure.note)

    def read(self) -> tuple[ComponentReading, ...]:
        """Return a reading for each component; the size is None when it could not be measured."""
        self._forget_gone()
        return tuple(measure.read() for measure in self._listed())

    def follow(self, path: str, reference: Callable[[], object]) -> None:
        """Read a bounded container with the components from now on: a look found it filling at `path`.

        `reference` gives it while it is there, and never keeps it alive.
        """
        if len(self._followed) < MOST_FOLLOWED_COUNT:
            name, number = clean_name(path), 1
            while name in self._followed:  # several that differ by a key that isn't written
                number += 1
                name = f"{clean_name(path)}~{number}"
            self._followed[name] = reference, ContainerEntry(name, is_found=True)

    def bounded(self, deques: Sequence[DequeReading]) -> tuple[DequeReading, ...]:
        """Return how full each container with a bound is, and what an entry takes: to be asked after `read`.

        `deques`: the registered ones, read just now. Where one has a component's name, the latter is said to be the
        component. What is registered twice is read once.
        """
        if not self._measures and not self._followed:
            return ()
        readings = []
        known: set[int] = set()
        taken_names = {one.name for one in deques}
        begun = self._monotonic()
        for measure in self._listed():
            target = measure.container
            if id(target) in known and target is not None:
                continue
            known.add(id(target))
            name = measure.shown_name
            now = self._monotonic()
            reading = measure.read_container(
                component_name(name) if name in taken_names else name,
                target,
                self._estimator,
                now,
                may_estimate=now - begun <= SIZE_BUDGET_SECONDS,
            )
            if reading is not None:
                readings.append(reading)
        for name, (reference, entry) in attempt(lambda: tuple(self._followed.items())) or ():
            target = reference()
            if target is None or id(target) in known or name in {*taken_names, *self._originals}:
                self._followed.pop(name, None)  # it is gone, or the program registered it since
                continue
            now = self._monotonic()
            reading = entry.read_target(
                target, self._estimator, now, may_estimate=now - begun <= SIZE_BUDGET_SECONDS
            )
            if reading is not None and not any(_may_be_same(reading, one) for one in deques):
                readings.append(reading)
        return tuple(readings)

    def _forget_gone(self) -> None:
        """Forget what is gone, once so much is that components here plainly come and go."""
        gone = [measure for measure in self._listed() if measure.is_gone]
        was_told = self._gone_count > MOST_GONE_COUNT
        for measure in gone:
            self._gone_count += not measure.was_counted_gone
            measure.was_counted_gone = True
        if not gone or self._gone_count <= MOST_GONE_COUNT:
            return
        for measure in gone:
            name = self._originals.get(measure.shown_name)
            if name is not None and self._measures.get(name) is measure:
                self.unregister(name)
        if not was_told:
            log_safely(
                log,
                logging.WARNING,
                "the objects of more than %d registered components are gone: each is forgotten from now on once it is",
                MOST_GONE_COUNT,
            )

    def after_fork_in_child(self) -> None:
        """Nothing needs renewal: there are no locks here. Registrations stay."""

    def _listed(self) -> tuple[Measure, ...]:
        for _ in range(8):
            listed = attempt(lambda: tuple(self._measures.values()))
            if listed is not None:
                return listed
        return ()


def _may_be_same(found: DequeReading, registered: DequeReading) -> bool:
    """Return whether a registered deque (perhaps given by a getter, which isn't called again) may be the one found."""
    lengths = found.length_count, registered.length_count
    if found.maxlen_count != registered.maxlen_count or lengths[0] is None or lengths[1] is None:
        return False
    return abs(lengths[0] - lengths[1]) <= 1 + _SAME_SHARE * lengths[1]
