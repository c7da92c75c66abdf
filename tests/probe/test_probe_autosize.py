from __future__ import annotations

import copy
import itertools
import pickle
from collections import deque
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.model import DequeReading, Snapshot
from memmon.probe.registered.autosize import AutoSizer
from memmon.probe.registered.counting import CountingDeque
from memmon.probe.registered.deques import DequeRegistry

MB = 2**20
HOUR = 3600.0
TICK = 300.0


class Host:
    """A bot that makes the new deque itself, under a clock turned by hand."""

    def __init__(self, maxlen=100, *, least=16, most=1600, item_bytes=1000):
        self.now = 0.0
        self.maxlen = maxlen
        self.length = 0
        self.item_bytes = item_bytes
        self.limit_bytes, self.used_bytes = 1000 * MB, 300 * MB
        self.changes = []
        self.sizer = AutoSizer(monotonic=lambda: self.now)
        self.sizer.register("price", self.resize, least_count=least, most_count=most)

    def resize(self, old, new):
        assert old == self.maxlen
        self.maxlen = new
        self.length = min(self.length, new)
        self.changes.append((self.now / HOUR, new))

    def tick(self, length, *, count=1):
        told = ()
        for _ in range(count):
            self.now += TICK
            self.length = min(length, self.maxlen)
            reading = DequeReading(
                name="price",
                length_count=self.length,
                maxlen_count=self.maxlen,
                size_bytes=self.length * self.item_bytes,
            )
            snapshot = Snapshot(
                at=datetime(2026, 1, 1, tzinfo=UTC),
                deques=(reading,),
                limit_bytes=self.limit_bytes,
                limit_used_bytes=self.used_bytes,
                system_available_bytes=4000 * MB,
            )
            told += self.sizer.after_snapshot(snapshot)
        return told


def test_a_deque_that_stays_full_is_doubled_up_to_its_most():
    """Three full readings in a row double it, at most once an hour, never above the most."""
    host = Host()
    assert host.tick(10**6, count=2) == ()
    assert host.tick(10**6) == ("deque price: maxlen 100 -> 200",)
    host.tick(10**6, count=100)
    assert host.maxlen == 1600
    hours = [at for at, _ in host.changes]
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(hours))
    host.tick(10**6, count=100)
    assert host.maxlen == 1600


def test_a_deque_that_is_full_now_and_then_is_left_alone():
    """Bursts that fill it for a moment don't make it larger."""
    host = Host()
    for _ in range(200):
        host.tick(10**6, count=2)
        host.tick(60)
    assert host.changes == []


def test_a_deque_that_stays_nearly_empty_for_a_day_is_halved():
    """After a day below 40 % it is halved, down to its least, and stays at most four fifths full."""
    host = Host(1000, least=100)
    host.tick(90, count=270)
    assert host.changes == []
    host.tick(90, count=300 * 4)
    assert [new for _, new in host.changes] == [500, 250, 125]
    assert host.length <= 0.8 * host.maxlen


def test_sizes_do_not_flap():
    """A deque with a steady need reaches a size and keeps it."""
    for need in (10, 39, 41, 79, 81, 159, 161, 300):
        host = Host()
        host.tick(need, count=288 * 10)
        settled = len(host.changes)
        host.tick(need, count=288 * 10)
        assert len(host.changes) == settled, need


def test_nothing_grows_without_room():
    """Doubling that would take more than a tenth of what is free is not done; nor is it with sizes unknown."""
    host = Host(item_bytes=MB)
    host.tick(10**6, count=100)
    assert host.changes == []
    unknown = Host(item_bytes=0)
    unknown.tick(10**6, count=100)
    assert unknown.changes == []


def test_when_memory_runs_short_deques_are_halved():
    """Below a tenth of the limit free, a deque is halved every ten minutes, down to its least."""
    host = Host(1000, least=200)
    host.used_bytes = 950 * MB
    host.tick(10**6, count=12)
    assert host.maxlen == 200
    assert [new for _, new in host.changes] == [500, 250, 200]


def test_a_callback_that_raises_is_given_up_after_three(caplog):
    """The host's own error stays in the callback, is logged, and after three the deque is not sized any more."""
    host = Host()
    calls = []

    def fail(old, new):
        calls.append(new)
        raise RuntimeError("no")

    host.sizer.register("price", fail, most_count=1000)
    assert host.tick(10**6, count=300) == ()
    assert len(calls) == 3
    assert "not sized any more" in caplog.text
    host.sizer.unregister("price")
    host.sizer.unregister("price")
    assert host.tick(10**6) == ()


def test_the_hosts_interrupts_pass_through():
    """An interrupt that arrives during the callback reaches the host."""
    host = Host()

    def interrupted(old, new):
        raise KeyboardInterrupt

    host.sizer.register("price", interrupted, most_count=1000)
    with pytest.raises(KeyboardInterrupt):
        host.tick(10**6, count=5)


def test_wrong_arguments_raise_at_the_call():
    """What is not callable, and bounds that make no sense, are refused."""
    sizer = AutoSizer()
    with pytest.raises(TypeError):
        sizer.register("price", 5, most_count=10)
    for least, most in ((0, 5), (6, 5), (-1, -1)):
        with pytest.raises(ValueError):
            sizer.register("price", print, least_count=least, most_count=most)


def test_unreadable_and_unbounded_deques_are_left_alone():
    """Without a length or a bound there is nothing to size."""
    host = Host()
    for length, bound in ((None, 10), (5, None), (None, None)):
        reading = DequeReading(name="price", length_count=length, maxlen_count=bound)
        snapshot = Snapshot(at=datetime(2026, 1, 1, tzinfo=UTC), deques=(reading,))
        assert all(host.sizer.after_snapshot(snapshot) == () for _ in range(5))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["append", "appendleft", "extend", "extendleft", "iadd", "pop"]),
            st.integers(0, 9),
        )
    ),
    st.one_of(st.none(), st.integers(0, 5)),
)
def test_a_counting_deque_is_a_deque_that_counts(operations, maxlen):
    """After any operations the contents are those of a deque, and what came in is there, taken or counted."""
    counting, plain = CountingDeque(maxlen=maxlen), deque(maxlen=maxlen)
    added = taken = 0
    for operation, number in operations:
        for target in (counting, plain):
            if operation == "pop":
                if target:
                    target.pop()
            elif operation == "iadd":
                target.__iadd__(range(number))
            elif operation.startswith("extend"):
                getattr(target, operation)(range(number))
            else:
                getattr(target, operation)(number)
        if operation != "pop":
            added += 1 if operation.startswith("append") else number
        taken = added - len(counting) - counting.dropped_count
        assert taken >= 0
    assert list(counting) == list(plain)
    assert taken <= sum(operation == "pop" for operation, _ in operations)


def test_a_counting_deque_can_be_copied_pickled_and_registered():
    """It behaves like a deque elsewhere too, and its drops are in its reading."""
    counting = CountingDeque([1, 2, 3], maxlen=2)
    assert counting.dropped_count == 1
    for twin in (
        copy.copy(counting),
        counting.copy(),
        copy.deepcopy(counting),
        pickle.loads(pickle.dumps(counting)),
    ):
        assert type(twin) is CountingDeque
        assert (list(twin), twin.maxlen) == ([2, 3], 2)
    counting.extend(counting)
    assert list(counting) == [2, 3]
    with pytest.raises(IndexError):
        counting.insert(0, 9)
    registry = DequeRegistry()
    registry.register("price", counting)
    assert registry.read()[0].dropped_count == 3
