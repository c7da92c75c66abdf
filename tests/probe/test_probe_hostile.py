from __future__ import annotations

import gc
import logging
import signal
import threading
import time
import weakref
from collections import deque

import pytest
from hostile_names import NAMES

from memmon.probe.registered.components import ComponentRegistry
from memmon.probe.registered.deques import DequeRegistry


class Hostile(deque):
    """Every special method raises; the deque's own ones are reached only by force."""

    def _fail(self, *args, **kwargs):
        raise RuntimeError("hostile")

    __len__ = __str__ = __repr__ = __eq__ = __iter__ = __getitem__ = __sizeof__ = __bool__ = __contains__ = (
        _fail
    )
    __reduce__ = __reduce_ex__ = __copy__ = __getattr__ = _fail
    __hash__ = None


def returning(value):
    class Odd(deque):
        def __len__(self):
            return value

    return Odd


def raising(error):
    class Bad(deque):
        def __len__(self):
            raise error

    return Bad


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.fixture
def registry():
    return DequeRegistry()


def test_about_a_hundred_hostile_names_are_registered_and_told_apart(registry):
    """Each hostile name is found under itself in the mapping, and under a clean name of its own in readings."""
    deques = {name: deque([1], maxlen=2) for name in NAMES}
    for name, each in deques.items():
        registry.register(name, each)
    readings = registry.read()
    assert len({reading.name for reading in readings}) == len(NAMES)
    assert all(
        reading.name.isprintable() or " " in reading.name or not reading.name.isascii()
        for reading in readings
    )
    assert all(registry.tracked[name] is each for name, each in deques.items())


def test_a_literal_twin_of_a_cleaned_name_is_told_apart(registry):
    """A name that equals another one's cleaned form gets a number, whichever comes first."""
    first, second = deque([1]), deque([1, 2])
    registry.register("price\x00", first)
    cleaned = registry.read()[0].name
    registry.register(cleaned, second)
    assert [r.name for r in registry.read()] == [cleaned, f"{cleaned}~2"]
    components = ComponentRegistry()
    components.register("price\x00", lambda: 1)
    components.register(cleaned, lambda: 2)
    assert [r.name for r in components.read()] == [cleaned, f"{cleaned}~2"]


def test_an_object_whose_every_method_raises_is_a_missing_value(registry, caplog):
    """A hostile deque can be registered and read; its length is missing, and that is logged once."""
    hostile = Hostile(range(100))
    registry.register("hostile", hostile)
    for _ in range(3):
        (reading,) = registry.read()
        assert (reading.length_count, reading.is_alive) == (None, True)
    assert len([r for r in caplog.records if "hostile" in r.getMessage()]) == 1
    assert registry.tracked["hostile"] is hostile


@pytest.mark.parametrize("value", [-1, 2**62, 2**80, 1.5, float("nan"), "5", None, True])
def test_a_length_that_is_none_is_missing(registry, value):
    """Negative, huge, fractional and textual lengths never become numbers (True counts as 1 in Python)."""
    odd = returning(value)([1])
    registry.register("odd", odd)
    (reading,) = registry.read()
    assert reading.length_count == (1 if value is True else None)


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), HostileError(), MemoryError(), RecursionError(), GeneratorExit(), StopIteration()],
)
def test_whatever_a_length_raises_stops_at_the_registry(registry, error, caplog):
    """Every error that is not the host's own interrupt ends as a missing value and one log line."""
    bad = raising(error)()
    registry.register("bad", bad)
    registry.register("getter", lambda: len(bad))
    readings = registry.read()
    assert [r.length_count for r in readings] == [None, None]
    assert len(caplog.records) == 2


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_the_hosts_interrupts_pass_through(registry, interrupt):
    """An interrupt that arrives during a reading reaches the host."""
    bad = raising(interrupt)()
    registry.register("bad", bad)
    with pytest.raises(interrupt):
        registry.read()


def test_a_getter_that_recovers_is_read_again(registry):
    """After a failure the next good reading counts."""
    state = {"broken": True}

    def present():
        if state["broken"]:
            raise OSError("not connected")
        return state["deque"]

    registry.register("feed", present)
    assert registry.read()[0].length_count is None
    state.update(broken=False, deque=deque([1, 2], maxlen=4))
    assert (registry.read()[0].length_count, registry.read()[0].maxlen_count) == (2, 4)


@pytest.mark.parametrize("result", [None, 5, object(), iter([])])
def test_a_getter_that_returns_no_deque_is_a_missing_value(registry, result):
    """What has no length has none in the reading."""
    registry.register("odd", lambda: result)
    (reading,) = registry.read()
    assert (reading.length_count, reading.is_alive) == (None, True)


def test_a_bound_that_can_not_be_read_makes_the_reading_missing(registry):
    """An unreadable maxlen is not taken for an unbounded deque."""

    class Odd:
        maxlen = "wide"

        def __len__(self):
            return 5

    odd = Odd()
    registry.register("odd", odd)
    (reading,) = registry.read()
    assert (reading.length_count, reading.maxlen_count) == (None, None)


def test_four_threads_change_the_deques_while_they_are_read(registry):
    """Deques that four threads append to, empty and rotate are read without an error."""
    deques = [deque([{"price": number}], maxlen=500) for number in range(20)]
    for number, each in enumerate(deques):
        registry.register(str(number), each)
    stop = threading.Event()
    failures = []

    def change(seed):
        turn = seed
        while not stop.is_set():
            each = deques[turn % len(deques)]
            each.extend({"price": turn, "many": list(range(turn % 7))} for _ in range(turn % 50))
            if turn % 3 == 0:
                each.clear()
            each.rotate(1)
            turn += 1

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            registry._tracked_entries and setattr(
                registry._tracked_entries[0], "size_due_seconds", float("-inf")
            )
            lengths = [reading.length_count for reading in registry.read()]
            failures.extend(length for length in lengths if length is None or not 0 <= length <= 500)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_registering_from_a_finaliser_does_not_hang(registry):
    """A finaliser that registers, reads and unregisters in the middle of a registration returns."""
    kept = deque([1])

    class Finalised:
        def __init__(self):
            self.itself = self

        def __del__(self):
            registry.register("from finaliser", kept)
            registry.read()
            registry.unregister("from finaliser")

    done = threading.Event()

    def work():
        for number in range(300):
            Finalised()
            deques.append(deque([number]))
            registry.register(f"deque {number}", deques[-1])
            if number % 50 == 0:
                gc.collect()
        done.set()

    deques = []
    threading.Thread(target=work, daemon=True).start()
    assert done.wait(30)
    assert registry.registered_count >= 300


def test_a_log_handler_that_reads_again_does_not_recurse_for_ever(registry):
    """A handler that takes a reading for each line it gets is served, and the line is said once."""
    seen = []

    class Reentrant(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())
            registry.read()

    logger = logging.getLogger("memmon.probe")
    handler = Reentrant()
    logger.addHandler(handler)
    try:
        registry.register("gone", deque())
        registry.register("bad", lambda: 1 / 0)
        registry.read()
    finally:
        logger.removeHandler(handler)
    assert len([line for line in seen if "gone" in line]) == 1
    assert len([line for line in seen if "bad" in line]) == 1


def test_a_log_handler_that_raises_does_not_reach_the_host(registry):
    """A filter or handler that raises is the host's, and its error stays where it is."""

    def refuse(record):
        raise RuntimeError("no log for you")

    logger = logging.getLogger("memmon.probe")
    logger.addFilter(refuse)
    try:
        registry.register("gone", deque())
        assert not registry.read()[0].is_alive
    finally:
        logger.removeFilter(refuse)


def test_reading_from_a_signal_handler_in_the_middle_of_a_reading(registry):
    """A signal handler that registers and reads while the main thread reads returns at once."""
    deques = [deque([1]) for _ in range(200)]
    for number, each in enumerate(deques):
        registry.register(str(number), each)
    count = 0

    def handler(*_):
        nonlocal count
        count += 1
        registry.register("from signal", deques[0])
        registry.read()

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        deadline = time.monotonic() + 10
        armed_at_count = None
        while count < 20 and time.monotonic() < deadline:
            # Armed anew before each reading it would never ring in one that is quicker.
            if armed_at_count != count:
                armed_at_count = count
                signal.setitimer(signal.ITIMER_REAL, 0.0003)
            registry.read()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert count >= 20


def test_a_deque_collected_while_it_is_being_read(registry):
    """Deques that die at any point of a reading are either alive or dead in it, never an error."""
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for number in range(50):
                registry.register(f"churn {number}", deque([number]))

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            names = [reading.name for reading in registry.read()]
            assert len(names) == len(set(names))
    finally:
        stop.set()
        thread.join()


def test_the_registry_itself_can_be_freed():
    """Nothing global keeps a registry, or what its getters refer to, alive."""
    registry = DequeRegistry()
    history = deque()
    registry.register("price", history)
    registry.register("getter", lambda: history)
    reference = weakref.ref(registry)
    registry = None
    gc.collect()
    assert reference() is None
    assert len(history) == 0


def test_sixteen_threads_read_while_deques_die(registry):
    """Readings taken by sixteen threads at once, while deques die in between, are all complete."""
    kept = [deque([number]) for number in range(20)]
    for number, each in enumerate(kept):
        registry.register(f"kept {number}", each)
    failures = []

    def read(seed):
        try:
            for turn in range(60):
                registry.register(f"short {seed} {turn}", deque())
                names = {reading.name for reading in registry.read() if reading.is_alive}
                if not {f"kept {number}" for number in range(20)} <= names:
                    failures.append(names)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
