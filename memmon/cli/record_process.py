"""Recording a process from outside: what `run` and `record` share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import click

from memmon.child import orphans
from memmon.child.mark import MARK_SENTENCE, is_marked
from memmon.cli.locate import locate
from memmon.cli.output import say
from memmon.cli.text import printable
from memmon.recorder.external import ExternalRecorder
from memmon.recorder.tree import TreeRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memmon.cli.locate import Place
    from memmon.cli.options import Common
    from memmon.probe.process.children import ChildProcess

_REASONS = {signal.SIGTERM: "sigterm", signal.SIGINT: "sigint", signal.SIGKILL: "sigkill"}
_CRASHES = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSYS,
    signal.SIGTRAP,
}
"""What a program is sent for its own fault."""
_LONGEST_NAME = 200


def recording_place(common: Common) -> Place:
    """Return where to record; a missing store is made at once, so that a wrong place is told at once.

    An existing one is left to the recorder, which mends and upgrades what it can: a program is not
    kept from starting by the state of its history.
    """
    from memmon.store.transfer.dump import ensure_store

    if common.as_json or common.output is not None:
        raise click.UsageError(
            "--json and -o have nothing to write here: 'memmon report' reads what is recorded"
        )
    place = locate(common)
    path = place.database.path
    if path is not None and (not path.exists() or path.stat().st_size == 0):
        ensure_store(place.database, file_mode=int(place.settings.file_mode, 8))
    elif path is not None:
        _refuse_unusable(place)
    return place


def _refuse_unusable(place: Place) -> None:
    from memmon.errors import ForeignStoreError, StorePermissionError, StoreTooNewError
    from memmon.store.read import open_store

    path = place.database.path
    assert path is not None
    if path.is_dir():
        raise StorePermissionError(f"{path} is a folder: name the database file in it")
    if not os.access(path, os.W_OK):
        raise StorePermissionError(f"{path}: may not be written by this user; choose another with --db")
    try:
        open_store(place.database.url)
    except (ForeignStoreError, StoreTooNewError):
        raise
    except Exception as error:  # noqa: BLE001 -- damaged, old or busy: the recorder deals with these
        say(f"note: {error}")


def recorder_for(
    place: Place, *, pid: int, source: str, release: str | None, interval_seconds: float | None
) -> ExternalRecorder:
    """Return the recorder of a process, with the settings of the place."""
    return ExternalRecorder(
        place.database.url,
        pid=pid,
        source=source,
        release=release or place.settings.release,
        interval_seconds=interval_seconds or place.settings.interval_seconds,
    )


def tree_for(
    place: Place,
    *,
    pid: int,
    source: str,
    release: str | None,
    interval_seconds: float | None,
    gives_way: bool = True,
    is_started: bool = False,
) -> TreeRecorder:
    """Return the recorder of a process and of all that it starts; `gives_way`: to what they record of themselves.

    `is_started`: by this process, to which the orphans of the program come where it is process 1 or a subreaper.
    """
    root = recorder_for(place, pid=pid, source=source, release=release, interval_seconds=interval_seconds)
    every_seconds = interval_seconds or place.settings.interval_seconds

    def new(child: ChildProcess) -> ExternalRecorder:
        return ExternalRecorder(
            place.database.url,
            pid=child.pid,
            parent=root,
            source=source,
            release=release or place.settings.release,
            interval_seconds=every_seconds,
            role=child.name or None,
        )

    made = TreeRecorder(
        root,
        new=new,
        interval_seconds=every_seconds,
        gives_way=gives_way,
        orphans_of=os.getpid() if is_started and orphans.are_taken_in() else None,
    )
    made.on_given_way = lambda inside: say(
        f"memmon: pid {inside.pid} records itself (run {inside.run_id} of {printable(inside.source)}): "
        "from outside it is recorded no longer"
    )
    return made


def announce(recorder: ExternalRecorder, place: Place, interval_seconds: float | None) -> None:
    """Say what is recorded, how often, and where; or that nothing is."""
    if is_marked():
        say(f"memmon: {MARK_SENTENCE}; unset it to record pid {recorder.pid}")
        return
    every_seconds = interval_seconds or place.settings.interval_seconds
    say(
        f"memmon: recording pid {recorder.pid} as {recorder.source} every {every_seconds:g} s; "
        f"database: {place.database.shown}"
    )


def source_of_command(arguments: Sequence[str]) -> str:
    """Return the name for a command line: the script's or module's under Python, else the program's.

    >>> source_of_command(["python3", "-u", "bots/orderbot.py", "--live"])
    'orderbot'
    >>> source_of_command(["python", "-m", "shop.bot"])
    'shop.bot'
    >>> source_of_command(["/usr/sbin/nginx", "-g", "daemon off;"])
    'nginx'
    """
    program = os.path.basename(arguments[0])  # noqa: PTH119 -- a word of a command line
    name = program
    if program.lower().startswith(("python", "pypy")):
        name = _python_name(arguments[1:]) or program
    stem = name.removesuffix(".py")
    return stem[:_LONGEST_NAME] or "program"


def _python_name(arguments: Sequence[str]) -> str | None:
    skip_next = False
    for place, word in enumerate(arguments):
        if skip_next:
            skip_next = False
        elif word == "-m":
            return arguments[place + 1] if place + 1 < len(arguments) else None
        elif word in {"-c", "-"}:
            return None
        elif word in {"-W", "-X"}:
            skip_next = True
        elif not word.startswith("-"):
            return os.path.basename(word)  # noqa: PTH119 -- a word of a command line
    return None


def end_of(return_code: int) -> tuple[str, str]:
    """Return (reason, detail) of the end of a program from its return code (negative: a signal)."""
    if return_code >= 0:
        return "exit", f"exit code {return_code}"
    try:
        number = signal.Signals(-return_code)
    except ValueError:  # a real-time signal
        return "signal", f"signal {-return_code}"
    return _REASONS.get(number, "crash" if number in _CRASHES else "signal"), number.name
