"""What is judged: the memory that a process can't give back, whatever its resident memory does."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmon.analysis.leak.detect import detect_leak
from memmon.analysis.leak.windows import trend_windows
from memmon.footprint import footprint_of
from memmon.history import History

MIB = 2**20


def parts_history(hours, *, anon, file=40.0, shmem=0.0, swap=0.0, known=None):
    """Return a history of a process whose parts (MB, numbers or arrays) are these."""
    size = len(hours)
    anon, file, shmem, swap = (
        np.broadcast_to(np.asarray(one, dtype=float), size) for one in (anon, file, shmem, swap)
    )
    hidden = np.zeros(size, bool) if known is None else ~known
    columns = {"anon_bytes": anon, "shmem_bytes": shmem, "swap_bytes": swap}
    columns = {name: np.where(hidden, np.nan, values * MIB) for name, values in columns.items()}
    return History.from_arrays(
        at_seconds=1.7e9 + np.asarray(hours) * 3600, rss_bytes=(anon + file + shmem) * MIB, **columns
    )


def five_minutes(length_hours):
    return np.arange(0, length_hours, 1 / 12)


def swapped_out(seed, length_hours, rate):
    """Return a process that grows from the first hour on while only so much of it may stay resident."""
    rng = np.random.default_rng(seed)
    hours = five_minutes(length_hours)
    held = rng.uniform(80, 200) + rate * hours + rng.normal(0, rng.uniform(0.1, 2), hours.size)
    most = held[0] + rate * rng.uniform(1.0, 3.0) + rng.normal(0, 0.5, hours.size)
    swapped = np.maximum(held - most, 0.0)
    return parts_history(hours, anon=held - swapped, swap=swapped, file=rng.uniform(10, 60))


@pytest.mark.parametrize(("length_hours", "least_found"), [(12, 0.8), (24, 0.95), (48, 0.95)])
def test_a_leak_that_is_swapped_out_is_a_leak(length_hours, least_found):
    """Growth of 15 to 60 MB/h that goes into swap is found as surely as growth that stays resident."""
    rng = np.random.default_rng(length_hours)
    rates = np.exp(rng.uniform(np.log(15), np.log(60), 40))
    findings = [
        detect_leak(swapped_out(7000 + number, length_hours, rate)) for number, rate in enumerate(rates)
    ]
    found = [one.is_leak for one in findings]
    assert np.mean(found) >= least_found
    errors = [
        abs(one.slope_mb_per_hour / rate - 1)
        for one, rate in zip(findings, rates, strict=True)
        if one.is_leak
    ]
    assert np.median(errors) < 0.03
    assert all(one.rss_slope_mb_per_hour < one.slope_mb_per_hour / 2 for one in findings if one.is_leak)
    told = [one.resident_clause for one in findings if one.is_leak]
    assert all(text.startswith("resident memory stands still: ") for text in told)
    assert all(text.endswith(" MB are swapped out") for text in told)
    assert all(one.summary.endswith(one.resident_clause) for one in findings)


def test_growth_in_mapped_files_is_named_and_is_no_leak():
    """A process that maps ever more of a file is told as that: never as a leak, since when it grows, and both rates."""
    verdicts = []
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        hours = five_minutes(rng.uniform(12, 60))
        rate = rng.uniform(12, 60)
        file = 30 + rate * hours + rng.normal(0, 0.5, hours.size)
        anon = rng.uniform(50, 300) + rng.normal(0, rng.uniform(0.05, 1.0), hours.size)
        finding = detect_leak(parts_history(hours, anon=anon, file=file))
        assert not finding.is_leak
        verdicts.append(finding.verdict)
        if finding.verdict == "mapped_files":
            assert finding.rss_slope_mb_per_hour == pytest.approx(rate, rel=0.05)
            assert abs(finding.slope_mb_per_hour) < 1.0
            assert finding.since is not None
            assert "mapped files" in finding.summary
    assert verdicts.count("mapped_files") >= 38


def test_a_leak_beside_growing_mapped_files_is_a_leak():
    """Where both grow, the leak is what is told, at its own rate and not at that of resident memory."""
    for seed in range(20):
        rng = np.random.default_rng(200 + seed)
        hours = five_minutes(24)
        anon = 100 + 20 * hours + rng.normal(0, 0.5, hours.size)
        finding = detect_leak(parts_history(hours, anon=anon, file=30 + 30 * hours))
        assert finding.verdict == "leaking"
        assert finding.slope_mb_per_hour == pytest.approx(20, rel=0.03)
        assert finding.rss_slope_mb_per_hour == pytest.approx(50, rel=0.03)
        assert re.search(
            r"grows by (49|50)\.\d\d MB/hour: 7\d\d MB of its growth lie in mapped files", finding.summary
        )


def test_file_pages_that_come_and_go_raise_no_alarm():
    """Caches of file pages that fill for a day and are dropped are no leak, in 60 of 60 level programs."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(300 + seed)
        hours = five_minutes(rng.choice([8, 24, 48]))
        period = rng.uniform(6, 60)
        file = 20 + rng.uniform(20, 400) * ((hours / period) % 1.0)
        anon = rng.uniform(50, 400) + np.cumsum(rng.normal(0, 0.05, hours.size))
        alarms += detect_leak(parts_history(hours, anon=anon, file=file)).is_leak
    assert alarms == 0


def test_parts_that_begin_to_be_read_make_no_jump():
    """A run whose parts are known from the middle on has one footprint: level, whatever was known when."""
    hours = five_minutes(24)
    history = parts_history(hours, anon=200.0, file=60.0, swap=5.0, known=hours > 12)
    assert np.ptp(history.footprint_bytes) == 0
    assert history.footprint_bytes[0] == 205 * MIB
    assert detect_leak(history).verdict == "stable"


def test_shared_memory_that_begins_to_be_read_makes_no_jump():
    """Shared memory that is known from the middle on counts before that too: it was there."""
    hours = five_minutes(24)
    history = parts_history(hours, anon=200.0, file=60.0, shmem=300.0)
    later = np.where(hours > 12, history.shmem_bytes, np.nan)
    known_late = replace(history, shmem_bytes=later)
    assert np.ptp(known_late.footprint_bytes) == 0
    assert detect_leak(known_late).verdict == "stable"


def test_growing_shared_memory_is_a_leak():
    """Pages of shared memory can't be taken back: their growth is a leak as that of private ones is."""
    hours = five_minutes(24)
    noise = np.random.default_rng(5).normal(0, 0.5, hours.size)
    finding = detect_leak(parts_history(hours, anon=80 + noise, shmem=20 + 15 * hours))
    assert finding.verdict == "leaking"
    assert finding.slope_mb_per_hour == pytest.approx(15, rel=0.03)
    assert not finding.resident_clause


def test_little_swap_is_not_worth_a_clause():
    """What a system swaps out of a program that grows anyhow is not told as where the growth went."""
    hours = five_minutes(24)
    finding = detect_leak(parts_history(hours, anon=80 + 20 * hours, swap=np.minimum(hours, 8.0)))
    assert finding.verdict == "leaking"
    assert not finding.resident_clause


def test_growth_of_each_window_is_that_of_the_footprint():
    """The table of windows tells how much the footprint grew, not resident memory."""
    hours = five_minutes(48)
    history = parts_history(hours, anon=100.0, swap=20 * hours, file=30.0)
    rows = trend_windows(history, window="24h", step="24h")
    assert rows["growth_mb"].iloc[-1] == pytest.approx(480, rel=0.02)
    assert rows["slope_mb_per_hour"].iloc[-1] == pytest.approx(20, rel=0.02)


def test_means_keep_the_lower_envelope():
    """Where samples are means of hours, the footprint is judged as far below its mean as RSS was at its least."""
    hours = np.arange(0, 240.0)
    rss = np.full(hours.size, 300.0)
    history = History.from_arrays(
        at_seconds=1.7e9 + hours * 3600,
        rss_bytes=rss * MIB,
        min_rss_bytes=(rss - 50 + 12.0 * hours / 24) * MIB,
        anon_bytes=(rss - 40) * MIB,
        shmem_bytes=np.zeros(hours.size),
    )
    assert detect_leak(history).slope_mb_per_hour == pytest.approx(0.5, rel=0.02)


def test_resident_memory_alone_is_its_own_footprint():
    """A history that knows nothing but RSS is judged by it, and both slopes are one."""
    hours = five_minutes(24)
    frame = pd.Series(
        (100 + 20 * hours) * MIB, index=pd.date_range("2026-01-01", periods=hours.size, freq="5min", tz="UTC")
    )
    finding = detect_leak(History.from_frame(frame))
    assert finding.slope_mb_per_hour == finding.rss_slope_mb_per_hour == pytest.approx(20)


def test_a_frame_brings_its_parts():
    """The columns of a frame that name parts are what the footprint is made of, and come back from the history."""
    hours = five_minutes(24)
    index = pd.date_range("2026-01-01", periods=hours.size, freq="5min", tz="UTC")
    parts = {"anon_bytes": 80.0, "shmem_bytes": 10.0, "swap_bytes": 7.0, "charged_bytes": 99.0}
    frame = pd.DataFrame({"rss_bytes": 120.0, **parts}, index=index) * MIB
    history = History.from_frame(frame)
    assert (history.footprint_bytes == 97 * MIB).all()
    assert (history.to_frame()[list(parts)].iloc[0] / MIB).to_dict() == parts


sizes = st.integers(0, 2**40).map(float)
maybe = st.one_of(sizes, st.just(float("nan")))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(sizes, maybe, maybe, maybe), min_size=1, max_size=30))
def test_a_footprint_is_always_a_size(rows):
    """Whatever is known of the parts, a footprint is finite, at least zero, and at most RSS and swap together."""
    rss, anon, shmem, swap = (np.array(column) for column in zip(*rows, strict=True))
    found = footprint_of(rss, anon_bytes=anon, shmem_bytes=shmem, swap_bytes=swap)
    most = rss + np.nanmax(np.append(swap, 0.0))
    assert np.isfinite(found).all()
    assert (found <= most * (1 + 1e-9)).all()
    assert (found >= -1e-3).all()
