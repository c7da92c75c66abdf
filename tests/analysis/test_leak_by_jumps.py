"""A leak by jumps at random moments: a line through them bends or pauses by chance, their moments tell whether they go on."""

from __future__ import annotations

import numpy as np

from memmon import History, detect_leak
from memmon.analysis.leak.envelope import block_minima, median_slope
from memmon.analysis.leak.jumps import goes_on_by_jumps

HOURS = np.arange(0, 24, 1 / 12)
MIB = 2**20


def risen(at, sizes):
    """Return the MB of jumps of these sizes at these hours, summed up over the day."""
    order = np.argsort(at)
    return np.concatenate([[0.0], np.cumsum(np.asarray(sizes)[order])])[
        np.searchsorted(np.asarray(at)[order], HOURS, side="right")
    ]


def level(seed, at, sizes):
    """Return the MB of a level with noise of 2 MB and these jumps."""
    return 300 + np.random.default_rng(10_000 + seed).normal(0, 2, HOURS.size) + risen(at, sizes)


def goes_on(seed, at, sizes):
    """Tell whether the day's growth is told to go on by its jumps."""
    blocks = block_minima(HOURS, level(seed, at, sizes), block_count=96)
    return goes_on_by_jumps(blocks.hours, blocks.mb, 24 * median_slope(blocks.hours, blocks.mb))


def jumps(seed, first_hour, last_hour, count):
    """Return moments of so many jumps between two hours, and sizes that sum up to 720 MB."""
    rng = np.random.default_rng(seed)
    sizes = rng.gamma(3.0, size=count)
    return rng.uniform(first_hour, last_hour, count), 720 * sizes / sizes.sum()


def test_jumps_that_come_at_random_are_told():
    """Of leaks of 30 MB/h by a dozen jumps a day more than nine in ten are found, however the jumps happen to lie."""
    found = []
    for seed in range(120):
        mb = level(seed, *jumps(seed, 0, 24, 12))
        history = History.from_arrays(at_seconds=1_767_225_600.0 + HOURS * 3600, rss_bytes=mb * MIB)
        found.append(detect_leak(history).is_leak)
    assert np.mean(found) > 0.9


def test_jumps_that_have_ended_do_not_go_on():
    """The same jumps, the last of them seven hours ago and earlier, are over: of a hundred days none is told to go on."""
    assert not any(goes_on(seed, *jumps(seed, 1, 16.8, 12)) for seed in range(100))


def test_jumps_that_become_rarer_do_not_go_on():
    """Jumps that come ever more seldom fill something: of a hundred days that began with most of them none is told to go on."""
    rng = np.random.default_rng(4)
    rarer = [np.concatenate([rng.uniform(1, 8, 12), rng.uniform(8, 23.5, 3)]) for _ in range(100)]
    assert not any(goes_on(seed, at, np.full(15, 48.0)) for seed, at in enumerate(rarer))


def test_jumps_that_are_given_back_do_not_go_on():
    """What jumps down as well comes back: of two hundred days with four jumps down among twelve of one size none is told to go on."""
    told = []
    for seed in range(200):
        at, _ = jumps(seed, 0, 24, 12)
        told.append(goes_on(seed, at, np.where(np.arange(12) < 4, -90.0, 90.0)))
    assert not any(told)


def test_a_few_jumps_do_not_go_on():
    """Five jumps may be steps, wherever they lie: what happened a few times need not come again."""
    assert not any(goes_on(seed, *jumps(seed, 1, 23.5, 5)) for seed in range(60))


def test_one_large_jump_among_small_ones_does_not_go_on():
    """Where one jump holds most of the growth, the small ones beside it make it no leak of that rate."""
    for seed in range(60):
        at, sizes = jumps(seed, 1, 23.5, 10)
        sizes[0] += 3000
        assert not goes_on(seed, at, sizes), seed


def test_even_growth_that_ends_does_not_go_on():
    """A start that slows down and a cache that is full move by no jumps, or by ones that have ended: nothing is excused for them."""
    courses = (700 * (1 - np.exp(-HOURS / 6)), 40 * np.minimum(HOURS, 16), 100 * np.minimum(HOURS, 8))
    for seed in range(30):
        for course in courses:
            blocks = block_minima(HOURS, level(seed, [0.0], [0.0]) + course, block_count=96)
            assert not goes_on_by_jumps(blocks.hours, blocks.mb, float(course[-1])), seed


def test_even_growth_has_no_jumps():
    """Growth by 4 MB an hour without any noise moves by as much each quarter of an hour: none of its moves is a jump."""
    blocks = block_minima(HOURS, 300 + 4 * HOURS, block_count=96)
    assert not goes_on_by_jumps(blocks.hours, blocks.mb, 96.0)


def test_jumps_beside_other_growth_do_not_speak_for_it():
    """A cache that is full after ten hours is no leak by the few small jumps that go on beside it."""
    for seed in range(60):
        at, sizes = jumps(seed, 0, 24, 10)
        blocks = block_minima(HOURS, level(seed, at, sizes / 3) + 60 * np.minimum(HOURS, 10), block_count=96)
        assert not goes_on_by_jumps(blocks.hours, blocks.mb, float(blocks.mb[-1] - blocks.mb[0])), seed
