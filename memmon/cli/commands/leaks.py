"""`memmon leaks`: the verdict in a few lines, and in the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from memmon.assessment.freshness import ahead_sentence
from memmon.cli.assessed import all_assessed, finding_object, source_object, staleness_of
from memmon.cli.options import Common, WindowOptions, common, judging
from memmon.cli.output import write_json, write_text
from memmon.cli.selection import opened
from memmon.cli.text import duration, local_time, printable
from memmon.facts.plain import as_plain
from memmon.facts.verdicts import Confidence, Verdict

if TYPE_CHECKING:
    from memmon.analysis.leak.finding import LeakFinding
    from memmon.assessment.before_restart import BeforeRestart
    from memmon.assessment.gather import Judged
    from memmon.facts.grown import GrownThing

EXIT_NO_LEAK, EXIT_LEAK, EXIT_CANNOT_SAY = 0, 1, 3
_WORST_FIRST = (EXIT_LEAK, EXIT_CANNOT_SAY, EXIT_NO_LEAK)


@click.command("leaks")
@click.option(
    "--fail-on",
    type=click.Choice([level.value for level in Confidence]),
    default="low",
    show_default=True,
    help="Confidence from which a leak counts.",
)
@judging
@common
def command(fail_on: str, common: Common, window: WindowOptions) -> int:
    """Say whether memory leaks.

    Exit code: 0 no leak, 1 leak, 3 cannot say yet (2: an error). All sources are judged unless one is
    named; the worst decides.
    """
    from memmon.clock import SystemClock

    with opened(common) as found:
        judged = all_assessed(found, window, now=SystemClock().now())
        code = worst([exit_code(one.assessment.finding, fail_on) for one in judged])
        if common.as_json:
            write_json(
                common,
                command="leaks",
                database=found.place.database,
                exit_code=code,
                fail_on=fail_on,
                findings=[finding_object(one) for one in judged],
                sources=[
                    {
                        **source_object(one),
                        "resources": as_plain(one.assessment.resources),
                        "grown": _object(one.assessment.grown),
                        "before_restart": _object(one.assessment.before_restart),
                    }
                    for one in judged
                ],
            )
        else:
            write_text(common, "\n\n".join(_paragraph(one) for one in judged))
    return code


def _object(found: GrownThing | BeforeRestart | None) -> dict[str, Any] | None:
    return None if found is None else found.to_dict()


def exit_code(finding: LeakFinding, fail_on: str) -> int:
    """Return what a verdict means for the exit code."""
    if finding.is_leak:
        counts = Confidence(finding.confidence).rank >= Confidence(fail_on).rank
        return EXIT_LEAK if counts else EXIT_NO_LEAK
    return EXIT_CANNOT_SAY if finding.verdict is Verdict.CANNOT_SAY else EXIT_NO_LEAK


def worst(codes: list[int]) -> int:
    """Return the code that decides: a leak before doubt before none."""
    return next((code for code in _WORST_FIRST if code in codes), EXIT_NO_LEAK)


def _paragraph(judged: Judged) -> str:
    from memmon.report.data import LeakSection
    from memmon.report.words import growth_words, leak_headline

    finding = judged.assessment.finding
    section = LeakSection(finding=finding, threshold_mb_per_hour=finding.policy.threshold_mb_per_hour)
    lines = [f"{printable(judged.source.name)}: {leak_headline(section)[1]}"]
    if finding.slope_mb_per_hour is not None:
        lines.append(
            f"  Growth rate: {growth_words(finding)}"
            f"{_interval(finding.slope_low_mb_per_hour, finding.slope_high_mb_per_hour)}"
            f" (threshold: {finding.policy.threshold_mb_per_hour:.1f})"
        )
    if finding.ols_slope_mb_per_hour is not None:
        lines.append(
            f"  Least squares: {finding.ols_slope_mb_per_hour:z.2f} MB/hour"
            f"{_interval(finding.ols_slope_low_mb_per_hour, finding.ols_slope_high_mb_per_hour)}"
        )
    lines.append(f"  Details: {printable(finding.summary)}")
    whose = judged.assessment.whose
    lines += [f"  {printable(whose)}"] if whose else []
    before = judged.assessment.before_restart
    lines += [f"  {printable(before.sentence(local_time))}"] if before is not None else []
    grown = judged.assessment.grown
    lines += [f"  {printable(grown.sentence)}"] if grown is not None else []
    if finding.verdict is Verdict.CANNOT_SAY:
        lines += [f"  {printable(sentence)}" for sentence in judged.assessment.outlook]
    found = judged.assessment
    lines += [f"  {printable(found.resource_line(one))}" for one in found.growing_resources]
    runs = "1 run" if finding.window.run_count == 1 else f"{finding.window.run_count} runs"
    lines.append(f"  Judged: {finding.sample_count} samples over {finding.duration_hours:.1f} h, {runs}")
    fresh = judged.assessment.freshness
    if fresh is not None and fresh.ahead_until is not None:
        lines.append(f"  STALE: {printable(ahead_sentence(fresh))}")
    age = staleness_of(judged)
    if age.last_at is None:
        return "\n".join(lines)
    stale = " - STALE: nothing is being recorded" if age.is_stale else ""
    lines.append(f"  Last sample: {local_time(age.last_at)} ({duration(age.age_seconds)} ago){stale}")
    return "\n".join(lines)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f", 95 % interval {low:z.2f} to {high:z.2f}"
