"""Find running processes by their command line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProcess:
    """A running process."""

    pid: int
    command_line: str


def find_processes(pattern: str) -> tuple[FoundProcess, ...]:
    """Return the processes whose command line matches the regular expression, this one and its parent left out.

    What may not be read is left out. Raises ValueError for a pattern that is no regular expression.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    ours = {os.getpid(), os.getppid()}
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command_line = " ".join(process.info["cmdline"] or ())
        if process.info["pid"] not in ours and wanted.search(command_line):
            found.append(FoundProcess(pid=process.info["pid"], command_line=command_line))
    return tuple(sorted(found, key=lambda one: one.pid))


def command_line_of(pid: int) -> str | None:
    """Return a process's command line, None when it is not there or may not be read."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return None
