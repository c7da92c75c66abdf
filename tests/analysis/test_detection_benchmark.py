"""The benchmark of the verdict: it goes on where it was ended, its page has all of its tables, its classes are what they are called."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from memmon.units import MIB

CHECKOUT = str(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def benchmark():
    """Return the benchmark's modules by name, from the checkout."""
    if CHECKOUT not in sys.path:
        sys.path.insert(0, CHECKOUT)
    return lambda name: importlib.import_module(f"benchmarks.detection.{name}")


@pytest.fixture
def plan(benchmark):
    """Return the smallest plan."""
    return benchmark("experiments").Plan("tuning", 1, 0, 1)


@pytest.fixture
def counted(benchmark, monkeypatch):
    """Put pieces that count how often they are measured in the place of the real ones."""
    calls = []

    def measure(name):
        def count(plan):
            calls.append(name)
            if name == "fails":
                raise RuntimeError("ended")
            return [name, plan.cases]

        return count

    kept, pieces = benchmark("kept"), benchmark("pieces")
    made = {name: pieces.Piece(measure(name)) for name in ("one", "two", "fails")}
    monkeypatch.setattr(kept, "PIECES", made)
    return calls


def test_an_ended_run_goes_on_where_it_was(benchmark, plan, counted, tmp_path):
    """What was measured before a run ended is not measured again, and comes back as it was."""
    kept = benchmark("kept")
    folder = kept.Folder(tmp_path, {"plan": 1})
    with pytest.raises(RuntimeError):
        list(kept.measured(["one", "fails"], plan, folder, jobs=1))
    again = list(kept.measured(["one", "two"], plan, folder, jobs=1))
    assert counted == ["one", "fails", "two"]
    assert [(one.name, one.data, one.is_kept) for one in again] == [
        ("one", ["one", 1], True),
        ("two", ["two", 1], False),
    ]


def test_a_piece_of_counted_work_is_of_all_its_profiles(benchmark, plan):
    """A piece holds the rates of each profile of work together, so one case gives as many checks at a day as there are profiles."""
    piece = benchmark("pieces").PIECES["work: leaks by time, work beside it"]
    of_first_day, once_worked, at_a_day, at_two_days = piece.measure(plan)
    profiles = len(benchmark("working").PROFILES)
    assert at_a_day[1] == at_two_days[1] == profiles
    assert at_two_days[0] == profiles
    assert of_first_day[1] == profiles * 19
    assert 0 < once_worked[1] <= of_first_day[1]


def test_other_code_or_numbers_are_measured_anew(benchmark, plan, counted, tmp_path):
    """A piece that other code or another plan left in the folder does not count."""
    kept = benchmark("kept")
    list(kept.measured(["one"], plan, kept.Folder(tmp_path, {"cases": 1}), jobs=1))
    list(kept.measured(["one"], plan, kept.Folder(tmp_path, {"cases": 2}), jobs=1))
    assert counted == ["one", "one"]


def test_the_stamp_knows_plan_and_code(benchmark, plan, monkeypatch):
    """Numbers of cases, seeds and the code each make another stamp."""
    kept, other = benchmark("kept"), benchmark("experiments").Plan("evaluation", 2, 1, 3)
    before, same = kept.stamp_of(plan), kept.stamp_of(plan)
    assert before == same
    assert {name for name, value in kept.stamp_of(other).items() if value != before[name]} == {
        "purpose",
        "cases",
        "rival_cases",
        "processes",
    }
    monkeypatch.setattr(kept, "CODE", ("memmon/analysis",))
    assert kept.stamp_of(plan)["code"] != before["code"]


def test_a_part_is_written_between_its_marks_and_nothing_else(benchmark):
    """Only the parts that are given change; what stands outside the marks stays."""
    page = benchmark("page")
    text = "a\n<!-- benchmark: one -->\nold\n<!-- end of benchmark -->\nb\n<!-- benchmark: two -->\nold\n<!-- end of benchmark -->\nc\n"
    now = page.with_parts(text, {"two": "new | table"})
    assert now == text.replace("two -->\nold\n", "two -->\n\nnew | table\n\n")
    assert page.with_parts(now, {"two": "new | table"}) == now


@pytest.mark.parametrize("times", [0, 2])
def test_a_part_without_one_place_is_refused(benchmark, times):
    """A page that has no place for a part, or two, is not written."""
    text = "<!-- benchmark: one -->\n<!-- end of benchmark -->\n" * times
    with pytest.raises(ValueError, match="one is needed"):
        benchmark("page").with_parts(text, {"one": "table"})


def test_the_page_has_each_part_filled(benchmark):
    """The page has a place for every part and for all in short, with what was measured on which commit in it."""
    page, tables = benchmark("page"), benchmark("tables")
    text = page.PAGE.read_text(encoding="utf-8")
    assert sorted(page.places(text)) == sorted(("short", *tables.PARTS))
    for found in page.PLACE.finditer(text):
        assert "\nMeasured at `" in found[0], found[2]
    for table in tables.TABLES:
        assert f"\n#### {table.title}\n" in text


def test_each_piece_is_told_and_each_table_can_be(benchmark):
    """Tables and lines in short ask only for pieces that are measured, and every piece is in a table."""
    tables, short, pieces = (benchmark(name) for name in ("tables", "short", "pieces"))
    asked = {name for table in tables.TABLES for name in table.pieces}
    assert asked == set(pieces.PIECES)
    assert {name for _, names, _ in short.ROWS for name in names} <= asked


def test_what_is_not_at_hand_is_said(benchmark):
    """A table of recordings that are not there says that it was skipped; in short it is not at hand."""
    tables, short, pieces = (benchmark(name) for name in ("tables", "short", "pieces"))
    known = dict.fromkeys(pieces.PIECES, pieces.MISSING)
    assert all("Skipped" in table.text(known) for table in tables.TABLES)
    assert short.table(known).count("not at hand") == len(short.ROWS)


def test_alarms_are_right_where_memory_leaks_at_the_threshold(benchmark):
    """Of the alarms of a confidence those on leaks at the threshold or more are right, those on slower ones and without a leak are not."""
    writers, pieces, sureness = (benchmark(name) for name in ("writers", "pieces", "sureness"))
    rate = benchmark("rates").Rate
    high, low_end = sureness.alarms_of("high"), sureness.lower_ends_of("high")
    counts = {"free": 1, "slow": 2, "linear": 9, "late": 8}
    known = {}
    for piece in writers.SURE:
        hits = counts.get(piece, 0)
        known[piece] = pieces.packed(
            {
                (high, 24.0, "white"): rate(hits, 10),
                (high, 168.0, "white"): rate(10, 10),
                (sureness.alarms_of("low"), 24.0, "white"): rate(5, 10),
                (low_end, 24.0, "white"): rate(hits // 2, hits),
            }
        )
    assert writers.right_of(known, "high").pair == (17, 20)
    assert writers.right_of(known, "high", 6.0).pair == (0, 0)
    assert writers.right_lower_ends(known, "high").pair == (9, 20)
    row = next(line for line in writers.sure(known).splitlines() if line.startswith("| high"))
    assert row.split(" | ")[1:3] == ["-", "85.0 (64.0-94.8)"]
    assert row.endswith("| 20 |")


def test_the_confidence_of_each_alarm_is_counted_beside_it(benchmark):
    """Alarms of the three confidences are all of memmon's alarms, and lower ends are those of leaks of known rate."""
    experiments, sureness = benchmark("experiments"), benchmark("sureness")
    plan = experiments.Plan("tuning", 2, 0, 1, horizons=(24.0,))
    for shape, is_known in (("linear", True), ("late", False)):
        rates = experiments.leaks(plan, shape, (20.0,))
        told = {
            name: {c: one for (r, _, c), one in rates.items() if r == name} for name in {r for r, *_ in rates}
        }
        of_each = [told[sureness.alarms_of(one)] for one in sureness.CONFIDENCES]
        for name, alarms in told["memmon"].items():
            assert sum(of[name].hits for of in of_each) == alarms.hits
            assert {of[name].count for of in of_each} == {alarms.count}
        ends = [one for name, one in told.items() if "lower ends" in name]
        assert bool(ends) is is_known
        assert {c for of in ends for c in of} <= set(benchmark("simulator").SLOPE_IS_TRUE)


@pytest.mark.parametrize(
    ("low", "true", "expected"), [(19.0, 20.0, True), (21.0, 20.0, False), (1.0, 0.0, False)]
)
def test_a_lower_end_is_right_where_the_leak_is_no_slower(benchmark, low, true, expected):
    """An interval that begins above the true rate claims too much; where nobody knows the rate nothing is counted."""
    sureness = benchmark("sureness")
    opinion = benchmark("rivals").Opinion(True, low, 50.0, "leaking", "high")
    assert sureness.of(opinion, true)[sureness.lower_ends_of("high")] is expected
    assert sureness.lower_ends_of("high") not in sureness.of(opinion, None)


def test_a_part_of_the_warm_up_comes_with_each_restart(benchmark):
    """Runs that are long enough end at one level, and those after the first begin between it and the first one's start."""
    fillings, looked_at = benchmark("fillings"), 0
    for index in range(20):
        track = fillings.filling_case(fillings.RESTARTING, index, "tuning")
        starts = np.flatnonzero(np.diff(track.run, prepend=-1))
        ends = np.append(starts[1:] - 1, track.hours.size - 1)
        levels = track.mb[ends[track.uptime[ends] > 11]]
        noise = np.std(np.diff(track.mb[track.uptime > 10])) * 6 + 1 if levels.size else np.inf
        looked_at += levels.size > 1
        assert levels.size < 2 or np.ptp(levels) < 2 * noise
        assert track.mb[starts[1:]].min() > track.mb[0] - noise
    assert looked_at > 5


def test_a_swapped_leak_does_not_show_in_resident_memory(benchmark):
    """From a quarter of its history on such a leak is seen in the footprint alone."""
    swapped = benchmark("swapped")
    history = swapped.leaking("white", 24.0, 0, "tuning")
    late = history.uptime_seconds > 6.5 * 3600
    assert np.ptp(history.rss_bytes[late]) < 1
    assert np.ptp(history.footprint_bytes[late]) > 15 * 20 * MIB


def test_leaks_that_pause_do_so_in_the_stretches_that_are_looked_at(benchmark, plan):
    """Over the weekend that it is asked in neither leak grows as it does in the week: a quarter of whose hours these are."""
    pauses, calendars = benchmark("pauses"), benchmark("calendars")
    for track in (
        calendars.office_leak(0, "tuning", background="white"),
        pauses.by_work("white", 0, plan),
    ):
        monday = track.hours + calendars.OPEN - track.leak_hours
        for first, last in pauses.STRETCHES["the first weekend"]:
            before, after = (track.mb[np.abs(monday - at) < 2].mean() for at in (first + 4, last - 4))
            week = track.mb[np.abs(monday - 168) < 2].mean() - track.mb[:12].mean()
            assert abs(after - before) < 0.1 * week


def test_a_registered_container_is_the_same_memory_and_is_told_as_filling(benchmark):
    """A case whose container is registered is that case, with what it holds and its bound known; while it fills, that is said."""
    fillings, experiments, pieces = (benchmark(name) for name in ("fillings", "experiments", "pieces"))
    for name in fillings.REGISTERED:
        bare, known = (make(name, 1, "tuning") for make in (fillings.filling_case, fillings.registered_case))
        assert bare.mb.tolist() == known.mb.tolist()
        assert bare.deque_mb is None
        assert (known.capacity_mb >= known.deque_mb).all()
        assert 0 < fillings.filled_at_hours(known) < fillings.HOURS
    said = pieces.PIECES["fills, registered: long_lru"].measure(experiments.Plan("tuning", 3, 0, 1))
    assert [is_alarm for is_alarm, _, _ in said] == [False] * 8
    assert sum(count for _, count, _ in said) > 0.7 * sum(of for _, _, of in said) > 0


def test_a_mended_leak_grows_no_more_and_is_resolved(benchmark, plan):
    """From the moment at which it is mended a leak is level, and two checks in a row say something else within a week."""
    mended, calendars = benchmark("mended"), benchmark("calendars")
    for kind, leak in mended.KINDS.items():
        at = mended.mended_at(kind, "white", 0, plan)
        track = leak("white", 0, plan, at)
        monday = track.hours + calendars.OPEN - track.leak_hours
        noise = 6 * np.std(np.diff(track.mb[monday > at + 1])) + 1
        assert np.ptp(track.mb[monday > at + 1]) < noise
        assert track.mb[monday > at].mean() > track.mb[:12].mean() + 20 * 8
        after = mended.resolved_after(track.history(), calendars.OPEN - track.leak_hours, at)
        assert after is not None
        assert 0 < after < mended.FOLLOWED_HOURS


def test_a_weekend_has_hardly_any_hours_of_work(benchmark):
    """Hours of work are those from 9 to 17 on five days."""
    worked = benchmark("mended").worked_between
    assert worked(*benchmark("mended").WEEKEND) == pytest.approx(0.0, abs=0.11)
    assert worked(0.0, 168.0) == pytest.approx(40.0, abs=0.11)
    assert worked(2 * 24.0 + 13, 3 * 24.0 + 11) == pytest.approx(6.0, abs=0.11)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["leaking"] * 4, False),
        (["leaking", "stable", "leaking"], False),
        (["leaking", "stable", "cannot_say", "leaking"], True),
    ],
)
def test_what_pauses_is_called_ended_by_two_checks_in_a_row(benchmark, words, expected):
    """One check that says something else ends nothing, as it ends no alarm."""
    assert benchmark("mended").is_called_ended(words) is expected
