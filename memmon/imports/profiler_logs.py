"""Read the logs of two other recorders: memory_profiler's .dat files and psrecord's logs.

memmon has no code in common with them; the formats are those that memory_profiler 0.61 and psrecord 1.4
write. Both give sizes in MiB (2**20 bytes).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from memmon.imports.lines import Lines
from memmon.imports.recording import ImportedRecording, RecordedRun
from memmon.units import bytes_from_mb

if TYPE_CHECKING:
    from pathlib import Path

MEMORY_PROFILER_WORDS = ("MEM", "CMDLINE", "FUNC", "CHLD")
_PSRECORD_CSV = "elapsed_time,"
_LARGEST_MB = 2.0**42
_LATEST_SECONDS = 253_402_300_799.0


def read_memory_profiler(path: Path) -> ImportedRecording:
    """Read a .dat file of memory_profiler's `mprof run`.

    Child processes (`CHLD` lines) become runs of their own; `FUNC` lines are left out.
    """
    lines = Lines(path)
    runs: dict[str, RecordedRun] = {}
    left_out = 0
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "MEM":
            label, fields = "", rest.split()
        elif word == "CHLD":
            label, _, values = rest.strip().partition(" ")
            label, fields = f"child {label}", values.split()
        elif word in {"CMDLINE", "FUNC", ""}:
            left_out += word == "FUNC"
            continue
        else:
            raise lines.error(f"{line.strip()[:60]!r}; expected `MEM <MiB> <seconds since 1970>`")
        if len(fields) != 2:  # noqa: PLR2004 -- size and time
            raise lines.error(f"{line.strip()[:60]!r}; expected `{word} ... <MiB> <seconds since 1970>`")
        size_bytes, at_seconds = _size(fields[0], lines), _seconds(fields[1], lines)
        run = runs.setdefault(label, RecordedRun(label=label, role="child" if label else None))
        run.add(at_seconds, rss_bytes=size_bytes)
    if not runs:
        raise lines.error("no `MEM` line; expected `MEM <MiB> <seconds since 1970>`")
    notes = (f"{left_out} lines on functions (FUNC) were left out",) if left_out else ()
    return ImportedRecording(
        path=path,
        kind="memory_profiler",
        is_absolute=True,
        runs=tuple(runs.values()),
        digest=lines.digest,
        notes=notes,
    )


def read_psrecord(path: Path) -> ImportedRecording:
    """Read a log of psrecord, in its plain or its CSV form; its times count from the start."""
    lines = Lines(path)
    run = RecordedRun(label="")
    separator: str | None = None
    places = (0, 2, 3)
    expected = "expected `elapsed seconds, CPU %, real MB, virtual MB`"
    for line in lines:
        text = line.strip()
        if text.startswith(_PSRECORD_CSV):
            header = text.split(",")
            if not {"mem_real", "mem_virtual"} <= set(header):
                raise lines.error("no `mem_real` and `mem_virtual` in the header of a psrecord CSV log")
            separator, places = ",", (0, header.index("mem_real"), header.index("mem_virtual"))
        if not text or text.startswith(("#", _PSRECORD_CSV)):
            continue
        fields = text.split(separator)
        if len(fields) <= max(places):
            raise lines.error(f"{text[:60]!r}; {expected}")
        elapsed, real, virtual = (fields[place] for place in places)
        at_seconds = _seconds(elapsed, lines)
        run.add(at_seconds, rss_bytes=_size(real, lines), vms_bytes=_size(virtual, lines))
    if not run.at_seconds:
        raise lines.error(f"no readings; {expected}")
    return ImportedRecording(path=path, kind="psrecord", is_absolute=False, runs=(run,), digest=lines.digest)


def is_memory_profiler(first_line: str) -> bool:
    """Tell memory_profiler's files by their first line."""
    return first_line.split(" ", 1)[0].strip() in MEMORY_PROFILER_WORDS


def is_psrecord(first_line: str) -> bool:
    """Tell psrecord's logs by their first line."""
    return first_line.startswith(_PSRECORD_CSV) or (
        first_line.startswith("#") and "Elapsed time" in first_line
    )


def _size(text: str, lines: Lines) -> int:
    size_mb = _finite(text)
    if size_mb is None or not 0 <= size_mb <= _LARGEST_MB:
        raise lines.error(f"{text[:60]!r}; expected a size in MB, a number of zero or more")
    return bytes_from_mb(size_mb)


def _seconds(text: str, lines: Lines) -> float:
    seconds = _finite(text)
    if seconds is None or not 0 <= seconds <= _LATEST_SECONDS:
        raise lines.error(f"{text[:60]!r}; expected a time in seconds, a number of zero or more")
    return seconds


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
