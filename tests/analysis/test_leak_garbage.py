"""Garbage that no collection has looked at is no evidence of a leak; where the collector is off it is the leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from parts_kit import MIB, of_parts

from memmon.analysis.leak.detect import detect_leak
from memmon.assessment.waiting import waiting_for

BLOCK, OBJECT_BLOCKS = 80.0, 5.0
TOOTH_HOURS = 9.0
CHECKS = tuple(range(3, 25))


def program(length_hours, *, rate=24.0, leak=0.0, leak_in="heap", pending=True, off=False, seed=1):
    """Return a program with teeth of garbage (MB/h) and a leak (MB/h) in the heap or in objects; pages keep their room."""
    hours = np.arange(0, length_hours, 1 / 12)
    rng = np.random.default_rng(seed)
    since = hours if off else hours % TOOTH_HOURS
    garbage, leaked = rate * since, leak * hours
    objects = 60 + garbage + (leaked if leak_in == "objects" else 0.0)
    heap = 40 + (leaked if leak_in == "heap" else 0.0 * leaked)
    anonymous = np.maximum.accumulate(objects + heap) + 20 + rng.normal(0, 0.05, hours.size)
    waiting = np.zeros(hours.size) if off else np.round(garbage * MIB / BLOCK / OBJECT_BLOCKS)
    return of_parts(
        hours,
        objects=objects,
        heap=heap,
        anonymous=anonymous,
        block_bytes=BLOCK,
        heap_mmap_mb=1.0,
        gc_pending_count=waiting if pending else None,
    )


def verdicts(history):
    """Return what checks of each hour say."""
    first = history.at_seconds[0]
    return [detect_leak(history.slice_time(None, first + hour * 3600)) for hour in CHECKS]


@pytest.mark.parametrize("seed", range(3))
def test_growth_that_may_be_garbage_is_no_leak(seed):
    """Teeth of nine hours are never called a leak where the objects that wait explain them, and without these they are."""
    history = program(24, seed=seed)
    assert not any(one.is_leak for one in verdicts(history))
    assert any(one.is_leak for one in verdicts(replace(history, gc_pending_count=None)))


def test_what_may_be_garbage_is_told_as_that():
    """The finding says that nothing can be said, and why; the face that says what it waits for names the collector."""
    history = program(6)
    finding = detect_leak(history)
    assert (finding.verdict, finding.reason) == ("cannot_say", "garbage")
    assert finding.slope_mb_per_hour == pytest.approx(24, rel=0.02)
    assert "may be garbage that no collection has looked at" in finding.summary
    assert "collector" in waiting_for(finding, None, history=history, freshness=None).words


def test_where_the_collector_is_off_it_is_the_leak():
    """Objects of which none waits, because no collection comes, are a leak within hours."""
    finding = detect_leak(program(6, off=True))
    assert finding.verdict == "leaking"


@pytest.mark.parametrize("leak_in", ["heap", "objects"])
def test_a_leak_beside_garbage_is_heard(leak_in):
    """Growth beyond what may be garbage is a leak in the first tooth already, and after several teeth."""
    said = verdicts(program(24, leak=30.0, leak_in=leak_in))
    assert said[CHECKS.index(5)].is_leak
    assert said[-1].is_leak


def test_few_objects_that_wait_change_nothing():
    """The hundreds of objects that wait under the usual threshold take nothing from a leak just above the threshold."""
    history = program(12, rate=0.0, leak=12.0)
    few = np.random.default_rng(1).integers(0, 2_000, len(history)).astype(float)
    for hour in (6, 9, 12):
        plain, counted = (
            detect_leak(one.slice_time(None, history.at_seconds[0] + hour * 3600))
            for one in (history, replace(history, gc_pending_count=few))
        )
        assert counted == plain


def test_pages_alone_and_objects_that_wait_are_enough():
    """Where the blocks are not known, what an object may hold at most is taken for all that wait."""
    history = replace(program(24), python_block_count=None, heap_used_bytes=None, heap_mmap_bytes=None)
    assert not any(one.is_leak for one in verdicts(history))


@pytest.mark.filterwarnings("error")
def test_samples_without_counts_are_no_hindrance():
    """Where blocks or waiting objects could not be read for a while, teeth are no leak all the same, and nothing warns."""
    history = program(24)
    blocks, waiting = history.python_block_count.copy(), history.gc_pending_count.copy()
    blocks[:40], waiting[20:24], waiting[100] = np.nan, np.nan, np.nan
    patchy = replace(history, python_block_count=blocks, gc_pending_count=waiting)
    assert not any(one.is_leak for one in verdicts(patchy))
