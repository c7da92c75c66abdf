"""Looks tell of bounded containers that fill, and hand them on."""

from __future__ import annotations

import functools
import gc
import weakref
from collections import deque
from types import SimpleNamespace

import pytest

from memmon.probe.objects.confirm import Confirmation
from memmon.probe.objects.evidence import gather
from memmon.probe.objects.filling import BoundedPlace, Followed
from memmon.probe.registered.components import ComponentRegistry

HOUR = 3600.0
STEP = 2_000
RECENT = SimpleNamespace(recent=deque(maxlen=20_000))


@functools.lru_cache(maxsize=20_000)
def quote(number):
    return f"{number}" * 400


@pytest.fixture(autouse=True)
def _emptied():
    yield
    RECENT.recent.clear()
    quote.cache_clear()


def looks(put, counts):
    """Return what each look found filling, and what was told: so many entries come before each."""
    confirmation, number, found = Confirmation(), 0, []
    for place, count in enumerate(counts):
        for _ in range(count):
            number += 1
            put(number)
        news = confirmation.add(gather(pause=lambda _: None), place * HOUR, pause=lambda _: None)
        found.append((confirmation.filling, None if news is None else news.text))
    return found


@pytest.mark.parametrize(
    ("put", "path", "kind"),
    [
        (quote, "quote", "lru_cache"),
        (lambda number: RECENT.recent.append("x" * 1000 + str(number)), "RECENT.recent", "deque"),
    ],
)
def test_what_fills_between_three_looks_is_told_with_its_room(put, path, kind):
    """A container that grew between two looks and on to the third is told once: entries, bound, and when it is full."""
    found = looks(put, [STEP] * 4)
    ((fills,),) = [filling for filling, _ in found if filling]
    assert found[2][0] == (fills,)
    assert fills.path.endswith(path)
    assert (fills.entry_count_before, fills.entry_count, fills.maxlen_count) == (STEP, 3 * STEP, 20_000)
    assert fills.hours_to_full == pytest.approx(7.0)
    told = found[2][1]
    assert f"{path} ({kind}) fills: 2,000 to 6,000 of at most 20,000 entries, " in told
    assert "at this pace it is full in 7.0 h" in told


@pytest.mark.parametrize("counts", [[STEP, STEP, 0, 0], [STEP, STEP, 200, 0], [22_000, STEP, STEP]])
def test_what_slows_down_or_is_full_is_not_told(counts):
    """Where entries came no further, by far more slowly, or where it is full, nothing fills."""
    found = looks(lambda number: RECENT.recent.append("x" * 1000 + str(number)), counts)
    assert not any(filling for filling, _ in found)


def test_what_is_no_part_of_the_growth_is_not_told():
    """A container that took in a hundredth of what the process grew by is no word's worth."""
    held = deque(["x" * 1000 + str(number) for number in range(100)], maxlen=10_000)
    for process_bytes, is_told in ((100 * 2**20, False), (2**20, True)):
        followed, told = Followed(), []
        for count in (100, 300, 500):
            one = BoundedPlace("held", weakref.ref(held), count, 10_000)
            told += followed.add([one], HOUR, process_bytes)
        assert bool(told) is is_told


def test_a_found_container_is_read_until_it_is_gone_or_registered():
    """It is read beside the components under its path, weakly, marked as found, and once where it is registered too."""
    registry, held = ComponentRegistry(), deque(range(1000), maxlen=5000)
    registry.follow("bot.recent", weakref.ref(held))
    (reading,) = registry.bounded(())
    assert (reading.name, reading.length_count, reading.maxlen_count) == ("bot.recent", 1000, 5000)
    assert (reading.is_found, reading.is_component, reading.is_registered) == (True, False, False)
    assert reading.item_bytes > 8
    as_registered = [reading.__class__(name="recent", length_count=1000, maxlen_count=5000)]
    assert registry.bounded(as_registered) == ()
    assert registry.bounded(()) == (reading,)
    del held
    gc.collect()
    assert registry.bounded(()) == ()
