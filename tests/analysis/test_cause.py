from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.analysis.cause.split import split_cause
from memmon.analysis.cause.split_finding import COUNTER_NAMES, CauseSeries

MB = 2**20
N = 60
PROGRAMS = Path(__file__).parents[2] / "benchmarks/cause/programs.py"
RISE = np.linspace(0.0, 1.0, N)


def series(*, anon=0.0, file=0.0, shmem=0.0, heap=0.0, mmap=0.0, blocks=0.0, swap=0.0, hours=None, **columns):
    """A run of 10 hours from 200 MB on; each argument is added to the base in MB (blocks: number)."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.02, N)
    values = {
        "rss_anon_bytes": (150 + anon + noise) * MB,
        "rss_file_bytes": (50 + file + 0 * RISE) * MB,
        "rss_shmem_bytes": (1 + shmem + 0 * RISE) * MB,
        "swap_bytes": (swap + 0 * RISE) * MB,
        "heap_used_bytes": (40 + heap + 0 * RISE) * MB,
        "heap_mmap_bytes": (10 + mmap + 0 * RISE) * MB,
        "python_block_count": 800_000 + blocks + rng.normal(0, 50, N),
    }
    parts = ("rss_anon_bytes", "rss_file_bytes", "rss_shmem_bytes")
    values["rss_bytes"] = sum(values[name] for name in parts) - swap * MB
    values.update(columns)
    return CauseSeries.from_columns(np.linspace(0, 10, N) if hours is None else hours, values)


@pytest.mark.parametrize(
    ("grown", "expected"),
    [
        ({"anon": 100 * RISE, "blocks": 1_000_000 * RISE}, "python"),
        ({"anon": 100 * RISE, "heap": 100 * RISE}, "native"),
        ({"anon": 100 * RISE, "mmap": 100 * RISE}, "native"),
        ({"anon": 100 * RISE}, "retained"),
        ({"shmem": 100 * RISE}, "shared"),
        ({"file": 100 * RISE}, "file"),
        ({}, "none"),
        ({"anon": -50 * RISE}, "none"),
    ],
    ids=["python", "heap", "mapped", "retained", "shared", "file", "nothing", "shrinking"],
)
def test_each_cause_is_named(grown, expected):
    """Growth of one kind is named by its kind, with nearly all of the share."""
    finding = split_cause(series(**grown))
    assert finding.cause == expected
    if expected != "none":
        assert finding.share_of(expected) > 0.95
        assert finding.growth_bytes == pytest.approx(100 * MB, rel=0.15)
        assert finding.summary.count(".") >= 1
        assert finding.advice


def test_the_parts_add_up_to_the_growth():
    """Whatever grows together, the parts are the growth, the largest first."""
    finding = split_cause(
        series(anon=90 * RISE, heap=50 * RISE, blocks=50_000 * RISE, file=20 * RISE, shmem=5 * RISE)
    )
    sizes = [part.growth_bytes for part in finding.parts]
    assert sum(sizes) == pytest.approx(finding.growth_bytes)
    assert sizes == sorted(sizes, reverse=True)
    assert sum(part.share for part in finding.parts) == pytest.approx(1.0)
    assert finding.growth_bytes == pytest.approx(115 * 0.9 * MB, rel=0.05)
    assert all(part.label in finding.summary for part in finding.parts if part.share >= 0.1)
    assert finding.parts[0].name == "native"


def test_freed_memory_that_stays_is_retention():
    """Objects or heap that rose and fell again while RSS stayed leave retention, and that was seen."""
    hump = np.where(RISE < 0.5, 200 * RISE, 0.0)
    for grown in ({"heap": hump}, {"blocks": hump * 10_000}):
        finding = split_cause(series(anon=np.minimum(200 * RISE, 100), **grown))
        assert finding.cause == "retained"
        assert finding.details == ()
    assert split_cause(series(anon=100 * RISE)).details != ()


def test_large_python_objects_are_python_objects():
    """Heap that grows along with blocks that take no room in the pools is objects of more than 512 bytes."""
    objects = series(anon=100 * RISE, heap=100 * RISE, blocks=100 * MB / 1033 * RISE)
    assert split_cause(objects).cause == "python"
    remembered = series(anon=103.1 * RISE, heap=100 * RISE, blocks=100 * MB / 1033 * RISE)
    assert split_cause(remembered).cause == "native"
    lists = series(anon=110 * RISE, heap=100 * RISE, blocks=2 * 100 * MB / 856 * RISE)
    assert split_cause(lists).cause == "python"


def test_memory_that_was_claimed_and_not_touched_is_no_growth():
    """A large allocation that nothing was written to does not outweigh what really grew."""
    finding = split_cause(series(anon=30 * RISE, mmap=1000 * RISE, blocks=0.0))
    assert finding.growth_bytes == pytest.approx(27 * MB, rel=0.1)
    assert finding.cause == "native"
    assert max(part.growth_bytes for part in finding.parts) <= finding.growth_bytes * 1.01
    assert min(part.growth_bytes for part in finding.parts) > -MB
    finding = split_cause(series(mmap=1000 * RISE))
    assert finding.cause == "none"


def test_memory_in_swap_counts_as_grown():
    """What the kernel moved out of RSS still grew."""
    finding = split_cause(series(anon=20 * RISE, swap=80 * RISE, blocks=1_000_000 * RISE))
    assert finding.cause == "python"
    assert finding.growth_bytes == pytest.approx(90 * MB, rel=0.1)


def test_counters_that_rest_are_carried_on():
    """With the native counters read hourly only, the split is that of the whole growth."""
    rare = np.where(np.arange(N) % 6 == 0, 1.0, np.nan)
    grown = series(anon=100 * RISE, heap=100 * RISE)
    full = {name: getattr(grown, name) for name in COUNTER_NAMES}
    full["heap_used_bytes"] = full["heap_used_bytes"] * rare
    assert not [d for d in split_cause(CauseSeries.from_columns(grown.hours, full)).details if "lately" in d]
    full["heap_used_bytes"][N // 2 :] = np.nan
    finding = split_cause(CauseSeries.from_columns(grown.hours, full))
    assert finding.cause == "native"
    assert finding.share_of("native") > 0.95
    assert finding.growth_bytes == pytest.approx(90 * MB, rel=0.1)
    assert "not read lately" in finding.details[0]


def test_the_growths_of_several_runs_are_added_up():
    """Restarts in between do not hide what grew in each run."""
    part = series(anon=30 * RISE, blocks=300_000 * RISE)
    finding = split_cause([part, part, part])
    assert finding.cause == "python"
    assert finding.growth_bytes == pytest.approx(3 * 27 * MB, rel=0.05)
    assert finding.duration_hours == pytest.approx(30)


@pytest.mark.parametrize("missing", ["rss_anon_bytes", "rss_file_bytes", "rss_shmem_bytes"])
def test_without_the_pages_the_cause_is_unknown(missing):
    """Where the kinds of pages were never recorded, no cause is claimed."""
    finding = split_cause(series(anon=100 * RISE, **{missing: np.full(N, np.nan)}))
    assert finding.cause == "unknown"
    assert finding.parts == ()
    assert "can't be told" in finding.summary


@pytest.mark.parametrize("missing", ["heap_used_bytes", "heap_mmap_bytes", "python_block_count"])
def test_without_the_allocators_counters_the_kinds_of_pages_are_told(missing):
    """Of a process watched from outside, private, shared and file-backed growth are told apart."""
    nothing = {missing: np.full(N, np.nan)}
    private = split_cause(series(anon=100 * RISE, file=20 * RISE, **nothing))
    assert private.cause == "private"
    assert private.share_of("private") == pytest.approx(100 / 120, abs=0.01)
    assert "Recorder" in private.advice
    assert split_cause(series(file=100 * RISE, **nothing)).cause == "file"
    assert split_cause(series(shmem=100 * RISE, **nothing)).cause == "shared"
    assert split_cause(series(**nothing)).cause == "none"


def test_a_build_that_counts_nothing_is_named():
    """Where a recorder inside found no counters, the division is unknown on this build, and no recorder is advised."""
    grown = series(
        anon=100 * RISE,
        heap_used_bytes=np.full(N, np.nan),
        python_block_count=np.full(N, np.nan),
        gc_collection_count=np.arange(N, dtype=float),
    )
    finding = split_cause(grown)
    assert finding.cause == "private"
    assert "unknown on this build" in finding.details[0]
    assert not finding.advice


def test_counters_that_were_read_too_seldom_are_said_to_be():
    """A heap that was looked at once in the window says nothing of the build: the reading was too rare, and that is said."""
    once = np.full(N, np.nan)
    once[20] = 50 * MB
    grown = series(anon=100 * RISE, heap_used_bytes=once, gc_collection_count=np.arange(N, dtype=float))
    finding = split_cause(grown)
    assert finding.cause == "private"
    (said,) = finding.details
    assert "read too seldom" in said
    assert "build" not in said
    assert not finding.advice


def test_a_single_sample_is_too_few_and_not_unrecorded():
    """One sample has the counters: they were read too seldom; of none they were not recorded."""
    one = CauseSeries.from_columns([1.0], {name: [1.0] for name in COUNTER_NAMES})
    assert "read too seldom" in split_cause(one).summary
    assert "read too seldom" in split_cause([one, one]).summary
    assert "not recorded" in split_cause(CauseSeries.from_columns([], {})).summary


def test_too_little_is_unknown():
    """No sample, and a single one, are no growth to explain."""
    empty = CauseSeries.from_columns([], {})
    assert split_cause(empty).cause == "unknown"
    assert split_cause([]).cause == "unknown"
    one = CauseSeries.from_columns([1.0], {name: [1.0] for name in COUNTER_NAMES})
    assert split_cause(one).cause == "unknown"


def test_columns_may_be_absent_unsorted_and_never_of_another_length():
    """Samples are put into the order of time; a column of another length is an error."""
    grown = series(anon=100 * RISE, heap=100 * RISE)
    backwards = {name: getattr(grown, name)[::-1] for name in COUNTER_NAMES}
    assert split_cause(CauseSeries.from_columns(grown.hours[::-1], backwards)).cause == "native"
    with pytest.raises(ValueError, match="heap_used_bytes"):
        CauseSeries.from_columns([1.0, 2.0], {"heap_used_bytes": [1.0]})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and mallinfo2")
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("python_objects", "python"),
        ("malloc_main", "native"),
        ("malloc_thread", "native"),
        ("fragmented", "retained"),
        ("big_malloc", "native"),
        ("shared_mapping", "shared"),
        ("file_mapping", "file"),
    ],
)
def test_seven_real_programs_are_named_rightly(program, expected):
    """In fresh processes with one cause each, that cause is named."""
    for seed in (1, 2):
        command = [sys.executable, str(PROGRAMS), program, str(seed)]
        answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        columns = {
            name: [np.nan if value is None else value for value in column]
            for name, column in answer["columns"].items()
        }
        finding = split_cause(CauseSeries.from_columns(answer["hours"], columns))
        assert finding.cause == expected, finding.summary
