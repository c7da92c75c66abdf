"""Read gauges of a process's memory from OpenMetrics text with times: what memmon and Prometheus write."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from memmon.facts.process_size import likely_unit_of
from memmon.facts.readings import backfills
from memmon.imports.cells import count, epoch_seconds, number, percent, size_bytes
from memmon.imports.lines import TORN
from memmon.imports.recording import MEASURES, ImportedRecording, RecordedRun
from memmon.imports.sizes import SizesSeen
from memmon.imports.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memmon.imports.lines import Lines
    from memmon.imports.options import ReadOptions

    Labels = tuple[tuple[str, str], ...]

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)?(?:\{(.*)\})?\s+(\S+)(?:\s+(\S+))?\s*")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_SOURCE, _RUN, _NAME = "source", "run", "__name__"
_COLUMNS: Mapping[str, str] = {
    **{metric.name: reading.column for reading, metric in backfills()},
    "process_resident_memory_bytes": "rss_bytes",
    "process_virtual_memory_bytes": "vms_bytes",
}
_KINDS = {reading.column: reading.unit for reading, _ in backfills()}
_EXPECTED = "expected `metric{labels} value seconds-since-1970`"
_OWN = re.compile(r"# (TYPE|HELP|UNIT|EOF)\b|[a-zA-Z_:][\w:]*\{.*\}\s|\{__name__=")


def is_openmetrics(first_line: str) -> bool:
    """Tell OpenMetrics by its first line."""
    return _OWN.match(first_line) is not None


def read_openmetrics(lines: Lines, options: ReadOptions) -> ImportedRecording:
    """Read OpenMetrics text; raise ImportFileError with file, line and what was expected.

    Each set of labels is a process; `source` and `run` are memmon's own. Sets that lie side by side
    are told apart by the label that `--split` names.
    """
    columns = {**_COLUMNS, **{metric: name for name, metric in options.columns.items() if name in MEASURES}}
    spool = Spool(sorted(set(columns.values())))
    found: dict[Labels, int] = {}
    ignored: dict[str, None] = {}
    is_whole = False
    for line in lines:
        is_whole = is_whole or line.startswith("# EOF")
        if line.startswith("#") or not line.strip():
            continue
        if lines.is_unfinished:
            break
        metric, labels, value, at_seconds = _sample(line, lines)
        if metric not in columns:
            ignored[metric] = None
            continue
        column = columns[metric]
        run = found.setdefault(labels, len(found))
        spool.merge(run, at_seconds, column, _value(value, column, lines))
    runs = _runs(found, spool, lines, options)
    notes = [f"metrics ignored: {', '.join(ignored)}"] if ignored else []
    return ImportedRecording(
        path=lines.path,
        kind="OpenMetrics",
        is_absolute=True,
        runs=runs,
        digest=lines.digest,
        notes=(*notes, *([TORN] if lines.is_unfinished and not is_whole else [])),
    )


def _sample(line: str, lines: Lines) -> tuple[str, Labels, str, float]:
    match = _SAMPLE.fullmatch(line.strip())
    if match is None:
        raise lines.error(f"{line.strip()[:60]!r}; {_EXPECTED}")
    metric, inside, value, at = match.groups()
    labels = {name: _plain(text) for name, text in _LABEL.findall(inside or "")}
    metric = metric or labels.get(_NAME, "")
    labels.pop(_NAME, None)
    time = epoch_seconds(at) if at is not None else None
    if time is None:
        raise lines.error(f"{line.strip()[:60]!r} has no time; {_EXPECTED}")
    return metric, tuple(sorted(labels.items())), value, time[0]


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def _value(text: str, column: str, lines: Lines) -> float | None:
    if text == "NaN":
        return None
    try:
        kind = _KINDS.get(column, "bytes")
        if kind == "bytes":
            return size_bytes(text, 1)
        return percent(text) if kind == "percent" else count(text)
    except ValueError:
        what = "a number" if number(text) is None else "a size of zero or more"
        raise lines.error(f"{column}={text[:60]!r}; expected {what}") from None


def _runs(
    found: Mapping[Labels, int], spool: Spool, lines: Lines, options: ReadOptions
) -> tuple[RecordedRun, ...]:
    runs = []
    for labels, place in found.items():
        if not spool.has_value(place, "rss_bytes"):
            continue
        runs.append(
            RecordedRun(
                spool=spool,
                number=place,
                label=_label(labels, lines, options),
                source=dict(labels).get(_SOURCE),
                falls=True,
            )
        )
    if not runs:
        raise lines.error(
            "no sample of process_resident_memory_bytes or memmon_rss_bytes;"
            " expected one (another name: --column rss_bytes=METRIC)"
        )
    _refuse_side_by_side(runs, list(found), lines, options)
    rss_place = spool.names.index("rss_bytes")
    sizes = SizesSeen(spool)
    for run in runs:
        for _, _, values in run.rows():
            sizes.see(values[rss_place])
    unit = likely_unit_of(sizes.found()) if options.unit is None else None
    if unit is not None:
        raise lines.error(f"the sizes can't be those of a process: are they in {unit}? expected bytes")
    return tuple(runs)


def _label(labels: Labels, lines: Lines, options: ReadOptions) -> str:
    named = dict(labels)
    if options.split is not None:
        if options.split not in named:
            raise lines.error(
                f"--split names {options.split!r}, which is no label; expected one of {', '.join(named)}"
            )
        return named[options.split]
    return named.get(_RUN) or ",".join(f"{name}={value}" for name, value in labels if name != _SOURCE)


def _refuse_side_by_side(
    runs: list[RecordedRun], labels: list[Labels], lines: Lines, options: ReadOptions
) -> None:
    if len({(run.source, run.label) for run in runs}) < len(runs):
        raise lines.error(f"--split {options.split} does not tell all series apart; expected another label")
    if options.split is not None or all(_RUN in dict(one) for one in labels):
        return
    spans = sorted((run.extent.first_seconds, run.extent.last_seconds) for run in runs)
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        differing = sorted({name for one in labels for name, value in one if (name, value) not in labels[0]})
        raise lines.error(
            f"{len(runs)} processes side by side; say --split LABEL"
            f" ({', '.join(differing)}) to make each a run of its own"
        )
