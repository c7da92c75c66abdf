"""What is going on in plain words: every sentence is that of a field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from assessed_values import START, forecast, history, run

from memmon.analysis.forecast.wording import describe
from memmon.assessment.advice import advice_of
from memmon.assessment.assess import assess
from memmon.assessment.culprits import Culprit, Culprits
from memmon.assessment.freshness import Freshness, FreshnessState
from memmon.assessment.headline import headline_of
from memmon.assessment.limits import Limit
from memmon.assessment.plainly import day_and_time, plainly, told_growth
from memmon.assessment.present import Present
from memmon.assessment.releases import release_before, release_of
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time, rate
from memmon.model import DequeReading
from memmon.report.forecast_section import forecast_section
from memmon.report.words import growth_words
from memmon.units import MIB

LEAKS = history(20.0)
LIMIT = Limit(limit_bytes=2048 * MIB, used_bytes=1024 * MIB, origin="cgroup v2 /x")
CACHE = Culprits(
    parts=(
        Culprit(name="order_cache", growth_bytes=8e7, share=0.8),
        Culprit(name="unexplained", growth_bytes=2e7, share=0.2),
    ),
    sentences=(),
)


LEAK = assess(LEAKS, present=Present(limit=LIMIT))


def leaking(**known):
    return replace(LEAK, severity=None, **known)


def dated(hours, low, high):
    at = START + timedelta(hours=30)
    moments = [None if ahead is None else at + timedelta(hours=ahead) for ahead in (hours, low, high)]
    return replace(forecast(hours, low, high), as_of=at, at=moments[0], at_low=moments[1], at_high=moments[2])


def test_a_leak_is_told_by_what_it_does_whose_it_is_and_when_it_ends():
    """How fast, since when and with which release; who holds it; which limit is reached and when, with the interval."""
    found = leaking(culprits=CACHE, since_release="1.8.1", forecast=dated(40.0, 35.5, 41.2))
    since = day_and_time(found.finding.since, now=found.at, tz=UTC)
    assert plainly(found, tz=UTC) == (
        f"Leaking {rate(found.finding.slope_mb_per_hour)} since {since}, with release 1.8.1.",
        "order_cache holds 80 % of the growth.",
        "The container's limit, 2,048 MB, is reached in about 40.0 h, on Tuesday 3 March 22:00 (17:30 to 23:12).",
    )


def test_deques_that_fill_are_told_by_what_is_seen_to_grow_and_when_they_are_full():
    """Not the rate of what is left beside them: resident memory's, as in the picture, and where it ends."""
    filling = replace(
        LEAK.finding,
        verdict=Verdict.FILLING,
        is_leak=False,
        slope_mb_per_hour=4.8,
        rss_slope_mb_per_hour=12.05,
    )
    later = replace(forecast(state="never"), deques_full_hours=28.0, plateau_bytes=1121 * MIB)
    what, *others = plainly(leaking(finding=filling, forecast=later), tz=UTC)
    assert what.startswith("No leak: bounded containers are still filling, 12.05 MB/hour since ")
    assert "The containers are full in about 28.0 h, at about 1,121 MB." in others
    moment = replace(later, as_of=START)
    when = day_and_time(START + timedelta(hours=28), now=LEAK.at, tz=UTC)
    told = f"The containers are full in about 28.0 h, on {when}, at about 1,121 MB."
    assert told in plainly(leaking(finding=filling, forecast=moment), tz=UTC)
    assert told_growth(replace(filling, rss_slope_mb_per_hour=None))[0] == 4.8
    assert told_growth(LEAK.finding)[1] == LEAK.finding.slope_low_mb_per_hour


def test_mapped_files_are_told_by_how_resident_memory_grows():
    """The footprint stands still while they grow: its rate is not how they do."""
    mapped = replace(
        LEAK.finding,
        verdict=Verdict.MAPPED_FILES,
        is_leak=False,
        slope_mb_per_hour=-0.01,
        rss_slope_mb_per_hour=14.03,
    )
    said = plainly(leaking(finding=mapped, forecast=forecast(state="never")), tz=UTC)[0]
    assert said.startswith("No leak: mapped files grow 14.03 MB/hour since ")


@pytest.mark.parametrize(
    ("state", "end_reason", "later_hours"),
    [("ended_badly", "oom", 3.0), ("ended", "stopped", 3.0), ("silent", None, 72.0)],
)
def test_what_has_ended_reaches_no_limit(state, end_reason, later_hours):
    """A date that can't come any more is told as one that would have: page and headline; no restart before it is advised."""
    near = dated(11.2, 10.2, 11.3)
    at = near.as_of + timedelta(hours=later_hours)
    fresh = Freshness(
        state=FreshnessState(state),
        last_at=near.as_of,
        age_seconds=later_hours * 3600,
        interval_seconds=300.0,
        is_stale=state != "ended",
        end_reason=end_reason,
    )
    found = leaking(forecast=near, freshness=fresh, at=at).rated()
    told = "2,048 MB, would have been reached about 11.2 h after the last sample, on "
    assert any(told in one for one in plainly(found, tz=UTC))
    assert "would have been reached about 11.2 h after the last sample" in headline_of(found)
    assert not any("Restart it" in one for one in advice_of(found))
    assert any("(stopped)" in one for one in plainly(found, tz=UTC)) == (state == "ended")
    section = forecast_section(found)
    assert any("would have come" in one for one in section.details)
    assert forecast_section(leaking(forecast=near)).details == near.details


def test_a_silent_source_may_still_reach_its_limit():
    """While the date lies ahead nobody knows that it is over."""
    near = dated(40.0, 35.5, 41.2)
    fresh = Freshness(
        state=FreshnessState.SILENT,
        last_at=near.as_of,
        age_seconds=3600.0,
        interval_seconds=300.0,
        is_stale=True,
    )
    found = leaking(forecast=near, freshness=fresh, at=near.as_of + timedelta(hours=1))
    assert any("is reached in about 40.0 h" in one for one in plainly(found, tz=UTC))


def test_what_is_swapped_out_is_said_beside_the_rate():
    """Resident memory is what people see: that it stands still while memory leaks needs a word."""
    swapped = replace(LEAK.finding, resident_clause="resident memory stands still: 840 MB are swapped out")
    assert "Resident memory stands still: 840 MB are swapped out." in plainly(
        leaking(finding=swapped), tz=UTC
    )


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ((40.0, 35.5, 41.2), "on Tuesday 3 March 22:00 (17:30 to 23:12)"),
        ((44.5, 35.5, 45.0), "on Wednesday 4 March 02:30 (Tuesday 17:30 to Wednesday 03:00)"),
        ((40.0, 35.5, 45.0), "on Tuesday 3 March 22:00 (17:30 to Wednesday 03:00)"),
        ((44.5, 35.5, 80.0), "on Wednesday 4 March 02:30 (Tuesday 17:30 to Thursday 14:00)"),
    ],
)
def test_no_end_of_an_interval_can_be_read_as_of_another_day(hours, told):
    """A time alone is of the day that was named last: where it is not, its day stands beside it."""
    assert any(told in one for one in plainly(leaking(forecast=dated(*hours)), tz=UTC))


def test_a_step_is_told_with_its_moment():
    """When it rose is what whoever looks for its cause needs first."""
    at = START + timedelta(hours=3)
    stepped = replace(LEAK.finding, verdict=Verdict.STEPPED, is_leak=False, since=at)
    when = day_and_time(at, now=LEAK.at, tz=UTC)
    said = plainly(leaking(finding=stepped), tz=UTC)[0]
    assert said == f"No leak: memory rose in a step on {when} and is level since."


def test_an_interval_without_an_end_says_or_later():
    """Where the latest moment lies beyond the horizon, none is claimed."""
    found = leaking(forecast=dated(40.0, 20.0, None))
    assert plainly(found, tz=UTC)[-1].endswith("on Tuesday 3 March 22:00 (02:00 or later).")


def test_who_holds_what_grew_is_said_even_where_nobody_knows():
    """Without a name the page says so, and does not fall silent."""
    assert "No owner is known by name." in plainly(leaking(), tz=UTC)
    rest = Culprits(parts=(CACHE.parts[1],), sentences=())
    assert "Nothing that is registered explains it." in plainly(leaking(culprits=rest), tz=UTC)


def test_growth_below_the_threshold_is_told_as_that():
    """What grows and is no leak says so in its first sentence; a leak does not."""
    base = leaking()
    found = replace(base, finding=replace(base.finding, verdict=Verdict.GROWING), forecast=None)
    said = plainly(found, tz=UTC)[0]
    grows = f"Growing, too slowly to count as a leak: {rate(base.finding.slope_mb_per_hour)} since "
    assert said.startswith(grows)
    assert said.endswith(" (a leak is 10.00 MB/hour or more).")
    assert "too slowly" not in plainly(base, tz=UTC)[0]


def test_growth_since_before_what_was_looked_at_has_no_beginning():
    """A beginning at the edge of a full look-back is told as that or earlier; one inside it, or of a short history, is not."""
    base = leaking()
    start, week = base.finding.window.start, base.finding.policy.look_back_hours

    def said(since, hours):
        window = replace(base.finding.window, end=start + timedelta(hours=hours))
        found = replace(base.finding, since=since, window=window)
        return plainly(replace(base, finding=found, forecast=None), tz=UTC)[0]

    assert " or earlier" in said(start, week)
    assert " or earlier" not in said(start + timedelta(hours=5), week)
    assert " or earlier" not in said(start, week / 2)


def test_what_is_waited_for_is_told_by_its_day_in_the_readers_zone():
    """The time from which more can be said reads as every other time of the sentences, whatever zone it was worked out in."""
    base = leaking()
    ready = base.at + timedelta(hours=5)
    written = local_time(ready, tz=timezone(timedelta(hours=-7)))
    waiting = replace(
        base,
        finding=replace(base.finding, verdict=Verdict.CANNOT_SAY),
        waits_for=f"3 of 24 samples: first verdict at about {written}",
        ready_at=ready,
    )
    tokyo = timezone(timedelta(hours=9))
    for zone in (UTC, tokyo):
        said = plainly(waiting, tz=zone)[0]
        is_today = ready.astimezone(zone).date() == base.at.astimezone(zone).date()
        told = f"{ready.astimezone(zone):%H:%M}" if is_today else day_and_time(ready, now=base.at, tz=zone)
        assert said.endswith(f": first verdict at about {told} (3 of 24 samples)."), said
    silent = replace(waiting, waits_for="3 of 24 samples: its run has ended", ready_at=None)
    assert plainly(silent, tz=UTC)[0].endswith(": 3 of 24 samples: its run has ended.")


def test_an_interval_over_midnight_says_whose_day_it_is():
    """Beside a date told in full, a time of another day has that day's name, and a far one its own date."""
    over = leaking(forecast=dated(40.0, 14.0, 43.0))
    assert plainly(over, tz=UTC)[-1].endswith("on Tuesday 3 March 22:00 (Monday 20:00 to Wednesday 01:00).")
    far = leaking(forecast=dated(400.0, 200.0, 600.0))
    assert plainly(far, tz=UTC)[-1].endswith(
        "on Wednesday 18 March 22:00 (Tuesday 10 March 14:00 to Friday 27 March 06:00)."
    )


def test_what_is_level_grows_towards_no_limit():
    """Beside a stable verdict the limit's use says that nothing grows towards it; beside growth elsewhere it does not."""
    level = replace(assess(history(), present=Present(limit=LIMIT)), severity=None)
    words = "50 % of the container's limit (2,048 MB) is used"
    assert plainly(level, tz=UTC) == (
        "No leak: memory is stable.",
        f"{words}, and nothing grows towards it.",
    )
    elsewhere = replace(level, elsewhere_slope_mb_per_hour=4.0)
    assert plainly(elsewhere, tz=UTC)[1] == f"{words}."


@pytest.mark.parametrize("ready_at", [None, START + timedelta(days=9)])
@pytest.mark.parametrize(("slope", "is_level"), [(0.0, True), (20.0, False)])
def test_what_does_not_grow_waits_for_no_date(monkeypatch, slope, is_level, ready_at):
    """Beside `nothing grows towards it` no face says that a date is to come; of what grows it does."""
    unsure = describe(replace(forecast(state="cannot_say"), ready_at=ready_at))
    monkeypatch.setattr("memmon.assessment.assess.forecast_of", lambda *_, **__: unsure)
    found = assess(history(slope), present=Present(limit=LIMIT))
    assert found.is_level == is_level
    said = (found.forecast.summary, *found.outlook)
    assert any("Cannot say yet when" in one for one in said) != is_level
    assert any("Nothing grows towards the limit of 1,024 MB" in one for one in said) == is_level
    assert any("for a date" in one or "a date from" in one for one in said) != is_level
    so_far = any("nothing grows towards it so far" in one for one in plainly(found, tz=UTC))
    assert so_far == (is_level and ready_at is not None)


def test_the_deques_that_fill_need_no_owner():
    """What fills is named as what grows: that no owner is known by name would be said of something else."""
    filling = replace(LEAK.finding, verdict=Verdict.FILLING, is_leak=False)
    assert "owner" not in " ".join(plainly(leaking(finding=filling), tz=UTC))
    assert "owner" in " ".join(plainly(leaking(), tz=UTC))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_words_and_no_figure_that_is_not_a_field(verdict):
    """The first sentence speaks of every verdict; what does not grow gets no rate and no beginning."""
    base = leaking()
    found = replace(base, finding=replace(base.finding, verdict=verdict), waits_for="", forecast=None)
    said = plainly(found, tz=UTC)[0]
    grows = verdict.row.grows
    assert ("MB/hour" in said) == grows
    assert (" since " in said.replace("level since", "")) == grows


def test_whatever_makes_a_source_urgent_is_said():
    """A deque outside its limit, which makes it a warning, stands among the sentences by its name."""
    faulty = [DequeReading(name=name, length_count=5, maxlen_count=None) for name in ("pending", "orders")]
    sound = DequeReading(name="prices", length_count=5, maxlen_count=9)
    assert "1 of 2 deques is outside its limit: pending." in plainly(
        leaking(deques=(faulty[0], sound)), tz=UTC
    )
    said = plainly(leaking(deques=(*faulty, sound)), tz=UTC)
    assert "2 of 3 deques are outside their limits: pending and 1 more." in said
    assert "outside" not in " ".join(plainly(leaking(deques=(sound,)), tz=UTC))


def released(*starts_hours, names):
    return [
        replace(run(number), release=name, started_at=START + timedelta(hours=hours))
        for number, (hours, name) in enumerate(zip(starts_hours, names, strict=True), 1)
    ]


def growing(since_hours, *, earliest=None, latest=None):
    at = [None if one is None else START + timedelta(hours=one) for one in (since_hours, earliest, latest)]
    finding = assess(LEAKS).finding
    return replace(finding, since=at[0], since_earliest=at[1], since_latest=at[2])


@pytest.mark.parametrize(
    ("found", "runs", "release"),
    [
        (growing(101.0), released(0.0, 100.0, names=["1.8.0", "1.8.1"]), "1.8.1"),
        (growing(101.0), released(0.0, 50.0, names=["1.8.0", "1.8.1"]), ""),
        (growing(101.0), released(0.0, 100.0, names=["1.8.1", "1.8.1"]), ""),
        (growing(101.0), released(100.0, names=["1.8.1"]), ""),
        (growing(99.0, earliest=95.0, latest=104.0), released(0.0, 100.0, names=["1.8.0", "1.8.1"]), "1.8.1"),
        (growing(101.0), released(0.0, 100.0, 100.9, names=["1.8.0", "1.8.1", "1.8.1"]), "1.8.1"),
    ],
)
def test_a_release_is_named_only_where_growth_began_with_it(found, runs, release):
    """Its first start lies within the onset's interval or shortly before, and there was another release before it."""
    assert release_of(found, runs) == release


@pytest.mark.parametrize(
    ("names", "before"),
    [
        (["2.6.0", "2.6.1", "2.7.0"], "2.6.1"),
        (["2.6.1", "2.6.2", "2.6.1", "2.7.0"], "2.6.1"),
        (["2.6.1", None, "2.7.0", "2.7.0"], "2.6.1"),
        ([None, "2.7.0"], None),
    ],
)
def test_the_way_back_is_to_what_ran_before_the_first_run_of_a_release(names, before):
    """The last release that ran then, also one that was gone back to; without a name that is not known."""
    assert release_before("2.7.0", released(*range(0, 10 * len(names), 10), names=names)) == before


def test_what_does_not_grow_began_with_no_release():
    """A level source names none, however new its release."""
    found = replace(growing(101.0), verdict="stable")
    assert release_of(found, released(0.0, 100.0, names=["1.8.0", "1.8.1"])) == ""


def test_while_deques_fill_the_rate_is_that_of_memory_and_the_judged_one_its_bound():
    """What is judged then is what deques leave at most: it stands beside the growth that is seen, not for it."""
    finding = replace(assess(LEAKS).finding, slope_mb_per_hour=4.8, rss_slope_mb_per_hour=12.05)
    assert growth_words(replace(finding, verdict=Verdict.FILLING)) == (
        "12.05 MB/hour, containers apart at most 4.80"
    )
    assert growth_words(replace(finding, verdict=Verdict.MAPPED_FILES)) == (
        "12.05 MB/hour, mapped files apart 4.80"
    )
    assert growth_words(finding) == "4.80 MB/hour"
