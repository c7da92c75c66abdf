from __future__ import annotations

import ast
import gc
import logging
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping

import pytest

from memmon.probe.registered.deques import MAX_DEAD_COUNT, DequeRegistry

HOUR = 3600.0
SECONDS_TO_REGISTER = 1.0 if sys.gettrace() is None else 20.0  # tracing for coverage is many times slower
SECONDS_TO_READ = 0.2 if sys.gettrace() is None else 4.0


class Bot:
    def __init__(self, *items, maxlen=None):
        self.history = deque(items, maxlen=maxlen)

    def present(self):
        return self.history


class Counting(deque):
    dropped_count = 0

    def append(self, item):
        self.dropped_count += len(self) == self.maxlen
        super().append(item)


class Ring:
    """Looks like a deque, is none."""

    maxlen = 7

    def __len__(self):
        return 3


class Slotted:
    __slots__ = ()
    maxlen = 7

    def __len__(self):
        return 3


@pytest.fixture
def registry():
    return DequeRegistry()


def only(registry):
    (reading,) = registry.read()
    return reading


def test_a_deque_is_read_by_its_name(registry):
    """Name, length, bound and expected bound are in the reading."""
    history = deque(range(5), maxlen=10)
    registry.register("price", history, expected_maxlen=12)
    reading = only(registry)
    assert (reading.name, reading.length_count, reading.maxlen_count) == ("price", 5, 10)
    assert (reading.expected_maxlen_count, reading.is_alive, reading.dropped_count) == (12, True, None)
    unbounded = deque()
    registry.register("unbounded", unbounded)
    assert registry.read()[1].maxlen_count is None


def test_a_registration_never_keeps_the_deque_alive(registry, caplog):
    """A deque that its owner drops is freed, leaves the mapping, is logged once and reported as dead."""
    history = deque(range(5), maxlen=10)
    registry.register("price", history, expected_maxlen=10)
    registry.read()
    del history
    gc.collect()
    assert "price" not in registry.tracked
    readings = [only(registry) for _ in range(3)]
    assert all((r.name, r.length_count, r.is_alive) == ("price", None, False) for r in readings)
    assert readings[0].expected_maxlen_count == 10
    assert [record.levelno for record in caplog.records if "price" in record.getMessage()] == [
        logging.WARNING
    ]


def test_a_deque_that_dies_in_a_cycle_is_noticed(registry):
    """A deque freed by the collector is as dead as one freed by its last reference."""
    history = deque()
    history.append(history)
    registry.register("cycle", history)
    del history
    gc.collect()
    assert not only(registry).is_alive


def test_a_getter_follows_a_rebound_attribute(registry):
    """A getter gives the deque that the attribute names now; the old one is released."""
    bot = Bot(1, 2, maxlen=10)
    registry.register("price", lambda: bot.history)
    assert only(registry).length_count == 2
    bot.history = deque([1, 2, 3], maxlen=5)
    assert (only(registry).length_count, only(registry).maxlen_count) == (3, 5)
    assert registry.tracked["price"] is bot.history


def test_a_bound_method_as_getter_does_not_keep_its_object_alive(registry):
    """The object whose method is the getter dies with its owner and is reported as dead."""
    bot = Bot(1, maxlen=3)
    registry.register("price", bot.present)
    assert only(registry).length_count == 1
    assert registry.tracked["price"] is bot.history
    del bot
    gc.collect()
    assert not only(registry).is_alive
    assert "price" not in registry.tracked
    assert registry.registered_count == 0


REBINDING = """
from collections import deque
import psutil
from memmon.probe.registered.deques import DequeRegistry

class Bot:
    history = deque()

def rss():
    return psutil.Process().memory_info().rss / 2**20

bot, registry = Bot(), DequeRegistry()
registry.register("warm", bot.history)
registry.read()
registry.unregister("warm")
before = rss()
bot.history = deque(b"x" * (1_000_000 + number % 2) for number in range(200))
registry.register("direct", bot.history)
registry.register("getter", lambda: bot.history)
held = [reading.length_count for reading in registry.read()]
full = rss()
bot.history = deque([1], maxlen=2)
after = [(reading.name, reading.is_alive, reading.length_count) for reading in registry.read()]
print([before, full, rss(), held, after])
"""


def test_a_rebound_deque_of_200_mb_is_released():
    """After re-binding, neither a registration nor a getter holds the old deque; RSS is back within 5 %."""
    run = subprocess.run([sys.executable, "-c", REBINDING], capture_output=True, text=True, check=True)
    before, full, later, held, after = ast.literal_eval(run.stdout)
    assert held == [200, 200]
    assert full > before + 180
    assert later < before * 1.05
    assert after == [("getter", True, 1), ("direct", False, None)]


def test_ten_thousand_cycles_leave_no_entry(registry):
    """Registering and dropping under ever new names leaves no entry behind, with or without readings."""
    for number in range(10_000):
        registry.register(f"session {number}", deque(maxlen=3))
        if number % 500 == 0:
            registry.read()
    assert registry.registered_count == 0
    assert len(registry.tracked) == 0
    assert len(registry._originals) == 0
    assert registry.read() == ()
    for number in range(10_000):
        registry.register("same", deque([number], maxlen=3))
    assert registry.read() == ()
    assert len(registry._originals) == 0


def test_where_deques_come_and_go_the_gone_are_told_of_no_more(registry, caplog):
    """The first hundred that go are reported as dead and logged; then one line says that no more is said of each."""
    caplog.set_level(logging.WARNING, "memmon.probe")
    for number in range(MAX_DEAD_COUNT):
        registry.register(f"order {number}", deque(maxlen=3))
    assert [reading.is_alive for reading in registry.read()] == [False] * MAX_DEAD_COUNT
    assert len(caplog.records) == 1
    for number in range(3):
        registry.register(f"late {number}", deque(maxlen=3))
        assert registry.read() == ()
    assert [record.getMessage() for record in caplog.records[1:]] == [
        "more than 100 registered deques have come and gone: that is not said of each any more"
    ]


def test_a_name_that_is_made_anew_does_not_count_as_gone(registry):
    """A deque that its owner replaces over and over under one name hides no other that goes."""
    for number in range(5 * MAX_DEAD_COUNT):
        registry.register("same", deque([number], maxlen=3))
        held = deque([number], maxlen=3)
        registry.register("same", held)
        registry.read()
    registry.register("orders", deque())
    assert {reading.name: reading.is_alive for reading in registry.read()} == {"same": True, "orders": False}


def test_a_name_registered_again_stands_for_the_newer_deque(registry, caplog):
    """The newer deque counts at once; one log line says so when the older one is still alive."""
    older, newer, newest = deque([1]), deque([1, 2]), deque([1, 2, 3])
    registry.register("price", older)
    registry.register("price", older)
    assert not caplog.records
    registry.register("price", newer)
    registry.register("price", newest)
    assert len(caplog.records) == 1
    assert only(registry).length_count == 3
    del older, newer
    assert only(registry).is_alive


def test_a_dead_deque_is_replaced_without_a_word(registry, caplog):
    """A reconnect that makes a new deque under the old name is ordinary."""
    registry.register("price", deque([1]))
    fresh = deque([1, 2])
    registry.register("price", fresh)
    assert only(registry).length_count == 2
    assert not [r for r in caplog.records if "again" in r.getMessage()]


def test_the_same_getter_again_is_no_replacement(registry, caplog):
    """Registering an equal bound method or the same function twice is no news; another one is."""
    bot = Bot()
    registry.register("method", bot.present)
    registry.register("method", bot.present)
    getter = lambda: bot.history  # noqa: E731
    registry.register("function", getter)
    registry.register("function", getter)
    assert not caplog.records
    registry.register("function", bot.present)
    assert len(caplog.records) == 1


def test_unregistering_forgets(registry):
    """An unregistered name is neither read nor reported as dead; an unknown one is no error."""
    history = deque()
    registry.register("price", history)
    registry.register("gone", deque())
    registry.read()
    registry.unregister("price")
    registry.unregister("gone")
    registry.unregister("never was")
    assert registry.read() == ()
    assert registry.registered_count == 0


@pytest.mark.parametrize(
    "target", [[], (), {}, "text", 5, None, object(), {1: 2}, deque, Ring, int, len, lambda x: x]
)
def test_what_is_neither_deque_nor_getter_is_refused(registry, target):
    """Anything else raises TypeError that names the registration; nothing is registered."""
    with pytest.raises(TypeError, match="price"):
        registry.register("price", target)
    assert registry.registered_count == 0
    assert not registry._originals


def needs_keyword(*, key):
    return key


def with_defaults(first=1, *rest, key=2, **others):
    return deque([first, key])


class CallableObject:
    def __call__(self, bound=3):
        return deque([1], maxlen=bound)


class NeedsArgument:
    def __call__(self, needed):
        return deque()


def test_getters_are_callables_without_arguments(registry):
    """Functions with defaults, callable objects and partials are getters; those that need more are not."""
    from functools import partial

    registry.register("defaults", with_defaults)
    registry.register("object", CallableObject())
    registry.register("partial", partial(CallableObject(), bound=9))
    registry.register("builtin", [deque([1, 2])].copy)
    assert [r.length_count for r in registry.read()] == [2, 1, 1, 1]
    for bad in (needs_keyword, NeedsArgument(), partial(NeedsArgument())):
        with pytest.raises(TypeError):
            registry.register("bad", bad)


def test_a_lookalike_counts_as_a_deque(registry):
    """What has a length and maxlen and can't be called is read like a deque."""
    ring = Ring()
    registry.register("ring", ring)
    assert (only(registry).length_count, only(registry).maxlen_count) == (3, 7)
    del ring
    assert not only(registry).is_alive


def test_what_can_not_be_weakly_referenced_is_told_to_use_a_getter(registry):
    """An object without weak references is refused with the remedy."""
    slotted = Slotted()
    with pytest.raises(TypeError, match="getter"):
        registry.register("slotted", slotted)
    registry.register("slotted", lambda: slotted)
    assert only(registry).length_count == 3


@pytest.mark.parametrize(
    ("name", "error"), [("", ValueError), (5, TypeError), (None, TypeError), (b"x", TypeError)]
)
def test_a_name_is_a_text_that_is_not_empty(registry, name, error):
    """A wrong name raises at the call."""
    with pytest.raises(error):
        registry.register(name, deque())
    if error is TypeError:
        with pytest.raises(TypeError):
            registry.unregister(name)


@pytest.mark.parametrize(
    ("expected", "error"), [(-1, ValueError), (2**60, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_an_expected_bound_is_a_whole_number(registry, expected, error):
    """A wrong expected_maxlen raises at the call."""
    with pytest.raises(error):
        registry.register("price", deque(), expected_maxlen=expected)


def test_a_counting_deque_tells_what_it_dropped(registry):
    """Drops are known where the object counts them, and unknown for a plain deque."""
    counting = Counting(maxlen=2)
    registry.register("counting", counting)
    for item in range(5):
        counting.append(item)
    assert only(registry).dropped_count == 3
    counting.dropped_count = "many"
    assert only(registry).length_count is None


def test_an_unchanged_reading_is_the_same_object(registry):
    """Nothing new is kept when nothing changed; a change makes a new reading."""
    history = deque([1], maxlen=9)
    registry.register("price", history)
    first = only(registry)
    assert only(registry) is first
    history.append(2)
    assert only(registry) is not first
    assert first.length_count == 1


def test_the_mapping_is_live_and_read_only(registry):
    """`tracked` shows what is registered now, under the host's own names, and can't be written."""
    tracked = registry.tracked
    history = deque()
    registry.register("odd\x1b[31m name", history)
    registry.register("getter", lambda: history)
    registry.register("broken", lambda: 1 / 0)
    registry.register("nothing", lambda: None)
    assert isinstance(tracked, Mapping)
    assert tracked["odd\x1b[31m name"] is history
    assert set(tracked) == {"odd\x1b[31m name", "getter"}
    assert len(tracked) == 2
    assert "broken" not in tracked
    assert tracked.get("unknown") is None
    assert repr(tracked) == "<2 tracked deques>"
    with pytest.raises(TypeError):
        tracked["new"] = history


def test_a_hundred_thousand_deques(caplog):
    """100,000 registrations take less than 1 s, a reading at the cap less than 0.2 s, and the rest is said once."""
    registry = DequeRegistry(max_tracked_count=1000)
    deques = [deque(range(3), maxlen=5) for _ in range(100_000)]
    gc.collect()
    gc.freeze()  # what the test runner holds is not to be collected at the registry's expense
    begun = time.thread_time()
    for number, each in enumerate(deques):
        registry.register(f"deque {number}", each)
    registering_seconds = time.thread_time() - begun
    begun = time.thread_time()
    readings = registry.read()
    reading_seconds = time.thread_time() - begun
    gc.unfreeze()
    assert registering_seconds < SECONDS_TO_REGISTER
    assert reading_seconds < SECONDS_TO_READ
    assert len(readings) == 1000
    assert (registry.registered_count, registry.untracked_count) == (100_000, 99_000)
    assert len([record for record in caplog.records if "more than 1000" in record.getMessage()]) == 1
    del deques[:500], each
    assert registry.registered_count == 99_500
    assert sum(reading.is_alive for reading in registry.read()) == 1000


def test_size_is_estimated_hourly_and_follows_the_length():
    """Bytes per item are sampled once an hour; between, the size follows the length in steps of 1 %."""
    now = [0.0]
    registry = DequeRegistry(monotonic=lambda: now[0])
    history = deque(bytes(1000) for _ in range(1000))
    registry.register("price", history)
    assert only(registry).size_bytes == pytest.approx(1000 * (1033 + 8), rel=0.02)
    history.append(bytes(1000))
    told = only(registry).size_bytes
    history.extend(bytes(1000) for _ in range(400))
    assert only(registry).size_bytes == pytest.approx(1401 * 1041, rel=0.02)
    assert told == pytest.approx(1000 * 1041, rel=0.02)
    history.clear()
    history.extend(bytes(3000) for _ in range(1401))
    assert only(registry).size_bytes == pytest.approx(1401 * 1041, rel=0.02)
    now[0] += HOUR
    assert only(registry).size_bytes == pytest.approx(1401 * 3041, rel=0.02)


def test_a_deque_that_grew_by_half_is_sampled_before_its_hour():
    """An empty deque that fills has a size as soon as it has items."""
    registry = DequeRegistry(monotonic=lambda: 0.0)
    history = deque()
    registry.register("price", history)
    registry.read()
    history.extend(bytes(500) for _ in range(400))
    registry.read()
    assert only(registry).size_bytes == pytest.approx(400 * 541, rel=0.05)


def test_a_short_deque_tells_nothing_wrong_of_a_long_one():
    """The frame of a deque that was sized while it was short is not multiplied when it is long."""
    registry = DequeRegistry(monotonic=lambda: 0.0)
    history = deque(bytes(100) for _ in range(3))
    registry.register("price", history)
    registry.read()
    assert only(registry).size_bytes == pytest.approx(sys.getsizeof(history) + 3 * 133, rel=0.02)
    history.extend(bytes(100) for _ in range(6))
    history.extend(bytes(100) for _ in range(10_000))
    assert only(registry).size_bytes == pytest.approx(10_009 * 141, rel=0.01)


def test_estimates_stop_when_their_time_is_over_and_go_on_next_time():
    """One reading spends a bounded time on estimates; the others follow at the next readings."""
    now = [0.0]

    def monotonic():
        now[0] += 0.0004
        return now[0]

    registry = DequeRegistry(monotonic=monotonic)
    deques = [deque([b"x" * 100]) for _ in range(200)]
    for number, each in enumerate(deques):
        registry.register(str(number), each)
    counts = [sum(r.size_bytes is not None for r in registry.read()) for _ in range(40)]
    assert 0 < counts[0] < 60
    assert counts[-1] == 200
    assert counts == sorted(counts)


def test_threads_register_and_read_at_once(registry):
    """Eight threads registering, dropping and reading at once lose nothing and raise nothing."""
    failures = []
    kept = {}

    def work(number):
        try:
            for turn in range(300):
                mine = kept[number] = deque([turn], maxlen=5)
                registry.register(f"thread {number}", mine)
                registry.register(f"short {number} {turn}", deque())
                registry.read()
                list(registry.tracked)
                registry.unregister(f"short {number} {turn - 1}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    alive = {r.name: r.length_count for r in registry.read() if r.is_alive}
    assert alive == {f"thread {number}": 1 for number in range(8)}


def test_after_a_fork_registrations_stay(registry):
    """In a forked child the registry goes on with what was registered."""
    history = deque([1])
    registry.register("price", history)
    registry.after_fork_in_child()
    assert only(registry).length_count == 1
