"""`memmon soak -- PROGRAM ...`: a gate for CI: PASS, FAIL or INCONCLUSIVE, never a guess."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import click

from memmon.cli.options import Common, common
from memmon.cli.output import check_output, is_file, say, write_json, write_text
from memmon.cli.parameter_types import DURATION, INTERVAL, RATE
from memmon.cli.text import duration, printable
from memmon.errors import NoDataError
from memmon.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memmon.analysis.leak.soak import SoakVerdict
    from memmon.assessment.soak import SoakOfProcesses
    from memmon.history import History

EXIT_CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}
_MEANS = {
    "PASS": "a leak of this size would have been seen",
    "FAIL": "memory leaks",
    "INCONCLUSIVE": "no proof either way",
}


@click.command("soak", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--interval", type=INTERVAL, default="5s", show_default=True, help="Time between snapshots.")
@click.option("--detect", type=RATE, metavar="MB/H", help="The leak that must not be there (default: 0.25).")
@click.option("--min-duration", type=DURATION, metavar="2h", help="Shorter runs prove nothing (default: 2h).")
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write JUnit XML."
)
@click.option("--allow-inconclusive", is_flag=True, help="End with 0, not 3, when it is INCONCLUSIVE.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@common
def command(
    *,
    interval: float,
    detect: float | None,
    min_duration: float | None,
    junit: Path | None,
    allow_inconclusive: bool,
    program: tuple[str, ...],
    common: Common,
) -> int:
    """Run a program, record its memory and that of every process that it starts, and say whether it leaks.

    Each process is judged by itself, and their sum; PASS means all of them.
    Exit code: 0 PASS, 1 FAIL, 3 INCONCLUSIVE; a program that fails itself hands its own code on.
    Without --db the recording is thrown away. Write -- before the program: memmon soak -- pytest -q.
    """
    from memmon.analysis.leak.soak import DETECT_MB_PER_HOUR
    from memmon.assessment.soak import judge_soak_processes

    if program[0].startswith("-"):
        raise click.NoSuchOption(program[0])
    check_output(common)
    if junit is not None:
        check_output(replace(common, output=str(junit), force=True))
    with _database(common) as recording:
        code, history, unmeasured_count = _recorded(program, recording, interval_seconds=interval)
    judged = judge_soak_processes(
        history,
        detect_mb_per_hour=detect or DETECT_MB_PER_HOUR,
        min_duration_hours=2.0 if min_duration is None else min_duration / SECONDS_PER_HOUR,
        unmeasured_count=unmeasured_count,
    )
    verdict = judged.verdict
    if junit is not None:
        text = junit_xml(verdict, source=history.source, seconds=history.duration_hours * SECONDS_PER_HOUR)
        write_text(replace(common, output=str(junit), force=True), text)
    _tell(common, judged, program_code=code)
    own = 0 if allow_inconclusive and verdict.outcome == "INCONCLUSIVE" else EXIT_CODES[verdict.outcome]
    return code or own


@contextmanager
def _database(common: Common) -> Iterator[Common]:
    """Yield the options to record with: into --db, else into a database that is thrown away."""
    plain = replace(common, as_json=False, output=None)
    if common.db is not None:
        yield plain
        return
    with tempfile.TemporaryDirectory(prefix="memmon-soak-") as folder:
        yield replace(plain, db=str(Path(folder) / "soak.db"))


def _recorded(program: Sequence[str], common: Common, *, interval_seconds: float) -> tuple[int, History, int]:
    """Run the program under a recorder; return its exit code, the history of its processes alone, and how many were not measured."""
    from memmon.cli import passthrough, record_process
    from memmon.store.read import open_store

    place = record_process.recording_place(common)
    source = common.source or record_process.source_of_command(program)
    with passthrough.signals_held():
        started = passthrough.start(program)
        recorder = record_process.tree_for(
            place,
            pid=started.pid,
            source=source,
            release=None,
            interval_seconds=interval_seconds,
            gives_way=False,
            is_started=True,
        )
        recorder.start()
        code = passthrough.wait_to_end(started)
        recorder.finish(*record_process.end_of(code))
    with open_store(place.database.url) as store:
        runs = [
            run
            for run in store.runs(recorder.root.source)
            if recorder.uuid is not None and recorder.uuid in {run.uuid, run.parent_uuid}
        ]
        if not runs:
            why = recorder.root.status.last_error or "no reading"
            raise NoDataError(f"{printable(source)} could not be recorded: {why}")
        since = min(run.started_at for run in runs)
        history = store.history(recorder.root.source, since).of_runs(run.run_id for run in runs)
    return (code if code >= 0 else 128 - code), history, recorder.unmeasured_count


def junit_xml(verdict: SoakVerdict, *, source: str, seconds: float) -> str:
    """Return a JUnit report with one test case: FAIL is a failure, INCONCLUSIVE a skip."""
    inner = ""
    summary = printable(verdict.summary)
    if verdict.outcome == "FAIL":
        inner = f"<failure message={quoteattr(summary)}>{escape(summary)}</failure>"
    elif verdict.outcome == "INCONCLUSIVE":
        inner = f"<skipped message={quoteattr(summary)}/>"
    counts = f'tests="1" failures="{int(verdict.outcome == "FAIL")}" skipped="{int(verdict.outcome == "INCONCLUSIVE")}"'
    case = f'<testcase classname="memmon.soak" name={quoteattr(printable(source))} time="{seconds:.3f}">'
    output = f"<system-out>{escape(f'{verdict.outcome}: {summary}')}</system-out>"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites><testsuite name="memmon soak" {counts} errors="0" time="{seconds:.3f}">'
        f"{case}{inner}{output}</testcase></testsuite></testsuites>\n"
    )


def _tell(common: Common, judged: SoakOfProcesses, *, program_code: int) -> None:
    verdict = judged.verdict
    if common.as_json:
        write_json(
            common,
            command="soak",
            outcome=verdict.outcome,
            detect_mb_per_hour=verdict.detect_mb_per_hour,
            smallest_visible_slope_mb_per_hour=verdict.smallest_visible_slope_mb_per_hour,
            summary=verdict.summary,
            program_exit_code=program_code,
            unmeasured_process_count=judged.unmeasured_count,
            findings=[{**one.finding.to_dict(), "source": one.finding.source} for _, one in judged.each],
            processes=[
                {"name": name or "program", "outcome": one.outcome, "summary": one.summary}
                for name, one in judged.each
            ],
        )
        return
    finding = verdict.finding
    lines = [
        f"{verdict.outcome}: {_MEANS[verdict.outcome]}",
        f"  {printable(verdict.summary)}",
        f"  {finding.sample_count} samples over {duration(finding.duration_hours * SECONDS_PER_HOUR)}",
    ]
    if len(judged.each) > 1:
        lines += [f"  {name}: {one.outcome}" for name, one in judged.each]
    if is_file(common.output):
        write_text(common, "\n".join(lines))
    else:
        # The program's own output stands on standard output.
        for line in lines:
            say(f"memmon soak: {line.strip()}")
