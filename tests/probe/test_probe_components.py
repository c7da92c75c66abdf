from __future__ import annotations

import asyncio
import collections
import functools
import gc
import queue
import weakref

import pytest

from memmon.probe.process import cause
from memmon.probe.registered.components import ComponentRegistry

HOUR = 3600.0


class Turned:
    """A monotonic clock that is turned by hand."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Turned()


@pytest.fixture
def registry(clock, monkeypatch):
    """A registry whose counters never rest: in a large process on a busy machine one of them may take long."""
    monkeypatch.setattr(cause, "LARGEST_HEAP_SHARE", 1e6)
    return ComponentRegistry(monotonic=clock)


def only(registry):
    (reading,) = registry.read()
    return reading


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value

    def __repr__(self):
        return f"Index({self.value})"


@pytest.mark.parametrize(("value", "size"), [(0, 0), (5, 5), (2**40, 2**40), (7.6, 8), (Index(9), 9)])
def test_a_measure_returns_bytes(registry, value, size):
    """Whole numbers, numbers like them, and floats are sizes in bytes."""
    registry.register("cache", lambda: value)
    assert (only(registry).name, only(registry).size_bytes) == ("cache", size)


def test_objects_returned_by_a_measure_are_sized(registry, clock):
    """A container follows its length between two hourly samples; another object is sized hourly."""
    books = {number: bytes(1000) for number in range(1000, 3000)}
    buffer = bytearray(3000)
    registry.register("books", lambda: books)
    registry.register("buffer", lambda: buffer)
    first = registry.read()
    assert first[0].size_bytes == pytest.approx(2000 * 1110, rel=0.15)
    assert first[1].size_bytes == pytest.approx(3000, rel=0.1)
    books.update({number: bytes(1000) for number in range(3000, 5000)})
    buffer.extend(bytes(100_000))
    later = registry.read()
    assert later[0].size_bytes == pytest.approx(4000 * 1110, rel=0.15)
    assert later[1] is first[1]
    clock.seconds += HOUR
    assert registry.read()[1].size_bytes > 100_000
    books.clear()
    assert registry.read()[0].size_bytes < 1000


NONSENSE = [-1, 2**70, float("nan"), float("inf"), -0.5, True, False, None, "12 MB", Index(-4)]


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_nonsense_is_missing_and_said_once_and_ends_after_three(registry, value, caplog):
    """What is no size is logged once; after three such readings the measure is not called any more."""
    calls = []

    def measure():
        calls.append(1)
        return value

    registry.register("cache", measure)
    for turn in range(6):
        assert only(registry).size_bytes is None
        assert len(registry.notes) == (turn >= 2)
    assert len(calls) == 3
    assert len(caplog.records) == 2
    assert "cache" in registry.notes[0]


class NoTextError(Exception):
    def __str__(self):
        raise RuntimeError("hostile")


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), NoTextError(), MemoryError(), GeneratorExit()], ids=repr
)
def test_a_measure_that_raises_ends_after_three(registry, error):
    """Whatever a measure raises, the value is missing, and after three it is left alone, with a note."""

    def measure():
        raise error

    registry.register("cache", measure)
    for _ in range(5):
        assert only(registry).size_bytes is None
    assert type(error).__name__ in registry.notes[0]


def test_a_measure_that_recovers_is_kept(registry):
    """Failures that are not in a row never end a measure."""
    values = iter([1 / 2 and None, None, 5] * 20)
    registry.register("cache", lambda: next(values))
    sizes = [only(registry).size_bytes for _ in range(60)]
    assert sizes == [None, None, 5] * 20
    assert registry.notes == ()


def test_a_slow_measure_is_used_and_ends_after_three(registry, clock, caplog):
    """More than 50 ms is too long: the value still counts, the third slow call is the last."""

    def measure():
        clock.seconds += 0.06
        return 5

    registry.register("cache", measure)
    assert [only(registry).size_bytes for _ in range(4)] == [5, 5, 5, None]
    assert "60 ms" in registry.notes[0]
    assert len(caplog.records) == 2


def test_rare_slow_calls_are_forgiven_and_frequent_ones_are_not(registry, clock):
    """One slow call among thirty never ends a measure; one among three does."""

    def every(period):
        calls = []

        def measure():
            calls.append(1)
            clock.seconds += 0.06 if len(calls) % period == 0 else 0.0
            return 5

        return measure

    registry.register("rare", every(30))
    registry.register("frequent", every(3))
    readings = [registry.read() for _ in range(200)]
    assert readings[-1][0].size_bytes == 5
    assert readings[8][1].size_bytes == 5
    assert readings[9][1].size_bytes is None


def test_the_hosts_interrupts_pass_through(registry):
    """An interrupt that arrives during a measure reaches the host."""

    def measure():
        raise KeyboardInterrupt

    registry.register("cache", measure)
    with pytest.raises(KeyboardInterrupt):
        registry.read()


@pytest.mark.parametrize("measure", [5, None, "x", b"x", Index(3), int, gc, lambda needed: 1])
def test_what_is_no_measure_is_refused(registry, measure):
    """Plain values, classes, modules and functions that want arguments raise TypeError at the call."""
    with pytest.raises(TypeError, match="cache"):
        registry.register("cache", measure)
    assert registry.read() == ()


@pytest.mark.parametrize(("name", "error"), [("", ValueError), (None, TypeError), (7, TypeError)])
def test_a_name_is_a_text_that_is_not_empty(registry, name, error):
    """A wrong name raises at the call."""
    with pytest.raises(error):
        registry.register(name, lambda: 1)
    with pytest.raises(error):
        registry.section(name)
    if error is TypeError:
        with pytest.raises(error):
            registry.unregister(name)


def test_a_cache_counts_entries_times_sampled_size(registry):
    """A bounded and an unbounded cache are measured within 30 %, and follow their entries."""

    @functools.lru_cache(maxsize=5000)
    def bounded(number):
        return bytes(1000)

    @functools.cache
    def unbounded(number):
        return bytes(1000)

    registry.register("bounded", bounded)
    registry.register("unbounded", unbounded)
    assert max(reading.size_bytes for reading in registry.read()) < 2000
    for number in range(1000, 9000):
        bounded(number)
        unbounded(number)
    sizes = {reading.name: reading.size_bytes for reading in registry.read()}
    assert sizes["bounded"] == pytest.approx(5000 * 1200, rel=0.3)
    assert sizes["unbounded"] == pytest.approx(8000 * 1150, rel=0.3)
    bounded.cache_clear()
    assert registry.read()[0].size_bytes < 2000


def test_a_queue_counts_what_waits_in_it(registry):
    """The queues of threads and of asyncio are measured, and held weakly."""
    waiting, tasks = queue.Queue(), asyncio.Queue()
    for _ in range(1000):
        waiting.put(bytes(1000))
        tasks.put_nowait(bytes(500))
    registry.register("waiting", waiting)
    registry.register("tasks", tasks)
    sizes = [reading.size_bytes for reading in registry.read()]
    assert sizes == [pytest.approx(1_041_000, rel=0.1), pytest.approx(541_000, rel=0.1)]
    del waiting
    gc.collect()
    assert registry.read()[0].size_bytes == 0


class Service:
    def __init__(self):
        self.rows = [bytes(1_000) for _ in range(100)]


class Scaler(Service):
    def __call__(self, row):
        return row


class Slotted:
    __slots__ = ("rows",)

    def __init__(self):
        self.rows = [bytes(1_000) for _ in range(100)]


def some_rows():
    return [bytes(1_000) for _ in range(100)]


@pytest.mark.parametrize(
    "make",
    [
        Service,
        Scaler,
        Slotted,
        some_rows,
        lambda: dict(enumerate(some_rows())),
        lambda: collections.OrderedDict(enumerate(some_rows())),
        lambda: set(map(str, range(1_200))),
        lambda: tuple(some_rows()),
        lambda: bytearray(100_000),
        lambda: collections.deque(some_rows()),
    ],
)
def test_an_object_is_sized_and_not_kept_alive(registry, make):
    """An object is registered like a function; when the program lets go of it, nothing of it is left."""
    target = make()
    registry.register("store", target)
    assert 50_000 <= only(registry).size_bytes <= 250_000
    del target
    assert only(registry).size_bytes == 0
    gc.collect()
    assert not [
        held
        for held in gc.get_objects()
        if type(held) in {Service, Scaler, Slotted} and hasattr(held, "rows")
    ]


def test_an_object_does_not_get_a_dict_by_being_registered(registry):
    """The attributes of an object are kept as they were: asking for their dict would make one for ever."""
    service = Service()
    before = [type(one) for one in gc.get_referents(service)]
    registry.register("service", service)
    assert registry.read()[0].size_bytes > 0
    assert [type(one) for one in gc.get_referents(service)] == before


def test_what_can_not_be_referred_to_weakly_is_let_go_of(registry):
    """A dict that only memmon still refers to is freed by the next reading."""
    service = Service()
    is_gone = weakref.ref(service)
    registry.register("cache", {"service": service})
    del service
    registry.read()
    assert is_gone() is None


def test_an_object_that_grows_is_followed(registry):
    """What is added to a registered dict shows in the next reading."""
    rows = dict(enumerate(some_rows()))
    registry.register("rows", rows)
    before = only(registry).size_bytes
    rows.update(enumerate([bytes(1_000) for _ in range(200)], 100))
    assert only(registry).size_bytes > 2 * before


def test_components_that_come_and_go_are_forgotten(registry, caplog):
    """Some that are gone hold 0 bytes; where more than that go, the living alone are read, and one line says so."""
    stays = Service()
    registry.register("stays", stays)

    def reading_beside(numbers):
        """Register objects, a dict among them, that are gone before the next reading; return it by name."""
        passing = [Service() if number % 2 else {"rows": some_rows()} for number in numbers]
        for number, one in zip(numbers, passing, strict=True):
            registry.register(f"order-{number}", one)
        assert len(registry.read()) == registry.registered_count
        del passing, one
        return {one.name: one.size_bytes for one in registry.read()}

    few = reading_beside(range(60))
    assert few == {"stays": few["stays"], **{f"order-{number}": 0 for number in range(60)}}
    assert few["stays"] > 0
    assert not caplog.records
    for begin in (60, 120, 180):
        assert set(reading_beside(range(begin, begin + 60))) == {"stays"}
    assert registry.registered_count == 1
    assert len(caplog.records) == 1
    back = Service()
    registry.register("order-7", back)
    assert {one.name for one in registry.read()} == {"stays", "order-7"}


def test_components_that_go_between_two_readings_do_not_pile_up(registry):
    """Thousands that come and go without a single reading leave a few hundred registrations behind at most, then none."""
    for number in range(5_000):
        registry.register(f"order-{number}", Service())
        assert registry.registered_count <= 512
    assert registry.read() == ()
    assert registry.registered_count == 0


def test_a_name_registered_again_stands_for_the_newer_measure(registry, caplog):
    """The newer measure counts and begins without strikes; one line says so, the same again is no news."""
    bad = lambda: None  # noqa: E731
    registry.register("cache", bad)
    registry.register("cache", bad)
    assert not caplog.records
    for _ in range(4):
        registry.read()
    registry.register("cache", lambda: 3)
    assert only(registry).size_bytes == 3
    assert registry.notes == ()
    assert len([r for r in caplog.records if "again" in r.getMessage()]) == 1


def test_unregistering_forgets(registry):
    """An unregistered component is not read; an unknown one is no error."""
    registry.register("cache", lambda: 1)
    registry.unregister("cache")
    registry.unregister("cache")
    assert registry.read() == ()
    assert registry.registered_count == 0
    registry.after_fork_in_child()


def test_an_unchanged_reading_is_the_same_object(registry):
    """Nothing new is kept when nothing changed."""
    registry.register("cache", lambda: 10**9)
    assert only(registry) is only(registry)


def test_a_section_shows_what_it_retains(registry):
    """What a section keeps is its component's size, within 15 %; what it gives back is not."""
    kept = []
    section = registry.section("load")
    for _ in range(5):
        with section:
            kept.append([bytes(2000) for _ in range(1000)])
            [bytes(3000) for _ in range(1000)]
    assert section.pass_count == 5
    assert only(registry).size_bytes == pytest.approx(5 * 1000 * 2048, rel=0.15)
    assert registry.section("load") is section
    with section:
        kept.clear()
    assert only(registry).size_bytes < 300_000


def test_a_section_decorates_a_function(registry):
    """Every call of the decorated function is a pass; results and exceptions go their way."""
    kept = []

    @registry.section("handle")
    def handle(item, *, fail=False):
        kept.extend(float(number) for number in range(item))
        if fail:
            raise ValueError(item)
        return item + 1

    assert handle(20_000) == 20_001
    with pytest.raises(ValueError):
        handle(20_000, fail=True)
    assert handle.__name__ == "handle"
    assert registry.section("handle").pass_count == 2
    assert 40_000 * 25 < only(registry).size_bytes < 40_000 * 120


def test_nested_and_unreadable_passes_do_not_disturb_each_other(registry, monkeypatch):
    """A section within itself counts each pass; a pass without counters is left out."""
    section = registry.section("outer")
    with section, section:
        pass
    assert section.pass_count == 2
    monkeypatch.setattr("memmon.probe.process.heap.glibc_heap_info", lambda: 1 / 0)
    with section:
        pass
    section.__exit__(None, None, None)
    assert section.pass_count == 2
