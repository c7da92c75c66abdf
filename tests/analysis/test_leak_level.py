"""A calm word for what was restless at its start and is level since; none for a leak that pauses."""

from __future__ import annotations

import numpy as np

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.evidence import whole_evidence
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.states import judge_as_it_is, judged_alone
from memmon.facts.verdicts import Verdict
from memmon.history import History
from memmon.units import MIB

TUESDAY_9_H = 1_767_690_000.0


def hours_of(length_hours):
    return np.arange(0, length_hours + 1e-9, 1 / 12)


def recorded(hours, mb):
    return History.from_arrays(
        at_seconds=TUESDAY_9_H + hours * 3600, uptime_seconds=hours * 3600, rss_bytes=np.asarray(mb) * MIB
    )


def as_it_is(hours, mb):
    return judge_as_it_is([run_series(recorded(hours, mb), warm_up_hours=1.0)], 10.0)


def restless_start(hours, seed):
    """Return memory that takes large arenas in its first four hours, and holds its level within 1 MB since."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(1, 4, 4))
    sizes = np.append(0.0, np.cumsum(rng.uniform(50, 90, times.size)))
    return 300 + sizes[np.searchsorted(times, hours, side="right")] + rng.normal(0, 0.5, hours.size)


def test_what_is_level_since_a_restless_start_is_told_so_within_a_day():
    """Jumps of the first hours make a day's trend too uncertain; the 19 level hours after them tell that nothing leaks."""
    words = []
    for place in range(30):
        hours = hours_of(23 + place % 2)
        mb = restless_start(hours, place)
        whole = whole_evidence(run_series(recorded(hours, mb), warm_up_hours=1.0), 10.0)
        if whole.low <= 0 and whole.high >= 10.0:
            words.append(detect_leak(recorded(hours, mb)).verdict)
    assert len(words) >= 5
    assert Verdict.STABLE in words
    assert set(words) <= {Verdict.STABLE, Verdict.STEPPED}


def test_a_leak_of_eight_hours_that_pauses_for_sixteen_is_no_level():
    """Growth of eight hours by 24 MB an hour, 8 MB in the mean of a day, is not called ended while it may go on the next day."""
    for length in (24.0, 24.5, 25.0):
        hours = hours_of(length)
        mb = 300 + 30 * np.minimum(hours, 8) + np.random.default_rng(1).normal(0, 0.5, hours.size)
        assert as_it_is(hours, mb).verdict is Verdict.CANNOT_SAY


def test_a_level_that_is_too_noisy_to_show_a_leak_is_none():
    """Where the hours since the start wander so far that a leak would not show in them, nothing can be said still."""
    hours = hours_of(24)
    for seed in range(10):
        walk = np.cumsum(np.random.default_rng(seed).normal(0, 6, hours.size))
        found = as_it_is(hours, restless_start(hours, seed) + walk - np.linspace(0, walk[-1], hours.size))
        assert found.reason != "growth_ended" or found.evidence.high < 10.0


def test_growth_after_a_restless_start_is_never_called_level():
    """A leak of 20 MB/h that begins five hours before the end takes the calm word away."""
    hours = hours_of(30)
    for seed in range(5):
        leak = 20 * np.maximum(hours - 25, 0)
        assert detect_leak(recorded(hours, restless_start(hours, seed) + leak)).verdict is not Verdict.STABLE


def test_a_rest_that_creeps_by_less_than_is_worth_a_word_has_ended():
    """A warm-up whose level rises for sure by 0.15 MB/h is over at a threshold of 10: less than a fiftieth is no word's worth."""
    hours = hours_of(24)
    noise = np.random.default_rng(2).normal(0, 0.02, hours.size)
    warm = 300 + 3 * np.minimum(hours, 10) + noise
    for creep, said in ((0.15, "growth_ended"), (0.6, "slows_down")):
        whole = whole_evidence(run_series(recorded(hours, warm + creep * hours), warm_up_hours=1.0), 10.0)
        assert judged_alone(whole, 10.0).reason == said
