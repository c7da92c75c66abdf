"""`memmon record`: record a program that runs already."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click

from memmon.cli.options import Common, common
from memmon.cli.output import say
from memmon.cli.parameter_types import DURATION, INTERVAL
from memmon.cli.text import printable
from memmon.errors import MemmonError

if TYPE_CHECKING:
    from memmon.recorder.external import ExternalRecorder

_LOOK_SECONDS = 1.0
_MOST_SHOWN = 5


class NoProcessError(MemmonError):
    """There is no such process, or more than one."""


@click.command("record")
@click.option("--pid", type=click.IntRange(1, 2**31 - 1), help="The process.")
@click.option("--command", "pattern", metavar="PATTERN", help="Or a regular expression for its command line.")
@click.option("--interval", type=INTERVAL, metavar="1s|5m", help="Time between snapshots (default: 5m).")
@click.option("--for", "length", type=DURATION, metavar="10m", help="Stop after this time.")
@click.option("--release", metavar="NAME", help="The program's release, shown in reports.")
@common
def command(
    *,
    pid: int | None,
    pattern: str | None,
    interval: float | None,
    length: float | None,
    release: str | None,
    common: Common,
) -> None:
    """Record the memory of a running program, and of every process that it starts, until it ends or Ctrl-C."""
    from memmon.cli import record_process

    if (pid is None) == (pattern is None):
        raise click.UsageError("name the program with either --pid or --command")
    pid, line = _find(pid, pattern)
    place = record_process.recording_place(common)
    source = (
        common.source
        or place.settings.source
        or record_process.source_of_command(line.split() or [f"pid-{pid}"])
    )
    recorder = record_process.tree_for(
        place, pid=pid, source=source, release=release, interval_seconds=interval
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    record_process.announce(recorder.root, place, interval)
    recorder.start()
    reason = _watch(recorder.root, ended, length)
    recorder.finish(reason)
    say(f"memmon: {recorder.stored_count} snapshots stored ({reason})")


def _find(pid: int | None, pattern: str | None) -> tuple[int, str]:
    """Return (pid, command line) of the one process meant; raises NoProcessError."""
    from memmon.probe.process.search import command_line_of, find_processes

    if pid is not None:
        line = command_line_of(pid)
        if line is None:
            raise NoProcessError(f"pid {pid}: there is no such process, or it may not be read by this user")
        return pid, line
    assert pattern is not None
    try:
        found = find_processes(pattern)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if len(found) == 1:
        return found[0].pid, found[0].command_line
    if not found:
        raise NoProcessError(f"no process matches {pattern!r}; 'ps -ef' lists the command lines")
    several = ", ".join(f"{one.pid} ({printable(one.command_line[:40])})" for one in found[:_MOST_SHOWN])
    raise NoProcessError(f"{len(found)} processes match {pattern!r}: {several}; choose one with --pid")


def _watch(recorder: ExternalRecorder, ended: threading.Event, length: float | None) -> str:
    """Wait until the process or the recording ends; return the reason."""
    from memmon.clock import SystemClock

    clock = SystemClock()
    until = None if length is None else clock.monotonic() + length
    while recorder.is_process_alive():
        left = _LOOK_SECONDS if until is None else min(_LOOK_SECONDS, until - clock.monotonic())
        if left <= 0 or ended.wait(left):
            return "stopped"
    return "lost"
