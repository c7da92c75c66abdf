"""The way from a root to where a walk is, which can be let go and be gone again."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from memmon.probe.objects.contents import LISTED_COUNT, contents
from memmon.probe.objects.kinds import Kinds
from memmon.probe.objects.own_size import measured
from memmon.probe.objects.places import PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_DEPTH = 200
OF_CONTAINER, OF_INSTANCE, OF_CLASS = range(3)


class Path:
    """Levels of siblings; at each the place where the walk is, and what holds for all of them.

    Parallel lists: an object for each level would be one more for the collector to track.
    """

    __slots__ = (
        "ends",
        "holders",
        "ids",
        "news",
        "nodes",
        "places",
        "samples",
        "siblings",
        "taken",
        "waiting",
        "weights",
    )

    def __init__(self) -> None:
        """Make a path that is at its root."""
        self.siblings: list[list[Any]] = []
        self.places: list[int] = []
        self.weights: list[float] = []
        self.samples: list[int] = []
        self.taken: list[int] = []
        """With how many samples wanted the siblings themselves were taken."""
        self.holders: list[int] = []
        """What the siblings were found in: OF_CONTAINER, OF_INSTANCE or OF_CLASS."""
        self.ends: list[int] = []
        """At which count of visits a level is left."""
        self.nodes: list[list[int]] = []
        """For each sibling the number of what it is counted under."""
        self.waiting: list[int] = []
        """How many siblings are still to be gone into."""
        self.news: list[bool] = []
        """Whether the holder was gone into for the first time."""
        self.ids: list[int] = []
        """The identity of what the siblings were found in."""

    def push(  # noqa: PLR0913 -- what holds for a level, each by its name
        self,
        holder_id: int,
        siblings: list[Any],
        *,
        weight: float,
        sample_count: int,
        taken_count: int,
        end: int,
        holder: int = OF_CONTAINER,
        nodes: list[int] | None = None,
        is_new: bool = True,
    ) -> None:
        """Go down to what was found in an object."""
        self.siblings.append(siblings)
        self.places.append(-1)
        self.weights.append(weight)
        self.samples.append(sample_count)
        self.taken.append(taken_count)
        self.ids.append(holder_id)
        self.ends.append(end)
        self.holders.append(holder)
        self.nodes.append(nodes or [])
        self.waiting.append(len(self.nodes[-1]) - self.nodes[-1].count(PASSED_OVER))
        self.news.append(is_new)

    def weight_of(self, value: object) -> float:
        """Return for how many one of the last siblings stands: a class is one, however many instances lead to it."""
        weight = self.weights[-1]
        if weight == 1.0 or self.holders[-1] == OF_CONTAINER:
            return weight
        return 1.0 if issubclass(type(value), type) else weight

    def pop(self) -> None:
        """Go up one level."""
        del (
            self.siblings[-1],
            self.places[-1],
            self.weights[-1],
            self.samples[-1],
            self.taken[-1],
            self.ids[-1],
        )
        del self.ends[-1], self.holders[-1], self.nodes[-1], self.waiting[-1], self.news[-1]

    def cut(self, depth: int) -> None:
        """Go up to `depth` levels below the root."""
        for each in (
            self.siblings,
            self.places,
            self.weights,
            self.samples,
            self.taken,
            self.ids,
            self.ends,
            self.holders,
            self.nodes,
            self.waiting,
            self.news,
        ):
            del each[depth:]

    def let_go(self) -> None:
        """Hold no object any more; the way itself is kept."""
        self.siblings.clear()

    def find_again(self, reach: Callable[[], object], kinds: Kinds | None = None) -> None:
        """Go the way again from `reach()`; it ends where something isn't where it was. `kinds`: types known already."""
        kinds = kinds or Kinds()
        places, taken, siblings = self.places, self.taken, self.siblings
        value: Any = reach() if self.ids else None
        level: list[Any] = []
        for depth, identity in enumerate(self.ids):
            if depth:
                place = places[depth - 1]
                if place >= len(level) or id(level[place]) != identity:
                    place = places[depth - 1] = _place_of(identity, level)
                    if place < 0:
                        break
                value = level[place]
            elif id(value) != identity:
                break
            kind = kinds.of(value)
            # The way may be 200 levels long: only of what is no built-in container the size matters here.
            level = gc.get_referents(value) if kind.is_simple else []
            if not 0 < len(level) <= LISTED_COUNT:
                size = measured(value, kind.method, kind.header) if kind.base is None else 0
                level = contents(value, kind.base, taken[depth], size)[1]
            siblings.append(level)
        self.cut(len(siblings))


def _place_of(identity: int, siblings: list[Any]) -> int:
    """Return where among some objects one is; -1 when it isn't there any more."""
    return next((place for place, one in enumerate(siblings) if id(one) == identity), -1)
