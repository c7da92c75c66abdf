"""The one sentence on a source, and what to do next: from the fields of the assessment alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from assessed_values import START, forecast, history, run
from report_values import finding

from memmon import SourceProcess
from memmon.analysis.cause.split_finding import CauseFinding
from memmon.assessment.advice import advice_of
from memmon.assessment.assess import assess, assess_finding
from memmon.assessment.culprits import Culprit, Culprits
from memmon.assessment.headline import headline_of
from memmon.assessment.limits import Limit
from memmon.assessment.present import Present
from memmon.assessment.resource import Resource
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time, rate
from memmon.model import DequeReading
from memmon.units import MIB

LEAKS = history(20.0)
LIMIT = Limit(limit_bytes=2048 * MIB, used_bytes=1024 * MIB, origin="cgroup v2 /x")
NATIVE = CauseFinding(
    cause="native",
    growth_bytes=1e8,
    duration_hours=24.0,
    sample_count=288,
    parts=(),
    summary="",
    advice="Attach a native profiler.",
    details=(),
)


def culprit(share, *, advice=()):
    parts = (
        Culprit(name="order_cache", growth_bytes=1e8 * share, share=share),
        Culprit(name="unexplained", growth_bytes=1e8 * (1 - share), share=1 - share),
    )
    return Culprits(parts=parts, sentences=(), advice=advice)


def leaking(**known):
    assessed = assess(LEAKS, present=Present(limit=LIMIT))
    return replace(assessed, severity=None, **known)


def test_every_verdict_has_its_beginning():
    """No verdict is without words."""
    assert {one for one in Verdict if one.row.beginning} == set(Verdict)


def test_a_leak_is_told_in_one_sentence():
    """Verdict, rate with its interval, since when, whose it is, which limit and when: each as its field has it."""
    assessed = leaking(culprits=culprit(0.97))
    found, ahead, said = assessed.finding, assessed.forecast, headline_of(assessed)
    assert said.startswith(f"Memory leaks: {rate(found.slope_mb_per_hour)} (95 % interval ")
    for words in (
        f"since {local_time(found.since)}",
        "97 % of it in order_cache",
        "the container's limit (2,048 MB) is reached in about ",
        f"at {local_time(ahead.at)}",
    ):
        assert words in said
    assert said.count(".\n") == 0
    assert said.endswith(".")


def test_a_headline_claims_no_more_than_is_known():
    """Without a limit, a date, a culprit or a slope the sentence has none."""
    flat = headline_of(assess(history()))
    assert flat.startswith("Memory is stable: ")
    assert "since" not in flat
    assert "limit" not in flat
    young = assess_finding(history(hours=1), finding(verdict="cannot_say"), present=Present(limit=LIMIT))
    soon = replace(young, forecast=forecast(2.0, 1.0, 3.0), severity=None)
    assert "reached in" not in headline_of(soon)
    assert "50 % of the container's limit (2,048 MB) is used" in headline_of(soon)
    full = replace(LIMIT, used_bytes=2049 * MIB)
    assert "is reached" in headline_of(assess(LEAKS, present=Present(limit=full)))
    assert "order_cache" not in headline_of(leaking(culprits=culprit(0.1)))


@pytest.mark.parametrize(
    ("end_reason", "hours", "words"),
    [
        (None, 30.1, None),
        (None, 40.0, "silent: its last sample came 10.0 h ago"),
        ("oom", 31.0, "its run ended 60 min ago (killed: out of memory)"),
        ("stopped", 40.0, "its run ended 10.0 h ago (stopped)"),
        (None, 20.0, "lies in the future"),
    ],
)
def test_what_is_not_the_present_is_said(end_reason, hours, words):
    """A silent source, one that ended, and a clock that runs ahead are told; one that lives is not."""
    present = Present(runs=(run(last_at=START + timedelta(hours=30), end_reason=end_reason),))
    said = headline_of(assess(history(), present=present, now=START + timedelta(hours=hours)))
    assert words is None or words in said
    assert (said.count(";") == 0) is (words is None)


def test_advice_begins_with_the_culprit_and_is_not_refuted_by_it():
    """While a named part has more than half of the growth nobody is told to search on with another tool."""
    named = "Bound or clear order_cache: it holds what grows."
    mostly = leaking(cause=NATIVE, culprits=culprit(0.9, advice=(named,)))
    assert advice_of(mostly)[0] == named
    assert NATIVE.advice not in advice_of(mostly)
    partly = leaking(cause=NATIVE, culprits=culprit(0.3, advice=(named,)))
    assert advice_of(partly)[:2] == (named, NATIVE.advice)


@pytest.mark.parametrize(
    ("release", "verdict"), [("1.8.1", "leaking"), ("1.8.1", "growing"), ("", "leaking")]
)
def test_the_way_back_is_advised_where_a_leak_began_with_a_release(release, verdict):
    """Whoever is woken may not know the program: it can go back; what is no leak, or began with none, gives no such advice."""
    found = leaking(since_release=release)
    found = replace(found, finding=replace(found.finding, verdict=verdict, is_leak=verdict == "leaking"))
    for name, words in ((None, "the release before 1.8.1"), ("1.7.3", "1.7.3")):
        way_back = f"Go back to {words} until the leak is mended."
        said = advice_of(replace(found, release_before=name))
        assert (way_back in said) == (bool(release) and verdict == "leaking")


def test_before_there_is_a_verdict_no_tool_is_advised():
    """What grew in the first minutes may be no leak: the advice is to record on, not to attach a profiler."""
    young = assess_finding(history(hours=1), finding(verdict="cannot_say"), present=Present(limit=LIMIT))
    said = advice_of(replace(young, severity=None, cause=NATIVE))
    assert [one.startswith("Nothing yet: let it record on.") for one in said] == [True]


def test_commands_are_ready():
    """A command names the database where it is known and the source, quoted for a shell."""
    assessed = replace(leaking(), source="order bot")
    assert advice_of(assessed)[-1].endswith("`memmon report --source 'order bot' --since 2d`")
    shown = advice_of(assessed, database="/data/m.db")[-1]
    assert shown.endswith("`memmon report --db /data/m.db --source 'order bot' --since 2d`")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"deques": (DequeReading(name="q", length_count=3, maxlen_count=None),)}, "memmon deques"),
        ({"limit": replace(LIMIT, used_bytes=1700 * MIB)}, "Raise the limit"),
        ({"runs": (run(last_at=START),)}, "memmon runs"),
        ({"runs": (run(last_at=START + timedelta(hours=99)),)}, "memmon doctor"),
    ],
)
def test_each_trouble_has_its_command(known, words):
    """A deque's fault, a full limit, silence and a wrong clock are each answered by what to do."""
    alive = {"runs": (run(last_at=START + timedelta(hours=30)),)}
    present = Present(**{**alive, **known})
    assessed = assess(history(), present=present, now=START + timedelta(hours=30))
    assert [words in one for one in assessed.advice] == [True]


def test_where_all_is_well_there_is_no_advice():
    """A stable source that lives needs nothing."""
    present = Present(runs=(run(last_at=START + timedelta(hours=30)),), limit=LIMIT)
    assert assess(history(), present=present, now=START + timedelta(hours=30)).advice == ()


def test_a_near_end_is_told_with_its_moment():
    """Where the limit will be reached within a day the advice names the earliest moment of the interval."""
    near = replace(LIMIT, limit_bytes=1084 * MIB)
    assessed = assess(LEAKS, present=Present(limit=replace(near, used_bytes=700 * MIB)))
    assert assessed.severity == "critical"
    assert (
        assessed.advice[0]
        == f"Restart it, or raise the limit, before {local_time(assessed.forecast.at_low)}."
    )


def test_the_culprit_stands_first_then_what_can_be_done_at_night():
    """Who holds what grows leads; what gains time comes before the way back where memory ends within a day, else the way back."""
    cure = "Bound or clear order_cache."
    near = assess(LEAKS, present=Present(limit=replace(LIMIT, limit_bytes=1084 * MIB, used_bytes=700 * MIB)))
    far = leaking()
    for found, order in ((near, (cure, "Restart it", "Go back to 1.8.0")), (far, (cure, "Go back to 1.8.0"))):
        told = replace(
            found,
            culprits=culprit(0.9, advice=(cure,)),
            since_release="1.8.1",
            release_before="1.8.0",
        )
        said = advice_of(told)
        assert [one.startswith(begin) for one, begin in zip(said, order, strict=False)] == [True] * len(order)


def test_what_helps_soonest_stands_first():
    """A source with every trouble at once: who holds what grows, its limit, its children, its kind, its files, its deques."""
    named = "Bound or clear order_cache: it holds what grows."
    live = Present(
        runs=(run(last_at=START + timedelta(hours=30)),), limit=replace(LIMIT, used_bytes=1700 * MIB)
    )
    child = SourceProcess(pid=70, is_recorded=False, name="python", rss_bytes=800 * MIB, pss_bytes=800 * MIB)
    files = Resource(name="open_files", count=90, state="growing", slope_per_hour=6.0)
    worst = replace(
        assess(LEAKS, present=live, now=START + timedelta(hours=30)),
        severity=None,
        culprits=culprit(0.3, advice=(named,)),
        cause=NATIVE,
        processes=(child,),
        resources=(files,),
        deques=(DequeReading(name="q", length_count=3, maxlen_count=None),),
    )
    order = (
        named,
        "Raise the limit",
        "Record the child",
        NATIVE.advice,
        "See what grew",
        "See which files",
        "a maxlen",
    )
    said = advice_of(worst)
    assert len(said) == len(order)
    assert all(words in sentence for words, sentence in zip(order, said, strict=True))


def test_the_ready_report_holds_the_beginning_of_the_growth():
    """The command to see what grew goes back over as many days as the growth lasts, and a day at least."""
    assessed = replace(assess(LEAKS), severity=None)
    began = assessed.finding.since
    for hours, back in ((20.0, "24h"), (24.0, "24h"), (25.0, "2d"), (90.0, "4d")):
        later = replace(assessed, at=began + timedelta(hours=hours))
        assert f"--since {back}`" in next(one for one in advice_of(later) if "See what grew" in one)
