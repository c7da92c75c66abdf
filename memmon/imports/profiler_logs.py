"""Read the logs of two other recorders: memory_profiler's .dat files and psrecord's logs.

memmon has no code in common with them; the formats are those that memory_profiler 0.61 and psrecord 1.4
write. Both give sizes in MiB (2**20 bytes).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from memmon.facts.whole_numbers import whole_number
from memmon.imports.lines import TORN
from memmon.imports.recording import ImportedRecording, RecordedRun
from memmon.imports.spool import Spool
from memmon.units import bytes_from_mb

if TYPE_CHECKING:
    from memmon.imports.lines import Lines

MEMORY_PROFILER_WORDS = ("MEM", "CMDLINE", "FUNC", "CHLD")
_PSRECORD_CSV = "elapsed_time,"
_LARGEST_MB = 2.0**42


class _Numbers(NamedTuple):
    """Where the numbers of a line stand among its fields, and how many fields it can have."""

    start: int
    stop: int
    most: int


_NUMBERS_OF = {"MEM": _Numbers(0, 2, 2), "CHLD": _Numbers(1, 3, 3), "FUNC": _Numbers(1, 5, 6)}
_LATEST_SECONDS = 253_402_300_799.0


def read_memory_profiler(lines: Lines) -> ImportedRecording:
    """Read a .dat file of memory_profiler's `mprof run`.

    The command may have lines of its own: all that stands before the first line of data belongs to it.
    Child processes (`CHLD` lines) become runs of their own; `FUNC` lines are left out.
    """
    spool = Spool(("rss_bytes",))
    runs: dict[str, RecordedRun] = {}
    left_out, in_command, former, torn = 0, True, "", False
    for line in lines:
        text = line.strip()
        word = text.partition(" ")[0]
        if word == "CMDLINE":
            in_command = True
        in_command = in_command and not _is_data(text)
        if in_command or not text:
            continue
        if lines.is_unfinished and (not _is_data(text) or len(text.split()[-1]) < len(former)):
            torn = True
            break
        left_out += word == "FUNC"
        if word != "FUNC":
            former = _take_memory(text, lines, runs, spool)
    if not runs:
        raise lines.error("no `MEM` line; expected `MEM <MiB> <seconds since 1970>`")
    notes = [f"{left_out} lines on functions (FUNC) were left out"] if left_out else []
    return ImportedRecording(
        path=lines.path,
        kind="memory_profiler",
        is_absolute=True,
        runs=tuple(runs.values()),
        digest=lines.digest,
        notes=(*notes, *([TORN] if torn else [])),
    )


def _is_data(text: str) -> bool:
    """Tell a line of data: one of memory_profiler's words and its numbers."""
    word, *fields = text.split() or [""]
    places = _NUMBERS_OF.get(word)
    if places is None or len(fields) < places.stop:
        return False
    return len(fields) <= places.most and all(
        _finite(field) is not None for field in fields[places.start : places.stop]
    )


def _take_memory(text: str, lines: Lines, runs: dict[str, RecordedRun], spool: Spool) -> str:
    """Take a line of sizes; return its last field."""
    word, *fields = text.split()
    if word not in {"MEM", "CHLD"}:
        raise lines.error(f"{text[:60]!r}; expected `MEM <MiB> <seconds since 1970>`")
    child = fields.pop(0) if word == "CHLD" and fields else ""
    label = f"child {child}" if child else ""
    if len(fields) != 2:  # noqa: PLR2004 -- size and time
        raise lines.error(f"{text[:60]!r}; expected `{word} ... <MiB> <seconds since 1970>`")
    size_bytes, at_seconds = _size(fields[0], lines), _seconds(fields[1], lines)
    if label not in runs:
        role, pid = "child" if label else None, whole_number(child)
        runs[label] = RecordedRun(spool=spool, number=len(runs), label=label, role=role, pid=pid)
    runs[label].add(at_seconds, size_bytes)
    return fields[1]


def read_psrecord(lines: Lines) -> ImportedRecording:
    """Read a log of psrecord, in its plain or its CSV form; its times count from the start."""
    run = RecordedRun(spool=Spool(("rss_bytes", "vms_bytes")), number=0, label="")
    separator: str | None = None
    places = (0, 2, 3)
    former, torn = [""] * (len(places) + 1), list[str]()
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
        if lines.is_unfinished and (len(fields) < len(former) or len(fields[-1]) < len(former[-1])):
            torn = [TORN]
            break
        former = fields
        if len(fields) <= max(places):
            raise lines.error(f"{text[:60]!r}; {expected}")
        elapsed, real, virtual = (fields[place] for place in places)
        at_seconds = _seconds(elapsed, lines)
        run.add(at_seconds, _size(real, lines), _size(virtual, lines))
    if not run.row_count:
        raise lines.error(f"no readings; {expected}")
    return ImportedRecording(
        path=lines.path,
        kind="psrecord",
        is_absolute=False,
        runs=(run,),
        digest=lines.digest,
        notes=tuple(torn),
    )


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
