"""The assessment of plain values: pure, whole where everything is known, and free of contradictions."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta

import numpy as np
import pytest
from assessed_values import START, history, run
from hypothesis import given, settings
from hypothesis import strategies as st
from report_values import finding

from memmon.analysis.cause.attribution_finding import AttributionSeries
from memmon.analysis.cause.split_finding import CauseSeries
from memmon.assessment.assess import assess, assess_finding
from memmon.assessment.assessment import Assessment
from memmon.assessment.limits import Limit
from memmon.assessment.present import GrowthReadings, Present
from memmon.assessment.severity import Severity
from memmon.history import History
from memmon.model import DequeReading
from memmon.units import MIB

LEAKS = history(20.0)
LIMIT = Limit(limit_bytes=2048 * MIB, used_bytes=1024 * MIB, origin="cgroup v2 /x")
FIELDS = (
    "source at freshness rss_bytes footprint_bytes charged_bytes limit_bytes limit_origin limit_share held_elsewhere_bytes "
    "elsewhere_slope_mb_per_hour finding "
    "forecast pace culprits cause deques processes resources alerts severity waits_for ready_at headline advice "
    "is_sum_exact finding_run_id limited_run_id before_restart since_release release_before grown"
)


def test_the_fields_are_those_that_were_agreed():
    """An assessment has the fields that others rely on, in their order, and can't be changed."""
    assert [field.name for field in fields(Assessment)] == FIELDS.split()
    assessed = assess(LEAKS)
    with pytest.raises(FrozenInstanceError):
        assessed.source = "other"  # type: ignore[misc]


def test_a_leak_towards_a_limit_is_told_in_one_value():
    """Verdict, what counts, share, date and severity stand beside each other and are of one history."""
    now = START + timedelta(hours=30, minutes=2)
    present = Present(runs=(run(last_at=START + timedelta(hours=30)),), rss_bytes=900 * MIB, limit=LIMIT)
    assessed = assess(LEAKS, present=present, now=now)
    assert (assessed.source, assessed.at) == ("bot", now)
    assert assessed.finding.verdict == "leaking"
    assert assessed.rss_bytes == 900 * MIB
    assert (assessed.charged_bytes, assessed.limit_bytes) == (1024 * MIB, 2048 * MIB)
    assert assessed.limit_share == assessed.used_percent / 100 == 0.5
    assert assessed.forecast.hours_to_limit == pytest.approx((2048 - 1024) / 20, rel=0.1)
    assert assessed.forecast.limit_bytes == assessed.limit_bytes
    assert assessed.footprint_bytes == int(LEAKS.footprint_bytes[-1])
    assert assessed.rss_at_limit_bytes == 1924 * MIB
    assert (assessed.freshness.state, assessed.freshness.age_seconds) == ("live", 120.0)
    assert assessed.severity is Severity.WARNING
    assert assessed.footprint_bytes == int(LEAKS.footprint_bytes[-1])


def test_from_a_history_alone_what_is_not_known_is_none():
    """Without present readings there is a verdict, and neither limit nor forecast nor freshness."""
    assessed = assess(LEAKS)
    assert assessed.finding.is_leak
    assert assessed.rss_bytes == int(LEAKS.rss_bytes[-1])
    assert assessed.at == LEAKS.last_at
    unknown = ("freshness", "limit_bytes", "charged_bytes", "limit_share", "forecast", "cause", "culprits")
    assert [name for name in unknown if getattr(assessed, name) is not None] == []


def test_an_empty_history_is_assessed_too():
    """Nothing recorded is no error: the verdict cannot be given, and no memory is known."""
    assessed = assess(History.from_arrays(at_seconds=[], rss_bytes=[]), present=Present(limit=LIMIT))
    assert assessed.finding.verdict == "cannot_say"
    assert (assessed.at, assessed.rss_bytes, assessed.forecast) == (None, None, None)


def test_without_the_forecast_no_severity_is_claimed():
    """Where the date of the limit was not asked for, the severity is unknown, not ok."""
    flat = finding(verdict="stable")
    asked = assess_finding(LEAKS, flat, present=Present(limit=LIMIT), is_brief=True)
    assert (asked.forecast, asked.severity) == (None, None)
    assert assess_finding(LEAKS, flat).severity is Severity.OK


def growth(*, mb=100.0, deque_share=1.0, unbounded=("q",)):
    """Return the readings of a growth, of which a part is a deque's."""
    at_hours = np.arange(289) / 12
    rise = mb * MIB * at_hours / at_hours[-1]
    noise = np.random.default_rng(2).normal(0, 0.1 * MIB, at_hours.size)
    counters = {
        "rss_bytes": 300 * MIB + rise + noise,
        "rss_anon_bytes": 250 * MIB + rise + noise,
        "rss_file_bytes": np.full(289, 50.0 * MIB),
        "rss_shmem_bytes": np.zeros(289),
        "heap_used_bytes": 100 * MIB + rise,
        "heap_mmap_bytes": np.zeros(289),
        "python_block_count": np.full(289, 9e5),
    }
    parts = {"q": 1000.0 + deque_share * rise}
    return GrowthReadings(
        counters=(CauseSeries.from_columns(at_hours, counters),),
        parts=(AttributionSeries.from_arrays(at_hours, counters["rss_bytes"], parts),),
        unbounded_names=unbounded,
    )


def test_growth_is_explained_and_says_what_to_do():
    """What grew and whose it is stand in the value; a guilty deque without a bound is advised to get one."""
    leak = finding(verdict="leaking", is_leak=True, confidence="high")
    assessed = assess_finding(LEAKS, leak, present=Present(growth=growth()))
    assert assessed.cause.cause == "native"
    assert [one.name for one in assessed.culprits.parts] == ["q", "unexplained"]
    assert assessed.culprits.parts[0].share == pytest.approx(1.0, abs=0.03)
    assert assessed.advice[0].startswith("Give q a maxlen")
    bounded = assess_finding(LEAKS, leak, present=Present(growth=growth(unbounded=())))
    assert not any("maxlen" in sentence for sentence in bounded.advice)


def test_what_did_not_grow_is_not_explained():
    """A stable history has no cause; one that can't be judged has one from 5 MB of growth on."""
    stable, unsure = finding(verdict="stable"), finding(verdict="cannot_say")
    assert assess_finding(LEAKS, stable, present=Present(growth=growth())).cause is None
    for mb, is_explained in ((4.0, False), (6.0, True)):
        grown = replace(unsure, growth_mb=mb)
        cause = assess_finding(LEAKS, grown, present=Present(growth=growth(mb=mb))).cause
        assert (cause is not None) == is_explained
    fallen = finding(verdict="leaking", growth_mb=-1.0)
    assert assess_finding(LEAKS, fallen, present=Present(growth=growth())).cause is None


@pytest.mark.parametrize("claimed", [0.3, 0.98, 1.1, 3.0])
def test_all_shares_are_of_one_growth(claimed):
    """Cause, culprits and their sentences are parts of the finding's growth, whatever is claimed; none above it."""
    leak = finding(verdict="leaking", is_leak=True, growth_mb=122.0)
    assessed = assess_finding(LEAKS, leak, present=Present(growth=growth(deque_share=claimed)))
    assert assessed.cause.growth_bytes == pytest.approx(122.0 * MIB)
    assert sum(part.growth_bytes for part in assessed.cause.parts) == pytest.approx(122.0 * MIB)
    assert assessed.cause.summary.startswith("Of 122.0 MB growth")
    assert assessed.culprits.sentences[0].startswith("Of 122.0 MB growth")
    parts = assessed.culprits.parts
    assert sum(part.growth_bytes for part in parts) == pytest.approx(122.0 * MIB)
    assert sum(part.share for part in parts) == pytest.approx(1.0)
    assert all(part.share == pytest.approx(part.growth_bytes / (122.0 * MIB)) for part in parts)
    assert all(0.0 <= part.share <= 1.0 for part in parts)
    assert parts[0].share == pytest.approx(min(claimed, 1.0), abs=0.05)


def test_counters_that_do_not_show_the_growth_name_no_cause():
    """Where pages and allocators rose by 4 MB of 122, the rest is not put down to what those 4 are."""
    leak = finding(verdict="leaking", is_leak=True, growth_mb=122.0)
    assert assess_finding(LEAKS, leak, present=Present(growth=growth(mb=4.0))).cause.cause == "unknown"


def test_it_is_plain_json():
    """`to_dict` has every field, and JSON can hold it."""
    present = Present(
        runs=(run(last_at=START + timedelta(hours=30)),),
        limit=LIMIT,
        growth=growth(),
        deques=(DequeReading(name="q", length_count=1, maxlen_count=None),),
    )
    plain = assess(LEAKS, present=present, now=START + timedelta(hours=31)).to_dict()
    assert list(plain) == FIELDS.split()
    read = json.loads(json.dumps(plain, allow_nan=False))
    assert read["severity"] == "warning"
    assert read["freshness"]["state"] == "silent"
    assert read["deques"][0]["maxlen_count"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"limit_share": 0.9},
        {"limit_bytes": None},
        {"limit_origin": None},
        {"severity": Severity.OK},
        {"at": START.replace(tzinfo=None)},
    ],
)
def test_what_contradicts_itself_cannot_be_built(change):
    """A share of other figures, a limit from nowhere, another severity and a naive time are refused."""
    assessed = assess(LEAKS, present=Present(limit=LIMIT))
    with pytest.raises(AssertionError):
        replace(assessed, **change)


@settings(max_examples=25, deadline=None)
@given(
    mb_per_hour=st.sampled_from([-5.0, 0.0, 3.0, 15.0, 60.0]),
    hours=st.floats(0.1, 40.0),
    limit_mb=st.integers(1, 4000),
    used_mb=st.integers(0, 4000),
    late_hours=st.floats(-50.0, 50.0),
)
def test_any_history_and_limit_give_a_whole_value(mb_per_hour, hours, limit_mb, used_mb, late_hours):
    """Whatever the growth, the limit and the clock are: it is built, the same again, and holds its own rules."""
    seen = history(mb_per_hour, hours=hours)
    limit = Limit(limit_bytes=limit_mb * MIB, used_bytes=used_mb * MIB, origin="host")
    present = Present(runs=(run(last_at=seen.last_at),), limit=limit)
    now = seen.last_at + timedelta(hours=late_hours)
    assessed = assess(seen, present=present, now=now)
    assert assessed.severity is not None
    assert assessed.freshness.age_seconds >= 0
    assert assessed.used_percent == pytest.approx(100 * used_mb / limit_mb)
    assert assess(seen, present=present, now=now) == assessed
