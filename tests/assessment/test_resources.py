"""What else a process can run out of: threads and open files, from the assessment alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from assessed_values import START, history, run
from test_processes import beside, worker

from memmon.analysis.cause.split_finding import CauseSeries
from memmon.analysis.resources.finding import ResourceState
from memmon.assessment.assess import assess
from memmon.assessment.check_state import CheckState, check_state
from memmon.assessment.kept import KeptAssessment, read_kept, record_of
from memmon.assessment.present import GrowthReadings, Present
from memmon.assessment.resource import Resource
from memmon.assessment.severity import Severity
from memmon.store.read import AssessmentRow

NOTHING = GrowthReadings()


def counted(mb_per_hour=0.0, *, files=0.0, threads=0.0, hours=24.0, from_files=40.0):
    found = history(mb_per_hour, hours=hours)
    at = (found.at_seconds - found.at_seconds[0]) / 3600
    return replace(
        found, fd_count=from_files + np.floor(files * at), thread_count=12 + np.floor(threads * at)
    )


def named(assessed, name):
    return next(one for one in assessed.resources if one.name == name)


def limits(found, limit_count=1024):
    return Present(file_limits=dict.fromkeys({int(one) for one in found.run_id}, limit_count))


def test_open_files_that_grow_are_told_with_their_limit_and_when_it_is_reached():
    """Count, limit, pace and time left: (limit - count) over the pace, its ends from the ends of the interval."""
    found = counted(files=6.0, from_files=668.0)
    files = named(assess(found, present=limits(found)), "open_files")
    assert (files.count, files.limit_count, files.state) == (812, 1024, ResourceState.GROWING)
    assert files.slope_per_hour == pytest.approx(6.0, rel=0.01)
    assert files.hours_to_limit == pytest.approx(212 / files.slope_per_hour)
    assert files.hours_to_limit_low <= files.hours_to_limit <= files.hours_to_limit_high
    assert abs(files.since - START) < timedelta(hours=2)


def test_a_limit_that_is_not_known_dates_nothing():
    """Without a limit there is no time left, and threads have none."""
    found = counted(files=6.0, threads=1.0)
    assessed = assess(found)
    files, threads = named(assessed, "open_files"), named(assess(found, present=limits(found)), "threads")
    assert (files.limit_count, files.hours_to_limit) == (None, None)
    assert (threads.limit_count, threads.hours_to_limit, threads.is_growing) == (None, None, True)


def test_what_does_not_grow_has_no_date():
    """A steady count near its limit has no time left, and makes nothing urgent."""
    found = counted(from_files=1000.0)
    assessed = assess(found, present=limits(found))
    files = named(assessed, "open_files")
    assert (files.state, files.hours_to_limit, assessed.severity) == ("steady", None, Severity.OK)


def test_what_was_never_counted_is_not_told():
    """Rows of older versions, and imports, know neither: nothing is claimed."""
    assert assess(history(hours=24.0)).resources == ()
    young = assess(counted(files=30.0, hours=6.0))
    assert {one.state for one in young.resources} == {ResourceState.CANNOT_SAY}
    assert young.severity is Severity.OK


@pytest.mark.parametrize(
    ("files", "begin", "severity", "code"),
    [
        (6.0, 40.0, Severity.NOTICE, CheckState.OK),
        (6.0, 668.0, Severity.NOTICE, CheckState.OK),
        (30.0, 40.0, Severity.CRITICAL, CheckState.CRITICAL),
        (0.0, 1020.0, Severity.OK, CheckState.OK),
    ],
)
def test_how_urgent_growth_is(files, begin, severity, code):
    """Growth is a notice; critical where the limit is surely reached within a day."""
    found = counted(files=files, from_files=begin)
    assessed = assess(found, present=limits(found))
    assert assessed.severity is severity
    assert check_state(assessed)[0] is code


def test_a_date_that_is_not_sure_is_a_warning():
    """Where the date lies within the day and its interval reaches beyond it, the severity is a warning."""
    found = counted(files=6.0)
    assessed = assess(found)
    near = Resource(
        name="open_files", count=900, state="growing", limit_count=1024, slope_per_hour=6.0,
        slope_low_per_hour=5.0, slope_high_per_hour=7.0, hours_to_limit=20.0, hours_to_limit_low=17.0,
        hours_to_limit_high=25.0,
    )  # fmt: skip
    urgent = replace(assessed, resources=(near,), severity=Severity.WARNING)
    assert check_state(urgent)[0] is CheckState.WARNING
    with pytest.raises(AssertionError, match="severity"):
        replace(assessed, resources=(near,), severity=Severity.NOTICE)


def test_growth_is_told_in_the_headline_and_the_advice_and_nothing_else_is():
    """One clause and one sentence with a ready command where it grows; steady counts are in neither."""
    found = counted(files=6.0, from_files=668.0)
    assessed = assess(found, present=limits(found))
    assert "; open files grow by 6.0 an hour since 2026-03-01 " in assessed.headline
    assert ": 812 of 1,024, used up in about 35.3 h (" in assessed.headline
    assert "threads" not in assessed.headline
    assert [line for line in assessed.advice if "/fd" in line]
    steady = assess(counted())
    assert "files" not in steady.headline
    assert not [line for line in steady.advice if "/proc/" in line]


def test_a_program_that_has_ended_is_not_looked_into():
    """No command is given that looks into a process that is gone."""
    found = counted(files=6.0)
    ended = replace(limits(found), runs=(run(last_at=found.last_at, end_reason="stopped"),))
    assessed = assess(found, present=ended, now=found.last_at + timedelta(hours=2))
    assert named(assessed, "open_files").is_growing
    assert not [line for line in assessed.advice if "/proc/" in line]


def test_what_grows_beside_a_leak_is_a_hint_at_its_cause():
    """A leak's culprits name what grows at the same time, as evidence; without a leak, or where only memory grows, nothing is hinted."""
    said = []
    for found in (counted(25.0, files=6.0), counted(25.0), counted(0.0, files=6.0)):
        counters = CauseSeries.from_columns((found.at_seconds - found.at_seconds[0]) / 3600, {})
        present = Present(growth=replace(NOTHING, counters=(counters,)))
        culprits = assess(found, present=present).culprits
        said.append([] if culprits is None else [one for one in culprits.sentences if "open files" in one])
    assert [len(one) for one in said] == [1, 0, 0]
    assert "evidence, not proof" in said[0][0]


def test_of_processes_side_by_side_the_worst_of_each_resource_is_told_by_its_pid():
    """Files grow in one process, threads in another, memory in a third: each is told of where it grows, never a sum."""
    found = beside(worker(0), worker(1), worker(2, 25.0))
    hours = (found.at_seconds - found.at_seconds.min()) / 3600
    number = found.run_id
    files = 50 + np.where(number == 0, np.floor(6.0 * hours), 100.0 * (number == 2))
    threads = 10 + np.where(number == 1, np.floor(1.0 * hours), 30.0 * (number == 2))
    assessed = assess(replace(found, fd_count=files, thread_count=threads))
    assert [(one.name, one.pid, one.is_growing) for one in assessed.resources] == [
        ("threads", 501, True),
        ("open_files", 500, True),
    ]
    assert assessed.process_of(assessed.finding_run_id).pid == 502
    assert "open files grow by 6.0 an hour" in assessed.headline
    assert "in pid 500: " in assessed.headline
    steady = assess(replace(found, fd_count=50 + 100.0 * (number == 2), thread_count=None))
    assert [(one.pid, one.count) for one in steady.resources] == [(502, 150)]


def test_resources_are_kept_and_read_back():
    """What an hourly check keeps of resources is what it found; an assessment of before they were gathered has none."""
    found = counted(files=6.0)
    assessed = assess(found, present=limits(found))
    record = record_of(assessed, writer="child")
    row = AssessmentRow(
        source_id=1, begun_at=None, **{name: getattr(record, name) for name in record.__slots__}
    )
    assert read_kept(row).resources == assessed.resources
    older = {name: value for name, value in json.loads(record.data).items() if name != "resources"}
    assert msgspec.convert(older, KeptAssessment).resources == ()
