"""Finds the contradictions: two surfaces that speak of one fact of one history and can't both be right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from consistency_kit.said import Said, agree

if TYPE_CHECKING:
    from collections.abc import Iterator


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
