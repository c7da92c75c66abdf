"""Finds the contradictions: two surfaces that speak of one fact of one history and can't both be right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from consistency_kit.said import Said, agree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from consistency_kit.known import Known


@dataclass(frozen=True, order=True)
class Contradiction:
    """What two surfaces say of one fact of one history does not go together."""

    fact: str
    history: str
    one: str
    other: str


def contradictions(answers: dict[str, dict[str, Said]], fact: str) -> set[Contradiction]:
    """Return every pair of surfaces that disagree on a fact, over all histories."""
    return {
        Contradiction(fact, history, one, other)
        for history, surfaces in answers.items()
        for one, other in _disagreeing(surfaces, fact)
    }


def _disagreeing(surfaces: dict[str, Said], fact: str) -> Iterator[tuple[str, str]]:
    speaking = sorted(name for name, said in surfaces.items() if fact in said)
    for one, other in combinations(speaking, 2):
        if not agree(surfaces[one][fact], surfaces[other][fact]):
            yield one, other


def facts_of(answers: dict[str, dict[str, Said]]) -> set[str]:
    """Return every fact that any surface speaks of."""
    return {fact for surfaces in answers.values() for said in surfaces.values() for fact in said}


def unknown_of(found: Iterable[Contradiction], known: Iterable[Known]) -> set[Contradiction]:
    """Return the contradictions that no entry of the table covers."""
    return {each for each in found if not any(_covers(one, each) for one in known)}


def mended_of(
    found: Iterable[Contradiction], known: Iterable[Known], *, histories: Collection[str]
) -> list[tuple[str, str]]:
    """Return (why, history or surface) of what the table lists and is not seen; only `histories` were told."""
    mended = []
    for one in known:
        told = one.histories & set(histories)
        seen = [each for each in found if _covers(one, each)]
        sides = {side for each in seen for side in (each.one, each.other)}
        absent = told - {each.history for each in seen} | (one.one | one.other if told else set()) - sides
        mended += [(one.why, name) for name in sorted(absent)]
    return mended


def _covers(known: Known, found: Contradiction) -> bool:
    sides = {found.one, found.other}
    return found.history in known.histories and bool(sides & known.one) and bool(sides & known.other)
