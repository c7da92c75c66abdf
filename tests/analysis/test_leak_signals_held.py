"""A part of memory is held through a pause as the whole is, and a level use of memory may say a calm word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from parts_kit import of_parts

from memmon.analysis.leak.detect import detect_leak

BLOCK = 70.0
TUESDAY = 1_767_657_600.0


def program(length_hours, *, objects=60.0, heap=40.0, holes=20.0, seed=1):
    """Return a program of five-minute samples; each part a function of the hours, or MB; `holes`: held and not used."""
    hours = np.arange(0, length_hours, 1 / 12)
    objects, heap, holes = (
        np.broadcast_to(one(hours) if callable(one) else one, hours.size) for one in (objects, heap, holes)
    )
    anonymous = objects + heap + holes + np.random.default_rng(seed).normal(0, 0.02, hours.size)
    return of_parts(hours, objects=objects, heap=heap, anonymous=anonymous, block_bytes=BLOCK, begins=TUESDAY)


def leaked(begin, end, *, rate=20.0, given_back=0.0, at=np.inf):
    """Return MB that leak between two hours; `given_back` of them at an hour."""
    return lambda hours: rate * (np.clip(hours, begin, end) - begin) - given_back * (hours >= at)


def under_level_memory(length_hours, growth):
    """Return a program whose objects grow into holes: all memory stands still."""
    return program(
        length_hours, objects=lambda hours: 60 + growth(hours), holes=lambda hours: 300 - growth(hours)
    )


def test_a_leak_of_a_part_is_held_through_a_pause():
    """Objects that leaked into holes are a leak still when they pause, at the rate that they had, and the pause is told."""
    history = under_level_memory(26, leaked(12, 19))
    finding = detect_leak(history)
    assert (finding.verdict, finding.reason) == ("leaking", "held")
    assert finding.signal == "blocks"
    assert finding.slope_mb_per_hour == pytest.approx(20, rel=0.15)
    assert finding.paused_hours == pytest.approx(7, abs=1.1)
    assert "it has paused for" in finding.summary
    alone = replace(history, python_block_count=None, heap_used_bytes=None, heap_mmap_bytes=None)
    assert detect_leak(alone).verdict == "stable"


def test_what_a_part_gave_back_was_no_leak():
    """Objects that were freed again are not held."""
    history = under_level_memory(26, leaked(12, 19, given_back=140.0, at=20))
    assert not detect_leak(history).is_leak


def test_of_a_part_that_grew_from_the_start_nothing_calm_is_said():
    """Objects that grew with the run's first hours and pause may have filled a cache: there is no word until it shows."""
    finding = detect_leak(under_level_memory(18, leaked(0, 10)))
    assert (finding.verdict, finding.reason) == ("cannot_say", "paused")


def test_a_part_that_rose_only_in_part_is_not_held():
    """Objects that went up and down by tens of MB on their way up are a leak in the act, and none that is held through a pause."""

    def uneven(hours):
        shocks = np.random.default_rng(12).normal(0, 20, hours.size)
        values = np.zeros(hours.size)
        for place in range(1, hours.size):
            values[place] = 0.9 * values[place - 1] + shocks[place]
        return 200 + leaked(3, 14)(hours) + values * (hours < 14)

    history = under_level_memory(20, uneven)
    assert not detect_leak(history).is_leak
    even = under_level_memory(20, lambda hours: 200 + leaked(3, 14)(hours))
    assert detect_leak(even).reason == "held"


def wandering(size_mb):
    """Return memory that is held and not used, as it comes and goes."""

    def noise(hours):
        steps = np.random.default_rng(6).normal(0, size_mb, hours.size)
        values = np.zeros(hours.size)
        for place in range(1, hours.size):
            values[place] = 0.98 * values[place - 1] + steps[place]
        return 800 + values

    return noise


def test_memory_too_noisy_for_a_word_is_stable_where_all_in_use_is_level():
    """Where both allocators hand out no more, and their sum neither, noise of what is held beside does not silence the verdict."""
    history = program(24, holes=wandering(40))
    alone = replace(history, python_block_count=None, heap_used_bytes=None, heap_mmap_bytes=None)
    assert detect_leak(alone).reason == "too_noisy"
    finding = detect_leak(history)
    assert (finding.verdict, finding.signal, finding.slope_signal) == ("stable", "in_use", "in_use")
    assert finding.summary.startswith("Memory in use is stable: 0.00 MB/hour")
    assert "does not show it" not in finding.summary


@pytest.mark.parametrize(
    "history",
    [
        program(16, holes=wandering(40)),
        program(24, holes=lambda hours: wandering(40)(hours) + 6 * hours + 100),
        program(24, holes=wandering(40), heap=lambda hours: 40 + hours),
        replace(program(24, holes=wandering(40)), python_block_count=None),
    ],
    ids=["too young", "all memory rises", "a part rises", "a part is not known"],
)
def test_less_than_that_says_nothing_calm(history):
    """A young history, memory that rises beside, a part that rises or that is not known: nothing calm is said of noise."""
    assert detect_leak(history).verdict not in {"stable", "stepped", "saturating"}
