"""A cache that fills is told as what it is: recorded by the real recorder, whose clock the test turns, judged from the store."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from memmon import Recorder, assess_source, detect_leak, open_store
from memmon.clock import ManualClock
from memmon.units import MIB

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BOUND = 1_600
ENTRY_BYTES = 200_000
PER_HOUR = 100
"""Entries: 19 MB, twice the threshold."""

_NOT_THE_TESTS_OWN = dict.fromkeys(
    (
        "heap_used_bytes",
        "heap_mmap_bytes",
        "python_block_count",
        "gc_pending_count",
        "swap_bytes",
        "rss_file_bytes",
    )
)


class Program:
    """A program with a cache; its memory is what the cache holds, and what else a test says."""

    def __init__(self, path, *, is_registered=True):
        self.path, self.clock, self.asked = path, ManualClock(START), 0
        self.recorder = Recorder(
            path, source="bot", clock=self.clock, leak_check=False, daily_report=False, interval_seconds=300.0
        )
        take = self.recorder._sampler.sample
        self.other_mb = 200.0

        @functools.lru_cache(maxsize=BOUND)
        def quote(number):
            return bytes(ENTRY_BYTES)

        self.quote = quote
        if is_registered:
            self.recorder.register_component("quotes", quote)

        def taken(**known):
            noise = math.sin(self.asked * 1.7)
            cached = self.quote.cache_info().currsize * ENTRY_BYTES
            rss = round((self.other_mb + noise) * MIB) + cached
            return replace(
                take(**known), rss_bytes=rss, rss_anon_bytes=rss, rss_shmem_bytes=0, **_NOT_THE_TESTS_OWN
            )

        self.recorder._sampler.sample = taken

    def look(self):
        """Look at the objects, as is done after a check that found growth."""
        evidence = self.recorder._dispatcher.evidence
        evidence.look(self.recorder._dispatcher._state)
        evidence._thread.join(60.0)
        assert not evidence._thread.is_alive()

    def live(self, hours, *, leak_mb_per_hour=0.0):
        for _ in range(round(12 * hours)):
            self.recorder.take_snapshot()
            self.clock.advance(300.0)
            self.other_mb += leak_mb_per_hour / 12
            for _ in range(PER_HOUR // 12):
                self.asked += 1
                self.quote(self.asked)
        assert self.recorder.flush(30.0)

    def verdict(self):
        with open_store(self.path) as store:
            return detect_leak(store.history("bot"))


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path / "bot.db")
    yield one
    one.recorder.stop()


def test_a_registered_cache_fills_and_is_calm_when_it_is_full(program):
    """An lru_cache with a maxsize, registered, is `filling` from the first hours on, has a date, and is no growth once it is full."""
    for hours in (4, 4, 4):
        program.live(hours)
        assert program.verdict().verdict == "filling"
    with open_store(program.path) as store:
        found = assess_source(store, "bot", now=program.clock.now())
        lengths = store.deque_readings("bot")["quotes"]
    assert lengths.iloc[-1] == program.quote.cache_info().currsize - PER_HOUR // 12
    (told,) = found.deques
    assert (told.name, told.maxlen_count, told.is_component) == ("quotes", BOUND, True)
    left_hours = (BOUND - told.length_count) / (12 * (PER_HOUR // 12))
    assert found.forecast.deques_full_hours == pytest.approx(left_hours, rel=0.1)
    program.live(20)
    assert program.quote.cache_info().currsize == BOUND
    assert program.verdict().verdict in {"stable", "saturating"}


def test_the_same_cache_is_a_leak_where_it_is_not_registered(tmp_path):
    """What the registration tells nothing else does: unregistered, the same growth is a leak."""
    program = Program(tmp_path / "bot.db", is_registered=False)
    program.live(12)
    assert program.verdict().verdict == "leaking"
    program.recorder.stop()


def test_a_leak_beside_a_filling_cache_is_heard(program):
    """A leak of twice the threshold is no part of what the cache takes in."""
    program.live(12, leak_mb_per_hour=20.0)
    found = program.verdict()
    assert found.verdict == "leaking"
    assert found.slope_mb_per_hour == pytest.approx(20.0, rel=0.25)


def test_a_cache_is_one_part_of_the_growth(program):
    """Read as component and as deque, the cache explains the growth once, by one name."""
    program.live(12)
    with open_store(program.path) as store:
        found = assess_source(store, "bot", now=program.clock.now())
        components = store.component_readings("bot")
        assert store.part_matrix("bot").names == ("quotes",)
    assert components.columns.tolist() == ["quotes"]
    assert [one.name for one in found.culprits.parts] == ["quotes", "unexplained"]


@pytest.fixture
def unregistered(tmp_path):
    one = Program(tmp_path / "bot.db", is_registered=False)
    globals()["present"] = one  # a look begins at the variables of modules
    yield one
    del globals()["present"]
    one.recorder.stop()


def test_a_cache_that_looks_find_filling_is_recorded_and_explains_the_growth(unregistered):
    """Not registered, the cache is a leak; seen filling by two looks it is read from then on, and the verdict is `filling`, then calm."""
    program = unregistered
    for hours in (8, 1, 1):
        program.live(hours)
        assert program.verdict().verdict == "leaking"
        program.look()
    program.live(1)
    assert program.verdict().verdict == "filling"
    with open_store(program.path) as store:
        found = assess_source(store, "bot", now=program.clock.now())
        (told,) = [
            event for event in store.events("bot") if event.kind == "suspect" and "fills:" in event.text
        ]
    (reading,) = found.deques
    assert reading.name.endswith("present.quote")
    assert (reading.is_found, reading.maxlen_count) == (True, BOUND)
    left_hours = (BOUND - reading.length_count) / (12 * (PER_HOUR // 12))
    assert found.forecast.deques_full_hours == pytest.approx(left_hours, rel=0.1)
    assert f"present.quote (lru_cache) fills: 768 to 960 of at most {BOUND:,} entries, " in told.text
    program.live(20)
    assert program.quote.cache_info().currsize == BOUND
    assert program.verdict().verdict in {"stable", "saturating"}


def test_a_leak_beside_a_cache_that_looks_found_is_heard(unregistered):
    """What the found cache held before it was seen excuses no leak that goes on beside it."""
    program = unregistered
    for hours in (8, 1, 1):
        program.live(hours, leak_mb_per_hour=20.0)
        program.look()
    for _ in range(4):
        program.live(1, leak_mb_per_hour=20.0)
        found = program.verdict()
        assert found.verdict == "leaking"
    assert found.slope_mb_per_hour < 42.0
