"""Counting work: totals hold, whatever the names are."""

from __future__ import annotations

from memmon.recorder.work_counter import MAX_NAME_COUNT, OTHER_NAMES, WorkCounter


def test_names_without_end_are_counted_together():
    """Ids as names grow neither memory nor a snapshot without bound: the first thousand go on, the rest is one count."""
    work = WorkCounter()
    for number in range(3 * MAX_NAME_COUNT):
        work.add(2, f"order-{number}")
    work.add(5, "order-0")
    found = dict(work.by_name())
    assert len(found) == MAX_NAME_COUNT + 1
    assert found["order-0"] == 7
    assert found[OTHER_NAMES] == 2 * 2 * MAX_NAME_COUNT
    assert work.total() == 2 * 3 * MAX_NAME_COUNT + 5
