"""A leak that goes on over restarts is told from its first run on; what the runs before did not share is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from assessed_values import START, run

from memmon.assessment import before_restart
from memmon.assessment.advice import advice_of
from memmon.assessment.assess import assess
from memmon.assessment.before_restart import MOST_RUNS_BEFORE, BeforeRestart
from memmon.assessment.kept import read_kept, record_of
from memmon.assessment.plainly import plainly
from memmon.assessment.present import Present
from memmon.assessment.releases import release_before
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time
from memmon.history import History, HistoryRun
from memmon.store.read.assessments import AssessmentRow
from memmon.units import MIB


@dataclass(frozen=True, kw_only=True)
class Part:
    """One run: its hours, from `at` hours on, growing by `rate` MB/hour from `late` hours after its start."""

    at: float
    hours: float
    rate: float = 0.0
    late: float = 0.0
    release: str | None = "2.7.0"
    pid: int | None = None
    mb: float = 300.0
    uptime: float = 0.0


def history(*parts: Part, seed: int = 3) -> History:
    noise = np.random.default_rng(seed)
    at, rss, ids, uptime, runs = [], [], [], [], []
    for number, part in enumerate(parts, 1):
        hours = np.arange(round(part.hours * 12) + 1) / 12
        at.append(START.timestamp() + (part.at + hours) * 3600)
        grown = part.rate * np.maximum(hours - part.late, 0.0)
        rss.append((part.mb + grown + noise.normal(0, 0.4, hours.size)) * MIB)
        ids.append(np.full(hours.size, number))
        uptime.append((part.uptime + hours) * 3600)
        runs.append(
            HistoryRun(
                run_id=number,
                started_at_seconds=float(at[-1][0]) - part.uptime * 3600,
                release=part.release,
                pid=part.pid or number,
                host="trader-1",
                end_reason="oom",
                ended_at_seconds=float(at[-1][-1]),
            )
        )
    runs[-1] = replace(runs[-1], end_reason=None, ended_at_seconds=None)
    return History.from_arrays(
        at_seconds=np.concatenate(at),
        rss_bytes=np.concatenate(rss),
        run_id=np.concatenate(ids),
        uptime_seconds=np.concatenate(uptime),
        runs=runs,
        source="bot",
    )


def present(*parts: Part, older: tuple[Part, ...] = ()) -> Present:
    """Return the runs as the store knows them; `older`: those that ended before what is looked at."""
    known = [*((-place, part) for place, part in enumerate(older)), *enumerate(parts, 1)]
    return Present(
        runs=tuple(
            replace(
                run(number, last_at=START + timedelta(hours=part.at + part.hours), end_reason="oom"),
                started_at=START + timedelta(hours=part.at - part.uptime),
                release=part.release,
            )
            for number, part in known
        )
    )


def assessed(*parts: Part, older: tuple[Part, ...] = (), seed: int = 3):
    return assess(history(*parts, seed=seed), present=present(*parts, older=older))


def hours(at: datetime) -> float:
    return (at - START).total_seconds() / 3600


WELL = Part(at=0.0, hours=40.0, release="2.6.1")
FIRST = Part(at=40.2, hours=27.0, rate=46.0)
AGAIN = Part(at=67.4, hours=20.0, rate=46.0)


def test_a_leak_over_a_kill_is_told_from_the_first_run_on_with_its_release():
    """The verdict's own beginning stays the restart; beside it stands since when, and with which release, it leaks."""
    found = assessed(WELL, FIRST, AGAIN)
    before = found.before_restart
    assert found.finding.is_leak
    assert hours(found.finding.since) == pytest.approx(AGAIN.at, abs=0.2)
    assert hours(before.since) == pytest.approx(FIRST.at, abs=0.2)
    assert before.since_earliest <= before.since <= before.since_latest
    assert (before.run_count, before.restart_count, before.verdict) == (1, 1, Verdict.LEAKING)
    assert before.slope_mb_per_hour == pytest.approx(46.0, rel=0.05)
    assert (found.since_release, before.release, before.may_be_earlier) == ("2.7.0", "2.7.0", False)
    said = plainly(found, tz=UTC)[0]
    assert (
        " since it started on Tuesday 3 March 19:24; the run before leaked too, since Monday 2 March 16:12, with release 2.7.0."
        in said
    )
    assert (
        f"; the run before leaked too, since {local_time(before.since)}, with release 2.7.0" in found.headline
    )
    assert found.headline.count("2.7.0") == 1
    assert "Go back to 2.6.1 until the leak is mended." in found.advice
    assert found.advice[-1].endswith("--since 2d`"), "the report that is advised goes back to where it began"


def test_a_leak_over_three_restarts_is_told_from_the_first_of_its_runs():
    """However often it was restarted: the number of runs, and the beginning of the first."""
    found = assessed(WELL, FIRST, AGAIN, replace(AGAIN, at=87.6), replace(AGAIN, at=108.0))
    before = found.before_restart
    assert (before.run_count, before.restart_count) == (3, 3)
    assert hours(before.since) == pytest.approx(FIRST.at, abs=0.2)
    assert (
        "; the 3 runs before leaked too, since Monday 2 March 16:12, with release 2.7.0."
        in plainly(found, tz=UTC)[0]
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "earlier",
    [
        replace(FIRST, rate=0.0),
        replace(FIRST, rate=120.0),
        replace(FIRST, rate=14.0),
        replace(FIRST, rate=46.0, at=40.2, hours=1.0),
    ],
    ids=["level", "much faster", "much slower", "too short to tell"],
)
def test_a_run_before_that_did_not_leak_alike_is_not_told_of(earlier, seed):
    """Level, at quite another rate, or too short to tell: then the leak began with this run."""
    found = assessed(WELL, earlier, AGAIN, seed=seed)
    assert found.finding.is_leak
    assert found.before_restart is None
    assert "too, since" not in " ".join([*plainly(found, tz=UTC), found.headline])


def test_what_began_long_after_the_start_of_its_run_has_nothing_to_do_with_the_run_before():
    """A leak that begins ten hours into a run is a new one."""
    found = assessed(WELL, FIRST, replace(AGAIN, hours=40.0, late=12.0))
    assert found.finding.is_leak
    assert found.before_restart is None


def test_what_began_in_the_middle_of_an_earlier_run_began_there():
    """Runs before that one are another story, even where they leaked as fast; it began with no release."""
    middle = replace(FIRST, hours=40.0, late=15.0)
    found = assessed(Part(at=0.0, hours=40.0, rate=46.0), middle, replace(AGAIN, at=80.4))
    assert found.before_restart.run_count == 1
    assert hours(found.before_restart.since) == pytest.approx(middle.at + middle.late, abs=2.0)
    assert (found.since_release, found.release_before) == ("", None)


def test_another_process_beside_it_is_no_run_before():
    """Of processes side by side each has its own restarts: the leak of another one is not told as its beginning."""
    beside = Part(at=0.0, hours=87.4, rate=46.0, pid=99)
    level, leaks = Part(at=1.0, hours=60.0), Part(at=61.2, hours=26.0, rate=50.0)
    found = assessed(beside, level, leaks)
    assert found.finding_run_id == 3
    assert found.before_restart is None
    own = assessed(beside, replace(level, rate=48.0), leaks)
    assert own.finding_run_id == 3
    assert hours(own.before_restart.since) == pytest.approx(1.0, abs=0.3)


def test_a_pause_of_days_between_two_runs_that_leak_alike_ends_nothing():
    """A bot that was down over a weekend leaks on as it did: the operator learns when that began."""
    found = assessed(WELL, FIRST, replace(AGAIN, at=67.2 + 60.0))
    assert hours(found.before_restart.since) == pytest.approx(FIRST.at, abs=0.2)


def test_a_run_too_short_to_be_judged_between_two_that_leak_is_passed_over():
    """It tells nothing; the one before it is then no longer called the run before."""
    short = Part(at=67.4, hours=0.5, rate=46.0)
    found = assessed(WELL, FIRST, short, replace(AGAIN, at=68.0))
    before = found.before_restart
    assert (before.run_count, before.restart_count) == (1, 2)
    assert (
        "; an earlier run leaked too, since Monday 2 March 16:12, with release 2.7.0."
        in plainly(found, tz=UTC)[0]
    )


def test_a_level_run_between_ends_what_went_on():
    """What leaked before a run that did not is another story."""
    found = assessed(FIRST, replace(AGAIN, rate=0.0), replace(AGAIN, at=87.6))
    assert found.before_restart is None


def test_a_release_between_that_leaks_alike_from_its_start_is_not_the_one_it_began_with():
    """The first release that leaked is named, and the way back leads to what ran before it, not to another that leaks."""
    found = assessed(WELL, FIRST, replace(AGAIN, release="2.7.1"))
    assert found.since_release == "2.7.0"
    assert "Go back to 2.6.1 until the leak is mended." in found.advice
    assert not any("Go back to 2.7.0" in one for one in found.advice)


def test_nobody_is_sent_back_to_a_release_that_leaks_at_another_rate():
    """What was worse is no cure: the release before that one is named, and none where all leaked."""
    worse = replace(FIRST, rate=120.0, release="2.6.9")
    found = assessed(WELL, worse, AGAIN)
    assert (found.since_release, found.release_before) == ("2.7.0", "2.6.1")
    only = assessed(worse, AGAIN)
    assert (only.since_release, only.release_before) == ("2.7.0", "")
    assert not any("Go back" in one for one in only.advice)


def test_a_release_without_a_name_before_it_is_told_in_words():
    """Where no release before has a name, the one before it is meant."""
    assert release_before("2.7.0", present(replace(WELL, release=None), FIRST).runs) is None
    found = replace(assessed(WELL, FIRST), release_before=None)
    assert "Go back to the release before 2.7.0 until the leak is mended." in advice_of(found)


def test_slow_growth_over_restarts_is_told_as_growth():
    """Below the threshold the runs before grew, and leaked not; no way back is advised for it."""
    slow = [Part(at=60.2 * place, hours=60.0, rate=4.0) for place in range(3)]
    found = assessed(replace(slow[0], rate=0.0, release="2.6.1"), *slow[1:])
    assert found.finding.verdict is Verdict.GROWING
    said = plainly(found, tz=UTC)[0]
    assert " (a leak is 10.00 MB/hour or more); the run before grew too, since " in said
    assert not any("Go back" in one for one in found.advice)


def test_what_leaks_since_before_what_was_looked_at_began_then_or_earlier():
    """A first run that is cut, or another that ended shortly before it: the true beginning is not known."""
    cut = replace(FIRST, at=0.0, uptime=50.0)
    assert assessed(cut, replace(AGAIN, at=27.2)).before_restart.may_be_earlier
    whole = replace(FIRST, at=0.0)
    older = Part(at=-20.0, hours=19.0, rate=46.0)
    found = assessed(whole, replace(AGAIN, at=27.2), older=(older,))
    assert " leaked too, since Sunday 1 March 00:00 or earlier." in plainly(found, tz=UTC)[0]
    assert not assessed(whole, replace(AGAIN, at=27.2)).before_restart.may_be_earlier
    deployed = assessed(whole, replace(AGAIN, at=27.2), older=(replace(older, release="2.6.1"),))
    assert plainly(deployed, tz=UTC)[0].endswith(
        " leaked too, since Sunday 1 March 00:00, with release 2.7.0."
    )


def test_growth_that_fills_what_was_looked_at_says_nothing_of_runs_before_it():
    """A slow leak of weeks in one run has begun at the edge of the look-back or earlier, and no run before is known."""
    week = Part(at=0.0, hours=24.0 * 7, rate=0.9, uptime=300.0)
    older = Part(at=-330.0, hours=29.0, rate=0.9)
    found = assessed(week, older=(older,))
    assert found.finding.verdict is Verdict.GROWING
    assert found.before_restart is None
    assert " or earlier (a leak is " in plainly(found, tz=UTC)[0]


def test_many_runs_cost_no_more_than_a_bounded_number_of_verdicts(monkeypatch):
    """A crash loop is looked back over so far and no further; what is level costs no verdict more."""
    judged = []
    real = before_restart.judge_history
    monkeypatch.setattr(
        before_restart, "judge_history", lambda run, policy: judged.append(run) or real(run, policy)
    )
    loop = [Part(at=5.2 * place, hours=5.0, rate=46.0) for place in range(20)]
    found = assessed(*loop[:-1], replace(loop[-1], hours=20.0))
    assert found.before_restart.run_count == len(judged) == MOST_RUNS_BEFORE
    assert found.before_restart.may_be_earlier
    judged.clear()
    assessed(WELL, replace(AGAIN, rate=0.0))
    assert judged == []


def kept(found) -> AssessmentRow:
    record = record_of(found, writer="child")
    return AssessmentRow(
        **{one.name: getattr(record, one.name) for one in fields(record)}, source_id=1, begun_at=None
    )


def test_what_is_kept_of_it_is_read_back_and_an_older_row_has_none():
    """A kept assessment says the same; one of a memmon that knew nothing of it is read as ever."""
    found = assessed(WELL, FIRST, AGAIN)
    row = kept(found)
    read = read_kept(row)
    assert isinstance(read.before_restart, BeforeRestart)
    assert read.before_restart == found.before_restart
    assert (read.since_release, read.release_before) == ("2.7.0", "2.6.1")
    data = json.loads(row.data)
    for name in ("before_restart", "since_release", "release_before"):
        del data[name]
    old = read_kept(replace(row, data=json.dumps(data)))
    assert (old.before_restart, old.since_release, old.release_before) == (None, "", None)
    assert old.finding == read.finding
