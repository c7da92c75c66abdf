"""Who is recorded: the run's own uuid, its machine, process, script and release."""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memmon.guest.shielding import attempt
from memmon.model import RunRecord
from memmon.probe.process.machine import boot_id, process_started_at
from memmon.recorder.validation import one_line

if TYPE_CHECKING:
    from datetime import datetime

_TEXT_LIMIT = 200
_DISTRIBUTION = re.compile(r"memmon-([^-]+)\.dist-info")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabels:
    """What the program has said of its runs; None: nothing."""

    source: str | None
    release: str | None
    role: str | None


def default_source() -> str:
    """Return the name of the running script, or of the module run with `-m`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        name = spec.name.removesuffix(".__main__")
        return str(name)
    stem = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in {"", "-c", "-"} else ""
    return stem or "python"


def script_path() -> str | None:
    """Return the absolute path of the running script; None when there is none (`-c`, a prompt)."""
    main = sys.modules.get("__main__")
    found = getattr(main, "__file__", None)
    return str(Path(found).absolute()) if found else None


def new_run(
    *,
    source: str | None,
    release: str | None,
    interval_seconds: float,
    started_at: datetime,
    parent_uuid: str | None = None,
    role: str | None = None,
    pid: int | None = None,
) -> RunRecord:
    """Return the record of a run that begins now, in this process or in the process `pid`."""
    return RunRecord(
        uuid=_new_uuid(),
        source=source or default_source(),
        source_was_given=source is not None,
        started_at=started_at,
        interval_seconds=interval_seconds,
        host=socket.gethostname() or "unknown",
        pid=os.getpid() if pid is None else pid,
        process_started_at=attempt(process_started_at, pid),
        boot_id=attempt(boot_id),
        parent_uuid=parent_uuid,
        role=_shown(role),
        script_path=script_path() if pid is None else None,
        external_id=os.environ.get("MEMMON_EXTERNAL_ID") or os.environ.get("INVOCATION_ID"),
        release=_shown(release or os.environ.get("MEMMON_RELEASE")),
        python_version=sys.version.split()[0] if pid is None else None,
        memmon_version=memmon_version(),
    )


def _new_uuid() -> str:
    """Return a random UUID (RFC 9562, version 4); the module of that name would load a library for it."""
    drawn = bytearray(os.urandom(16))
    drawn[6] = drawn[6] & 0x0F | 0x40
    drawn[8] = drawn[8] & 0x3F | 0x80
    digits = drawn.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _shown(text: str | None) -> str | None:
    """Return a text fit to be shown in a terminal; None for none."""
    return one_line(text, _TEXT_LIMIT) or None if text else None


def memmon_version() -> str:
    """Return the installed version of memmon."""
    # The first on the path, as importlib.metadata has it, which costs more than a megabyte.
    for folder in sys.path:
        for name in _names_in(folder):
            if found := _DISTRIBUTION.fullmatch(name):
                return found[1]
    from importlib import metadata

    try:
        return metadata.version("memmon")
    except metadata.PackageNotFoundError:
        return "unknown"


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")  # noqa: PTH208 -- names are enough
    except (OSError, TypeError, ValueError):  # not there, no folder, no path
        return []
