"""Several signals, one verdict: a part of memory that leaks is heard before the whole shows it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts_kit import MIB, of_parts

from memmon.analysis.cause.split_finding import CauseSeries
from memmon.analysis.forecast.limit import forecast_limit
from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.series import run_series
from memmon.analysis.leak.signals.alarm import short_evidence
from memmon.analysis.leak.signals.carried import carried_by_parts
from memmon.analysis.leak.signals.known import block_bytes, known_parts
from memmon.analysis.leak.signals.margin import paid_margin
from memmon.analysis.leak.states import judge_runs
from memmon.assessment.assess import assess
from memmon.assessment.culprits import explain
from memmon.assessment.present import GrowthReadings
from memmon.facts.signals import Signal
from memmon.formatting import local_time
from memmon.history import History
from memmon.many.series import series_task

BLOCK = 70.0
PARTS = ("python_block_count", "heap_used_bytes", "heap_mmap_bytes")


def five_minutes(length_hours):
    return np.arange(0, length_hours, 1 / 12)


def program(hours, *, objects=60.0, heap=40.0, holes=20.0, seed=1, **columns):
    """Return a program whose parts (MB, numbers or arrays) are these; `holes`: what it holds and does not use."""
    rng = np.random.default_rng(seed)
    objects, heap, holes = (
        np.broadcast_to(np.asarray(one, float), hours.size) for one in (objects, heap, holes)
    )
    anonymous = objects + heap + holes + rng.normal(0, 0.02, hours.size)
    return of_parts(hours, objects=objects, heap=heap, anonymous=anonymous, block_bytes=BLOCK, **columns)


def without_counters(history):
    return replace(history, **dict.fromkeys(PARTS))


def wandering(hours, seed, size_mb):
    """Return noise that remembers its past."""
    rng = np.random.default_rng(seed)
    values = np.zeros(hours.size)
    for place in range(1, hours.size):
        values[place] = 0.97 * values[place - 1] + rng.normal(0, size_mb * 0.25)
    return values


def test_a_leak_of_objects_under_a_noisy_heap_is_heard_within_hours():
    """Python objects that grow by 20 MB/h are told after six hours where the noise lies in the native heap."""
    hours = five_minutes(6)
    heard, alone = [], []
    for seed in range(20):
        history = program(hours, objects=60 + 20 * hours, heap=80 + wandering(hours, seed, 30), seed=seed)
        heard.append(detect_leak(history).is_leak)
        alone.append(detect_leak(without_counters(history)).is_leak)
    assert np.mean(heard) >= 0.9
    assert np.mean(alone) <= 0.4


def test_a_leak_that_fills_holes_is_told_before_resident_memory_grows():
    """Growth within an earlier peak is a leak at the rate of what is in use, though resident memory stands still."""
    hours = five_minutes(8)
    leaked = 16 * hours
    finding = detect_leak(program(hours, heap=40 + leaked, holes=200 - leaked))
    assert finding.verdict == "leaking"
    assert finding.slope_mb_per_hour == pytest.approx(16, rel=0.05)
    assert abs(finding.rss_slope_mb_per_hour) < 0.5
    assert (
        detect_leak(without_counters(program(hours, heap=40 + leaked, holes=200 - leaked))).verdict
        == "stable"
    )


def after_a_peak(hours, rate=16.0):
    """Return a program whose objects leak into the 200 MB of holes that a peak in its first minutes left."""
    return program(hours, objects=60 + rate * hours, holes=np.where(hours < 0.3, 20, 220 - rate * hours))


def in_hours(history, *, has_least):
    """Return a history of five minutes as its rollups keep it: means, with `has_least` the least of each hour too."""
    starts = np.arange(0, len(history), 12)

    def kept(name, fold=np.add.reduceat, size=12):
        return fold(getattr(history, name)[: starts.size * 12], starts) / size

    means = {name: kept(name) for name in ("rss_bytes", "anon_bytes", "shmem_bytes", "swap_bytes", *PARTS)}
    least = {f"min_{name}": kept(name, np.minimum.reduceat, 1) for name in (*PARTS, "rss_bytes")}
    return History.from_arrays(
        at_seconds=kept("at_seconds"),
        uptime_seconds=kept("uptime_seconds"),
        resolution_seconds=np.full(starts.size, 3600.0),
        **means,
        **(least if has_least else {}),
    )


def test_a_part_is_judged_by_the_least_of_each_hour_where_rollups_have_it():
    """Bursts that come and go within hours hide in the least what they move in the mean; older rollups have means alone."""
    hours = five_minutes(96)
    burst = np.where(np.arange(hours.size) % 12 < 4, 30.0, 0.0)
    history = program(hours, objects=60 + burst, heap=40 + 2 * burst)
    kept, older = (known_parts(in_hours(history, has_least=one), warm_up_hours=1.0) for one in (True, False))
    blocks = 300_000 * BLOCK / MIB
    for signal, floor in ((Signal.BLOCKS, 60.0 + blocks), (Signal.HEAP, 41.3)):
        mean = floor + (20.0 if signal is Signal.HEAP else 10.0)
        assert older[signal].mb / kept[signal].mb == pytest.approx(mean / floor, rel=0.01)


def test_an_hour_that_knows_no_least_is_judged_by_its_mean():
    """Of a history that an upgrade divides the older hours count with their means, the later ones with their least."""
    whole = in_hours(program(five_minutes(48)), has_least=True)
    divided = replace(
        whole,
        **{
            f"min_{name}": np.where(np.arange(48) < 24, np.nan, getattr(whole, name) - 1_000.0)
            for name in PARTS
        },
    )
    found = known_parts(divided, warm_up_hours=0.0)[Signal.HEAP].mb * MIB
    means = whole.heap_used_bytes + whole.heap_mmap_bytes
    assert found == pytest.approx(means - np.where(np.arange(48) < 24, 0.0, 2_000.0), abs=1.0)


def test_the_finding_names_the_part_and_the_holes_that_it_fills():
    """The finding says which signal carries it, whose rate it has, since when, and why resident memory shows nothing."""
    hours = five_minutes(8)
    finding = detect_leak(after_a_peak(hours))
    assert (finding.verdict, finding.signal, finding.slope_signal) == ("leaking", "blocks", "in_use")
    assert finding.holes_mb == pytest.approx(200 - 16 * 8, abs=15)
    assert finding.growth_mb == pytest.approx(16 * 6.9, rel=0.1)
    assert finding.since is not None
    began = local_time(finding.since)
    assert re.search(
        rf"; Python objects grow by 1\d\.\d\d MB/hour since {re.escape(began)}; ", finding.summary
    )
    told = f"resident memory does not show it yet: it fills {finding.holes_mb:.0f} MB of holes"
    assert finding.summary.endswith(told)
    assert finding.resident_clause == told
    alone = detect_leak(without_counters(program(hours, heap=40 + 30 * hours)))
    assert (alone.verdict, alone.signal, alone.slope_signal, alone.holes_mb) == (
        "leaking",
        "footprint",
        "footprint",
        None,
    )


def test_a_forecast_waits_until_the_holes_are_full():
    """The limit is reached after the holes are full and memory has grown to it; at the earliest no hole can be filled."""
    hours = five_minutes(8)
    history = after_a_peak(hours)
    finding = detect_leak(history)
    now_mb = history.footprint_bytes[-1] / MIB
    forecast = forecast_limit(history, (now_mb + 320) * MIB, finding=finding)
    straight = 320 / finding.slope_mb_per_hour
    assert forecast.state == "dated"
    assert forecast.hours_to_limit == pytest.approx(
        straight + finding.holes_mb / finding.slope_mb_per_hour, rel=0.03
    )
    assert forecast.hours_to_limit_low == pytest.approx(straight, rel=0.1)
    assert forecast.curve.median_mb[0] == pytest.approx(now_mb, abs=2)
    assert any("held and not in use" in text for text in forecast.details)


def test_the_cause_is_what_grew_though_all_memory_is_level():
    """What fills holes has its cause: Python objects, not a cause that can't be told."""
    hours = five_minutes(8)
    history = after_a_peak(hours)
    finding = detect_leak(history)
    counters = CauseSeries.from_columns(
        hours,
        {
            "rss_bytes": history.rss_bytes,
            "rss_anon_bytes": history.anon_bytes,
            "rss_file_bytes": np.full(hours.size, 20.0 * MIB),
            "rss_shmem_bytes": history.shmem_bytes,
            "swap_bytes": history.swap_bytes,
            "heap_used_bytes": history.heap_used_bytes,
            "heap_mmap_bytes": history.heap_mmap_bytes,
            "python_block_count": history.python_block_count,
        },
    )
    cause, _ = explain(
        finding, GrowthReadings(counters=(counters,), parts=(), work=(), unbounded_names=(), bounded_names=())
    )
    assert cause.cause == "python"
    assert cause.growth_bytes == pytest.approx(finding.growth_mb * MIB)
    assert cause.share_of("python") > 0.95


def test_the_headline_says_which_part_tells_of_it():
    """The one sentence on a source names the signal, and says nothing of it where that is all memory."""
    hours = five_minutes(8)
    assert ", told by Python objects" in assess(after_a_peak(hours)).headline
    assert "told by" not in assess(program(hours, heap=40 + 30 * hours)).headline


def test_the_rate_is_that_of_all_memory_where_that_grows_too():
    """Where all memory grows as fast for sure the finding has its rate, not that of the part that told of it first."""
    hours = five_minutes(6)
    rates = []
    for seed in range(60):
        swing = wandering(hours, seed, 12)
        history = program(hours, objects=60 + 14 * hours, holes=20 + 8 * hours, heap=40 + swing, seed=seed)
        if not detect_leak(without_counters(history)).is_leak:
            finding = detect_leak(history)
            rates += [finding.slope_mb_per_hour] if finding.is_leak else []
    assert len(rates) >= 3
    assert np.median(rates) == pytest.approx(22, rel=0.1)


def test_nothing_calm_is_said_while_a_part_clearly_rises():
    """Level resident memory is not called stable while a part grows below the threshold for a day."""
    hours = five_minutes(24)
    history = program(hours, heap=40 + 4 * hours, holes=120 - 4 * hours)
    assert detect_leak(without_counters(history)).verdict == "stable"
    finding = detect_leak(history)
    assert finding.verdict == "growing"
    assert finding.slope_mb_per_hour == pytest.approx(4, rel=0.05)


def test_a_part_that_rises_in_young_memory_says_until_when_it_waits():
    """Where a part rises slowly under level memory in the first hours, there is no word yet, and the time of one is told."""
    hours = five_minutes(10)
    found = assess(program(hours, heap=40 + 4 * hours, holes=120 - 4 * hours))
    assert (found.finding.verdict, found.finding.reason) == ("cannot_say", "part_rises")
    assert "h of growth in a part of memory" in found.waits_for
    assert found.ready_at > found.finding.window.end


def test_parts_that_are_level_leave_the_word_as_it_is():
    """Level parts change nothing: what is stable stays stable, to the last digit."""
    hours = five_minutes(24)
    history = program(hours)
    assert detect_leak(history).to_dict() == detect_leak(without_counters(history)).to_dict()


def test_level_parts_clear_nothing():
    """A leak of mapped anonymous pages, which neither allocator counts, is a leak beside level parts."""
    hours = five_minutes(24)
    assert detect_leak(program(hours, holes=20 + 20 * hours)).verdict == "leaking"


@settings(max_examples=30, deadline=None)
@given(
    rate=st.floats(-5, 40),
    noise=st.floats(0.05, 20),
    length=st.sampled_from([3, 7, 13, 26, 60]),
    seed=st.integers(0, 1000),
)
def test_a_history_without_counters_is_judged_as_before(rate, noise, length, seed):
    """Where the pages alone are known the verdict is the very judgement of the footprint."""
    hours = five_minutes(length)
    history = without_counters(program(hours, heap=200 + rate * hours + wandering(hours, seed, noise)))
    runs = [run for one in history.per_run() if (run := run_series(one, warm_up_hours=1.0)) is not None]
    judgement = judge_runs(runs, 10.0)
    assert judgement is not None
    carried = carried_by_parts(history, runs, judgement, warm_up_hours=1.0, threshold_mb_per_hour=10.0)
    assert carried is judgement


def late(hours, begin_hours, at_seconds=1.7e9):
    """Return objects (MB) that leak by 20 MB/h from an hour on, as the only part of a program that is judged."""
    noise = np.random.default_rng(4).normal(0, 0.3, hours.size)
    history = program(hours, objects=60 + noise + 20 * np.maximum(hours - begin_hours, 0.0))
    run = replace(history, at_seconds=at_seconds + hours * 3600)
    return known_parts(run, warm_up_hours=1.0)[Signal.BLOCKS]


TUESDAY = 1_767_657_600.0


def test_a_late_leak_in_a_healthy_process_is_heard_within_hours():
    """Growth of the last two to four hours, faster than ever before and in new territory, is an alarm after 8 h of health."""
    found = short_evidence(late(five_minutes(15.5), 13, TUESDAY), 10.0, signal_count=3)
    assert found is not None
    assert found.kind in {"last 4 h", "last 3 h", "last 2 h"}
    assert found.slope == pytest.approx(20, rel=0.2)
    assert short_evidence(late(five_minutes(8.5), 6, TUESDAY), 10.0, signal_count=3) is None
    assert short_evidence(late(five_minutes(15.5), 99, TUESDAY), 10.0, signal_count=3) is None


def test_a_rise_as_there_was_before_is_no_late_leak():
    """What rises no faster than it did before, or not above it, is none."""
    hours = five_minutes(30)
    waves = 60 + 12 * (hours % 6)
    higher = waves + np.where(hours >= 24, 5.0, 0.0)
    for objects in (waves, higher):
        part = known_parts(
            replace(program(hours, objects=objects), at_seconds=TUESDAY + hours * 3600), warm_up_hours=1.0
        )
        assert short_evidence(part[Signal.BLOCKS], 10.0, signal_count=3) is None


def test_a_first_weekend_says_nothing_of_the_last_hours():
    """In the first week the hours from a Friday to the Tuesday after it are no time for short windows; later they are."""
    saturday = TUESDAY + 4 * 86_400
    assert short_evidence(late(five_minutes(15.5), 13, saturday), 10.0, signal_count=3) is None
    assert short_evidence(late(five_minutes(15.5), 13, saturday + 3 * 86_400 + 43_200), 10.0, signal_count=3)
    assert short_evidence(late(five_minutes(175), 172.5, saturday), 10.0, signal_count=3)


def test_the_choice_among_signals_is_paid_for():
    """One signal needs what it needed; of several the best one needs more, and the less the higher the demand."""
    assert paid_margin(0.75, 1) == 0.75
    assert paid_margin(0.75, 4) == pytest.approx(0.75 + math.log(4))
    assert paid_margin(5.0, 4) == pytest.approx(5 + math.log(4) / 5)


def test_what_a_block_takes_is_seen_and_kept_within_reason():
    """The bytes of a block come from the memory outside the heap, lie between 40 and 140, and are the usual ones else."""
    hours = five_minutes(12)
    grown = program(hours, objects=60 + 5 * hours)
    assert block_bytes(grown) == pytest.approx(BLOCK, rel=0.03)
    assert block_bytes(program(hours, objects=60 + hours, holes=20 + 50 * hours)) == 140
    assert block_bytes(program(hours, objects=60 + hours, holes=200 - 10 * hours)) == 40
    assert block_bytes(program(hours, objects=60 + hours, holes=200 - hours)) == pytest.approx(80, rel=0.02)
    assert block_bytes(without_counters(grown)) == 80


def test_a_part_that_is_no_longer_read_says_nothing():
    """A counter that ended hours ago carries no verdict: nobody knows what it does now."""
    hours = five_minutes(12)
    history = program(hours, heap=40 + 16 * hours, holes=220 - 16 * hours)
    lost = replace(history, heap_used_bytes=np.where(hours < 9, history.heap_used_bytes, np.nan))
    assert Signal.HEAP in known_parts(history, warm_up_hours=1.0)
    assert Signal.HEAP not in known_parts(lost, warm_up_hours=1.0)
    assert not detect_leak(lost).is_leak


def test_a_part_that_is_read_once_an_hour_is_heard_all_the_same():
    """A costly counter that rests between its readings still tells its leak."""
    hours = five_minutes(24)
    history = program(hours, heap=40 + 16 * hours, holes=420 - 16 * hours)
    rests = np.where(np.arange(hours.size) % 12 == 0, history.heap_used_bytes, np.nan)
    assert detect_leak(replace(history, heap_used_bytes=rests)).is_leak


def test_swap_and_shared_memory_make_anonymous_memory_a_signal_of_its_own():
    """Anonymous memory is judged beside the footprint where shared memory moves, and is the same thing elsewhere."""
    hours = five_minutes(12)
    plain = program(hours)
    assert Signal.ANONYMOUS not in known_parts(plain, warm_up_hours=1.0)
    shared = replace(plain, shmem_bytes=(50 + wandering(hours, 5, 20)) * MIB)
    shared = replace(shared, rss_bytes=shared.rss_bytes + shared.shmem_bytes)
    assert Signal.ANONYMOUS in known_parts(shared, warm_up_hours=1.0)


def test_registered_deques_that_fill_excuse_the_parts_too():
    """What bounded deques took in is no growth of Python's objects either, however noisy the rest."""
    hours = five_minutes(10)
    filled = np.minimum(20 * hours, 400.0)
    for seed in range(5):
        history = program(
            hours,
            objects=60 + filled,
            heap=300 + wandering(hours, seed, 150),
            deque_bytes=filled * MIB,
            deque_capacity_bytes=np.full(hours.size, 400.0 * MIB),
        )
        assert not detect_leak(history).is_leak


def test_the_fleet_hands_the_counters_on():
    """What a worker is sent to judge has the parts that the verdict looks at."""
    hours = five_minutes(12)
    history = program(hours, heap=40 + 16 * hours, holes=220 - 16 * hours)
    task = series_task(history, detect_leak(history).policy)
    assert detect_leak(task.history).to_dict() == detect_leak(history).to_dict()
    assert detect_leak(task.history).is_leak
