"""Sizes in a wrong unit are refused with the right one; what is really small is not."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from import_kit import FIRST, MB, csv_of, log

from memmon import History
from memmon.errors import ImportFileError
from memmon.facts.process_size import UNITS, likely_unit, may_be_kb, sizes_of

POWERS = {"kB": 1024, "MB": MB, "GB": 1024 * MB}


@given(
    st.floats(min_value=8, max_value=900),
    st.floats(min_value=-0.05, max_value=3),
    st.sampled_from(["kB", "MB"]),
)
def test_a_process_in_kb_or_mb_is_found_out(start_mb, growth, unit):
    """Whatever a program of 8 to 900 MB does, its sizes in kB or MB are no bytes, and the unit is named."""
    sizes = [(start_mb * (1 + growth * step / 3_000)) * MB / POWERS[unit] for step in range(288)]
    if unit == "kB":
        assert likely_unit([int(size) for size in sizes]) == unit
    if unit == "MB" or start_mb > 70:  # fractions of less could be MB of a program of some GB
        assert likely_unit(sizes) == unit
        assert likely_unit([round(size, 1) for size in sizes]) == unit


@given(st.floats(min_value=2.5, max_value=500_000), st.integers(min_value=1, max_value=300))
def test_what_can_be_a_process_is_never_refused(start_mb, count):
    """From 2.5 MB on, every size is believed."""
    assert likely_unit([int(start_mb * MB) + 777 * step for step in range(count)]) is None


def test_small_programs_and_gaps():
    """Whole pages are believed from 1 MB on, zeros and gaps don't count, nothing known is no doubt."""
    assert likely_unit([4096 * 300, 4096 * 301, None, 0]) is None
    assert likely_unit([0, None, float("nan"), 30 * MB]) is None
    assert likely_unit([]) is None
    assert likely_unit([0.31, 0.32]) == "GB"
    assert likely_unit([8123.4, 8124.9]) == "MB"
    assert likely_unit([8123, 8124]) == "kB"
    assert may_be_kb(sizes_of([3_000_000, 3_000_001]))
    assert not may_be_kb(sizes_of([4096 * 800]))
    assert not may_be_kb(sizes_of([90 * MB]))


@pytest.mark.parametrize("unit", ["kB", "MB"])
def test_a_csv_in_another_unit(bench, unit):
    """A CSV of kB or MB under `rss_bytes` is refused by name, and right with --unit."""
    text = csv_of([(at, rss / POWERS[unit]) for at, rss in log(96)])
    path = bench.put("bot.csv", text)
    with pytest.raises(ImportFileError, match=rf"bot\.csv, line 1: .*--unit {unit}"):
        bench.take(path)
    assert not bench.database.path.exists()
    bench.take(path, unit=unit.upper())
    assert bench.readings()[0][1] == 200 * MB


def test_small_sizes_are_imported_and_asked_about(bench):
    """A program of 3 MB is imported, with the question whether KB are meant; --unit B asks nothing."""
    text = csv_of([(at, 3_000_000 + step) for step, (at, _) in enumerate(log(96))])
    result = bench.take(bench.put("bot.csv", text))
    assert result.snapshot_count == 96
    assert any("--unit kB" in note for note in result.notes)
    assert bench.take(bench.put("bot.csv", text), source="b", unit="B").notes == ()


def test_bytes_under_the_name_of_a_larger_unit(bench):
    """Bytes in a column rss_mb would be terabytes: refused with what to say instead."""
    path = bench.put("bot.csv", csv_of(log(9)).replace("rss_bytes", "rss_mb"))
    with pytest.raises(ImportFileError, match="--column rss_bytes=rss_mb"):
        bench.take(path)
    assert bench.take(path, columns={"rss_bytes": "rss_mb"}).snapshot_count == 9


def test_a_frame_in_another_unit():
    """from_frame refuses sizes that no process has, names the unit, and takes it."""
    index = pd.date_range(FIRST, periods=96, freq="15min")
    frame = pd.DataFrame({"rss_bytes": [300 + step / 8 for step in range(96)]}, index=index)
    with pytest.raises(ValueError, match='pass unit="MB"'):
        History.from_frame(frame)
    history = History.from_frame(frame.assign(vms_bytes=900.0, work_count=5.0), unit="MB")
    assert history.rss_bytes[0] == 300 * MB
    assert history.vms_bytes[0] == 900 * MB
    assert history.work_count[0] == 5
    assert History.from_frame(frame, unit="B").rss_bytes[0] == 300
    with pytest.raises(ValueError, match="expected one of"):
        History.from_frame(frame, unit="stone")


def test_units_are_of_1024():
    """Each unit is 1,024 of the one before."""
    assert list(UNITS.values()) == [1024**power for power in range(4)]
