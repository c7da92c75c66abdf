"""Growth that goes on over restarts: the runs before the one that was judged grew alike, and since when.

A verdict is on a run: a restart empties the process, and the growth that is found begins anew with it. What goes on over
restarts began with the first run that grew alike without a break; that is what an operator asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from memmon.analysis.leak.detect import judge_history
from memmon.analysis.leak.joined import joined
from memmon.assessment.releases import RELEASE_SLACK, release_of
from memmon.facts.plain import as_plain
from memmon.facts.verdicts import Verdict
from memmon.formatting import shown
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from memmon.analysis.leak.finding import LeakFinding, LeakPolicy
    from memmon.assessment.by_process import ByProcess
    from memmon.history import History
    from memmon.store.read import RunInfo

MOST_RUNS_BEFORE = 16
"""Earlier runs that are judged, at most. Chosen: bounds the cost of an assessment to a tenth of a second."""
ALIKE_TIMES = 1.5
"""So many times faster one growth may be than another and be the same. Chosen: loads differ from day to day by less than half."""
OLDER_SLACK = timedelta(days=1)
"""A run that ended so shortly before what was looked at may have grown too. Chosen: a bot that is down for longer is not restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeRestart:
    """How memory grew before the run that was judged; times aware, rates in MB (2**20 bytes) per hour.

    `since`: when the growth began in the first of the runs that grew alike without a break (with its 95 % interval
    `since_earliest` to `since_latest`); `may_be_earlier`: that is where what was looked at begins.
    `run_count`: how many runs before the judged one grew alike; `restart_count`: how many restarts it has gone on over,
    more where runs between were too short to be judged. `slope_mb_per_hour`: how fast the first of them grew.
    `verdict`: the mildest of theirs. `release`: the release that the growth began with; empty: with none.
    """

    since: datetime
    since_earliest: datetime
    since_latest: datetime
    run_count: int
    restart_count: int
    slope_mb_per_hour: float
    verdict: Verdict
    may_be_earlier: bool = False
    release: str = ""

    def __post_init__(self) -> None:
        """Take a verdict that was given as plain text, as from JSON."""
        object.__setattr__(self, "verdict", Verdict(self.verdict))

    def clause(self, moment: Callable[[datetime], str]) -> str:
        """Return what is said of it beside the verdict's own beginning; `moment`: how a time reads."""
        is_next = self.restart_count == self.run_count
        if self.run_count == 1:
            who = "the run before" if is_next else "an earlier run"
        else:
            who = f"the {self.run_count} runs before" if is_next else f"{self.run_count} earlier runs"
        since = f"{moment(self.since)}{' or earlier' if self.may_be_earlier else ''}"
        release = f", with release {shown(self.release)}" if self.release else ""
        return f"{who} {self.verdict.row.past} too, since {since}{release}"

    def sentence(self, moment: Callable[[datetime], str]) -> str:
        """Return the same as a sentence."""
        said = self.clause(moment)
        return f"{said[0].upper()}{said[1:]}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the same names, times as ISO 8601 text in UTC."""
        plain: dict[str, Any] = as_plain(self)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsBefore:
    """What the runs before the judged one did: `grew` alike, and the releases of those that leaked, however fast."""

    grew: BeforeRestart | None = None
    leaking_releases: frozenset[str] = frozenset()


def runs_before(judged: ByProcess, runs: Sequence[RunInfo] = ()) -> RunsBefore:
    """Return what the earlier runs of the process did of which the verdict is, each judged alone, the newest first.

    Only beside growth that began with its run, and only until one did not grow so: another verdict for each, at most
    `MOST_RUNS_BEFORE`. Of all processes together, and of runs that are judged together, nothing is said. `runs`: all
    that are stored, for the releases, and for what ended before what was looked at.
    """
    finding = judged.finding
    if not finding.verdict.row.past or finding.since is None or finding.window.kind == "pooled":
        return RunsBefore()
    process = next((one for one in judged.processes if judged.run_id in {None, one.run_id}), None)
    if process is None or (judged.are_several and judged.run_id is None):
        return RunsBefore()
    back_seconds = finding.policy.look_back_hours * SECONDS_PER_HOUR
    history = process.history.slice_time(process.history.last_seconds - back_seconds, None)
    begun = [one for one in history.per_run() if _begin(one) <= finding.since + timedelta(seconds=1)]
    if len(begun) < 2 or not _began_with(finding, begun[-1]):  # noqa: PLR2004 -- the last is the judged one
        return RunsBefore()
    return _summed(finding, history.of_runs(int(one.run_id[0]) for one in begun[:-1]), runs)


def _summed(finding: LeakFinding, before: History, runs: Sequence[RunInfo]) -> RunsBefore:
    alike: list[LeakFinding] = []
    leaking: set[str] = set()
    restart_count, goes_on, is_over = 0, True, False
    for count, (run, found) in enumerate(_judged(before, finding.policy), 1):
        if found.verdict is Verdict.CANNOT_SAY:
            continue  # too short, mostly: it tells nothing
        goes_on = goes_on and _is_alike(found, finding)
        if goes_on:
            alike.append(found)
            restart_count = count
        is_over = not _began_with(found, run) if goes_on else not (finding.is_leak and found.is_leak)
        if is_over:
            break
        leaking.update(one.release for one in run.runs if one.release)
    if not alike:
        return RunsBefore(leaking_releases=frozenset(leaking))
    first = alike[-1]
    assert first.since is not None, "what grows has a beginning"
    release = release_of(first, runs)
    grew = BeforeRestart(
        since=first.since,
        since_earliest=first.since_earliest or first.since,
        since_latest=first.since_latest or first.since,
        run_count=len(alike),
        restart_count=restart_count,
        slope_mb_per_hour=first.slope_mb_per_hour or 0.0,
        verdict=max((one.verdict for one in alike), key=lambda one: one.rank),
        may_be_earlier=goes_on and not is_over and not release and _is_cut(before, runs),
        release=release,
    )
    return RunsBefore(grew=grew, leaking_releases=frozenset(leaking))


def _judged(before: History, policy: LeakPolicy) -> Iterator[tuple[History, LeakFinding]]:
    """Yield earlier runs with the verdict on each alone, the newest first."""
    for run in reversed(list(joined(before).per_run())[-MOST_RUNS_BEFORE:]):
        yield run, judge_history(run, policy)


def _is_alike(found: LeakFinding, finding: LeakFinding) -> bool:
    """Tell whether a run grew as fast as the one that was judged."""
    one, other = found.slope_mb_per_hour or 0.0, finding.slope_mb_per_hour or 0.0
    is_growth = bool(found.verdict.row.past) and min(one, other) > 0.0
    return is_growth and max(one, other) <= ALIKE_TIMES * min(one, other)


def _began_with(finding: LeakFinding, run: History) -> bool:
    """Tell whether growth began with a run, or with what is known of it."""
    return finding.since is not None and finding.since - _begin(run) <= RELEASE_SLACK


def _is_cut(before: History, runs: Sequence[RunInfo]) -> bool:
    """Tell whether more ran before the earlier runs that were looked at: of the first of them, or another shortly before."""
    first, count = next(before.per_run()), len(before.runs)
    begin = _begin(first)
    is_part = float(first.uptime_seconds[0]) > RELEASE_SLACK.total_seconds()
    ended = [run.last_at for run in runs if run.last_at is not None]
    return is_part or count > MOST_RUNS_BEFORE or any(begin - OLDER_SLACK <= at < begin for at in ended)


def _begin(run: History) -> datetime:
    return datetime.fromtimestamp(float(run.at_seconds[0]), UTC)
