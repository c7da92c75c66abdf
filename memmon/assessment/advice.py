"""What to do next about a source, in sentences with the ready command; what helps soonest stands first."""

from __future__ import annotations

import math
import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

from memmon.assessment.freshness import FreshnessState
from memmon.assessment.headline import chief_culprit
from memmon.assessment.overtaken import is_overtaken
from memmon.assessment.severity import WARNING_SHARE
from memmon.facts.deque_state import state_of
from memmon.facts.severity import NEAR_HOURS, Severity
from memmon.facts.suspicion import Suspicion
from memmon.facts.verdicts import Verdict
from memmon.formatting import local_time, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from memmon.assessment.assessment import Assessment
    from memmon.assessment.freshness import Freshness
    from memmon.assessment.resource import Resource
    from memmon.facts.grown import GrownThing

SOLVING_SHARE = 0.5
"""A named part that has more of the growth is what to look at: no advice on how to search on stands beside it. Chosen: half leads."""


def advice_of(
    assessed: Assessment, *, database: str | None = None, moment: Callable[[datetime], str] = local_time
) -> tuple[str, ...]:
    """Return what to do, the culprit first, then what whoever is on duty can do: what gains time where memory ends soon, else the way back; empty where nothing is to be done.

    `database`: how a command names it, without a secret; `moment`: how a time reads.
    """
    command = _Command(assessed.source, database)
    cure, gain = (*_on_holders(assessed),), (*_on_limit(assessed, command, moment),)
    back = (*filter(None, [way_back(assessed)]),)
    found = [
        *_on_freshness(assessed.freshness, command),
        *cure,
        *((*gain, *back) if _soonest(assessed) is not None else (*back, *gain)),
        *_on_unrecorded(assessed),
        *_on_growth(assessed, command),
    ]
    is_live = assessed.freshness is None or assessed.freshness.state is FreshnessState.LIVE
    if is_live:
        found += [_on_resource(one) for one in assessed.growing_resources]
    if any(state_of(deque).is_failing for deque in assessed.deques):
        found.append(f"Give the deques outside their limit a maxlen: {command('deques', '--suggest')}")
    if assessed.finding.verdict is Verdict.CANNOT_SAY and is_live:
        begin = "Let it record on" if found else "Nothing yet: let it record on"
        found.append(f"{begin}. This answers as soon as there is a verdict: {command('leaks')}")
    return tuple(found)


def advice_without_samples(source: str, *, database: str | None = None) -> str:
    """Return what to do about a source of which there is no sample."""
    return f"See whether it is recorded, and what is wrong: {_Command(source, database)('doctor')}"


class _Command:
    """A ready command on one source."""

    def __init__(self, source: str, database: str | None) -> None:
        self._where = [
            *(() if database is None else ("--db", database)),
            *(("--source", source) if source else ()),
        ]

    def __call__(self, name: str, *more: str) -> str:
        return shown("`" + shlex.join(["memmon", name, *self._where, *more]) + "`")


def _on_freshness(freshness: Freshness | None, command: _Command) -> Iterator[str]:
    state = None if freshness is None else freshness.state
    if state is FreshnessState.CLOCK_AHEAD:
        yield f"Set the clock right, and see what else is wrong: {command('doctor')}"
    elif state in {FreshnessState.SILENT, FreshnessState.ENDED_BADLY}:
        yield f"See whether it still runs, and how it ended: {command('runs')}"


def _on_limit(assessed: Assessment, command: _Command, moment: Callable[[datetime], str]) -> Iterator[str]:
    share, soonest = assessed.limit_share, _soonest(assessed)
    if soonest is not None:
        yield f"Restart it, or raise the limit, before {moment(soonest)}."
    elif share is not None and share >= WARNING_SHARE:
        shows = command("report", "--since", _back_to(assessed))
        yield f"Raise the limit or free memory before the kernel ends a process; who holds it: {shows}"


def _soonest(assessed: Assessment) -> datetime | None:
    """Return when the limit may be reached at the soonest, where that is within a day or as things go; else None."""
    forecast = assessed.forecast
    if assessed.pace is not None:
        return assessed.pace.at + timedelta(minutes=assessed.pace.minutes_to_limit_low)
    if assessed.severity is not Severity.CRITICAL or forecast is None or is_overtaken(assessed):
        return None
    hours = forecast.hours_to_limit
    return (forecast.at_low or forecast.at) if hours is not None and hours <= NEAR_HOURS else None


def way_back(assessed: Assessment) -> str:
    """Return what whoever is on duty can do without the program's makers, where a leak began with a release; else nothing."""
    back = assessed.release_before
    if not assessed.since_release or not assessed.finding.is_leak or back == "":
        return ""
    return f"Go back to {shown(back or f'the release before {assessed.since_release}')} until the leak is mended."


def _on_grown(grown: GrownThing) -> str:
    """Return where to look in the program's code."""
    is_confirmed = grown.state is Suspicion.CONFIRMED
    what = f"Bound or clear {grown.path}" if is_confirmed else f"See whether {grown.path} is meant to grow"
    line = f"; what it holds is probably created at {grown.created_at[0]}" if grown.created_at else ""
    return shown(f"{what}{line}.")


def _on_resource(one: Resource) -> str:
    """Return where to look for what is never closed, or never ends."""
    pid = "PID" if one.pid is None else one.pid
    if one.name == "open_files":
        return f"See which files and sockets stay open, and close them: `ls -l /proc/{pid}/fd`"
    return f"See which threads never end: `cat /proc/{pid}/task/*/comm | sort | uniq -c`"


UNRECORDED_ADVICE = (
    "Record the child processes too: call start() in each after its fork, or make the recorder with "
    "follow_forks=True; of another program `memmon run` records the whole tree."
)


def _on_unrecorded(assessed: Assessment) -> Iterator[str]:
    if assessed.unrecorded is not None:
        yield UNRECORDED_ADVICE


def _on_holders(assessed: Assessment) -> Iterator[str]:
    """Yield what ends the growth: what to do about those who hold it."""
    if assessed.culprits is not None:
        yield from assessed.culprits.advice
    if assessed.grown is not None:
        yield _on_grown(assessed.grown)


def _on_growth(assessed: Assessment, command: _Command) -> Iterator[str]:
    finding, cause, culprits = assessed.finding, assessed.cause, assessed.culprits
    row, is_solved = finding.verdict.row, chief_culprit(culprits, least_share=SOLVING_SHARE) is not None
    # Before there is a verdict nothing need be wrong: no tool is worth its trouble yet.
    if cause is not None and cause.advice and not is_solved and finding.verdict is not Verdict.CANNOT_SAY:
        yield cause.advice
    if row.grows and row.is_explained and not row.ends:
        yield f"See what grew, and since when: {command('report', '--since', _back_to(assessed))}"


def _back_to(assessed: Assessment) -> str:
    """Return how far back a report is to go: a day, or as many as hold the beginning of the growth."""
    before, at = assessed.before_restart, assessed.at
    since = assessed.finding.since if before is None else before.since
    if since is None or at is None or at - since <= timedelta(days=1):
        return "24h"
    return f"{math.ceil((at - since) / timedelta(days=1))}d"
