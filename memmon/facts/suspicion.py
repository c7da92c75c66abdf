"""How sure it is that what grew is what leaks: the states, their words, and the events that tell them."""

from __future__ import annotations

from enum import StrEnum

SUSPECT_EVENT = "suspect"
EVIDENCE_EVENT = "evidence"
GROWTH_EVENTS = (EVIDENCE_EVENT, SUSPECT_EVENT)
"""Kinds of events that tell what grows."""


class Suspicion(StrEnum):
    """What looks at the objects of a process have shown of one thing that grew.

    `suspect`: it grew between two looks, as a cache does that warms up. `confirmed`: it went on growing between later
    ones, in proportion to the process. `cleared`: it did not, while the process grew on.
    """

    SUSPECT = "suspect"
    CONFIRMED = "confirmed"
    CLEARED = "cleared"

    def __repr__(self) -> str:
        """Read as the plain text that it is."""
        return repr(self.value)

    @property
    def beginning(self) -> str:
        """How a sentence about what grew begins."""
        return _BEGINNINGS[self]

    @property
    def event_kind(self) -> str:
        """The kind of the event by which it is told: evidence is what is confirmed."""
        return EVIDENCE_EVENT if self is Suspicion.CONFIRMED else SUSPECT_EVENT


_BEGINNINGS = {
    Suspicion.SUSPECT: "what grew most",
    Suspicion.CONFIRMED: "confirmed by another look, it goes on growing",
    Suspicion.CLEARED: "no suspect any more, it grew on no further while the process did",
}
