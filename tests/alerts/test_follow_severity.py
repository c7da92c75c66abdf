"""The alerts on growth follow the one severity of the source: an error only for what will happen."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from alert_kit import START

from memmon.alerts.conditions import forecast, leak
from memmon.alerts.findings import Leak
from memmon.alerts.policy import AlertPolicy
from memmon.alerts.present import PresentState
from memmon.facts.severity import Severity
from memmon.facts.verdicts import Verdict


def ahead(hours, *, state="reaching", latest=None, ends_above_limit=False):
    return SimpleNamespace(
        state=state,
        level=0.8,
        hours_to_limit=hours,
        hours_to_limit_low=hours,
        hours_to_limit_high=latest or hours,
        ends_above_limit=ends_above_limit,
        slope_mb_per_hour=20.0,
        limit_bytes=2**30,
        current_bytes=2**29,
    )


def present(verdict="leaking", *, confidence="high", **known):
    found = Leak(
        verdict=Verdict(verdict), is_leak=verdict == "leaking", confidence=confidence, duration_hours=24.0
    )
    return PresentState(at=START + timedelta(days=1), source="bot", leak=found, **known)


@pytest.mark.parametrize(
    ("severity", "told"),
    [(None, "warning"), (Severity.WARNING, "warning"), (Severity.CRITICAL, "error")],
)
def test_an_alert_on_growth_is_an_error_where_the_source_is_critical(severity, told):
    """Leak and forecast are warnings, however near a date, until the source's severity is critical."""
    seen = leak(present(is_leak_confirmed=True, forecast=ahead(30.0), severity=severity), AlertPolicy())
    assert (seen.level, seen.severity) == ("active", told)
    slow = forecast(present("growing", forecast=ahead(30.0), severity=severity), AlertPolicy())
    assert (slow.level, slow.severity) == ("active", told)


@pytest.mark.parametrize(
    ("confidence", "level"), [("low", "between"), ("medium", "active"), ("high", "active")]
)
def test_a_leak_of_low_confidence_is_not_told(confidence, level):
    """What the check an hour before agrees with is told from medium confidence on; less neither begins nor ends it."""
    seen = leak(present(confidence=confidence, is_leak_confirmed=True), AlertPolicy())
    assert seen.level == level


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        ("growing", "active"),
        ("stable", "active"),
        ("saturating", "clear"),
        ("filling", "clear"),
        ("cannot_say", "between"),
    ],
)
def test_growth_that_ends_by_itself_is_no_alert(verdict, level):
    """A date is told of growth that goes on; not of one that levels off, nor while nothing can be said."""
    assert forecast(present(verdict, forecast=ahead(10.0)), AlertPolicy()).level == level


def test_a_level_above_the_limit_is_told():
    """Growth that levels off above the limit for sure reaches it like any other."""
    near = ahead(10.0, ends_above_limit=True)
    assert forecast(present("saturating", forecast=near), AlertPolicy()).level == "active"


@pytest.mark.parametrize(
    ("known", "hours", "latest", "level"),
    [
        ({}, 7.5, 9.0, "active"),
        ({"is_leak_confirmed": True}, 7.5, 9.0, "between"),
        ({"is_leak_confirmed": True, "confidence": "low"}, 7.5, 9.0, "active"),
        ({}, 20.0, 30.0, "clear"),
        ({}, 200.0, 300.0, "clear"),
    ],
)
def test_a_limit_surely_near_waits_for_no_second_look(known, hours, latest, level):
    """While the leak's own alert waits for the next check, a limit that is surely reached within a day is told at once."""
    seen = forecast(present(forecast=ahead(hours, latest=latest), **known), AlertPolicy())
    assert seen.level == level


@pytest.mark.parametrize("state", ["reaching", "dated", "over_limit", "reached"])
def test_a_date_counts_by_its_hours(state):
    """A forecast with hours to the limit dates it, whatever that state is called; one that can't say does not."""
    assert forecast(present("growing", forecast=ahead(10.0, state=state)), AlertPolicy()).level == "active"
    assert forecast(present("growing", forecast=ahead(10.0, state="cannot_say")), AlertPolicy()) is None
