"""What grew between two looks, as a test of the look tells it."""

from __future__ import annotations

from itertools import count

from memmon.probe.objects.chain import chains_of
from memmon.probe.objects.survey import survey


def all_chains(grow, *, begun=500, more=2_000):
    """Return what is told where `grow(number)` is called so often before a look, and so often between it and the next."""
    numbers = count()
    for _ in range(begun):
        grow(next(numbers))
    before = survey(monotonic=lambda: 0.0)
    for _ in range(more):
        grow(next(numbers))
    return chains_of(before.places, survey(monotonic=lambda: 0.0).places, lambda: None)
