"""`memmon run -- PROGRAM ...`: record a program that embeds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, common
from memmon.cli.output import say
from memmon.cli.parameter_types import INTERVAL

if TYPE_CHECKING:
    import subprocess

    from memmon.cli.locate import Place

START_SECONDS = 0.5


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--interval", type=INTERVAL, metavar="1s|5m", help="Time between snapshots (default: 5m).")
@click.option("--release", metavar="NAME", help="The program's release, shown in reports.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@common
def command(program: tuple[str, ...], interval: float | None, release: str | None, common: Common) -> int:
    """Start a program and record its memory, and that of every process that it starts, until it ends.

    Its input, output, signals and exit code pass through. Write -- before it: memmon run -- python bot.py.
    """
    from memmon.cli import passthrough, record_process

    if program[0].startswith("-"):
        raise click.NoSuchOption(program[0])
    place = record_process.recording_place(common)
    source = common.source or place.settings.source or record_process.source_of_command(program)
    with passthrough.signals_held():
        started = passthrough.start(program)
        code = _record(started, place, source=source, release=release, interval_seconds=interval)
        return passthrough.end_like(code)


def _record(
    started: subprocess.Popen[bytes],
    place: Place,
    *,
    source: str,
    release: str | None,
    interval_seconds: float | None,
) -> int:
    """Record the program until its end and return its return code; a fault of ours never leaves it alone."""
    from memmon.cli import passthrough, record_process

    code = None
    try:
        recorder = record_process.tree_for(
            place,
            pid=started.pid,
            source=source,
            release=release,
            interval_seconds=interval_seconds,
            is_started=True,
        )
        record_process.announce(recorder.root, place, interval_seconds)
        # The first half second is the interpreter's start: its 3 MB would be the least ever read.
        code = passthrough.wait(started, at_most_seconds=START_SECONDS)
        recorder.start()
        code = passthrough.wait_to_end(started) if code is None else code
        recorder.finish(*record_process.end_of(code))
    except Exception as error:  # noqa: BLE001 -- the program goes on, whatever becomes of its recording
        say(f"memmon: not recorded ({type(error).__name__}: {error}); the program goes on")
    return passthrough.wait_to_end(started) if code is None else code
